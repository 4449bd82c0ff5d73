//! The part of this node's signers in the rounds (`docs/protocol.md` §7): commitments, nonces and partial signatures, each as soon
//! as what comes before it is complete.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PartialSignature, PublicKey, PublicNonce, tagged_hash};
use motet_wire::{Attempt, Commitments, NonceCommit, NonceShare, Now, PartialSigShare, SignerIndex};

use super::{Answer, Collecting, Local, Nonces, Session, SigningRound};
use crate::engine::lent::Lent;
use crate::event::{AbortCause, Phase};
use crate::record::Record;
use crate::signer::{NonceId, SignerError, SignerTask};

/// True if the wall clock and the monotonic one have come apart since, by more than is tolerated: this process was stopped
/// with its machine, or is a copy of one that goes on elsewhere (`docs/protocol.md` §7.1).
fn was_suspended(since: Now, now: Now, tolerance: Duration) -> bool {
    let wall = now.wall.0.abs_diff(since.wall.0);
    let apart = u128::from(wall).abs_diff(now.mono.since(since.mono).as_millis());
    now.wall < since.wall || apart > tolerance.as_millis()
}

impl Session {
    /// Adds the contributions that signers of this node can make now.
    pub(crate) fn contribute(&mut self, lent: &mut Lent<'_, '_>) {
        let Some(active) = self.active() else { return };
        let lost = |local: &Local| matches!(local.nonces, Nonces::Lost);
        if active.collecting != Collecting::Joins && self.locals.values().any(lost) {
            // They died with an earlier process, or have lapsed: this attempt cannot succeed.
            return self.try_next_attempt(lent);
        }
        let locals: Vec<SignerIndex> = self.locals.keys().copied().collect();
        let commit = active.rounds.has_started(SigningRound::Commit)
            && matches!(active.collecting, Collecting::Commitments | Collecting::Nonces);
        for index in locals {
            if commit {
                self.make_nonces(index, lent.ledger, lent.step);
            }
            self.reveal(index, lent);
            self.ask_to_sign(index, lent);
        }
    }

    /// Sends a signer's nonces, once all commitments are known.
    fn reveal(&mut self, index: SignerIndex, lent: &mut Lent<'_, '_>) {
        let now = lent.step.now.mono;
        let lifetime = lent.step.config.nonce_lifetime;
        let off = self.request.options.commitments == Commitments::Off;
        // Without commitments there is nothing to wait for: nonces go out with the join.
        let Some(active) = self.active() else { return };
        let joining = active.collecting == Collecting::Joins;
        let time = active.collecting == Collecting::Nonces || (off && joining);
        let made = self.locals.get(&index).is_some_and(|local| matches!(local.nonces, Nonces::Made { .. }));
        // This is asked after every message: what takes time comes last.
        if !made || !time || !active.rounds.has_started(SigningRound::Reveal) {
            return;
        }
        let Some(commitments) = self.attempt.commitments_hash(self.request.options.commitments) else { return };
        let (session_id, attempt) = (self.attempt.id, self.attempt.number);
        let Some(local) = self.locals.get_mut(&index) else { return };
        let Nonces::Made { publics, at } = &local.nonces else { return };
        let made = *at;
        // Reveal only if the commitment in our slot is ours: a second process of the signer may have taken the slot. That the
        // nonces are issued is a record of this step or of an earlier one, so that it is on disk before they leave.
        let own = off || {
            let commitment = NonceCommitment::new(session_id.as_bytes(), u32::from(index.0), publics);
            self.attempt.commits.at(index).is_some_and(|held| held.body == commitment)
        };
        if !own {
            return;
        }
        if now.since(made.mono) > lifetime {
            // Too old to be revealed: the next attempt has fresh ones.
            self.discard_nonces(index, lent.step);
            return self.try_next_attempt(lent);
        }
        let share = NonceShare { session: session_id, attempt, nonces: publics.clone(), commitments };
        let signer = local.signer;
        local.nonces = Nonces::Revealed { made };
        match lent.seal(&signer, share) {
            // Without commitments not all may have joined.
            Ok(sealed) if joining => self.say(&sealed.frame, lent),
            Ok(sealed) => self.send(&sealed.frame, lent),
            Err(error) => self.fail(AbortCause::Internal(error.to_string()), lent),
        }
    }

