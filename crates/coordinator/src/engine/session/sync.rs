//! Healing (`docs/protocol.md` §7.2): what one has missed, any other participant hands on.

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    Attempt, Channel, Have, Holding, PeerId, SessionReady, SignerIndex, SyncRequest, SyncResponse, Validated, limits,
};

use super::{Collecting, Dispute, Session};
use crate::engine::input::Effect;
use crate::engine::lent::Lent;

impl Session {
    /// Which of this node's signers speaks for the node: the first that has joined.
    pub(crate) fn voice(&self) -> Option<PublicKey> {
        self.locals.iter().find(|(index, _)| self.joins.at(**index).is_some()).map(|(_, local)| local.signer)
    }

    /// Frames that this node holds, and that an asker lacks that is in this attempt and holds so much.
    pub(crate) fn missing_from(&self, attempt: Attempt, have: &Have) -> Vec<Arc<[u8]>> {
        let mut frames: Vec<Arc<[u8]>> = Vec::new();
        if have.request == Holding::Missing {
            frames.push(Arc::clone(&self.frame));
        }
        // A signer that has been restarted has several joins. All are needed to understand what it has said, and an asker
        // that holds one of them need not hold the newest.
        let may_be_missing = |index| !have.joins.contains(index) || self.joins_of(index).count() > 1;
        let joins = self.message_keys.values().filter(|(index, _)| may_be_missing(*index));
        frames.extend(joins.map(|(_, join)| Arc::clone(&join.frame)));
        // Of a later attempt the asker lacks everything; of an earlier one nobody needs anything.
        if attempt <= self.attempt.number {
            let same = attempt == self.attempt.number;
            let run = &self.attempt;
            if run.number.0 > 0 {
                let commits = run.commits.held().filter(|(index, _)| !same || !have.commitments.contains(*index));
                frames.extend(commits.map(|(_, held)| Arc::clone(&held.frame)));
            }
            let nonces = run.nonces.held().filter(|(index, _)| !same || !have.nonces.contains(*index));
            frames.extend(nonces.map(|(_, held)| Arc::clone(&held.frame)));
            let partials = run.partials.held().filter(|(index, _)| !same || !have.partials.contains(*index));
            frames.extend(partials.map(|(_, held)| Arc::clone(&held.frame)));
        }
        if have.outcome == Holding::Missing {
            frames.extend(self.end_for(attempt).cloned());
        }
        frames
    }

    /// Tells a participant that goes on how the session ended.
    pub(crate) fn tell_end(&self, index: SignerIndex, attempt: Attempt, lent: &mut Lent<'_, '_>) {
        let waits_in_vain = self.over().is_some_and(|over| over.timeout_notice.is_some());
        let late = attempt > self.attempt.number || waits_in_vain;
        if let Some(end) = self.end_for(attempt).filter(|_| late)
            && let Some(peer) = self.peer_of(index)
        {
            lent.step.send(*peer, Vec::new(), end);
        }
    }

    /// Asks the other participants for what is missing.
    pub(crate) fn ask_for_missing(&mut self, lent: &mut Lent<'_, '_>) {
        let Some(signer) = self.voice() else { return };
        let request = SyncRequest { request: self.id, attempt: self.attempt.number, have: self.have() };
        let own = self.locals.keys().filter_map(|index| self.joins.at(*index));
        let joins: Vec<Arc<[u8]>> = own.map(|held| Arc::clone(&held.frame)).collect();
        self.look_for_members(lent);
        if self.collecting() == Some(Collecting::Joins) {
            for (peer, addresses) in
                self.joins.missing().into_iter().filter_map(|index| self.route_to(index, lent.directory))
            {
                self.hand_over(peer, addresses, lent);
            }
        }
        // Whoever has missed our join, the first or that after a restart, does not know who asks it, and would not answer:
        // two that have missed each other's would ask each other in vain.
        for join in &joins {
            self.send(join, lent);
        }
        if let Ok(sealed) = lent.seal(&signer, request) {
            self.send(&sealed.frame, lent);
        }
    }

