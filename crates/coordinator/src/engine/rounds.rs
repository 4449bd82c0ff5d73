//! Rounds 0 to 2 (`docs/protocol.md` §7): commitments, nonces, partial signatures, and what signers and jobs answer.

use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PartialSignature, PublicNonce, Signature, tagged_hash};
use motet_wire::{
    AbortCode, Attempt, AttemptId, Charge, Commitments, Evidence, NonceCommit, NonceShare, PartialSigShare, RequestId,
    SessionAbort, SignatureFinalized, SignerIndex, Validated,
};

use super::Engine;
use super::ctx::Ctx;
use super::deferred::Awaits;
use super::session::{Collecting, Departed, Nonces, Placed, Session, SignedStatement, Source};
use crate::event::{AbortCause, Phase};
use crate::job::{Fault, Job};
use crate::signer::{NonceId, SignerError};

impl Engine {
    pub(super) fn on_nonce_commit(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        message: &Validated<NonceCommit>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let NonceCommit { attempt, commitment, .. } = *message.message();
        // The first attempt's commitments are in the joins.
        if attempt == Attempt::FIRST || session.request.options.commitments == Commitments::Off {
            return;
        }
        match session.attempt.commits.place(index, SignedStatement::part_of(message, commitment)) {
            Some(Placed::New) => {
                self.advance(id, ctx);
                // Its nonces may have been faster.
                self.replay_early(id, ctx);
            }
            Some(Placed::Conflict(first)) => self.accuse_of_equivocation(id, first, message.frame(), ctx),
            Some(Placed::Duplicate) | None => {}
        }
    }

    pub(super) fn on_nonce_share(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        message: Validated<NonceShare>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let share = message.message();
        if share.nonces.len() != session.items.len() {
            return self.accuse_of_wrong_count(id, message.frame(), ctx);
        }
        if session.request.options.commitments == Commitments::On {
            let Some(commit) = session.attempt.commits.at(index) else {
                // Its commitment is on the way: nobody is to be believed without one.
                let awaits = Awaits::Session(share.session);
                return self.defer(awaits, message.widen(), ctx.now.mono);
            };
            if !commit.body.opens(share.session.as_bytes(), u32::from(index.0), &share.nonces) {
                let commit = (share.attempt != Attempt::FIRST).then(|| commit.frame.to_vec());
                let Some(join) = session.join_of(message.frame()) else { return };
                let nonces = message.frame().to_vec();
                return self.accuse(id, Evidence::BadOpening { join, commit, nonces }, ctx);
            }
        }
        match session.attempt.nonces.place(index, SignedStatement::of(&message)) {
            Some(Placed::New) => self.take_contribution(id, index, Collecting::Nonces, ctx),
            Some(Placed::Conflict(first)) => self.accuse_of_equivocation(id, first, message.frame(), ctx),
            Some(Placed::Duplicate) | None => {}
        }
    }

    pub(super) fn on_partial(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        message: &Validated<PartialSigShare>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if message.message().partials.len() != session.items.len() {
            return self.accuse_of_wrong_count(id, message.frame(), ctx);
        }
        match session.attempt.partials.place(index, SignedStatement::of(message)) {
            Some(Placed::New) => self.take_contribution(id, index, Collecting::Partials, ctx),
            Some(Placed::Conflict(first)) => self.accuse_of_equivocation(id, first, message.frame(), ctx),
            Some(Placed::Duplicate) | None => {}
        }
    }

    /// What follows from a contribution that has just come. One to a later phase is told of when that begins.
    fn take_contribution(&mut self, id: &RequestId, index: SignerIndex, to: Collecting, ctx: &mut Ctx<'_>) {
        if let Some(session) = self.sessions.get(id).filter(|session| session.collecting() == Some(to)) {
            session.report_contributions(Some(index), ctx);
        }
        self.advance(id, ctx);
        self.settle_dispute(id, ctx);
    }

    pub(super) fn on_nonces_made(
        &mut self,
        nonce_id: NonceId,
        result: Result<Vec<PublicNonce>, SignerError>,
        ctx: &mut Ctx<'_>,
    ) {
        let id = nonce_id.request;
        let current = self
            .sessions
            .get_mut(&id)
            .filter(|session| session.active().is_some() && session.attempt.id == nonce_id.session);
        let local = current.and_then(|session| session.locals.get_mut(&nonce_id.index));
        let Some(local) = local.filter(|local| matches!(local.nonces, Nonces::Making)) else {
            return ctx.ask_signer(crate::signer::SignerTask::Forget { nonce_id });
        };
        let publics = match result {
            Ok(publics) => publics,
            Err(error) => return self.on_signer_failed(&nonce_id, &error, ctx),
        };
        local.nonces = Nonces::Made { publics: publics.clone(), at: ctx.now };
        let bytes: Vec<u8> = publics.iter().flat_map(PublicNonce::to_bytes).collect();
        self.ledger.issue(&nonce_id, tagged_hash("motet/issued/v1", &[&bytes]), ctx);
        let commitments = self.sessions.get(&id).map(|session| session.request.options.commitments);
        if commitments == Some(Commitments::On) {
            let index = nonce_id.index;
            let commitment = NonceCommitment::new(nonce_id.session.as_bytes(), u32::from(index.0), &publics);
            if nonce_id.attempt == Attempt::FIRST {
                self.join(&id, index, Some(commitment), ctx);
            } else {
                self.commit(&id, index, commitment, ctx);
            }
        }
        self.advance(&id, ctx);
    }

