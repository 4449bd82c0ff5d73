//! Healing (`docs/protocol.md` §7.2): what one has missed, any other participant hands on.

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    Attempt, Channel, Have, Holding, PeerId, RequestId, SessionReady, SignerIndex, SyncRequest, SyncResponse,
    Validated, limits,
};

use super::Engine;
use super::ctx::Ctx;
use super::input::Effect;
use super::session::{Collecting, Dispute, Session};

impl Session {
    /// Which of this node's signers speaks for the node: the first that has joined.
    pub(crate) fn voice(&self) -> Option<PublicKey> {
        self.locals.iter().find(|(index, _)| self.joins.at(**index).is_some()).map(|(_, local)| local.signer)
    }

    /// What this node holds and somebody who is in this attempt and holds that does not.
    pub(crate) fn missing_from(&self, attempt: Attempt, have: &Have) -> Vec<Arc<[u8]>> {
        let mut frames: Vec<Arc<[u8]>> = Vec::new();
        if have.request == Holding::Missing {
            frames.push(Arc::clone(&self.frame));
        }
        // A signer that has been restarted has several joins. All are needed to understand what it has said, and an asker
        // that holds one of them need not hold the newest.
        let joins = self.message_keys.values().filter(|(index, _)| {
            !have.joins.contains(*index) || self.message_keys.values().filter(|(other, _)| other == index).count() > 1
        });
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
    pub(crate) fn tell_end(&self, index: SignerIndex, attempt: Attempt, ctx: &mut Ctx<'_>) {
        let waits_in_vain = self.over().is_some_and(|over| over.timeout_notice.is_some());
        let late = attempt > self.attempt.number || waits_in_vain;
        if let Some(end) = self.end_for(attempt).filter(|_| late)
            && let Some(peer) = self.peer_of(index)
        {
            ctx.send(*peer, Vec::new(), end);
        }
    }
}

impl Engine {
    /// Asks the other participants for what is missing.
    pub(super) fn ask_for_missing(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(signer) = session.voice() else { return };
        let request = SyncRequest { request: *id, attempt: session.attempt.number, have: session.have() };
        let frame = Arc::clone(&session.frame);
        let own = session.locals.keys().filter_map(|index| session.joins.at(*index));
        let joins: Vec<Arc<[u8]>> = own.map(|held| Arc::clone(&held.frame)).collect();
        if session.collecting() == Some(Collecting::Joins) {
            for (peer, addresses) in
                session.joins.missing().into_iter().filter_map(|index| self.route_to(session, index))
            {
                ctx.send(peer, addresses, &frame);
            }
        }
        // Whoever has missed our join, the first or that after a restart, does not know who asks it, and would not answer:
        // two that have missed each other's would ask each other in vain.
        for join in &joins {
            self.send_to_session(id, join, ctx);
        }
        if let Ok(sealed) = self.identities.seal(&signer, request, ctx) {
            self.send_to_session(id, &sealed.frame, ctx);
        }
    }

    pub(super) fn on_sync_request(&mut self, message: Validated<SyncRequest>, ctx: &mut Ctx<'_>) {
        let SyncRequest { request, attempt, have } = *message.message();
        let Some(session) = self.sessions.get(&request) else { return };
        if session.slot_of(message.sender()).is_none() || self.identities.is_own(message.sender()) {
            return;
        }
        let frames = session.missing_from(attempt, &have);
        self.note_asker(&request, message.sender());
        let to = *message.from();
        self.hand_on(&request, frames, Some(to), ctx);
    }

    /// Sends signed frames to one peer, or to all other participants.
    pub(super) fn hand_on(&mut self, id: &RequestId, frames: Vec<Arc<[u8]>>, to: Option<PeerId>, ctx: &mut Ctx<'_>) {
        let Some(signer) = self.sessions.get(id).and_then(Session::voice) else { return };
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
        if let Ok(sealed) = self.identities.seal(&signer, SyncResponse { request: *id, frames }, ctx) {
            match to {
                Some(peer) => ctx.send(peer, Vec::new(), &sealed.frame),
                None => self.send_to_session(id, &sealed.frame, ctx),
            }
        }
    }

    pub(super) fn on_sync_response(&mut self, message: Validated<SyncResponse>, ctx: &mut Ctx<'_>) {
        let from = *message.from();
        let Some(session) = self.sessions.get(&message.message().request) else { return };
        // A node that still waits for joins cannot know who speaks; every frame is believed for its own signature only.
        let known = session.slot_of(message.sender()).is_some() || !session.joins.is_full();
        if !known || self.identities.is_own(message.sender()) {
            return;
        }
        let frames: Vec<Arc<[u8]>> = message.into_message().frames.into_iter().map(Arc::from).collect();
        if !frames.is_empty() {
            ctx.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        }
    }

    /// When somebody's hash differs from ours, somebody has said two different things: everybody is shown what this
    /// node holds, so that the contradiction meets itself somewhere.
    pub(super) fn settle_dispute(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.active().is_none_or(|active| active.dispute == Dispute::Shown) {
            return;
        }
        let commitments = session.attempt.commitments_hash(session.request.options.commitments);
        let differ_0 = commitments.is_some()
            && session.attempt.nonces.held().any(|(_, held)| Some(held.body.commitments) != commitments);
        let nonces = session.attempt.nonces_hash();
        let differ_1 =
            nonces.is_some() && session.attempt.partials.held().any(|(_, held)| Some(held.body.nonces) != nonces);
        if !(differ_0 || differ_1) {
            return;
        }
        if let Some(active) = session.active_mut() {
            active.dispute = Dispute::Shown;
        }
        let (coordinator, run) = (session.coordinator(), session.attempt.id);
        let joins: Vec<Vec<u8>> = session.joins.held().map(|(_, held)| held.frame.to_vec()).collect();
        let signer = session.voice();
        let first = session.attempt.number == Attempt::FIRST;
        let frames: Vec<Arc<[u8]>> = if differ_1 {
            session.attempt.nonces.held().map(|(_, held)| Arc::clone(&held.frame)).collect()
        } else {
            session.attempt.commits.held().map(|(_, held)| Arc::clone(&held.frame)).collect()
        };
        if differ_1 || !first {
            return self.hand_on(id, frames, None, ctx);
        }
        // The commitments of the first attempt are in the joins.
        let Some(signer) = signer else { return };
        let ready = SessionReady { request: *id, session: run, coordinator, joins };
        if let Ok(sealed) = self.identities.seal(&signer, ready, ctx) {
            self.send_to_session(id, &sealed.frame, ctx);
        }
    }
}
