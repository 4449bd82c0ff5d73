//! Phases 2 and 3 from the side of whoever listens: requests, approvals, joins (`docs/protocol.md` §6).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PublicKey};
use motet_wire::{
    AbortCode, Attempt, Channel, Commitments, MonotonicMs, ParticipantDeclined, ParticipantJoined, RequestId,
    SessionReady, SignerIndex, SigningRequest, Topology, Validated,
};

use super::Engine;
use super::ctx::Ctx;
use super::identities::is_newer;
use super::input::{Effect, Reply};
use super::session::{
    Active, Answer, AttemptState, Collecting, Local, Nonces, Origin, Session, SignedStatement, Slots, State, Trace,
    coordinator_order, signing_items,
};
use crate::error::CommandError;
use crate::event::{AbortCause, Event, Participation, Phase, Requested};
use crate::limits;
use crate::proposal::{Decision, ProposalDigest};
use crate::record::Record;

/// What becomes of a request of somebody else before it is looked at.
enum Room {
    /// It is looked at.
    Made,
    /// It is declined, with these words.
    Refused(String),
    /// Nothing is said to a signer that is blocked.
    Ignored,
}

/// For how long a request says that it can be joined, whatever the clock shows.
fn lifetime(request: &SigningRequest) -> Duration {
    Duration::from_millis(request.expires.0.saturating_sub(request.created.0))
}

impl Engine {
    pub(super) fn on_request(&mut self, message: Validated<SigningRequest>, ctx: &mut Ctx<'_>) {
        let Ok(id) = message.message().id(&self.network) else { return };
        let locals = self.locals_of(message.message());
        if self.keeps_for_later(&message) {
            return;
        }
        let known = self.sessions.contains_key(&id) || self.ledger.has_ended(&id);
        let left = self.restored.take_approved(&id);
        let was_asked = self.restored.take_asked(&id);
        if locals.is_empty() || known {
            return;
        }
        if left.is_none() && message.is_expired(ctx.now) {
            if was_asked {
                self.remember_end(&id, ctx);
            }
            return;
        }
        if left.is_none() {
            match self.makes_room_for(&message, ctx) {
                Room::Made => {}
                Room::Refused(reason) => {
                    if was_asked {
                        self.remember_end(&id, ctx);
                    }
                    return self.refuse(&message, id, reason, ctx);
                }
                Room::Ignored => return,
            }
        }
        let request = message.message();
        let Ok(items) = signing_items(&request.keys, &request.items) else { return };
        if let Some(left) = left.as_ref().filter(|left| left.given_up) {
            return self.reopen(&message, id, items, locals, left, ctx);
        }
        let joins_until = if left.is_some() {
            // The others may be far ahead; they are asked where they are.
            ctx.now.mono.saturating_add(self.config.join_timeout)
        } else {
            self.joins_until(&message, ctx.now.mono)
        };
        let state = State::Active(Active::joining(&self.config, ctx.now.mono, joins_until));
        let session = self.open(id, &message, items, locals, state);
        let approvals = left.map(|left| left.approvals).unwrap_or_default();
        self.begin_session(session, message.channel(), &approvals, ctx);
    }

    /// The signers of this node in a request, none of which has been asked yet.
    pub(super) fn locals_of(&self, request: &SigningRequest) -> BTreeMap<SignerIndex, Local> {
        let indexed = (0u16..).map(SignerIndex).zip(&request.keys).filter(|(_, key)| self.serves(key));
        indexed
            .map(|(index, key)| (index, Local { signer: *key, answer: Answer::Asked, nonces: Nonces::None }))
            .collect()
    }

    /// Lets a session begin: the user is told of it, signers that have approved it join, and the policy is asked about the
    /// others.
    pub(super) fn begin_session(
        &mut self,
        mut session: Session,
        channel: Channel,
        approvals: &BTreeMap<PublicKey, ProposalDigest>,
        ctx: &mut Ctx<'_>,
    ) {
        let (id, origin) = (session.id, session.origin);
        let keys = session.items.iter().map(|item| item.context.aggregate_key()).collect();
        let requested = Requested { id, request: Box::new(session.request.as_ref().clone()), keys, channel };
        let proposals: Vec<_> = session.locals.values().map(|local| session.proposal(&local.signer)).collect();
        session.refresh_span();
        self.sessions.insert(session);
        self.know_attempts(&id);
        let entered = self.span_of(&id).entered();
        ctx.emit(match origin {
            Origin::Announced => Event::SigningRequestCreated(requested),
            Origin::Received => Event::SigningRequestReceived(requested),
        });
        for proposal in proposals {
            let digest = proposal.digest();
            if approvals.get(&proposal.signer) == Some(&digest) {
                self.resume(&id, &proposal.signer, digest, ctx);
            } else {
                ctx.effect(Effect::AskPolicy(Box::new(proposal)));
            }
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.refresh_span();
        }
        drop(entered);
        self.replay_early(&id, ctx);
    }

