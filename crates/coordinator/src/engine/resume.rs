//! What a restart does with what the earlier process left (`docs/protocol.md` §7.1).
//!
//! Its nonces died with it, so an attempt for which they were issued is dead for this node, unless the partial signature
//! was stored: then its bytes are sent again, and never computed again. A new process has a new message key, which a new
//! join makes known to the others; they go on with the next attempt as soon as the first commitment for it comes.

use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PublicKey};
use motet_wire::{Attempt, Channel, Commitments, Delegation, Have, RequestId};

use super::Engine;
use super::ctx::Ctx;
use super::input::Effect;
use super::session::{Answer, AttemptState, Local, Nonces, State};
use crate::event::{AbortCause, Completed, Event};
use crate::proposal::ProposalDigest;
use crate::record::Record;

impl Engine {
    /// Gives up what nobody has taken up.
    pub(super) fn abandon_left(&mut self, ctx: &mut Ctx<'_>) {
        for request in self.restored.take_lapsed(ctx.now.mono) {
            self.remember_end(&request, ctx);
        }
    }

    /// Stores that a person has been asked, so that a restart asks again.
    pub(super) fn on_person_asked(&self, request: &RequestId, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(request).filter(|session| session.active().is_some()) else { return };
        let waits = |local: &Local| local.signer == *signer && local.answer == Answer::Asked;
        if session.locals.values().any(waits) {
            let frame = Arc::clone(&session.frame);
            ctx.persist(Record::Asked { request: *request, signer: *signer, frame });
        }
    }

    /// Stores that a request has ended without signatures.
    pub(super) fn remember_end(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        self.store_end(id, None, ctx);
    }

    /// Stores that a request has ended, and its signatures in the same record: a crash finds both or neither.
    pub(super) fn store_end(&mut self, id: &RequestId, result: Option<Completed>, ctx: &mut Ctx<'_>) {
        if let Some(completed) = &result {
            self.results.insert(completed.clone());
        }
        self.asking.remove(id);
        self.ledger.end(id, result, ctx);
    }

    /// Joins a request that an earlier process had approved, where that process stopped.
    pub(super) fn resume(&mut self, id: &RequestId, signer: &PublicKey, digest: ProposalDigest, ctx: &mut Ctx<'_>) {
        let Some(last) = self.ledger.last_issued(id, signer) else {
            // Nothing has left this node: it joins as if it had just been asked.
            return self.approve(id, signer, digest, ctx);
        };
        let spent = self.ledger.spent_in(id, last, signer).is_some();
        let exposed = self.has_signed_before(id, last);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let others = session.others();
        if let State::Active(active) = &mut session.state {
            active.sync.at = ctx.now.mono;
            if exposed {
                active.may_complete.extend(others);
            }
        }
        let signers = session.signers();
        let Some((index, local)) = session.locals.iter_mut().find(|(_, local)| local.signer == *signer) else { return };
        let index = *index;
        local.answer = Answer::Approved(digest);
        local.nonces = if spent { Nonces::Used } else { Nonces::Lost };
        if last > session.attempt.number {
            session.attempt = AttemptState::new(id, last, signers);
        }
        if spent {
            session.attempt.signed.insert(index);
        }
        let on = session.request.options.commitments == Commitments::On;
        self.allow_attempts(id, last.0.saturating_add(2));
        // The commitment of a dead attempt: nothing opens it, and nobody waits for that.
        let dead = on.then(|| NonceCommitment::from_bytes(&ctx.aux()));
        self.join(id, index, dead, ctx);
    }

    /// Lets a session have so many attempts, if it may not have more already.
    pub(super) fn allow_attempts(&mut self, id: &RequestId, attempts: u32) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let before = session.attempts;
        session.attempts = before.max(attempts);
        for attempt in before..attempts {
            self.sessions.know_attempt(id, Attempt(attempt));
        }
    }

    /// A signer has come back with a new message key: it is told where the session is, or how it ended.
    pub(super) fn on_returned(&mut self, id: &RequestId, delegation: &Delegation, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let mine = self.identities.get(&delegation.signer).map(|identity| identity.message_key.public_key());
        if mine.is_some_and(|key| key != delegation.message_key) {
            // Not this process: a copy of it, or its successor. Two of them must not go on.
            let cause = AbortCause::Superseded { signer: delegation.signer };
            let detail = "another process speaks for this signer; only one may".to_owned();
            ctx.emit(Event::SessionError { request: *id, detail });
            self.look_for_rival(delegation, None, ctx);
            return self.finish(id, None, cause, ctx);
        }
        let attempts = session.attempts.saturating_add(1);
        let attempt = session.attempt.number;
        let frames = session.missing_from(Attempt::FIRST, &Have::default());
        tracing::debug!(request = %id, signer = %delegation.signer, %attempt, "a signer has come back");
        self.allow_attempts(id, attempts);
        if mine.is_none() {
            self.hand_on(id, frames, Some(delegation.peer), ctx);
        }
        self.advance(id, ctx);
    }

    /// Sends again what an earlier process has signed in the current attempt.
    pub(super) fn send_spent(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let attempt = session.attempt.number;
        let frames: Vec<Arc<[u8]>> = session
            .locals
            .values()
            .filter_map(|local| self.ledger.spent_in(id, attempt, &local.signer))
            .map(Arc::clone)
            .collect();
        for frame in &frames {
            self.send_to_session(id, frame, ctx);
        }
        if !frames.is_empty() {
            // An earlier process has sealed them: here, they are as new as to the others.
            ctx.effect(Effect::Validate { from: self.peer, channel: Channel::Store, frames });
        }
    }
}
