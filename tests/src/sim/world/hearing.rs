//! What nodes take from what they hear, and what must be on disk before they speak.

use std::sync::Arc;

use motet_coordinator::{Command, Input, Reply};
use motet_core_crypto::PublicKey;
use motet_node::SessionStatus;
use motet_wire::{Attempt, AttemptId, Channel, Kind, Message, RequestId, Validated, peek};

use super::World;
use crate::sim::invariant::Invariant;

/// A statement's place on a host: the host, its life, the session, who speaks, what kind it is.
pub(super) type Slot = (usize, u32, AttemptId, PublicKey, Kind);

/// Where a body begins with a session and an attempt, or a join's with its request.
const SESSION: core::ops::Range<usize> = 55..87;
const ATTEMPT: core::ops::Range<usize> = 87..91;

impl World {
    /// What leaves must be recorded: a join's approval, nonces as issued, partial signatures as spent.
    pub(super) fn check_durable(&mut self, host: usize, frame: &[u8]) {
        if !self.is_honest(host) {
            return;
        }
        let Some((kind, sender)) = peek(frame).map(|peek| (peek.kind, peek.sender)) else { return };
        let node = &self.hosts[host];
        if kind == Kind::ParticipantJoined {
            // The join of a copy of this signer, or of an earlier life, is handed on like any other's.
            if PublicKey::from_bytes(&sender).ok() != node.voice {
                return;
            }
            let request = frame.get(SESSION).and_then(|bytes| bytes.try_into().ok()).map(RequestId::from_bytes);
            if let Some(request) = request
                && !node.disk.approves(&request, &node.key)
            {
                let detail = format!("host {host} joins {request}, and its disk does not know that this was approved");
                self.watch.breach(Invariant::Replay, detail);
            }
            return;
        }
        if !matches!(kind, Kind::NonceCommit | Kind::NonceShare | Kind::PartialSigShare) {
            return;
        }
        let session = frame.get(SESSION).and_then(|bytes| bytes.try_into().ok()).map(AttemptId::from_bytes);
        let attempt = frame.get(ATTEMPT).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        let request = session.and_then(|session| self.watch.request_of(&session));
        let (Some(request), Some(attempt)) = (request, attempt) else { return };
        let (issued, spent) = node.disk.holds(&request, Attempt(attempt), &node.key);
        if !issued || (kind == Kind::PartialSigShare && !spent) {
            let detail = format!("host {host} lets {} leave that its disk does not know of", kind.name());
            self.watch.breach(Invariant::Replay, detail);
        }
    }

    /// An own message leaves a node, for the first time.
    pub(super) fn note_own(&mut self, host: usize, frame: &Arc<[u8]>) {
        let now = self.hosts[host].clock.now(self.time);
        // A message that has not left by itself may leave in another.
        let holds_others = peek(frame).is_some_and(|peek| matches!(peek.kind, Kind::SyncResponse | Kind::SessionReady));
        if holds_others && self.is_honest(host) {
            let is_inside =
                |own: &Arc<[u8]>| own.len() < frame.len() && frame.windows(own.len()).any(|part| *part == **own);
            while let Some(own) = self.take_unsaid(host, is_inside) {
                self.note_commitment(&own);
            }
        }
        let Some(message) = self.take_unsaid(host, |own| Arc::ptr_eq(own, frame)) else { return };
        if let Some(rogue) = self.rogues.get_mut(&host) {
            return rogue.note_said(frame, now);
        }
        if let Message::SessionAbort(abort) = message.message() {
            self.watch.on_abort(message.id().to_bytes(), abort);
        }
        self.note_commitment(&message);
    }

    /// Takes an own message out of those that have not left.
    fn take_unsaid(&mut self, host: usize, is_meant: impl Fn(&Arc<[u8]>) -> bool) -> Option<Validated> {
        let running = self.hosts[host].running.as_mut()?;
        let at = running.unsaid.iter().position(|own| is_meant(own.frame()))?;
        running.unsaid.remove(at)
    }

