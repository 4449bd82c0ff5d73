//! What follows when something has been collected: the transitions between phases, and the end.

use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, Signature};
use motet_wire::{
    Attempt, AttemptId, Charge, Commitments, Evidence, MonotonicMs, NonceCommit, NonceShare, Now, PartialSigShare,
    RequestId, SessionReady, SignatureFinalized, SignerIndex, Topic,
};

use super::Engine;
use super::ctx::Ctx;
use super::session::{Answer, AttemptState, DeferredBroadcast, Local, ManualRounds, Nonces, Session};
use crate::config::Rounds;
use crate::event::{AbortCause, Aborted, Event, Phase, Round};
use crate::job::Job;
use crate::record::Record;
use crate::signer::SignerTask;

impl Engine {
    /// Moves a session on as far as what it holds allows.
    pub(super) fn advance(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let joining = self.sessions.get(id).filter(|session| session.phase == Phase::Joining);
        let joining = joining.map(|session| session.run.session);
        self.advance_phases(id, ctx);
        if let (Some(first), Some(session)) = (joining, self.sessions.get_mut(id))
            && session.phase != Phase::Joining
        {
            // Only who has missed a join waits for this, but everybody for our nonces: they come first.
            session.deferred_broadcast = Some(DeferredBroadcast::Ready(first));
        }
    }

    fn advance_phases(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        loop {
            let Some(session) = self.sessions.get(id) else { return };
            let run = &session.run;
            let round = Round { request: *id, session: run.session, attempt: run.attempt };
            let commitments = session.request.options.commitments;
            match session.phase {
                Phase::Joining if session.awaiting().is_empty() => self.on_ready(id, ctx),
                Phase::Commitments if commitments == Commitments::Off => self.enter(id, Phase::Nonces, ctx),
                Phase::Commitments if session.awaiting().is_empty() => {
                    ctx.emit(Event::SessionNonceCommitmentsComplete(round));
                    self.enter(id, Phase::Nonces, ctx);
                }
                Phase::Nonces if session.awaiting().is_empty() => {
                    ctx.emit(Event::SessionNoncesComplete(round));
                    self.enter(id, Phase::Partials, ctx);
                }
                Phase::Partials if !run.computing && session.awaiting().is_empty() => {
                    ctx.emit(Event::SessionPartialSigsComplete(round));
                    return self.aggregate(id, ctx);
                }
                Phase::Joining
                | Phase::Commitments
                | Phase::Nonces
                | Phase::Partials
                | Phase::Complete
                | Phase::Aborted => break,
            }
        }
        self.contribute(id, ctx);
    }

    /// All have joined.
    fn on_ready(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        self.unpublished.remove(id);
        let Some(session) = self.sessions.get(id) else { return };
        let coordinator = session.coordinator();
        ctx.emit(Event::CoordinatorElected { request: *id, coordinator });
        ctx.emit(Event::SessionReady { request: *id, session: session.run.session, coordinator });
        self.send_spent(id, ctx);
        self.enter(id, Phase::Commitments, ctx);
    }

    /// The coordinator's word that all have joined, with the joins, if they have.
    fn announce_ready(&mut self, id: &RequestId, first: AttemptId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        if session.is_over() {
            return;
        }
        let coordinator = session.coordinator();
        if let Some(signer) = session.locals.get(&coordinator).map(|local| local.signer) {
            let joins = session.joins.held().map(|(_, held)| held.frame.to_vec()).collect();
            let ready = SessionReady { request: *id, session: first, coordinator, joins };
            if let Ok(sealed) = self.seal(&signer, ready, ctx) {
                ctx.broadcast(Topic::Sessions, &sealed.frame);
                self.send_to_session(id, &sealed.frame, ctx);
            }
        }
    }