    pub(super) fn on_signed(
        &mut self,
        nonce_id: NonceId,
        result: Result<Vec<PartialSignature>, SignerError>,
        ctx: &mut Ctx<'_>,
    ) {
        let id = nonce_id.request;
        let current = self
            .sessions
            .get(&id)
            .filter(|session| session.attempt.id == nonce_id.session && session.phase() == Phase::Partials);
        let Some(nonces) = current.and_then(|session| session.attempt.nonces_hash()) else { return };
        match result {
            Ok(partials) => {
                let share = PartialSigShare { session: nonce_id.session, attempt: nonce_id.attempt, partials, nonces };
                self.send_partials(&id, &nonce_id.signer, share, ctx);
            }
            // The nonces are gone, whatever it was; the next attempt makes new ones.
            Err(SignerError::NoNonces) => self.next_attempt(&id, ctx),
            Err(error) => self.on_signer_failed(&nonce_id, &error, ctx),
        }
    }

    pub(super) fn on_aggregated(
        &mut self,
        session: AttemptId,
        result: Result<Vec<Signature>, Fault>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(id) = self.sessions.request_of(&session) else { return };
        let Some(known) = self.sessions.get(&id).filter(|known| known.attempt.id == session) else { return };
        match result {
            Ok(signatures) => self.complete(&id, session, signatures, Source::Own, ctx),
            // It came after the end: somebody else may still make the signature.
            Err(_) if known.over().is_some() => {}
            Err(fault) => {
                let evidence = fault.culprits.first().and_then(|culprit| known.bad_partial(fault.item, *culprit));
                match evidence {
                    Some(evidence) if evidence.verify(&self.network).is_ok() => self.accuse(&id, evidence, ctx),
                    _ => self.next_attempt(&id, ctx),
                }
            }
        }
    }

    /// A participant says what the signatures are.
    pub(super) fn on_finalized(&self, message: Validated<SignatureFinalized>, ctx: &mut Ctx<'_>) {
        let attempt = message.message().session;
        let Some(session) = self.sessions.request_of(&attempt).and_then(|id| self.sessions.get(&id)) else { return };
        let is_participant = session.slot_of(message.sender()).is_some();
        let signatures = message.into_message().signatures;
        if is_participant && signatures.len() == session.items.len() {
            ctx.compute(Job::VerifyFinal { session: attempt, items: Arc::clone(&session.items), signatures });
        }
    }

    pub(super) fn on_final_verified(
        &mut self,
        session: AttemptId,
        signatures: Option<Vec<Signature>>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(id) = self.sessions.request_of(&session) else { return };
        if let Some(signatures) = signatures {
            self.complete(&id, session, signatures, Source::Told, ctx);
        }
    }

    pub(super) fn on_abort(&mut self, message: Validated<SessionAbort>, ctx: &mut Ctx<'_>) {
        let Some(id) = self.sessions.request_about(message.message().subject.into()) else { return };
        let own = self.identities.is_own(message.sender());
        let Some(known) = self.sessions.get(&id) else { return };
        // Only participants can abort.
        let creator = &known.request.creator;
        let by = known.slot_of(message.sender()).or_else(|| {
            (creator.message_key == *message.sender()).then(|| known.request.index_of(&creator.signer)).flatten()
        });
        let Some(by) = by else { return };
        let Some(signer) = known.key(by).copied() else { return };
        let frame = Arc::clone(message.frame());
        if !own {
            self.pass_on_end(&id, &frame, ctx);
        }
        let abort = message.into_message();
        let proven = abort.evidence.and_then(|evidence| Some((evidence.verify(&self.network).ok()?, evidence)));
        let cause = match proven.filter(|(conviction, _)| conviction.request == Some(id)) {
            Some((conviction, evidence)) => {
                self.proofs.keep(&evidence, &conviction, ctx);
                let charge: Charge = conviction.charge;
                AbortCause::Convicted { culprit: conviction.signer, charge }
            }
            None if own => AbortCause::Cancelled,
            None => {
                let detail = format!("{}: {}", abort.reason.code, abort.reason.detail);
                if abort.reason.code == AbortCode::TimedOut {
                    // Others may have made signatures of what it has signed before, or proof of somebody's guilt.
                    if let Some(active) = self.sessions.get_mut(&id).and_then(Session::active_mut) {
                        active.departed.get_or_insert(Departed { index: by, detail, frame });
                    }
                    return;
                }
                if let Some(session) = self.sessions.get(&id) {
                    let (request, phase) = (&session.request, session.phase());
                    self.reputation.note_spoiled(request, phase, &signer, &self.identities, ctx);
                }
                AbortCause::Refused { by, signer, detail }
            }
        };
        self.finish(&id, Some(frame), cause, ctx);
    }
}
