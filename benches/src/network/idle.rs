//! The background cost of the DHT: whole nodes that know each other and have nothing to do.

use std::time::{Duration, Instant};

use motet_net::DhtMode;

use super::member::{Channels, Member};
use super::process::Process;
use crate::session::group::Failure;

/// The begin of the lines of the metrics that count connections which were opened.
const OPENED: &str = "libp2p_swarm_connections_established_total";

/// The cost of nodes at rest.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// Processor time of all nodes together, as a share of one core.
    pub core: f64,
    /// Connections that a node opens or accepts in a minute.
    pub opened_a_minute: f64,
    /// Connected peers of a node.
    pub peers: f64,
    /// Peers in the DHT's table of a node.
    pub routed: f64,
    /// Memory of the process with all nodes in it, in bytes.
    pub resident: u64,
}

/// Starts so many servers of the DHT in this process, leaves them alone for `rest`, and watches them for `window`.
///
/// # Errors
///
/// Errors of the network.
pub async fn idle(count: usize, rest: Duration, window: Duration) -> Result<Idle, Failure> {
    let channels = Channels { dht: DhtMode::Server, ..Channels::NONE };
    let members = Member::connected_ones(count, channels).await?;
    tokio::time::sleep(rest).await;
    let opened = opened(&members).await?;
    let (begin, time) = (Instant::now(), Process::this().time()?);
    tokio::time::sleep(window).await;
    let (took, worked) = (begin.elapsed().as_secs_f64(), Process::this().time()?.saturating_sub(time));
    let opened = self::opened(&members).await?.saturating_sub(opened);
    let (mut peers, mut routed) = (0, 0);
    for member in &members {
        peers += member.node.stats().await?.peers;
        routed += member.node.dht_stats().await?.peers;
    }
    let resident = Process::this().resident()?;
    for member in members {
        member.node.stop().await;
    }
    let each = |number: f64| number / count.max(1) as f64;
    Ok(Idle {
        core: worked.as_secs_f64() / took,
        opened_a_minute: each(opened as f64) * 60.0 / took,
        peers: each(peers as f64),
        routed: each(routed as f64),
        resident,
    })
}

async fn opened(members: &[Member]) -> Result<u64, Failure> {
    let mut opened = 0;
    for member in members {
        opened += member.metric(OPENED).await?;
    }
    Ok(opened)
}