    /// Says what could wait until nothing else does.
    pub(super) fn flush_deferred(&mut self, ctx: &mut Ctx<'_>) {
        for id in self.sessions.deferred() {
            let taken = self.sessions.get_mut(&id).and_then(|session| session.deferred_broadcast.take());
            let Some(deferred_broadcast) = taken else { continue };
            self.within(&id, |engine| match deferred_broadcast {
                DeferredBroadcast::Ready(first) => engine.announce_ready(&id, first, ctx),
                DeferredBroadcast::Signatures => engine.announce_signatures(&id, ctx),
            });
        }
    }

    /// When that is: at once, as far as time is concerned.
    pub(super) fn deferred_since(&self) -> Option<MonotonicMs> {
        self.sessions.has_deferred().then_some(MonotonicMs(0))
    }

    /// Begins a phase: its events for what has come early, its time limit.
    fn enter(&mut self, id: &RequestId, phase: Phase, ctx: &mut Ctx<'_>) {
        let items = self.sessions.get(id).map_or(0, |session| session.items.len());
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        let limit = self.config.round_timeout.saturating_add(self.config.round_timeout_per_item.saturating_mul(items));
        let sync_after = self.config.sync_after;
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.phase = phase;
        session.deadline = ctx.now.mono.saturating_add(limit).min(session.ends);
        session.sync_at = ctx.now.mono.saturating_add(sync_after);
        session.syncs = 0;
        self.report_contributions(id, None, ctx);
    }

    /// What this node's signers can add now.
    fn contribute(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let lost = |local: &Local| matches!(local.nonces, Nonces::Lost);
        if !session.is_over() && session.phase != Phase::Joining && session.locals.values().any(lost) {
            // They died with an earlier process, or have lapsed: this attempt cannot succeed.
            return self.next_attempt(id, ctx);
        }
        let locals: Vec<SignerIndex> = session.locals.keys().copied().collect();
        let commit = session.gates.commit && matches!(session.phase, Phase::Commitments | Phase::Nonces);
        for index in locals {
            if commit {
                self.make_nonces(id, index, ctx);
            }
            self.reveal(id, index, ctx);
            self.ask_to_sign(id, index, ctx);
        }
    }

    /// Destroys a signer's nonces before they are used.
    fn discard(&mut self, id: &RequestId, index: SignerIndex, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(signer) = session.locals.get(&index).map(|local| local.signer) else { return };
        let nonce_id = session.nonce_id(index, &signer);
        if let Some(local) = session.locals.get_mut(&index) {
            local.nonces = Nonces::Lost;
        }
        ctx.ask_signer(SignerTask::Forget { nonce_id });
    }

    /// Whether the wall clock and the monotonic one have come apart since: this process was stopped with its machine,
    /// or is a copy of one that goes on elsewhere (`docs/protocol.md` §7.1).
    fn was_suspended(&self, since: Now, now: Now) -> bool {
        let wall = now.wall.0.abs_diff(since.wall.0);
        let apart = u128::from(wall).abs_diff(now.mono.since(since.mono).as_millis());
        now.wall < since.wall || apart > self.config.clock_tolerance.as_millis()
    }

    /// Sends a signer's nonces, once all commitments are known.
    fn reveal(&mut self, id: &RequestId, index: SignerIndex, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        let lifetime = self.config.nonce_lifetime;
        let Some(session) = self.sessions.get_mut(id) else { return };
        let off = session.request.options.commitments == Commitments::Off;
        // Without commitments there is nothing to wait for: nonces go out with the join.
        let time = session.phase == Phase::Nonces || (off && session.phase == Phase::Joining);
        let made = session.locals.get(&index).is_some_and(|local| matches!(local.nonces, Nonces::Made { .. }));
        // This is asked after every message: what takes time comes last.
        if !made || !time || !session.gates.reveal {
            return;
        }
        let Some(commitments) = session.run.commitments_hash(session.request.options.commitments) else { return };
        let (session_id, attempt) = (session.run.session, session.run.attempt);
        let Some(local) = session.locals.get_mut(&index) else { return };
        let Nonces::Made { publics, at } = &local.nonces else { return };
        let made = *at;
        // Another process of the signer may have been faster with a commitment. And ours comes back only when it is on
        // disk that the nonces are issued: before, nothing of them may leave.
        let own = off || {
            let commitment = NonceCommitment::new(session_id.as_bytes(), u32::from(index.0), publics);
            session.run.commits.at(index).is_some_and(|held| held.body == commitment)
        };
        if !own {
            return;
        }
        if now.since(made.mono) > lifetime {
            // Too old to be revealed: the next attempt has fresh ones.
            self.discard(id, index, ctx);
            return self.next_attempt(id, ctx);
        }
        let share = NonceShare { session: session_id, attempt, nonces: publics.clone(), commitments };
        let signer = local.signer;
        local.nonces = Nonces::Revealed { made };
        match self.seal(&signer, share, ctx) {
            Ok(sealed) => self.send_to_session(id, &sealed.frame, ctx),
            Err(error) => self.fail(id, AbortCause::Internal(error.to_string()), ctx),
        }
    }

