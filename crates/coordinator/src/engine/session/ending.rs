//! How a session ends: with signatures, which may come after it was given up, or without.

use std::sync::Arc;

use motet_core_crypto::Signature;
use motet_wire::{AttemptId, MonotonicMs};

use super::Session;
use super::state::{Aborted, Completion, Outcome, Over, Signed, Source, State};
use crate::event::AbortCause;

impl Session {
    /// Takes signatures that have been verified. False if it has them already.
    pub(crate) fn complete(
        &mut self,
        attempt: AttemptId,
        signatures: Vec<Signature>,
        source: Source,
        now: MonotonicMs,
    ) -> bool {
        let announced = source == Source::Told;
        // Everybody's own partial signatures make the same; only who has missed one waits for this node's word.
        let signed = |completion| {
            Outcome::Signed(Signed { signatures, attempt, unsaid: Some(completion), announced, failover_at: None })
        };
        match &mut self.state {
            State::Active(_) => self.state = State::Over(Over::new(now, signed(Completion::InTime))),
            State::Over(Over { outcome: Outcome::Signed(signed), .. }) => {
                signed.announced |= announced;
                return false;
            }
            State::Over(over) => {
                over.at = now;
                over.outcome = signed(Completion::Late);
            }
        }
        true
    }

    /// Ends it without signatures, unless there are some. `notice` is what others are told.
    pub(crate) fn abort(&mut self, cause: AbortCause, notice: Option<Arc<[u8]>>, now: MonotonicMs) {
        let culprit = if let AbortCause::Convicted { culprit, .. } = &cause { Some(culprit) } else { None };
        let exposed = self.exposed_to(culprit);
        let cause = Some(cause);
        match &mut self.state {
            State::Active(active) => {
                let mut may_complete = core::mem::take(&mut active.may_complete);
                may_complete.extend(exposed);
                let outcome = Outcome::Aborted(Aborted { cause, may_complete, sync: active.sync });
                self.state = State::Over(Over { notice, ..Over::new(now, outcome) });
            }
            State::Over(Over { at, outcome: Outcome::Aborted(aborted), .. }) => {
                *at = now;
                aborted.cause = cause;
                aborted.may_complete.extend(exposed);
            }
            State::Over(Over { outcome: Outcome::Signed(_), .. }) => {}
        }
    }
}
