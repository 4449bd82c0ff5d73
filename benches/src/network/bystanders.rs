//! Frames that nodes hear of sessions in which they have no part.

use std::time::Duration;

use motet_net::{DhtMode, Switch};
use motet_node::{CatchUp, SignerQuery};
use motet_wire::Commitments;

use super::member::{Channels, Member};
use super::process::Process;
use crate::session::group::{Failure, GUARD};
use crate::session::request;

/// Signers of each session.
pub const SIGNERS: usize = 3;

/// The frames that bystanders heard.
#[derive(Debug, Clone, Copy)]
pub struct Overheard {
    /// Nodes without a part in any session.
    pub bystanders: usize,
    /// Sessions that were signed.
    pub sessions: usize,
    /// Frames at all bystanders together, accepted and refused.
    pub frames: u64,
}

/// Lets three nodes among others sign together, and counts the frames at the others. The signers have found each other before.
///
/// # Errors
///
/// When a session fails.
pub async fn overheard(count: usize, sessions: usize) -> Result<Overheard, Failure> {
    let channels = Channels { gossip: Switch::On, catch_up: CatchUp::On, dht: DhtMode::Client };
    let members = Member::connected_ones(count, channels).await?;
    let (signers, bystanders) = members.split_at_checked(SIGNERS).ok_or("too few nodes")?;
    for member in signers {
        member.node.subscribe_to_all_signers()?.keep();
    }
    for member in signers {
        member.offer().await?;
    }
    let meeting = async {
        for member in signers {
            while member.node.find_known_signers(SignerQuery::default()).await?.len() < SIGNERS {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(GUARD, meeting).await.map_err(|_| "the signers do not find each other")??;
    Process::this().quiet().await?;
    let before = frames(bystanders).await?;
    let creator = signers.first().ok_or("no signer")?;
    for number in 0..sessions {
        let keys = signers.iter().map(|member| member.signer).collect();
        let spec = request(keys, creator.signer, Commitments::On, u64::try_from(number)?);
        let (request, _) = creator.node.announce_signing_request(spec).await?;
        let signing = async {
            while creator.node.final_signatures(request).await?.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Failure>(())
        };
        tokio::time::timeout(GUARD, signing).await.map_err(|_| "a session is not signed")??;
    }
    Process::this().quiet().await?;
    let heard = Overheard { bystanders: bystanders.len(), sessions, frames: frames(bystanders).await? - before };
    for member in members {
        member.node.stop().await;
    }
    Ok(heard)
}

/// The frames that all of these nodes have heard so far.
async fn frames(members: &[Member]) -> Result<u64, Failure> {
    let mut frames = 0;
    for member in members {
        frames += member.metric("motet_accepted_total").await? + member.metric("motet_rejected_total").await?;
    }
    Ok(frames)
}
