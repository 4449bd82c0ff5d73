//! Keeping others from harm: bans, floods, and peers that have a right to a place.

use libp2p::PeerId;
use tokio::time::Instant;

use super::Task;
use crate::meter::Flood;
use crate::peers;

impl Task {
    /// Disconnects a peer and keeps it out: its messages have broken too many rules.
    pub(super) fn block(&mut self, peer: &motet_wire::PeerId) {
        if let Some(peer) = peers::from_wire(peer) {
            self.ban(peer, &"it has broken too many rules");
        }
    }

    /// The one place at which peers are banned.
    fn ban(&mut self, peer: PeerId, reason: &dyn core::fmt::Display) {
        let Some(banned) = self.swarm.behaviour_mut().admission.ban(peer, Instant::now()) else { return };
        self.peers.close(&peer);
        self.overlay.note_change(Instant::now());
        if banned.is_new {
            let minutes = banned.lasts.as_secs() / 60;
            tracing::warn!(%peer, minutes, %reason, "a peer is blocked");
        }
        if let Some(group) = banned.group {
            tracing::warn!(?group, "a network is blocked: too many of its peers were");
        }
    }

    /// A peer has sent a bucketful over the share of a stranger. Peers that are reserved may send ten times as much.
    pub(super) fn on_flood(&mut self, peer: PeerId, flood: Flood) {
        let is_reserved = self.swarm.behaviour().admission.connections.is_reserved(&peer);
        if !is_reserved || !self.patience.take(peer, 1, Instant::now()) {
            self.ban(peer, &flood);
        }
    }

    /// Charges a peer for things that it has sent.
    pub(super) fn charge(&mut self, peer: PeerId, kind: Flood, count: u64) {
        if !self.peers.charge(&peer, kind, count) {
            self.on_flood(peer, kind);
        }
    }

    /// Tells the admission which peers have a right to a place.
    pub(crate) fn reserve(&mut self) {
        let named = self.wanted.peers().copied();
        let relays = self.config.relays.iter().filter_map(peers::split_peer).map(|(peer, _)| peer);
        let found = self.at_relays.keys().copied();
        let reserved: Vec<PeerId> = named.chain(relays).chain(found).chain(self.members.iter().copied()).collect();
        self.swarm.behaviour_mut().admission.connections.reserve(reserved);
    }
}
