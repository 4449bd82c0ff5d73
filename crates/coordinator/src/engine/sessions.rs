//! All sessions of a node, and the indices by which they are found: by attempt, by message key, by peer, by signer, by time.
//!
//! The indices follow from the sessions. [`Sessions::get_mut`] notes which session may have changed, and
//! [`Sessions::settle`] brings its entries up to date, so that an input costs as much as the sessions that it touches, and no
//! more when there are others.

use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, AttemptId, MonotonicMs, PeerId, RequestId, Subject};

use super::groups::Groups;
use super::participants::Participants;
use super::session::Session;
use super::timer_table::TimerTable;

/// The entries of one session in the indices; a session that is not there has the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Entries {
    /// The time at which something has to be done for it.
    due: Option<MonotonicMs>,
    /// The time limit of its phase, while it goes on.
    limit: Option<MonotonicMs>,
    /// The signer that has asked, while it goes on.
    creator: Option<PublicKey>,
    /// The end of the session, while it waits for an approval.
    waits: Option<MonotonicMs>,
    /// Its place among the sessions that have ended: open ends last, then by time.
    over: Option<(bool, MonotonicMs)>,
    /// A broadcast waits for an idle moment.
    deferred: bool,
}

impl Entries {
    fn of(session: &Session) -> Self {
        let active = session.active();
        Self {
            due: session.deadlines().min(),
            limit: active.map(|active| active.deadline),
            creator: active.map(|_| session.request.creator.signer),
            waits: active.filter(|_| !session.is_approved()).map(|active| active.ends),
            over: session.over().map(|over| (session.is_open_ended(), over.at)),
            deferred: session.has_unsaid(),
        }
    }
}

/// The sessions of a node.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: BTreeMap<RequestId, Session>,
    /// The request of each attempt; every attempt that may come is in here from the start.
    attempts: BTreeMap<AttemptId, RequestId>,
    entries: BTreeMap<RequestId, Entries>,
    /// Sessions whose entries may be out of date.
    touched: BTreeSet<RequestId>,
    /// Times at which something has to be done, and the session of each.
    timers: TimerTable<RequestId>,
    participants: Participants,
    by_signer: Groups<PublicKey>,
    /// Sessions that go on, by the signer that has asked.
    by_creator: Groups<PublicKey>,
    /// Sessions that nobody here has approved, those first that end first.
    waiting: TimerTable<RequestId>,
    /// Sessions that go on, by the time limit of their phase.
    limits: TimerTable<RequestId>,
    /// Sessions that have ended, those first that are forgotten first: what others may still complete is last.
    over: BTreeSet<(bool, MonotonicMs, RequestId)>,
    /// Sessions with a broadcast that waits for an idle moment.
    deferred: BTreeSet<RequestId>,
}