    /// Makes the ids of all attempts that may come lead to their request.
    pub(super) fn know_attempts(&mut self, id: &RequestId) {
        for attempt in 0..self.config.max_attempts {
            self.sessions.know_attempt(id, Attempt(attempt));
        }
    }

    /// Whether a request of somebody else may be looked at. Those that nobody has approved yet are bounded apart from the
    /// sessions that go on.
    fn makes_room_for(&mut self, message: &Validated<SigningRequest>, ctx: &mut Ctx<'_>) -> Room {
        let request = message.message();
        let creator = &request.creator.signer;
        let of_creator = self.sessions.of_creator(creator);
        let going_on = self.sessions.approved();
        if self.reputation.is_blocked(creator, ctx.now.wall) {
            return Room::Ignored;
        }
        if request.options.topology != Topology::Mesh {
            return Room::Refused(format!("{}: this node signs in the topology Mesh alone", AbortCode::Unsupported));
        }
        if request.keys.len() > self.config.max_signers {
            return Room::Refused(format!("this node signs with at most {} signers", self.config.max_signers));
        }
        if of_creator >= self.config.max_sessions_per_creator {
            return Room::Refused(format!("{of_creator} requests of yours are open here; wait for one to end"));
        }
        if going_on >= self.config.max_sessions {
            return Room::Refused("this node takes part in as many sessions as it may; ask again later".to_owned());
        }
        let is_known = self.reputation.is_known(creator, ctx);
        match self.prompts.take_place(message, is_known, &self.sessions, ctx) {
            Ok(None) => Room::Made,
            Ok(Some(other)) => {
                self.within(&other, |engine| engine.make_way(&other, ctx));
                Room::Made
            }
            Err(reason) => Room::Refused(reason.to_owned()),
        }
    }

    /// Ends a request that nobody here has approved, and tells the others, who need not wait for it.
    pub(super) fn make_way(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let asked = session.locals.iter().find(|(_, local)| local.answer == Answer::Asked);
        if let Some((index, signer)) = asked.map(|(index, local)| (*index, local.signer)) {
            let reason = "too many requests wait for an answer here; ask again later".to_owned();
            if let Ok(frame) = self.seal_decline(id, index, &signer, reason, ctx) {
                self.send_to_session(id, &frame, ctx);
            }
        }
        self.finish(id, None, AbortCause::Crowded, ctx);
    }

    /// Declines a request without looking at what it asks for. Only its creator is told.
    fn refuse(&mut self, message: &Validated<SigningRequest>, id: RequestId, reason: String, ctx: &mut Ctx<'_>) {
        let request = message.message();
        let local = (0u16..).map(SignerIndex).zip(&request.keys).find(|(_, key)| self.identities.contains_key(key));
        let Some((index, signer)) = local.map(|(index, key)| (index, *key)) else { return };
        if let Ok(frame) = self.seal_decline(&id, index, &signer, reason, ctx) {
            let creator = &request.creator;
            let known = self.directory.of_signer(&creator.signer);
            let addresses = known.map(|known| known.advertisement.addresses.clone()).unwrap_or_default();
            ctx.send(creator.peer, addresses, &frame);
        }
    }

    pub(super) fn seal_decline(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        signer: &PublicKey,
        reason: String,
        ctx: &mut Ctx<'_>,
    ) -> Result<Arc<[u8]>, CommandError> {
        let delegation = self.identities.delegation(signer)?;
        let declined = ParticipantDeclined { request: *id, index, delegation, reason };
        Ok(self.identities.seal(signer, declined, ctx)?.frame)
    }

    /// Until when a request can be joined.
    pub(super) fn joins_until(&self, message: &Validated<SigningRequest>, now: MonotonicMs) -> MonotonicMs {
        let joins_until = message.deadline().unwrap_or_else(|| now.saturating_add(self.config.join_timeout));
        // Where the wall clock has been set back since it was asked, it is still not open for longer than it says.
        joins_until.min(now.saturating_add(lifetime(message.message())))
    }

