//! The status of a session, made when somebody asks for it (`docs/protocol.md` §12).

use motet_wire::{Attempt, AttemptId, Now};

use super::Engine;
use super::session::{Over, Session, State};
use crate::event::Phase;
use crate::status::{RequestedItem, Retry, SessionStatus};

impl Engine {
    pub(super) fn status(&self, session: &Session, now: Now) -> SessionStatus {
        let (attempt, id) = session.signed_attempt().unwrap_or((session.attempt.number, session.attempt.id));
        let items = session
            .items
            .iter()
            .map(|item| RequestedItem { aggregate_key: item.context.aggregate_key(), message: item.message.clone() });
        let (moved_at, active) = match &session.state {
            State::Active(active) => (active.moved_at, Some(active)),
            State::Over(over) => (over.at, None),
        };
        SessionStatus {
            request: session.id,
            creator: session.request.creator.signer,
            phase: session.phase(),
            attempt,
            max_attempts: session.attempts,
            session: id,
            signers: session.request.keys.clone(),
            awaiting: session.keys_of(&session.awaiting()),
            election: session.request.options.election,
            coordinator: session.coordinator(),
            items: items.collect(),
            signatures: session.signed().map(|signed| signed.signatures.clone()),
            phase_ends_in: active.map(|active| active.deadline.since(now.mono)),
            ends_in: active.map(|active| active.ends.since(now.mono)),
            idle_for: now.mono.since(moved_at),
            cause: session.over().and_then(Over::cause).cloned(),
            retry: self.next_try(session, now),
            retry_of: session.retry_of,
            may_complete: session.completers(),
        }
    }

    /// Effect of [`Command::Retry`](super::Command::Retry), if it is more than to end the session or to be refused.
    fn next_try(&self, session: &Session, now: Now) -> Option<Retry> {
        match session.phase() {
            Phase::Commitments | Phase::Nonces | Phase::Partials => session.following_attempt().map(|_| Retry::Attempt),
            Phase::Aborted => self.can_ask_again(session, now).then_some(Retry::Request),
            Phase::Joining | Phase::Complete => None,
        }
    }
}

impl Session {
    /// The attempt that the signatures are of, if there are any.
    fn signed_attempt(&self) -> Option<(Attempt, AttemptId)> {
        let signed_in = self.signed()?.attempt;
        let attempts = (0..=self.attempt.number.0).map(Attempt);
        attempts.map(|attempt| (attempt, AttemptId::derive(&self.id, attempt))).find(|(_, id)| *id == signed_in)
    }
}
