//! What follows when something has been collected: the transitions between phases, and the end.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, Signature};
use motet_wire::{
    Attempt, AttemptId, Charge, Commitments, Evidence, MonotonicMs, NonceCommit, NonceShare, Now, PartialSigShare,
    RequestId, SessionReady, SignatureFinalized, SignerIndex,
};

use super::Engine;
use super::ctx::Ctx;
use super::session::{
    Answer, AttemptState, Collecting, Completion, Dispute, EndStored, Local, Nonces, Outcome, Over, Session,
    SigningRound, Source, StartedRounds, State,
};
use crate::event::{AbortCause, Aborted, Event, Round};
use crate::record::Record;
use crate::signer::SignerTask;

/// Whether the wall clock and the monotonic one have come apart since, by more than is tolerated: this process was stopped
/// with its machine, or is a copy of one that goes on elsewhere (`docs/protocol.md` §7.1).
fn was_suspended(since: Now, now: Now, tolerance: Duration) -> bool {
    let wall = now.wall.0.abs_diff(since.wall.0);
    let apart = u128::from(wall).abs_diff(now.mono.since(since.mono).as_millis());
    now.wall < since.wall || apart > tolerance.as_millis()
}

impl Engine {
    /// Moves a session on as far as what it holds allows.
    pub(super) fn advance(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        if let Some(active) = self.sessions.get_mut(id).and_then(Session::active_mut) {
            active.moved_at = ctx.now.mono;
        }
        while let Some(session) = self.sessions.get_mut(id) {
            let attempt = &session.attempt;
            let round = Round { request: *id, session: attempt.id, attempt: attempt.number };
            let commitments = session.request.options.commitments;
            let is_complete = session.awaiting().is_empty();
            if is_complete && let Some((collected, took)) = session.took(ctx.now.mono) {
                self.answers.note(collected, took);
            }
            match session.collecting() {
                Some(Collecting::Joins) if is_complete => self.start_rounds(id, ctx),
                Some(Collecting::Commitments) if commitments == Commitments::Off => {
                    session.collect(Collecting::Nonces, &self.config, ctx);
                }
                Some(Collecting::Commitments) if is_complete => {
                    ctx.emit(Event::SessionNonceCommitmentsComplete(round));
                    session.collect(Collecting::Nonces, &self.config, ctx);
                }
                Some(Collecting::Nonces) if is_complete => {
                    ctx.emit(Event::SessionNoncesComplete(round));
                    session.collect(Collecting::Partials, &self.config, ctx);
                }
                Some(Collecting::Partials) if is_complete => {
                    ctx.emit(Event::SessionPartialSigsComplete(round));
                    return session.aggregate(ctx);
                }
                Some(
                    Collecting::Joins
                    | Collecting::Commitments
                    | Collecting::Nonces
                    | Collecting::Partials
                    | Collecting::Aggregating,
                ) => break,
                None => return,
            }
        }
        self.contribute(id, ctx);
    }

    /// All have joined.
    fn start_rounds(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        self.asking.remove(id);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let (coordinator, first) = (session.coordinator(), session.attempt.id);
        if let State::Active(active) = &mut session.state {
            // Only who has missed a join waits for this, but everybody for our nonces: they come first.
            active.unsaid_ready = Some(first);
        }
        ctx.emit(Event::CoordinatorElected { request: *id, coordinator });
        ctx.emit(Event::SessionReady { request: *id, session: first, coordinator });
        self.send_spent(id, ctx);
        if let Some(session) = self.sessions.get_mut(id) {
            session.collect(Collecting::Commitments, &self.config, ctx);
        }
    }

    /// The coordinator's word that all have joined, with the joins, if they have.
    fn announce_ready(&mut self, id: &RequestId, first: AttemptId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let coordinator = session.coordinator();
        if let Some(signer) = session.locals.get(&coordinator).map(|local| local.signer) {
            let joins = session.joins.held().map(|(_, held)| held.frame.to_vec()).collect();
            let ready = SessionReady { request: *id, session: first, coordinator, joins };
            if let Ok(sealed) = self.identities.seal(&signer, ready, ctx) {
                self.send_to_session(id, &sealed.frame, ctx);
            }
        }
    }

    /// Says what could wait until nothing else does.
    pub(super) fn flush_deferred(&mut self, ctx: &mut Ctx<'_>) {
        for id in self.sessions.deferred() {
            self.within(&id, |engine| engine.say_unsaid(&id, ctx));
        }
    }

