//! Questions to the policy that it has not decided yet.
//!
//! A decision is worth something as long as its request waits for it. When the request has ended, or its signer has
//! answered by a command, the decision is taken back: the policy is told why, and the future that decides is dropped.

use std::collections::BTreeMap;

use motet_coordinator::Input;
use motet_coordinator::event::{AbortCause, Event};
use motet_core_crypto::PublicKey;
use motet_wire::RequestId;
use tokio::task::AbortHandle;

use crate::policy::Policy;

/// The decisions that are waited for. There are as many as signers of this node are asked in sessions that have not
/// ended; sessions are bounded, and each takes its decisions along.
#[derive(Default)]
pub(crate) struct Decisions(BTreeMap<(RequestId, PublicKey), Deciding>);

/// A future that decides. It ends when this is dropped.
struct Deciding(AbortHandle);

impl Drop for Deciding {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Decisions {
    /// Waits for a decision, until the request or its signer needs it no more.
    pub(crate) fn wait_for(&mut self, request: RequestId, signer: PublicKey, task: AbortHandle) {
        self.0.insert((request, signer), Deciding(task));
    }

    /// Forgets a decision that has been made.
    pub(crate) fn made(&mut self, input: &Input) {
        if let Input::PolicyDecided { request, signer, .. } = input {
            self.0.remove(&(*request, *signer));
        }
    }

    /// Takes back what nobody waits for any more after this event.
    pub(crate) fn follow(&mut self, event: &Event, policy: &dyn Policy) {
        match event {
            Event::SigningRequestJoined(answered) | Event::ParticipantDeclined { participation: answered, .. } => {
                self.take_back(answered.request, answered.signer, None, policy);
            }
            Event::SessionAborted(aborted) => self.take_back_all(&aborted.request, Some(&aborted.cause), policy),
            Event::SessionClosed { request } => self.take_back_all(request, None, policy),
            _ => {}
        }
    }

    fn take_back_all(&mut self, request: &RequestId, cause: Option<&AbortCause>, policy: &dyn Policy) {
        let signers: Vec<PublicKey> =
            self.0.keys().filter(|(asked, _)| asked == request).map(|(_, signer)| *signer).collect();
        for signer in signers {
            self.take_back(*request, signer, cause, policy);
        }
    }

    fn take_back(&mut self, request: RequestId, signer: PublicKey, cause: Option<&AbortCause>, policy: &dyn Policy) {
        if let Some(deciding) = self.0.remove(&(request, signer)) {
            policy.over(&request, &signer, cause);
            drop(deciding);
        }
    }
}