    /// The ledger writes down what anybody commits to.
    pub(super) fn note_commitment(&mut self, message: &Validated) {
        match message.message() {
            Message::ParticipantJoined(join) => {
                if let Some(commitment) = join.commitment {
                    let session = AttemptId::derive(&join.request, Attempt::FIRST);
                    self.ledger.open().commit(session, u32::from(join.index.0), commitment.to_bytes());
                }
            }
            Message::NonceCommit(commit) => {
                let known = self.watch.request_of(&commit.session).and_then(|id| self.watch.requests.get(&id));
                let key = self.voices.get(message.sender()).map(|host| self.hosts[*host].key);
                let index = key.and_then(|key| known.and_then(|known| known.request.index_of(&key)));
                if let Some(index) = index {
                    let commitment = commit.commitment.to_bytes();
                    self.ledger.open().commit(commit.session, u32::from(index.0), commitment);
                }
            }
            _ => {}
        }
    }

    /// Notes that a host has heard a rogue's own commitment before its session ended.
    pub(super) fn note_warning(
        &mut self,
        host: usize,
        subject: Option<RequestId>,
        voice: Option<usize>,
        message: &Validated,
    ) {
        let commits = matches!(message.kind(), Kind::ParticipantJoined | Kind::NonceCommit);
        let rogue = voice.is_some_and(|voice| self.rogues.contains_key(&voice));
        let Some(request) = subject.filter(|_| commits && rogue && message.channel() != Channel::Sync) else { return };
        let ended = self.watch.seen[host].get(&request).is_some_and(|seen| seen.end.is_some());
        if !ended {
            self.warned.insert((host, request));
        }
    }

    /// Hands a message in. L3: a node that has taken one statement of a signer, and hears another for the same slot while
    /// it is still in that attempt, holds the proof, and ends the session with it.
    pub(super) fn hear(&mut self, host: usize, subject: Option<RequestId>, voice: Option<usize>, message: Validated) {
        let rogue = voice.is_some_and(|voice| !self.is_honest(voice));
        let spoken = match message.message() {
            Message::NonceShare(share) => Some((share.session, share.attempt)),
            Message::PartialSigShare(share) => Some((share.session, share.attempt)),
            _ => None,
        };
        let (Some((session, attempt)), Some(request), true) = (spoken, subject, rogue) else {
            return self.input(host, Input::Message(Box::new(message)));
        };
        let slot = (host, self.hosts[host].life, session, *message.sender(), message.kind());
        let body = message.frame().get(55..message.frame().len() - 64).unwrap_or_default().to_vec();
        let contradicts = self.taken.get(&slot).is_some_and(|taken| *taken != body);
        let items = self.watch.requests.get(&request).map_or(0, |known| known.request.items.len());
        let fits = match message.message() {
            Message::NonceShare(share) => share.nonces.len() == items,
            Message::PartialSigShare(share) => share.partials.len() == items,
            _ => false,
        };
        let going_on = |status: SessionStatus| status.attempt == attempt && !status.awaiting.is_empty();
        // A deadline that has passed by now may begin another attempt first.
        if contradicts && fits && self.is_owed_a_look(host) {
            self.input(host, Input::Tick);
        }
        let bound = contradicts && fits && self.status(host, request).is_some_and(going_on);
        let key = voice.map(|voice| self.hosts[voice].key);
        let index = key.and_then(|key| self.watch.requests.get(&request)?.request.index_of(&key));
        self.taking.clear();
        self.input(host, Input::Message(Box::new(message)));
        let takes = index.is_some_and(|index| self.taking.contains(&(host, index)));
        if takes && !self.taken.contains_key(&slot) {
            self.taken.insert(slot, body);
        }
        let ended = self.watch.seen[host].get(&request).is_none_or(|seen| seen.end.is_some());
        if bound && !ended {
            let detail = format!("host {host} has heard two statements for one slot of {request}, and goes on");
            self.watch.breach(Invariant::Conviction, detail);
        }
    }

    /// What a node says about a session.
    pub(super) fn status(&mut self, host: usize, request: RequestId) -> Option<SessionStatus> {
        match self.question(host, Command::Status { request }) {
            Some(Reply::Status(status)) => Some(*status),
            _ => None,
        }
    }
}