    fn say_unsaid(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        match self.sessions.get_mut(id).map(|session| &mut session.state) {
            Some(State::Active(active)) => {
                if let Some(first) = active.unsaid_ready.take() {
                    self.announce_ready(id, first, ctx);
                }
            }
            Some(State::Over(Over { outcome: Outcome::Signed(signed), .. })) => {
                if let Some(completion) = signed.unsaid.take() {
                    self.announce_signatures(id, completion, ctx);
                }
            }
            Some(State::Over(Over { outcome: Outcome::Aborted(_), .. })) | None => {}
        }
    }

    /// When that is: at once, as far as time is concerned.
    pub(super) fn deferred_since(&self) -> Option<MonotonicMs> {
        self.sessions.has_deferred().then_some(MonotonicMs(0))
    }

    /// What this node's signers can add now.
    fn contribute(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(active) = session.active() else { return };
        let lost = |local: &Local| matches!(local.nonces, Nonces::Lost);
        if active.collecting != Collecting::Joins && session.locals.values().any(lost) {
            // They died with an earlier process, or have lapsed: this attempt cannot succeed.
            return self.next_attempt(id, ctx);
        }
        let locals: Vec<SignerIndex> = session.locals.keys().copied().collect();
        let commit = active.rounds.has_started(SigningRound::Commit)
            && matches!(active.collecting, Collecting::Commitments | Collecting::Nonces);
        for index in locals {
            if commit && let Some(session) = self.sessions.get_mut(id) {
                session.make_nonces(index, &self.ledger, ctx);
            }
            self.reveal(id, index, ctx);
            self.ask_to_sign(id, index, ctx);
        }
    }

    /// Sends a signer's nonces, once all commitments are known.
    fn reveal(&mut self, id: &RequestId, index: SignerIndex, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        let lifetime = self.config.nonce_lifetime;
        let Some(session) = self.sessions.get_mut(id) else { return };
        let off = session.request.options.commitments == Commitments::Off;
        // Without commitments there is nothing to wait for: nonces go out with the join.
        let Some(active) = session.active() else { return };
        let joining = active.collecting == Collecting::Joins;
        let time = active.collecting == Collecting::Nonces || (off && joining);
        let made = session.locals.get(&index).is_some_and(|local| matches!(local.nonces, Nonces::Made { .. }));
        // This is asked after every message: what takes time comes last.
        if !made || !time || !active.rounds.has_started(SigningRound::Reveal) {
            return;
        }
        let Some(commitments) = session.attempt.commitments_hash(session.request.options.commitments) else { return };
        let (session_id, attempt) = (session.attempt.id, session.attempt.number);
        let Some(local) = session.locals.get_mut(&index) else { return };
        let Nonces::Made { publics, at } = &local.nonces else { return };
        let made = *at;
        // Reveal only if the commitment in our slot is ours: a second process of the signer may have taken the slot. That the
        // nonces are issued is a record of this step or of an earlier one, so that it is on disk before they leave.
        let own = off || {
            let commitment = NonceCommitment::new(session_id.as_bytes(), u32::from(index.0), publics);
            session.attempt.commits.at(index).is_some_and(|held| held.body == commitment)
        };
        if !own {
            return;
        }
        if now.since(made.mono) > lifetime {
            // Too old to be revealed: the next attempt has fresh ones.
            session.discard_nonces(index, ctx);
            return self.next_attempt(id, ctx);
        }
        let share = NonceShare { session: session_id, attempt, nonces: publics.clone(), commitments };
        let signer = local.signer;
        local.nonces = Nonces::Revealed { made };
        match self.identities.seal(&signer, share, ctx) {
            // Without commitments not all may have joined.
            Ok(sealed) if joining => self.say_to_session(id, &sealed.frame, ctx),
            Ok(sealed) => self.send_to_session(id, &sealed.frame, ctx),
            Err(error) => self.fail(id, AbortCause::Internal(error.to_string()), ctx),
        }
    }

