//! Messages that come before what they refer to: which room each waits in, and when it is handed in.

use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, AttemptId, MonotonicMs, RequestId, Validated};

use super::Engine;
use super::ctx::Ctx;
use super::deferred::{Awaits, Room};

impl Engine {
    /// Keeps a message until what it awaits is there.
    pub(super) fn defer(&mut self, awaits: Awaits, message: Validated, now: MonotonicMs) {
        let room = self.room_of(&awaits, message.sender());
        self.early.defer(room, awaits, message, now);
    }

    fn room_of(&self, awaits: &Awaits, sender: &PublicKey) -> Room {
        let request = match awaits {
            Awaits::Request(request) => Some(*request),
            Awaits::Session(attempt) => self.sessions.request_of(attempt),
        };
        let session = request.and_then(|request| self.sessions.get(&request));
        let certifier = self.directory.certifier_of(sender);
        let takes_part = session.is_some_and(|session| {
            let creator = &session.request.creator;
            session.slot_of(sender).is_some()
                || creator.message_key == *sender
                || certifier.is_some_and(|signer| session.request.keys.contains(&signer))
        });
        if takes_part || self.identities.is_own(sender) || self.sessions_of(sender) > 0 {
            Room::Participants
        } else if certifier.is_some() {
            Room::Advertised
        } else {
            Room::Strangers
        }
    }

    /// Hands in what has been waiting for this request, or for a join in it.
    pub(super) fn replay_early(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        if self.early.is_empty() {
            return;
        }
        let Some(session) = self.sessions.get(id) else { return };
        let attempts = (0..session.attempts).map(|attempt| Awaits::Session(AttemptId::derive(id, Attempt(attempt))));
        for message in self.early.take(core::iter::once(Awaits::Request(*id)).chain(attempts)) {
            self.on_message(message, ctx);
        }
    }
}