    pub(super) fn open(
        &self,
        id: RequestId,
        message: &Validated<SigningRequest>,
        items: Arc<[crate::signer::SigningItem]>,
        locals: BTreeMap<SignerIndex, Local>,
        state: State,
    ) -> Session {
        let request = Arc::new(message.message().clone());
        let signers = request.keys.len();
        Session {
            id,
            order: coordinator_order(&self.network, &id, &request),
            turn: 0,
            frame: Arc::clone(message.frame()),
            items,
            joins: Slots::empty(signers),
            message_keys: BTreeMap::new(),
            attempts: self.config.max_attempts,
            locals,
            attempt: AttemptState::new(&id, Attempt::FIRST, signers),
            lifetime: lifetime(&request),
            retry_of: None,
            origin: Origin::Received,
            state,
            trace: Trace::new(&id),
            said: Vec::new(),
            askers: BTreeSet::new(),
            request,
        }
    }

    pub(super) fn on_decision(
        &mut self,
        request: RequestId,
        signer: PublicKey,
        digest: ProposalDigest,
        decision: Decision,
        ctx: &mut Ctx<'_>,
    ) {
        match decision {
            Decision::Approve => self.approve(&request, &signer, digest, ctx),
            Decision::Decline { reason } => {
                // Whoever asked may be gone by now; there is nobody to tell then.
                drop(self.decline(&request, &signer, reason, ctx));
            }
        }
    }

    /// Joins, if what was approved is what this session would sign.
    pub(super) fn approve(&mut self, id: &RequestId, signer: &PublicKey, digest: ProposalDigest, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.collecting() != Some(Collecting::Joins) || session.proposal(signer).digest() != digest {
            return;
        }
        let Some((index, local)) = session.locals.iter_mut().find(|(_, local)| local.signer == *signer) else { return };
        if local.answer != Answer::Asked {
            return;
        }
        let index = *index;
        local.answer = Answer::Approved(digest);
        let frame = Arc::clone(&session.frame);
        ctx.persist(Record::Approved { request: *id, signer: *signer, digest, frame });
        match session.request.options.commitments {
            // The join carries the commitment, so the nonces come first.
            Commitments::On => {
                session.make_nonces(index, &self.ledger, ctx);
            }
            Commitments::Off => {
                self.join(id, index, None, ctx);
                if let Some(session) = self.sessions.get_mut(id) {
                    session.make_nonces(index, &self.ledger, ctx);
                }
            }
        }
    }

    /// Says to the other members that a signer of this node takes part.
    pub(super) fn join(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        commitment: Option<NonceCommitment>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(signer) = self.sessions.get(id).and_then(|session| session.key(index)).copied() else { return };
        let joined = self.identities.delegation(&signer).map(|delegation| ParticipantJoined {
            request: *id,
            index,
            delegation,
            commitment,
        });
        match joined.and_then(|joined| self.identities.seal(&signer, joined, ctx)) {
            Ok(sealed) => {
                self.say_to_session(id, &sealed.frame, ctx);
            }
            Err(error) => self.fail(id, AbortCause::Internal(error.to_string()), ctx),
        }
    }

    pub(super) fn decline(
        &mut self,
        id: &RequestId,
        signer: &PublicKey,
        reason: String,
        ctx: &mut Ctx<'_>,
    ) -> Result<Reply, CommandError> {
        let session = self.sessions.get_mut(id).ok_or(CommandError::UnknownRequest(*id))?;
        if session.collecting() != Some(Collecting::Joins) {
            return Err(CommandError::WrongPhase(session.phase()));
        }
        let found = session.locals.iter_mut().find(|(_, local)| local.signer == *signer);
        let (index, local) = found.ok_or(CommandError::UnknownSigner(*signer))?;
        let index = *index;
        if local.answer != Answer::Asked {
            return Err(CommandError::WrongPhase(Phase::Joining));
        }
        local.answer = Answer::Declined;
        let frame = self.seal_decline(id, index, signer, reason, ctx)?;
        self.send_to_session(id, &frame, ctx);
        Ok(Reply::Done)
    }

    /// The command: approve what the session is about, whatever the policy is still thinking.
    pub(super) fn join_by_command(
        &mut self,
        id: &RequestId,
        signer: &PublicKey,
        ctx: &mut Ctx<'_>,
    ) -> Result<Reply, CommandError> {
        let session = self.sessions.get(id).ok_or(CommandError::UnknownRequest(*id))?;
        if !session.locals.values().any(|local| local.signer == *signer) {
            return Err(CommandError::UnknownSigner(*signer));
        }
        if session.collecting() != Some(Collecting::Joins) {
            return Err(CommandError::WrongPhase(session.phase()));
        }
        let digest = session.proposal(signer).digest();
        self.approve(id, signer, digest, ctx);
        Ok(Reply::Done)
    }

