//! What a restart does with what the earlier process left (`docs/protocol.md` §7.1).
//!
//! Its nonces died with it, so an attempt for which they were issued is dead for this node, unless the partial signature
//! was stored: then its bytes are sent again, and never computed again. A new process has a new message key, which a new
//! join makes known to the others; they go on with the next attempt as soon as the first commitment for it comes.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PublicKey};
use motet_wire::{Attempt, Channel, Commitments, Delegation, Have, RequestId};

use super::Engine;
use super::ctx::Ctx;
use super::input::Effect;
use super::session::{Answer, AttemptState, Local, Nonces, State};
use crate::event::{AbortCause, Completed, Event};
use crate::limits;
use crate::proposal::ProposalDigest;
use crate::record::{Record, Snapshot};
use crate::signer::NonceId;

/// How long what was left waits for its signer and its frame, before it is given up.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The frames with partial signatures that an earlier process may have sent for one request.
pub(super) type Spent = BTreeMap<(Attempt, PublicKey), Arc<[u8]>>;

/// The attempts for which nonces have been issued, of each request.
pub(super) type Issued = BTreeMap<RequestId, BTreeSet<(Attempt, PublicKey)>>;

/// A request that an earlier process had approved, and that had not ended.
#[derive(Debug)]
pub(super) struct Restored {
    frame: Arc<[u8]>,
    pub(super) approvals: BTreeMap<PublicKey, ProposalDigest>,
    /// Whether it had been given up, and others may complete it.
    pub(super) given_up: bool,
}

impl Restored {
    pub(super) fn from_snapshot(snapshot: &Snapshot) -> BTreeMap<RequestId, Self> {
        let mut left: BTreeMap<RequestId, Self> = BTreeMap::new();
        for (request, signer, digest, frame) in &snapshot.approved {
            let entry = left.entry(*request);
            let given_up = snapshot.given_up.contains(request);
            let entry =
                entry.or_insert_with(|| Self { frame: Arc::clone(frame), approvals: BTreeMap::new(), given_up });
            entry.approvals.insert(*signer, *digest);
        }
        left
    }

    pub(super) fn issued(snapshot: &Snapshot) -> Issued {
        let mut issued = Issued::new();
        for (request, attempt, signer) in &snapshot.issued {
            issued.entry(*request).or_default().insert((*attempt, *signer));
        }
        issued
    }

    pub(super) fn spent(snapshot: &Snapshot) -> BTreeMap<RequestId, Spent> {
        let mut spent: BTreeMap<RequestId, Spent> = BTreeMap::new();
        for (request, attempt, signer, frame) in &snapshot.spent {
            spent.entry(*request).or_default().insert((*attempt, *signer), Arc::clone(frame));
        }
        spent
    }
}

/// Whether nonces have been issued under this id, in this process or an earlier one.
pub(super) fn is_issued(issued: &Issued, nonce_id: &NonceId) -> bool {
    issued.get(&nonce_id.request).is_some_and(|issued| issued.contains(&(nonce_id.attempt, nonce_id.signer)))
}

/// A request that an earlier process had asked its user about, without an answer.
#[derive(Debug)]
pub(super) struct AskedBefore {
    frame: Arc<[u8]>,
    signers: BTreeSet<PublicKey>,
}

impl AskedBefore {
    pub(super) fn from_snapshot(snapshot: &Snapshot) -> BTreeMap<RequestId, Self> {
        let mut asked: BTreeMap<RequestId, Self> = BTreeMap::new();
        for (request, signer, frame) in &snapshot.asked {
            let entry = || Self { frame: Arc::clone(frame), signers: BTreeSet::new() };
            asked.entry(*request).or_insert_with(entry).signers.insert(*signer);
        }
        asked
    }
}

/// Requests that have ended: what comes for one of them again is late, however it comes.
#[derive(Debug, Default)]
pub(super) struct Ended {
    known: BTreeSet<RequestId>,
    order: VecDeque<RequestId>,
}

impl Ended {
    pub(super) fn new(ended: &[RequestId]) -> Self {
        let mut this = Self::default();
        for request in ended {
            this.insert(*request);
        }
        this
    }

    pub(super) fn contains(&self, request: &RequestId) -> bool {
        self.known.contains(request)
    }

    fn insert(&mut self, request: RequestId) {
        if self.known.insert(request) {
            self.order.push_back(request);
        }
        if self.order.len() > limits::ENDED_REQUESTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Engine {
    /// A signer can speak: what it had approved is taken up again.
    pub(super) fn look_at_left(&mut self, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        let left = self.left.values().filter(|left| left.approvals.contains_key(signer));
        let asked = self.asked_before.values().filter(|asked| asked.signers.contains(signer));
        let frames = left.map(|left| &left.frame).chain(asked.map(|asked| &asked.frame));
        let frames: Vec<Arc<[u8]>> = frames.map(Arc::clone).collect();
        if !frames.is_empty() {
            self.restored_until = Some(ctx.now.mono.saturating_add(PATIENCE));
            ctx.effect(Effect::Validate { from: self.peer, channel: Channel::Store, frames });
        }
    }

    /// Gives up what nobody has taken up.
    pub(super) fn abandon_left(&mut self, ctx: &mut Ctx<'_>) {
        if self.restored_until.is_some_and(|until| until <= ctx.now.mono) {
            self.restored_until = None;
            let left = core::mem::take(&mut self.left).into_keys();
            let asked = core::mem::take(&mut self.asked_before).into_keys();
            for request in left.chain(asked) {
                self.remember_end(&request, ctx);
            }
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
        self.ended.insert(*id);
        self.asking.remove(id);
        self.issued.remove(id);
        self.spent.remove(id);
        ctx.persist(Record::Ended { request: *id, result });
    }

    /// Joins a request that an earlier process had approved, where that process stopped.
    pub(super) fn resume(&mut self, id: &RequestId, signer: &PublicKey, digest: ProposalDigest, ctx: &mut Ctx<'_>) {
        let issued = self.issued.get(id).into_iter().flatten().filter(|(_, by)| by == signer);
        let Some(last) = issued.map(|(attempt, _)| *attempt).max() else {
            // Nothing has left this node: it joins as if it had just been asked.
            return self.approve(id, signer, digest, ctx);
        };
        let spent = self.spent.get(id).is_some_and(|spent| spent.contains_key(&(last, *signer)));
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
            .filter_map(|local| self.spent.get(id)?.get(&(attempt, local.signer)))
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
