//! Questions to the policy that it has not decided yet, and transactions that are checked before it is asked.
//!
//! A decision is worth something as long as its request waits for it. When the request has ended, or its signer has
//! answered by a command, the decision is taken back: the policy is told why, and the future that decides is dropped.
//!
//! A check may run beside the driver. Until it is done, a command of the program that would join the session waits, so that nothing is
//! joined that was not checked.

use std::collections::BTreeMap;

use motet_coordinator::event::{AbortCause, Event};
use motet_coordinator::{Command, CommandError, Input, Reply};
use motet_core_crypto::PublicKey;
use motet_wire::RequestId;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::policy::Policy;

/// The decisions that are waited for. There are as many as signers of this node are asked in sessions that have not
/// ended; sessions are bounded, and each takes its decisions along.
#[derive(Default)]
pub(crate) struct Decisions(BTreeMap<(RequestId, PublicKey), Waiting>);

enum Waiting {
    /// Waiting for the check of the transaction.
    Check(Check),
    /// Waiting for the policy.
    Decision(Deciding),
}

/// A check that runs.
#[derive(Default)]
pub(crate) struct Check {
    /// True if nobody waits for its result any more.
    pub(crate) is_over: bool,
    /// Commands that wait for it.
    pub(crate) held: Vec<HeldCommand>,
}

/// A command that waits for a check, and whom to answer.
pub(crate) struct HeldCommand {
    pub(crate) command: Box<Command>,
    pub(crate) caller: oneshot::Sender<Result<Reply, CommandError>>,
}

/// A future that decides. It ends when this is dropped.
struct Deciding(AbortHandle);

impl Drop for Deciding {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Decisions {
    /// Waits for a check. Where the same is checked already, the first result counts for both.
    pub(crate) fn wait_for_check(&mut self, request: RequestId, signer: PublicKey) {
        match self.0.get_mut(&(request, signer)) {
            Some(Waiting::Check(check)) => check.is_over = false,
            _ => drop(self.0.insert((request, signer), Waiting::Check(Check::default()))),
        }
    }

    /// Keeps a command that joins a session whose transaction is being checked; any other comes back.
    pub(crate) fn hold(&mut self, held: HeldCommand) -> Option<HeldCommand> {
        let Command::Join { request, signer } = *held.command else { return Some(held) };
        match self.0.get_mut(&(request, signer)) {
            Some(Waiting::Check(check)) if !check.is_over => {
                check.held.push(held);
                None
            }
            _ => Some(held),
        }
    }

    /// Ends the wait for a check, whose result is there. None if its result was there before.
    pub(crate) fn checked(&mut self, request: RequestId, signer: PublicKey) -> Option<Check> {
        match self.0.remove(&(request, signer))? {
            Waiting::Check(check) => Some(check),
            decision @ Waiting::Decision(_) => {
                self.0.insert((request, signer), decision);
                None
            }
        }
    }

    /// Waits for a decision, until the request or its signer needs it no more.
    pub(crate) fn wait_for(&mut self, request: RequestId, signer: PublicKey, task: AbortHandle) {
        self.0.insert((request, signer), Waiting::Decision(Deciding(task)));
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
        match self.0.remove(&(request, signer)) {
            // The policy has not heard of it.
            Some(Waiting::Check(check)) => {
                self.0.insert((request, signer), Waiting::Check(Check { is_over: true, ..check }));
            }
            Some(Waiting::Decision(deciding)) => {
                policy.over(&request, &signer, cause);
                drop(deciding);
            }
            None => {}
        }
    }
}