    pub(super) fn on_joined(&mut self, message: Validated<ParticipantJoined>, ctx: &mut Ctx<'_>) {
        let id = message.message().request;
        let own = self.identities.is_own(message.sender());
        let join = message.message();
        let (index, peer) = (join.index, join.delegation.peer);
        let route = self.sessions.get(&id).and_then(|session| self.route_to(session, index));
        let before = route.map(|(peer, _)| peer);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let wants_commitment = session.request.options.commitments == Commitments::On;
        if session.key(index) != Some(&join.delegation.signer) {
            return;
        }
        if join.commitment.is_some() != wants_commitment {
            return self.accuse_of_wrong_join(&id, message.frame(), ctx);
        }
        if let Some((_, known)) = session.message_keys.get(message.sender()) {
            if known.body != *join && session.active().is_some() {
                let first = Arc::clone(&known.frame);
                self.accuse_of_equivocation(&id, first, message.frame(), ctx);
            }
            return;
        }
        let newest = session.joins.at(index).map(|held| held.body.delegation.clone());
        let message_keys = session.message_keys.values().filter(|(slot, _)| *slot == index).count();
        if message_keys >= limits::MESSAGE_KEYS_PER_SLOT {
            return;
        }
        let participation = Participation {
            request: id,
            signer: join.delegation.signer,
            index,
            peer: join.delegation.peer,
            channel: message.channel(),
        };
        session.message_keys.insert(*message.sender(), (index, SignedStatement::of(&message)));
        if session.over().is_some() {
            // The join of an earlier process tells nothing new.
            if newest.is_none_or(|newest| is_newer(&join.delegation, &newest)) {
                session.joins.replace(index, SignedStatement::of(&message));
                self.introduce(&id, index, peer, before, ctx);
                self.on_returned(&id, &join.delegation, ctx);
            }
            return;
        }
        match newest {
            None => {
                if let Some(body) = join.commitment.filter(|_| session.attempt.number == Attempt::FIRST) {
                    session.attempt.commits.place(index, SignedStatement::part_of(&message, body));
                }
                session.joins.place(index, SignedStatement::of(&message));
                if own {
                    ctx.emit(Event::SigningRequestJoined(participation.clone()));
                }
                ctx.emit(Event::ParticipantJoined(participation));
                if own {
                    self.ask_creator(&id, ctx);
                }
                self.introduce(&id, index, peer, before, ctx);
                self.advance(&id, ctx);
            }
            Some(newest) if is_newer(&join.delegation, &newest) => {
                session.joins.replace(index, SignedStatement::of(&message));
                self.introduce(&id, index, peer, before, ctx);
                self.on_returned(&id, &join.delegation, ctx);
            }
            // A later process of our signer was faster.
            Some(newest) if own => self.on_returned(&id, &newest, ctx),
            // An earlier process of the signer: what it said before counts, and it says nothing more.
            Some(_) => self.introduce(&id, index, peer, before, ctx),
        }
        self.replay_early(&id, ctx);
    }

    pub(super) fn on_declined(&mut self, message: Validated<ParticipantDeclined>, ctx: &mut Ctx<'_>) {
        let id = message.message().request;
        let Some(session) = self.sessions.get(&id) else { return };
        let index = message.message().index;
        let signer = message.message().delegation.signer;
        if session.key(index) != Some(&signer) || session.joins.at(index).is_some() {
            return;
        }
        let channel = message.channel();
        let frame = Arc::clone(message.frame());
        let ParticipantDeclined { delegation, reason, .. } = message.into_message();
        let participation = Participation { request: id, signer, index, peer: delegation.peer, channel };
        ctx.emit(Event::ParticipantDeclined { participation, reason: reason.clone() });
        if channel != Channel::Own {
            self.pass_on_end(&id, &frame, ctx);
        }
        self.finish(&id, Some(frame), AbortCause::Refused { by: index, signer, detail: reason }, ctx);
    }

    pub(super) fn on_session_ready(&mut self, message: Validated<SessionReady>, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(&message.message().request) else { return };
        // Whoever hands a SessionReady on cannot know whether the joins in it are sound: its author answers for them, and
        // must be known for that.
        let author = session.slot_of(message.sender()).and_then(|index| session.peer_of(index)).copied();
        let from = author.unwrap_or(*message.from());
        let SessionReady { joins, .. } = message.into_message();
        // Only what is missing or differs is worth a look; every join is believed for its own signature.
        let frames: Vec<Arc<[u8]>> = joins
            .into_iter()
            .filter(|frame| !session.joins.held().any(|(_, held)| held.frame.as_ref() == frame.as_slice()))
            .map(Arc::from)
            .collect();
        if !frames.is_empty() {
            ctx.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        }
    }
}