    /// Asks a signer of this node to sign, once all nonces are known and everybody has seen the same.
    fn ask_to_sign(&mut self, id: &RequestId, index: SignerIndex, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let revealed = session.locals.get(&index).is_some_and(|local| matches!(local.nonces, Nonces::Revealed { .. }));
        if !revealed || session.phase != Phase::Partials || !session.gates.sign {
            return;
        }
        let Some(nonces) = session.run.all_nonces() else { return };
        let Some(signer) = session.locals.get(&index).map(|local| local.signer) else { return };
        let approved = Answer::Approved(session.proposal(&signer).digest());
        let nonce_id = session.nonce_id(index, &signer);
        let Some(local) = session.locals.get_mut(&index) else { return };
        let Nonces::Revealed { made } = local.nonces else { return };
        // Nothing is signed that was not approved exactly so.
        if local.answer != approved {
            return;
        }
        if self.was_suspended(made, ctx.now) {
            self.discard(id, index, ctx);
            return self.next_attempt(id, ctx);
        }
        let Some(local) = self.sessions.get_mut(id).and_then(|session| session.locals.get_mut(&index)) else { return };
        local.nonces = Nonces::Used;
        let Some(items) = self.sessions.get(id).map(|session| Arc::clone(&session.items)) else { return };
        ctx.ask_signer(SignerTask::Sign { nonce_id, items, nonces: nonces.into() });
    }

    pub(super) fn aggregate(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(nonces) = session.run.all_nonces() else { return };
        let partials: Vec<_> = session.run.partials.held().map(|(_, held)| held.body.partials.clone()).collect();
        session.run.computing = true;
        ctx.compute(Job::Aggregate {
            session: session.run.session,
            items: Arc::clone(&session.items),
            nonces: nonces.into(),
            partials: partials.into(),
            own: session.locals.keys().next().copied(),
        });
    }

    /// Signatures that have been verified, and the session that they are of, which may be one that this node had given up.
    pub(super) fn complete(
        &mut self,
        id: &RequestId,
        session_id: AttemptId,
        signatures: Vec<Signature>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get_mut(id).filter(|session| session.phase != Phase::Complete) else {
            return;
        };
        // Given up here, and completed elsewhere: the others that have given it up are told, too.
        let late = session.is_over();
        session.phase = Phase::Complete;
        session.late = late;
        session.may_complete.clear();
        session.ended = Some(ctx.now.mono);
        session.signatures = Some(signatures.clone());
        session.signed_in = Some(session_id);
        let Some(completed) = session.completed() else { return };
        // Everybody's own partial signatures make the same; only who has missed one waits for this.
        session.deferred_broadcast = Some(DeferredBroadcast::Signatures);
        self.store_end(id, Some(completed.clone()), ctx);
        self.note_completion(id, ctx);
        ctx.emit(Event::SessionComplete(completed));
        self.forget_nonces(id, ctx);
        self.expect_coordinator(id, ctx);
    }

