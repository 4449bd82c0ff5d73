//! Requests that have waited for a signer that was away, as another member hands them over (ADR 0022).
//!
//! A receiver of an announcement looks at its time: one that is older than clocks may differ is taken for one of a wrong clock (rule V-23). So
//! an older request is handed over inside a SyncResponse, about an id that stands for waiting requests. It is taken from peers of contacts alone: of
//! others nobody has asked for it.

use std::sync::Arc;

use motet_core_crypto::tagged_hash;
use motet_wire::{
    Address, Channel, Kind, NetworkId, PeerId, RequestId, Subject, SyncResponse, Validated, limits, peek,
};

use super::Engine;
use super::ctx::Ctx;
use super::input::Effect;
use super::lent::Lent;
use super::session::{Collecting, Session};

/// The id that stands for the waiting requests of a network where the id of a request would stand.
fn waiting(network: &NetworkId) -> RequestId {
    let name = network.as_str().as_bytes();
    // A network's name has 32 bytes at most.
    let length = [u8::try_from(name.len()).unwrap_or(u8::MAX)];
    RequestId::from_bytes(tagged_hash("motet/waiting/v1", &[&length, name]))
}

/// True if a subject is the waiting requests, and not a request.
pub(super) fn is_about(subject: Subject, network: &NetworkId) -> bool {
    subject == Subject::Request(waiting(network))
}

impl Engine {
    /// A peer is connected: perhaps one that was away when its signer was asked. It is told what waits for it, by whichever member it meets.
    pub(super) fn on_peer_connected(&mut self, peer: PeerId, ctx: &mut Ctx<'_>) {
        self.catch_up.on_peer_connected(peer, &mut self.identities, ctx);
        let waits = |session: &&Session| {
            let is_there = |index| session.route_to(index, &self.directory).is_some_and(|(at, _)| at == peer);
            session.collecting() == Some(Collecting::Joins)
                && session.is_approved()
                && session.joins.missing().into_iter().any(is_there)
        };
        let waiting: Vec<RequestId> = self.sessions.values().filter(waits).map(|session| session.id).collect();
        for id in waiting {
            self.lend(&id, ctx, |session, lent| {
                session.hand_over(peer, Vec::new(), lent);
                session.repeat_to(peer, lent.directory, lent.step);
            });
        }
    }

    /// A peer hands over requests that have waited.
    pub(super) fn on_waiting(&self, message: Validated<SyncResponse>, ctx: &mut Ctx<'_>) {
        let from = *message.from();
        if !self.directory.signers_at(&from).any(|signer| self.config.has_contact(&signer)) {
            return;
        }
        let is_request = |frame: &Vec<u8>| peek(frame).is_some_and(|peek| peek.kind == Kind::SigningRequest);
        let frames: Vec<Arc<[u8]>> =
            message.into_message().frames.into_iter().filter(is_request).map(Arc::from).collect();
        if !frames.is_empty() {
            ctx.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        }
    }
}

impl Session {
    /// Sends the request to the peer of a signer that has not joined.
    pub(crate) fn hand_over(&self, peer: PeerId, addresses: Vec<Address>, lent: &mut Lent<'_, '_>) {
        // Half of the time, since clocks differ.
        if lent.step.now.wall.since(self.request.created) < limits::CLOCK_SKEW / 2 {
            return lent.step.send(peer, addresses, &self.frame);
        }
        let Some(signer) = self.voice() else { return };
        let page = SyncResponse { request: waiting(lent.step.network), frames: vec![self.frame.to_vec()] };
        if let Ok(sealed) = lent.seal(&signer, page) {
            lent.step.send(peer, addresses, &sealed.frame);
        }
    }
}