    /// Asks a signer of this node to sign, once all nonces are known and everybody has seen the same.
    fn ask_to_sign(&mut self, index: SignerIndex, lent: &mut Lent<'_, '_>) {
        let revealed = self.locals.get(&index).is_some_and(|local| matches!(local.nonces, Nonces::Revealed { .. }));
        let Some(active) = self.active() else { return };
        let time = matches!(active.collecting, Collecting::Partials | Collecting::Aggregating);
        if !revealed || !time || !active.rounds.has_started(SigningRound::Sign) {
            return;
        }
        let Some(nonces) = self.attempt.all_nonces() else { return };
        let Some(signer) = self.locals.get(&index).map(|local| local.signer) else { return };
        let approved = Answer::Approved(self.proposal(&signer).digest());
        let nonce_id = self.nonce_id(index, &signer);
        let Some(local) = self.locals.get_mut(&index) else { return };
        let Nonces::Revealed { made } = local.nonces else { return };
        // Nothing is signed that was not approved exactly so.
        if local.answer != approved {
            return;
        }
        if was_suspended(made, lent.step.now, lent.step.config.clock_tolerance) {
            self.discard_nonces(index, lent.step);
            return self.try_next_attempt(lent);
        }
        local.nonces = Nonces::Used;
        let items = Arc::clone(&self.items);
        lent.step.ask_signer(SignerTask::Sign { nonce_id, items, nonces: nonces.into() });
    }

    /// The first word of a signer of this node in an attempt after the first: its commitment.
    pub(crate) fn commit(&mut self, index: SignerIndex, commitment: NonceCommitment, lent: &mut Lent<'_, '_>) {
        let Some(signer) = self.key(index).copied() else { return };
        let commit = NonceCommit { session: self.attempt.id, attempt: self.attempt.number, commitment };
        match lent.seal(&signer, commit) {
            Ok(sealed) => self.send(&sealed.frame, lent),
            Err(error) => self.fail(AbortCause::Internal(error.to_string()), lent),
        }
    }

    /// A partial signature as it leaves: stored first, so that a restart sends these bytes and never computes others.
    pub(crate) fn send_partials(&mut self, signer: &PublicKey, share: PartialSigShare, lent: &mut Lent<'_, '_>) {
        let attempt = share.attempt;
        match lent.seal(signer, share) {
            Ok(sealed) => {
                let frame = Arc::clone(&sealed.frame);
                lent.step.persist(Record::Spent { request: self.id, attempt, signer: *signer, frame });
                let index = self.request.index_of(signer);
                self.attempt.signed.extend(index);
                self.send(&sealed.frame, lent);
            }
            Err(error) => self.fail(AbortCause::Internal(error.to_string()), lent),
        }
    }

    pub(crate) fn on_nonces_made(
        &mut self,
        nonce_id: NonceId,
        result: Result<Vec<PublicNonce>, SignerError>,
        lent: &mut Lent<'_, '_>,
    ) {
        let is_current = self.active().is_some() && self.attempt.id == nonce_id.session;
        let local = self.locals.get_mut(&nonce_id.index).filter(|_| is_current);
        let Some(local) = local.filter(|local| matches!(local.nonces, Nonces::Making)) else {
            return lent.step.ask_signer(SignerTask::Forget { nonce_id });
        };
        let publics = match result {
            Ok(publics) => publics,
            Err(error) => return self.on_signer_failed(&nonce_id, &error, lent),
        };
        local.nonces = Nonces::Made { publics: publics.clone(), at: lent.step.now };
        let bytes: Vec<u8> = publics.iter().flat_map(PublicNonce::to_bytes).collect();
        lent.ledger.issue(&nonce_id, tagged_hash("motet/issued/v1", &[&bytes]), lent.step);
        if self.request.options.commitments == Commitments::On {
            let index = nonce_id.index;
            let commitment = NonceCommitment::new(nonce_id.session.as_bytes(), u32::from(index.0), &publics);
            if nonce_id.attempt == Attempt::FIRST {
                self.join(index, Some(commitment), lent);
            } else {
                self.commit(index, commitment, lent);
            }
        }
        self.advance(lent);
    }

    pub(crate) fn on_signed(
        &mut self,
        nonce_id: NonceId,
        result: Result<Vec<PartialSignature>, SignerError>,
        lent: &mut Lent<'_, '_>,
    ) {
        if self.attempt.id != nonce_id.session || self.phase() != Phase::Partials {
            return;
        }
        let Some(nonces) = self.attempt.nonces_hash() else { return };
        match result {
            Ok(partials) => {
                let share = PartialSigShare { session: nonce_id.session, attempt: nonce_id.attempt, partials, nonces };
                self.send_partials(&nonce_id.signer, share, lent);
            }
            // The nonces are gone, whatever it was; the next attempt makes new ones.
            Err(SignerError::NoNonces) => self.try_next_attempt(lent),
            Err(error) => self.on_signer_failed(&nonce_id, &error, lent),
        }
    }
}