    pub(crate) fn on_sync_request(&mut self, message: Validated<SyncRequest>, lent: &mut Lent<'_, '_>) {
        let SyncRequest { attempt, have, .. } = *message.message();
        if self.slot_of(message.sender()).is_none() || lent.identities.is_own(message.sender()) {
            return;
        }
        let frames = self.missing_from(attempt, &have);
        self.note_asker(message.sender(), lent.step.here);
        let to = *message.from();
        self.hand_on(frames, Some(to), lent);
    }

    /// Sends signed frames to one peer, or to all other participants.
    pub(crate) fn hand_on(&mut self, frames: Vec<Arc<[u8]>>, to: Option<PeerId>, lent: &mut Lent<'_, '_>) {
        let Some(signer) = self.voice() else { return };
        let mut room = limits::FRAME_SYNC_RESPONSE / 2;
        let frames: Vec<Vec<u8>> = frames
            .into_iter()
            .take(limits::SYNC_FRAMES_MAX)
            .take_while(|frame| {
                let fits = frame.len() <= room;
                room = room.saturating_sub(frame.len());
                fits
            })
            .map(|frame| frame.to_vec())
            .collect();
        if frames.is_empty() {
            return;
        }
        if let Ok(sealed) = lent.seal(&signer, SyncResponse { request: self.id, frames }) {
            match to {
                Some(peer) => lent.step.send(peer, Vec::new(), &sealed.frame),
                None => self.send(&sealed.frame, lent),
            }
        }
    }

    pub(crate) fn on_sync_response(&mut self, message: Validated<SyncResponse>, lent: &mut Lent<'_, '_>) {
        let from = *message.from();
        // A node that still waits for joins cannot know who speaks; every frame is believed for its own signature only. The join of
        // a member that has been restarted may be in it.
        let known = !self.joins.is_full() || self.is_from_member(message.sender(), message.from());
        if !known || lent.identities.is_own(message.sender()) {
            return;
        }
        let frames: Vec<Arc<[u8]>> = message.into_message().frames.into_iter().map(Arc::from).collect();
        if !frames.is_empty() {
            lent.step.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        }
    }

    /// When somebody's hash differs from ours, somebody has said two different things: everybody is shown what this
    /// node holds, so that the contradiction meets itself somewhere.
    pub(crate) fn settle_dispute(&mut self, lent: &mut Lent<'_, '_>) {
        if self.active().is_none_or(|active| active.dispute == Dispute::Shown) {
            return;
        }
        let commitments = self.attempt.commitments_hash(self.request.options.commitments);
        let differ_0 = commitments.is_some()
            && self.attempt.nonces.held().any(|(_, held)| Some(held.body.commitments) != commitments);
        let nonces = self.attempt.nonces_hash();
        let differ_1 =
            nonces.is_some() && self.attempt.partials.held().any(|(_, held)| Some(held.body.nonces) != nonces);
        if !(differ_0 || differ_1) {
            return;
        }
        if let Some(active) = self.active_mut() {
            active.dispute = Dispute::Shown;
        }
        let (coordinator, run) = (self.coordinator(), self.attempt.id);
        let joins: Vec<Vec<u8>> = self.joins.held().map(|(_, held)| held.frame.to_vec()).collect();
        let signer = self.voice();
        let first = self.attempt.number == Attempt::FIRST;
        let frames: Vec<Arc<[u8]>> = if differ_1 {
            self.attempt.nonces.held().map(|(_, held)| Arc::clone(&held.frame)).collect()
        } else {
            self.attempt.commits.held().map(|(_, held)| Arc::clone(&held.frame)).collect()
        };
        if differ_1 || !first {
            return self.hand_on(frames, None, lent);
        }
        // The commitments of the first attempt are in the joins.
        let Some(signer) = signer else { return };
        let ready = SessionReady { request: self.id, session: run, coordinator, joins };
        if let Ok(sealed) = lent.seal(&signer, ready) {
            self.send(&sealed.frame, lent);
        }
    }
}