    /// Asks a signer of this node to sign, once all nonces are known and everybody has seen the same.
    fn ask_to_sign(&mut self, id: &RequestId, index: SignerIndex, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let revealed = session.locals.get(&index).is_some_and(|local| matches!(local.nonces, Nonces::Revealed { .. }));
        let Some(active) = session.active() else { return };
        let time = matches!(active.collecting, Collecting::Partials | Collecting::Aggregating);
        if !revealed || !time || !active.rounds.has_started(SigningRound::Sign) {
            return;
        }
        let Some(nonces) = session.attempt.all_nonces() else { return };
        let Some(signer) = session.locals.get(&index).map(|local| local.signer) else { return };
        let approved = Answer::Approved(session.proposal(&signer).digest());
        let nonce_id = session.nonce_id(index, &signer);
        let Some(local) = session.locals.get_mut(&index) else { return };
        let Nonces::Revealed { made } = local.nonces else { return };
        // Nothing is signed that was not approved exactly so.
        if local.answer != approved {
            return;
        }
        if was_suspended(made, ctx.now, self.config.clock_tolerance) {
            session.discard_nonces(index, ctx);
            return self.next_attempt(id, ctx);
        }
        local.nonces = Nonces::Used;
        let items = Arc::clone(&session.items);
        ctx.ask_signer(SignerTask::Sign { nonce_id, items, nonces: nonces.into() });
    }

    /// Signatures that have been verified, and the session that they are of, which may be one that this node had given up.
    pub(super) fn complete(
        &mut self,
        id: &RequestId,
        session_id: AttemptId,
        signatures: Vec<Signature>,
        source: Source,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if !session.complete(session_id, signatures, source, ctx.now.mono) {
            return;
        }
        session.forget_nonces(ctx);
        session.expect_coordinator(self.config.failover_after, ctx.now.mono);
        let Some(completed) = session.completed() else { return };
        let request = Arc::clone(&session.request);
        self.store_end(id, Some(completed.clone()), ctx);
        self.reputation.note_completion(&request, &self.identities, ctx);
        ctx.emit(Event::SessionComplete(completed));
    }

    /// The signatures, signed by this node: told to all by the coordinator and by a node that learns them late, and to
    /// each node that asks by everybody.
    fn announce_signatures(&mut self, id: &RequestId, completion: Completion, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(signed) = session.signed() else { return };
        let finalized = SignatureFinalized { session: signed.attempt, signatures: signed.signatures.clone() };
        let coordinates = session.locals.contains_key(&session.coordinator());
        let Some(signer) = session.locals.values().next().map(|local| local.signer) else { return };
        if let Ok(sealed) = self.identities.seal(&signer, finalized, ctx) {
            if coordinates || completion == Completion::Late {
                self.send_to_session(id, &sealed.frame, ctx);
            }
            if let Some(State::Over(over)) = self.sessions.get_mut(id).map(|session| &mut session.state) {
                over.notice = Some(sealed.frame);
            }
        }
    }

