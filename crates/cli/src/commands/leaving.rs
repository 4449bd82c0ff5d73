//! The way out of a signer: it withdraws, declines what is open, and ends what is at its last step.

use core::pin::Pin;
use core::time::Duration;
use std::collections::BTreeSet;

use motet_node::event::{Event, Phase};
use motet_wire::RequestId;
use tokio::time::Sleep;

use crate::peer_node::PeerNode;

/// Time limit of a withdrawal, after which the node ends anyway.
const FAREWELL: Duration = Duration::from_secs(1);
/// Time limit of sessions whose last step has begun: the partial signatures of others are on their way.
const LAST_STEP: Duration = Duration::from_secs(5);

/// A signer that leaves.
pub(super) struct Leaving {
    patience: Pin<Box<Sleep>>,
    /// True until the other nodes know that it leaves.
    withdraws: bool,
    /// The requests for which this signer has signed, and others have not yet.
    last_steps: BTreeSet<RequestId>,
}

impl Leaving {
    /// Tells the other nodes that this signer leaves.
    pub(super) async fn begin(node: &PeerNode) -> Self {
        let sessions = node.handle.sessions().await.unwrap_or_default();
        let mut last_steps = BTreeSet::new();
        for session in sessions {
            match session.phase {
                // The other signers need not wait for one that leaves.
                Phase::Joining if session.awaiting.contains(&node.signer) => {
                    // It may have ended meanwhile.
                    let declined =
                        node.handle.decline_signing_request(session.request, node.signer, "stopped".to_owned());
                    drop(declined.await);
                }
                Phase::Partials => {
                    last_steps.insert(session.request);
                }
                Phase::Joining | Phase::Commitments | Phase::Nonces | Phase::Complete | Phase::Aborted => {}
            }
        }
        // One that is not advertised has nothing to withdraw.
        let withdraws = node.handle.withdraw_advertisement(node.signer, "stopped".to_owned()).await.is_ok();
        let patience = if last_steps.is_empty() { FAREWELL } else { LAST_STEP };
        Self { patience: Box::pin(tokio::time::sleep(patience)), withdraws, last_steps }
    }

    /// Takes note of an event.
    pub(super) fn heed(&mut self, event: &Event) {
        if matches!(event, Event::SignerWithdrawn(_)) {
            self.withdraws = false;
        }
        if let (Event::SessionComplete(_) | Event::SessionAborted(_), Some(request)) = (event, event.request()) {
            self.last_steps.remove(request);
        }
    }

    /// True if nothing is left to wait for.
    pub(super) fn is_over(&self) -> bool {
        !self.withdraws && self.last_steps.is_empty()
    }

    /// Waits until its time is up; for ever for a signer that stays.
    pub(super) async fn too_long(leaving: Option<&mut Self>) {
        match leaving {
            Some(leaving) => leaving.patience.as_mut().await,
            None => core::future::pending().await,
        }
    }
}