    /// The signatures, signed by this node: told to all by the coordinator and by a node that learns them late, and to
    /// each node that asks by everybody.
    fn announce_signatures(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let (Some(signatures), Some(signed_in)) = (session.signatures.clone(), session.signed_in) else { return };
        let (coordinates, late) = (session.locals.contains_key(&session.coordinator()), session.late);
        let Some(signer) = session.locals.values().next().map(|local| local.signer) else { return };
        if let Ok(sealed) = self.seal(&signer, SignatureFinalized { session: signed_in, signatures }, ctx) {
            if coordinates {
                ctx.broadcast(Topic::Sessions, &sealed.frame);
            }
            if coordinates || late {
                self.send_to_session(id, &sealed.frame, ctx);
            }
            if let Some(session) = self.sessions.get_mut(id) {
                session.outcome = Some(sealed.frame);
            }
        }
    }

    /// Ends a session without signatures. `outcome` is the signed message that says so, if there is one.
    pub(super) fn finish(&mut self, id: &RequestId, outcome: Option<Arc<[u8]>>, cause: AbortCause, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id).filter(|session| !session.is_over()) else { return };
        session.note_exposure(if let AbortCause::Convicted { culprit, .. } = &cause { Some(culprit) } else { None });
        session.phase = Phase::Aborted;
        session.ended = Some(ctx.now.mono);
        session.outcome = outcome;
        let may_complete = session.completers();
        if session.is_open_ended() {
            self.wait_for_completion(id, ctx);
        } else {
            self.remember_end(id, ctx);
        }
        self.note_failure(id, &cause, ctx);
        self.prepare_farewell(id, &cause, ctx);
        ctx.emit(Event::SessionAborted(Aborted { request: *id, cause, may_complete }));
        self.forget_nonces(id, ctx);
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
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.unstored = true;
        if session.is_over() && !untold {
            return;
        }
        if let Some(completed) = session.completed() {
            // The signatures are no less valid.
            return ctx.emit(Event::SessionComplete(completed));
        }
        session.note_exposure(None);
        session.phase = Phase::Aborted;
        session.ended = Some(ctx.now.mono);
        let may_complete = session.completers();
        let cause = AbortCause::Internal(detail.clone());
        ctx.emit(Event::SessionError { request: *id, detail });
        ctx.emit(Event::SessionAborted(Aborted { request: *id, cause, may_complete }));
        self.forget_nonces(id, ctx);
    }

    /// Has the nonces of the current attempt destroyed.
    pub(super) fn forget_nonces(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let (run, request) = (session.run.session, session.id);
        let attempt = session.run.attempt;
        for (index, local) in &mut session.locals {
            if matches!(local.nonces, Nonces::Making | Nonces::Made { .. } | Nonces::Revealed { .. }) {
                let nonce_id =
                    crate::signer::NonceId { session: run, request, attempt, signer: local.signer, index: *index };
                ctx.ask_signer(SignerTask::Forget { nonce_id });
            }
            local.nonces = Nonces::Lost;
        }
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
        self.forget_nonces(id, ctx);
        let Some(session) = self.sessions.get_mut(id).filter(|session| !session.is_over()) else { return };
        session.note_exposure(None);
        session.run = AttemptState::new(id, attempt, session.signers());
        let automatic = self.config.rounds == Rounds::Automatic;
        session.gates = ManualRounds { commit: automatic, reveal: automatic, sign: automatic };
        for local in session.locals.values_mut() {
            local.nonces = Nonces::None;
        }
        self.enter(id, Phase::Commitments, ctx);
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
        let commit = NonceCommit { session: session.run.session, attempt: session.run.attempt, commitment };
        match self.seal(&signer, commit, ctx) {
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
        match self.seal(signer, share, ctx) {
            Ok(sealed) => {
                let frame = Arc::clone(&sealed.frame);
                ctx.persist(Record::Spent { request: *id, attempt, signer: *signer, frame });
                if let Some(session) = self.sessions.get_mut(id) {
                    let index = session.request.index_of(signer);
                    session.run.signed.extend(index);
                }
                self.send_to_session(id, &sealed.frame, ctx);
            }
            Err(error) => self.fail(id, AbortCause::Internal(error.to_string()), ctx),
        }
    }
}
