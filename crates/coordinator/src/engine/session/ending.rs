//! Ends of a session: with signatures, which may come after it was given up, or without.

use std::sync::Arc;

use motet_core_crypto::Signature;
use motet_wire::{AbortCode, AttemptId, MonotonicMs};

use super::Session;
use super::state::{Aborted, Completion, Departed, EndStored, Outcome, Over, Signed, Source, State};
use crate::engine::lent::{Consequence, Lent};
use crate::event::{self, AbortCause, Event};
use crate::record::Record;

impl Session {
    /// Takes signatures that have been verified. False if it has them already.
    fn complete(&mut self, attempt: AttemptId, signatures: Vec<Signature>, source: Source, now: MonotonicMs) -> bool {
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
    fn abort(&mut self, cause: AbortCause, notice: Option<Arc<[u8]>>, now: MonotonicMs) {
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

    /// Signatures that have been verified, and the session that they are of, which may be one that this node had given up.
    pub(crate) fn take_signatures(
        &mut self,
        session_id: AttemptId,
        signatures: Vec<Signature>,
        source: Source,
        lent: &mut Lent<'_, '_>,
    ) {
        if !self.complete(session_id, signatures, source, lent.step.now.mono) {
            return;
        }
        self.forget_nonces(lent.step);
        self.expect_coordinator(lent.step.config.failover_after, lent.step.now.mono);
        let Some(completed) = self.completed() else { return };
        lent.consequences.push(Consequence::Completed(completed.clone()));
        lent.step.emit(Event::SessionComplete(completed));
    }

    /// Ends a session without signatures. `notice` is the signed message that says so, if there is one.
    pub(crate) fn finish(&mut self, notice: Option<Arc<[u8]>>, cause: AbortCause, lent: &mut Lent<'_, '_>) {
        if self.active().is_none() {
            return;
        }
        self.abort(cause.clone(), notice, lent.step.now.mono);
        self.forget_nonces(lent.step);
        let (may_complete, is_open_ended) = (self.completers(), self.is_open_ended());
        // The wait for a completion counts anew how often the others were asked.
        let was_asked = self.has_asked();
        lent.consequences.push(Consequence::Aborted { cause: cause.clone(), was_asked, is_open_ended });
        if is_open_ended {
            self.wait_for_completion(lent);
        }
        self.prepare_farewell(&cause, lent);
        lent.step.emit(Event::SessionAborted(event::Aborted { request: self.id, cause, may_complete }));
    }

    /// Ends a session because this node failed.
    pub(crate) fn fail(&mut self, cause: AbortCause, lent: &mut Lent<'_, '_>) {
        if let AbortCause::Internal(detail) = &cause {
            lent.step.emit(Event::SessionError { request: self.id, detail: detail.clone() });
        }
        self.finish(None, cause, lent);
    }

    /// True if one of these records is that of its end as it is now.
    fn ends_with(&self, records: &[&Record]) -> bool {
        // An end without signatures that was given up on the way tells nothing any more.
        let signed = self.signed().is_some();
        let is_end = |record: &Record| {
            matches!(record, Record::Ended { result, .. } if result.is_some() == signed)
                || (!signed && matches!(record, Record::GivenUp { .. }))
        };
        records.iter().any(|record| is_end(record))
    }

    /// Ends a session of which these records cannot be stored. That it has ended cannot be stored either, until it is closed;
    /// if it was the end that could not be, the user has not been told of it.
    pub(crate) fn end_unstored(&mut self, refused: &[&Record], detail: String, lent: &mut Lent<'_, '_>) {
        let cause = AbortCause::Internal(detail.clone());
        let untold = self.ends_with(refused);
        match &mut self.state {
            State::Over(over) if !untold => {
                over.stored = EndStored::Refused;
                return;
            }
            State::Active(_) | State::Over(_) => self.abort(cause.clone(), None, lent.step.now.mono),
        }
        if let State::Over(over) = &mut self.state {
            over.stored = EndStored::Refused;
        }
        if let Some(completed) = self.completed() {
            // The signatures are no less valid.
            return lent.step.emit(Event::SessionComplete(completed));
        }
        self.forget_nonces(lent.step);
        let may_complete = self.completers();
        lent.step.emit(Event::SessionError { request: self.id, detail });
        lent.step.emit(Event::SessionAborted(event::Aborted { request: self.id, cause, may_complete }));
    }

    /// Ends a session that has waited in vain.
    pub(crate) fn give_up(&mut self, lent: &mut Lent<'_, '_>) {
        let awaiting = self.awaiting();
        let departed = self.active_mut().and_then(|active| active.departed.take());
        // One that has left is named if it is what the session waits for.
        if let Some(Departed { index: by, detail, frame }) = departed
            && (awaiting.is_empty() || awaiting.contains(&by))
            && let Some(signer) = self.key(by).copied()
        {
            return self.finish(Some(frame), AbortCause::Refused { by, signer, detail }, lent);
        }
        let signers = self.keys_of(&awaiting);
        self.finish(None, AbortCause::Unresponsive { awaiting, signers }, lent);
    }

    /// Prepares the message for a signer that comes too late: it learns that nobody waits any more, and does not take that for
    /// silence. The others, which wait for the same signer, are told nothing: a partial signature of this node may be all that they need.
    fn prepare_farewell(&mut self, cause: &AbortCause, lent: &mut Lent<'_, '_>) {
        let AbortCause::Unresponsive { signers, .. } = cause else { return };
        if !self.attempt.signed.is_empty() {
            return;
        }
        let names: Vec<String> = signers.iter().map(ToString::to_string).collect();
        let detail = format!("waited in vain for {}", names.join(", "));
        let frame = self.seal_abort(AbortCode::TimedOut, detail, None, lent);
        if let State::Over(over) = &mut self.state {
            over.timeout_notice = frame;
        }
    }
}
