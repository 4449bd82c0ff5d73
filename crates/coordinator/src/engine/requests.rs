//! Requests as they come (`docs/protocol.md` §6, phase 2): which of them are looked at, and the sessions that they open.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    AbortCode, Attempt, Channel, MonotonicMs, RequestId, SignerIndex, SigningRequest, Topology, Validated,
};

use super::Engine;
use super::ctx::Ctx;
use super::input::Effect;
use super::session::{
    Active, Answer, AttemptState, Local, Nonces, Origin, Session, Slots, State, Trace, coordinator_order, signing_items,
};
use crate::event::Event;
use crate::proposal::{Decision, Proposal, ProposalDigest};
use crate::record::Record;
use crate::signer::SigningItem;

/// Verdict on a request of somebody else before it is looked at.
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
        if self.identities.keep_early(&message) {
            return;
        }
        let is_handed_in = message.channel() == Channel::Store && !self.sessions.contains_key(&id);
        if is_handed_in
            && !locals.is_empty()
            && let Some(completed) = self.results.of(&id).cloned()
        {
            return self.take_up_signed(&message, completed, locals, ctx);
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
            // The others may be far ahead; they are asked where they are. A member of a private group may come back until the request ends.
            let end = if request.work.is_none() { self.joins_until(&message, ctx.now.mono) } else { ctx.now.mono };
            ctx.now.mono.saturating_add(self.config.join_timeout).max(end)
        } else {
            self.joins_until(&message, ctx.now.mono)
        };
        let state = State::Active(Active::joining(&self.config, ctx.now.mono, joins_until));
        let session = self.open(id, &message, items, locals, state);
        let approvals = left.map(|left| left.approvals).unwrap_or_default();
        self.begin_session(session, message.channel(), &approvals, ctx);
    }

    /// The request as one signer of this node is asked to approve it; none if it is not known here.
    pub fn proposal(&self, request: &RequestId, signer: &PublicKey) -> Option<Proposal> {
        self.sessions.get(request).map(|session| session.proposal(signer))
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
        let requested = session.requested(channel);
        let proposals: Vec<_> = session.locals.values().map(|local| session.proposal(&local.signer)).collect();
        session.refresh_span();
        self.sessions.insert(session);
        ctx.emit(match origin {
            Origin::Announced => Event::SigningRequestCreated(requested),
            Origin::Received | Origin::Kept => Event::SigningRequestReceived(requested),
        });
        for proposal in proposals {
            let digest = proposal.digest();
            if approvals.get(&proposal.signer) == Some(&digest) {
                self.lend(&id, ctx, |session, lent| session.resume(&proposal.signer, digest, lent));
            } else {
                ctx.effect(Effect::AskPolicy(Box::new(proposal)));
            }
        }
        self.replay_early(&id, ctx);
    }

    /// Verdict on whether a request of somebody else may be looked at. Those that nobody has approved yet are bounded apart from the
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
                self.lend(&other, ctx, Session::make_way);
                Room::Made
            }
            Err(reason) => Room::Refused(reason.to_owned()),
        }
    }

    /// Declines a request without looking at what it asks for. Only its creator is told.
    fn refuse(&mut self, message: &Validated<SigningRequest>, id: RequestId, reason: String, ctx: &mut Ctx<'_>) {
        let request = message.message();
        let local = (0u16..).map(SignerIndex).zip(&request.keys).find(|(_, key)| self.identities.contains_key(key));
        let Some((index, signer)) = local.map(|(index, key)| (index, *key)) else { return };
        if let Ok(frame) = self.identities.seal_decline(&id, index, &signer, reason, ctx) {
            let creator = &request.creator;
            let addresses =
                self.directory.route_of(&creator.signer).map(|(_, addresses)| addresses).unwrap_or_default();
            ctx.send(creator.peer, addresses, &frame);
        }
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
        items: Arc<[SigningItem]>,
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
            unlisted: Vec::new(),
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
        self.lend(&request, ctx, |session, lent| match decision {
            Decision::Approve => session.approve(&signer, digest, lent),
            // Whoever asked may be gone by now; there is nobody to tell then.
            Decision::Decline { reason } => drop(session.decline(&signer, reason, lent)),
        });
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
}