    /// Ends a session without signatures. `notice` is the signed message that says so, if there is one.
    pub(super) fn finish(&mut self, id: &RequestId, notice: Option<Arc<[u8]>>, cause: AbortCause, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id).filter(|session| session.active().is_some()) else { return };
        session.abort(cause.clone(), notice, ctx.now.mono);
        session.forget_nonces(ctx);
        let (may_complete, is_open_ended) = (session.completers(), session.is_open_ended());
        // First, because the wait for a completion counts anew how often the others were asked.
        self.reputation.note_failure(&cause, session.has_asked(), &self.identities, ctx);
        if is_open_ended {
            self.wait_for_completion(id, ctx);
        } else {
            self.remember_end(id, ctx);
        }
        self.prepare_farewell(id, &cause, ctx);
        ctx.emit(Event::SessionAborted(Aborted { request: *id, cause, may_complete }));
    }

    /// Ends a session because this node failed.
    pub(super) fn fail(&mut self, id: &RequestId, cause: AbortCause, ctx: &mut Ctx<'_>) {
        if let AbortCause::Internal(detail) = &cause {
            ctx.emit(Event::SessionError { request: *id, detail: detail.clone() });
        }
        self.finish(id, None, cause, ctx);
    }

    /// Ends a session whose records cannot be stored. That it has ended cannot be stored either, until it is closed;
    /// if it was the end that could not be, the user has not been told of it.
    pub(super) fn end_unstored(&mut self, id: &RequestId, untold: bool, detail: String, ctx: &mut Ctx<'_>) {
        let cause = AbortCause::Internal(detail.clone());
        let Some(session) = self.sessions.get_mut(id) else { return };
        match &mut session.state {
            State::Over(over) if !untold => {
                over.stored = EndStored::Refused;
                return;
            }
            State::Active(_) | State::Over(_) => session.abort(cause.clone(), None, ctx.now.mono),
        }
        if let State::Over(over) = &mut session.state {
            over.stored = EndStored::Refused;
        }
        if let Some(completed) = session.completed() {
            // The signatures are no less valid.
            return ctx.emit(Event::SessionComplete(completed));
        }
        session.forget_nonces(ctx);
        let may_complete = session.completers();
        ctx.emit(Event::SessionError { request: *id, detail });
        ctx.emit(Event::SessionAborted(Aborted { request: *id, cause, may_complete }));
    }

    /// Gives the current attempt up and begins the next, with fresh nonces; or ends the session.
    pub(super) fn next_attempt(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        match self.sessions.get(id).and_then(Session::next_attempt) {
            Some(next) => self.begin_attempt(id, next, ctx),
            None => self.give_up(id, ctx),
        }
    }

    /// Begins an attempt. Nothing of an earlier one is used again.
    pub(super) fn begin_attempt(&mut self, id: &RequestId, attempt: Attempt, ctx: &mut Ctx<'_>) {
        let rounds = self.config.rounds;
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.forget_nonces(ctx);
        let exposed = session.exposed_to(None);
        let State::Active(active) = &mut session.state else { return };
        active.may_complete.extend(exposed);
        active.rounds = StartedRounds::of_later_attempt(rounds);
        active.dispute = Dispute::None;
        session.attempt = AttemptState::new(id, attempt, session.signers());
        for local in session.locals.values_mut() {
            local.nonces = Nonces::None;
        }
        session.collect(Collecting::Commitments, &self.config, ctx);
        self.advance(id, ctx);
    }

    /// The first word of a signer of this node in an attempt after the first: its commitment.
    pub(super) fn commit(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        commitment: NonceCommitment,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(signer) = session.key(index).copied() else { return };
        let commit = NonceCommit { session: session.attempt.id, attempt: session.attempt.number, commitment };
        match self.identities.seal(&signer, commit, ctx) {
            Ok(sealed) => self.send_to_session(id, &sealed.frame, ctx),
            Err(error) => self.fail(id, AbortCause::Internal(error.to_string()), ctx),
        }
    }

    /// Somebody has said two different things. The session ends, with the proof.
    pub(super) fn accuse_of_equivocation(
        &mut self,
        id: &RequestId,
        first: Arc<[u8]>,
        second: &Arc<[u8]>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(join) = self.sessions.get(id).and_then(|session| session.join_of(second)) else { return };
        self.accuse(id, Evidence::Equivocation { join, first: first.to_vec(), second: second.to_vec() }, ctx);
    }

    /// Ends a session with evidence, after checking that it convicts.
    pub(super) fn accuse(&mut self, id: &RequestId, evidence: Evidence, ctx: &mut Ctx<'_>) {
        let Ok(conviction) = evidence.verify(&self.network) else {
            return;
        };
        self.proofs.keep(&evidence, &conviction, ctx);
        let charge: Charge = conviction.charge;
        let detail = format!("{charge:?} by {}", conviction.signer);
        let frame = self.send_abort(id, motet_wire::AbortCode::Fault, detail, Some(evidence), ctx);
        self.finish(id, frame, AbortCause::Convicted { culprit: conviction.signer, charge }, ctx);
    }

    /// A partial signature as it leaves: stored first, so that a restart sends these bytes and never computes others.
    pub(super) fn send_partials(
        &mut self,
        id: &RequestId,
        signer: &motet_core_crypto::PublicKey,
        share: PartialSigShare,
        ctx: &mut Ctx<'_>,
    ) {
        let attempt = share.attempt;
        match self.identities.seal(signer, share, ctx) {
            Ok(sealed) => {
                let frame = Arc::clone(&sealed.frame);
                ctx.persist(Record::Spent { request: *id, attempt, signer: *signer, frame });
                if let Some(session) = self.sessions.get_mut(id) {
                    let index = session.request.index_of(signer);
                    session.attempt.signed.extend(index);
                }
                self.send_to_session(id, &sealed.frame, ctx);
            }
            Err(error) => self.fail(id, AbortCause::Internal(error.to_string()), ctx),
        }
    }
}
