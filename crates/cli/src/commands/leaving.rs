//! The way out of the signers of a node: they withdraw, decline what is open, and end what is at its last step.

use core::pin::Pin;
use core::time::Duration;
use std::collections::BTreeSet;

use motet_core_crypto::PublicKey;
use motet_node::event::{Event, Phase};
use motet_wire::RequestId;
use tokio::time::Sleep;

use crate::peer_node::PeerNode;

/// The reason of refusals and withdrawals.
const STOPPED: &str = "stopped";
/// Time limit of a withdrawal, after which the node ends anyway.
const FAREWELL: Duration = Duration::from_secs(1);
/// Time limit of sessions whose last step has begun: the partial signatures of others are on their way.
const LAST_STEP: Duration = Duration::from_secs(5);

/// The signers of a node that leaves.
pub(super) struct Leaving {
    patience: Pin<Box<Sleep>>,
    /// The signers whose withdrawal is not out yet.
    withdraw: BTreeSet<PublicKey>,
    /// The requests for which a signer of this node has signed, and others have not yet.
    last_steps: BTreeSet<RequestId>,
}

impl Leaving {
    /// Tells the other nodes that these signers leave.
    pub(super) async fn begin(node: &PeerNode, signers: &[PublicKey]) -> Self {
        let sessions = node.handle.sessions().await.unwrap_or_default();
        let mut last_steps = BTreeSet::new();
        for session in sessions {
            match session.phase {
                // The other signers need not wait for one that leaves.
                Phase::Joining => {
                    for signer in signers.iter().filter(|signer| session.awaiting.contains(signer)) {
                        let declined =
                            node.handle.decline_signing_request(session.request, *signer, STOPPED.to_owned());
                        // It may have ended meanwhile.
                        drop(declined.await);
                    }
                }
                Phase::Partials => {
                    last_steps.insert(session.request);
                }
                Phase::Commitments | Phase::Nonces | Phase::Complete | Phase::Aborted => {}
            }
        }
        let mut withdraw = BTreeSet::new();
        for signer in signers {
            // One that is not advertised has nothing to withdraw.
            if node.handle.withdraw_advertisement(*signer, STOPPED.to_owned()).await.is_ok() {
                withdraw.insert(*signer);
            }
        }
        let patience = if last_steps.is_empty() { FAREWELL } else { LAST_STEP };
        Self { patience: Box::pin(tokio::time::sleep(patience)), withdraw, last_steps }
    }

    /// Takes note of an event.
    pub(super) fn heed(&mut self, event: &Event) {
        if let Event::SignerWithdrawn(withdrawal) = event {
            self.withdraw.remove(&withdrawal.signer);
        }
        if let (Event::SessionComplete(_) | Event::SessionAborted(_), Some(request)) = (event, event.request()) {
            self.last_steps.remove(request);
        }
    }

    /// True if nothing is left to wait for.
    pub(super) fn is_over(&self) -> bool {
        self.withdraw.is_empty() && self.last_steps.is_empty()
    }

    /// Waits until its time is up; for ever for signers that stay.
    pub(super) async fn too_long(leaving: Option<&mut Self>) {
        match leaving {
            Some(leaving) => leaving.patience.as_mut().await,
            None => core::future::pending().await,
        }
    }
}
