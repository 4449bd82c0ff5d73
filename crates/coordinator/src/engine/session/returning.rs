//! Restarts: a session is taken up as the earlier process has left it (`docs/protocol.md` §7.1).
//!
//! Its nonces died with it, so an attempt for which they were issued is dead for this node, unless the partial signature
//! was stored: then its bytes are sent again, and never computed again. A new process has a new message key, which a new
//! join makes known to the others; they go on with the next attempt as soon as the first commitment for it comes.

use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PublicKey};
use motet_wire::{Attempt, Channel, Commitments, Delegation, Have};

use super::{Answer, AttemptState, Nonces, Session, State};
use crate::engine::input::Effect;
use crate::engine::lent::{Consequence, Lent};
use crate::event::{AbortCause, Event};
use crate::proposal::ProposalDigest;

impl Session {
    /// Joins a request that an earlier process had approved, where that process stopped.
    pub(crate) fn resume(&mut self, signer: &PublicKey, digest: ProposalDigest, lent: &mut Lent<'_, '_>) {
        let Some(last) = lent.ledger.last_issued(&self.id, signer) else {
            // Nothing has left this node: it joins as if it had just been asked.
            return self.approve(signer, digest, lent);
        };
        let spent = lent.ledger.spent_in(&self.id, last, signer).is_some();
        let exposed = self.has_signed_before(last, lent.ledger);
        let others = self.others();
        if let State::Active(active) = &mut self.state {
            active.sync.at = lent.step.now.mono;
            if exposed {
                active.may_complete.extend(others);
            }
        }
        let signers = self.signers();
        let Some((index, local)) = self.locals.iter_mut().find(|(_, local)| local.signer == *signer) else { return };
        let index = *index;
        local.answer = Answer::Approved(digest);
        local.nonces = if spent { Nonces::Used } else { Nonces::Lost };
        if last > self.attempt.number {
            self.attempt = AttemptState::new(&self.id, last, signers);
        }
        if spent {
            self.attempt.signed.insert(index);
        }
        let on = self.request.options.commitments == Commitments::On;
        self.allow_attempts(last.0.saturating_add(2));
        // The commitment of a dead attempt: nothing opens it, and nobody waits for that.
        let dead = on.then(|| NonceCommitment::from_bytes(&lent.step.aux()));
        self.join(index, dead, lent);
    }

    /// Lets a session have so many attempts, if it may not have more already.
    fn allow_attempts(&mut self, attempts: u32) {
        self.attempts = self.attempts.max(attempts);
    }

    /// A signer has come back with a new message key: it is told where the session is, or how it ended.
    pub(crate) fn on_returned(&mut self, delegation: &Delegation, lent: &mut Lent<'_, '_>) {
        let mine = lent.identities.message_key_of(&delegation.signer);
        if mine.is_some_and(|key| key != delegation.message_key) {
            // Not this process: a copy of it, or its successor. Two of them must not go on.
            let cause = AbortCause::Superseded { signer: delegation.signer };
            let detail = "another process speaks for this signer; only one may".to_owned();
            lent.step.emit(Event::SessionError { request: self.id, detail });
            if lent.identities.meets_rival(delegation, None, lent.step) {
                lent.consequences.push(Consequence::Rival(delegation.signer));
            }
            return self.finish(None, cause, lent);
        }
        let attempts = self.attempts.saturating_add(1);
        let attempt = self.attempt.number;
        let frames = self.missing_from(Attempt::FIRST, &Have::default());
        tracing::debug!(request = %self.id, signer = %delegation.signer, %attempt, "a signer has come back");
        self.allow_attempts(attempts);
        if mine.is_none() {
            self.hand_on(frames, Some(delegation.peer), lent);
        }
        self.advance(lent);
    }

    /// Sends again what an earlier process has signed in the current attempt.
    pub(crate) fn send_spent(&mut self, lent: &mut Lent<'_, '_>) {
        let attempt = self.attempt.number;
        let frames: Vec<Arc<[u8]>> = self
            .locals
            .values()
            .filter_map(|local| lent.ledger.spent_in(&self.id, attempt, &local.signer))
            .map(Arc::clone)
            .collect();
        for frame in &frames {
            self.send(frame, lent);
        }
        if !frames.is_empty() {
            // An earlier process has sealed them: here, they are as new as to the others.
            lent.step.effect(Effect::Validate { from: lent.step.here, channel: Channel::Store, frames });
        }
    }
}