impl Sessions {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, id: &RequestId) -> Option<&Session> {
        self.all.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &RequestId) -> Option<&mut Session> {
        let session = self.all.get_mut(id)?;
        self.touched.insert(*id);
        Some(session)
    }

    pub(super) fn contains_key(&self, id: &RequestId) -> bool {
        self.all.contains_key(id)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Session> {
        self.all.values()
    }

    pub(super) fn insert(&mut self, session: Session) {
        self.touched.insert(session.id);
        for signer in &session.request.keys {
            self.by_signer.insert(*signer, session.id);
        }
        let id = session.id;
        self.all.insert(id, session);
        self.know_attempts(&id);
    }

    /// Forgets a session, and the ids of its attempts.
    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Session> {
        let session = self.all.remove(id)?;
        for attempt in 0..session.attempts {
            self.attempts.remove(&AttemptId::derive(id, Attempt(attempt)));
        }
        self.participants.remove(id);
        for signer in &session.request.keys {
            self.by_signer.remove(signer, id);
        }
        let entries = self.entries.remove(id).unwrap_or_default();
        self.change(id, &entries, &Entries::default());
        self.touched.remove(id);
        Some(session)
    }

    /// Makes the ids of all attempts that a session may have lead to its request.
    pub(super) fn know_attempts(&mut self, id: &RequestId) {
        let attempts = self.all.get(id).map_or(0, |session| session.attempts);
        for attempt in 0..attempts {
            self.attempts.insert(AttemptId::derive(id, Attempt(attempt)), *id);
        }
    }

    /// The request of an attempt.
    pub(super) fn request_of(&self, attempt: &AttemptId) -> Option<RequestId> {
        self.attempts.get(attempt).copied()
    }

    /// The request that a message is about, as far as it is known; a request itself is about none.
    pub(super) fn request_about(&self, subject: Subject) -> Option<RequestId> {
        match subject {
            Subject::Directory | Subject::NewRequest | Subject::Application => None,
            Subject::Request(request) => Some(request),
            Subject::Attempt(attempt) => self.request_of(&attempt),
        }
    }

    /// Brings the entries of all sessions up to date that may have changed.
    pub(super) fn settle(&mut self) {
        while let Some(id) = self.touched.pop_first() {
            let Some(session) = self.all.get_mut(&id) else { continue };
            for (key, index) in session.unlisted.drain(..) {
                if let Some(join) = session.joins.at(index) {
                    self.participants.join(id, key, index, join.body.delegation.peer);
                }
            }
            self.participants.set_listening(id, session.listens());
            let after = Entries::of(session);
            let before = self.entries.insert(id, after).unwrap_or_default();
            self.change(&id, &before, &after);
        }
    }

    fn change(&mut self, id: &RequestId, before: &Entries, after: &Entries) {
        self.timers.change(*id, before.due, after.due);
        self.limits.change(*id, before.limit, after.limit);
        self.waiting.change(*id, before.waits, after.waits);
        self.by_creator.change(id, before.creator, after.creator);
        if before.over != after.over {
            if let Some((open, ended)) = before.over {
                self.over.remove(&(open, ended, *id));
            }
            self.over.extend(after.over.map(|(open, ended)| (open, ended, *id)));
        }
        if after.deferred {
            self.deferred.insert(*id);
        } else {
            self.deferred.remove(id);
        }
    }

    /// The first time at which something has to be done.
    pub(super) fn next_due(&self) -> Option<MonotonicMs> {
        self.timers.next()
    }

    /// The sessions for which something has to be done by now, in the order of their ids.
    pub(super) fn due(&mut self, now: MonotonicMs) -> BTreeSet<RequestId> {
        self.settle();
        self.timers.due(now).copied().collect()
    }

    /// The sessions with a broadcast that waits for an idle moment, in the order of their ids.
    pub(super) fn deferred(&mut self) -> Vec<RequestId> {
        self.settle();
        self.deferred.iter().copied().collect()
    }

    /// True if a broadcast waits for an idle moment.
    pub(super) fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// The sessions that have ended and are more than so many, those first that are forgotten first.
    pub(super) fn over_beyond(&mut self, most: usize) -> Vec<RequestId> {
        self.settle();
        let excess = self.over.len().saturating_sub(most);
        self.over.iter().take(excess).map(|(_, _, id)| *id).collect()
    }

    /// Number of sessions that go on.
    pub(super) fn active(&self) -> usize {
        self.limits.len()
    }

    /// Number of sessions that go on and that a signer of this node has approved.
    pub(super) fn approved(&mut self) -> usize {
        self.settle();
        self.limits.len().saturating_sub(self.waiting.len())
    }

    /// Number of sessions that go on and for which a signer has asked.
    pub(super) fn of_creator(&mut self, creator: &PublicKey) -> usize {
        self.settle();
        self.by_creator.count(creator)
    }

    /// The first time limit of all phases that go on.
    pub(super) fn first_limit(&self) -> Option<MonotonicMs> {
        self.limits.next()
    }

    /// The sessions in which a message key speaks.
    pub(super) fn of_message_key(&self, key: &PublicKey) -> impl Iterator<Item = &Session> {
        self.participants.of_key(key).filter_map(|id| self.all.get(id))
    }

    /// The sessions that a signer is asked to take part in.
    pub(super) fn of_signer(&self, signer: &PublicKey) -> impl Iterator<Item = &Session> {
        self.by_signer.of(signer).filter_map(|id| self.all.get(id))
    }

    /// The sessions in which a peer serves a signer.
    pub(super) fn of_peer(&self, peer: &PeerId) -> impl Iterator<Item = &Session> {
        self.participants.of_peer(peer).filter_map(|id| self.all.get(id))
    }

    /// Number of sessions that listen and in which a message key speaks.
    pub(super) fn listening_to_key(&self, key: &PublicKey) -> usize {
        self.participants.listening_to_key(key)
    }

    /// Number of sessions that listen and in which a peer serves a signer.
    pub(super) fn listening_to_peer(&self, peer: &PeerId) -> usize {
        self.participants.listening_to_peer(peer)
    }

    /// The peers that serve a signer of a session that listens, in their order.
    pub(super) fn listened_to(&self) -> impl Iterator<Item = &PeerId> {
        self.participants.listened_to()
    }

    /// Number of times that these peers have become others.
    pub(super) const fn changes_of_peers(&self) -> u64 {
        self.participants.changes_of_peers()
    }
}
