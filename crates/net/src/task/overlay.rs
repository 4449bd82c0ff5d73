//! The connections that the event loop opens and closes of its own accord, and what it keeps of peers over restarts.

use std::collections::BTreeSet;

use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, kad};
use motet_wire::NetworkGroup;
use tokio::time::Instant;

use super::Task;
use crate::config::{DhtMode, Exposure};
use crate::connections::Direction;
use crate::event::NetEvent;
use crate::grouping::Grouping;
use crate::kept::Kept;
use crate::limits;
use crate::overlay::Chosen;
use crate::peers;

impl Task {
    /// Takes up what an earlier run has kept.
    pub(crate) fn take_up(&mut self) {
        let Some(path) = &self.config.state else { return };
        let kept = Kept::read(path);
        let bans = &mut self.swarm.behaviour_mut().admission.bans;
        bans.restore(&kept.peers_banned, &kept.groups_banned, Instant::now());
        let places = self.places();
        for (peer, address) in kept.reached {
            let group = places.of(&address);
            self.overlay.book.reached(peer, address, group);
        }
        let groups: BTreeSet<NetworkGroup> = kept.anchors.iter().map(|(_, address)| places.of(address)).collect();
        self.overlay.expect(groups.len());
        self.overlay.anchors = kept.anchors;
    }

    const fn places(&self) -> Grouping {
        Grouping::of_places(&self.config)
    }

    /// A look at the connections: those that are missing are opened, and those that are too many are closed.
    pub(super) fn tend(&mut self) {
        let now = Instant::now();
        self.overlay.tends = now + limits::TENDED;
        self.prune(now);
        if self.config.exposure == Exposure::Direct {
            self.choose();
            self.feel(now);
        }
        let networks = self.overlay.networks();
        if let Some(before) = self.overlay.look(networks) {
            tracing::warn!(networks, before, "this node may be cut off: its peers are in few networks");
            self.tell(NetEvent::DiversityFell { networks, before });
        }
        self.keep();
    }

    /// Closes connections that nobody needs, down to the target.
    fn prune(&mut self, now: Instant) {
        let behaviour = self.swarm.behaviour_mut();
        let mesh: BTreeSet<PeerId> = behaviour.gossip.inner.all_mesh_peers().copied().collect();
        let (relayed, sought) = (&self.relayed, &self.sought);
        let stays = |peer: &PeerId| mesh.contains(peer) || relayed.contains(peer) || sought.contains_key(peer);
        let surplus = behaviour.admission.connections.surplus(self.config.guard.target, stays, now);
        for (peer, id) in surplus {
            tracing::debug!(%peer, "a connection is closed: there are more than this node needs");
            behaviour.admission.close(peer, id);
        }
    }

    /// Opens connections to peers of this node's own choosing, until there are enough.
    fn choose(&mut self) {
        let connections = &self.swarm.behaviour().admission.connections;
        let called: BTreeSet<PeerId> = connections
            .iter()
            .filter(|(_, connection)| connection.direction == Direction::Outbound)
            .map(|(_, connection)| connection.peer)
            .collect();
        let connected: BTreeSet<PeerId> = connections.iter().map(|(_, connection)| connection.peer).collect();
        let target = self.config.guard.outbound.min(limits::OUTBOUND_MOST).min(connections.shares.outbound);
        self.overlay.peers.retain(|peer, chosen| called.contains(peer) || !chosen.is_connected);
        let mut dialled = 0;
        while self.overlay.peers.len() < target && dialled < limits::DIALLED_AT_ONCE {
            let taken: Vec<NetworkGroup> = self.overlay.peers.values().map(|chosen| chosen.group).collect();
            let callers = connected.difference(&called);
            let mut left_out: BTreeSet<PeerId> = callers.chain(self.overlay.peers.keys()).copied().collect();
            left_out.insert(self.config.keypair.libp2p_id());
            left_out.extend(self.overlay.tried().iter().copied());
            let Some((peer, address, group)) = self.next_choice(&taken, &left_out) else {
                self.overlay.end_pass(Instant::now());
                break;
            };
            if called.contains(&peer) {
                self.overlay.peers.insert(peer, Chosen { group, is_connected: true });
            } else if self.calls(peer, address) {
                self.overlay.peers.insert(peer, Chosen { group, is_connected: false });
                dialled += 1;
            } else {
                self.overlay.note_tried(peer);
            }
        }
        let chosen: Vec<PeerId> = self.overlay.peers.keys().copied().collect();
        self.swarm.behaviour_mut().admission.connections.keep(chosen);
    }

    /// The next peer to be chosen: those of the last run first.
    fn next_choice(
        &mut self,
        taken: &[NetworkGroup],
        left_out: &BTreeSet<PeerId>,
    ) -> Option<(PeerId, Multiaddr, NetworkGroup)> {
        while let Some((peer, address)) = self.overlay.anchors.pop() {
            let group = self.places().of(&address);
            let counted = taken.iter().filter(|other| **other == group && group != NetworkGroup::Local).count();
            if !left_out.contains(&peer) && counted < limits::OUTBOUND_PER_GROUP {
                return Some((peer, address, group));
            }
        }
        let overlay = &mut self.overlay;
        let pick = overlay.book.choose(taken, left_out, &mut overlay.draw)?;
        Some((pick.peer, pick.address, pick.group))
    }

    /// Dials a peer at an address. Returns whether it is being dialled.
    fn calls(&mut self, peer: PeerId, address: Multiaddr) -> bool {
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(vec![address.clone()])
            .build();
        self.own.judge.lets_dial(&address) && self.swarm.dial(options).is_ok()
    }

    /// From time to time a peer that is known by hearsay is tried, so that the book has some when they are needed.
    fn feel(&mut self, now: Instant) {
        if now < self.overlay.feels || self.config.guard.outbound == 0 {
            return;
        }
        self.overlay.feels = now + limits::FEELER;
        let connections = &self.swarm.behaviour().admission.connections;
        let left_out: BTreeSet<PeerId> = connections.iter().map(|(_, connection)| connection.peer).collect();
        let overlay = &mut self.overlay;
        if let Some(pick) = overlay.book.feeler(&left_out, &mut overlay.draw) {
            self.calls(pick.peer, pick.address);
        }
    }

    /// A connection is there.
    pub(super) fn note_reached(&mut self, peer: PeerId, endpoint: &ConnectedPoint) {
        if !endpoint.is_dialer() || endpoint.is_relayed() {
            return;
        }
        let address = place(endpoint.get_remote_address());
        let group = self.places().of(&address);
        if self.overlay.book.proven_at(&peer) != Some(&address) {
            self.overlay.book.reached(peer, address, group);
            self.overlay.note_change(Instant::now());
        }
        self.overlay.note_connected(&peer);
    }

    /// A peer was not reached.
    pub(super) fn note_failed(&mut self, peer: &PeerId, error: &DialError) {
        let was_chosen = self.overlay.peers.get(peer).is_some_and(|chosen| !chosen.is_connected);
        if was_chosen {
            self.overlay.peers.remove(peer);
            self.overlay.note_tried(*peer);
            self.overlay.note_change(Instant::now());
        }
        if matches!(error, DialError::Transport(_) | DialError::WrongPeerId { .. }) {
            self.overlay.book.failed(peer);
        }
    }

    /// The last connection to a peer is gone.
    pub(super) fn note_lost(&mut self, peer: &PeerId) {
        self.relayed.remove(peer);
        if self.overlay.peers.remove(peer).is_some() {
            self.overlay.note_change(Instant::now());
        }
    }

    /// A peer says that it can be reached at an address.
    pub(super) fn note_said(&mut self, peer: PeerId, address: &Multiaddr) {
        let connections = &self.swarm.behaviour().admission.connections;
        let source = connections.iter().find(|(_, connection)| connection.peer == peer);
        let Some(source) = source.map(|(_, connection)| connection.group) else { return };
        let address = place(address);
        if !address.iter().any(|part| matches!(part, Protocol::P2pCircuit)) {
            let group = self.places().of(&address);
            self.overlay.book.learn(peer, address, group, source);
        }
    }

    /// Takes a peer into the DHT's routing table, unless its network has its share there.
    pub(super) fn route(&mut self, peer: PeerId, address: Multiaddr) {
        if self.config.dht == DhtMode::Off {
            return;
        }
        let places = self.places();
        let group = places.of(&address);
        let kad = &mut self.swarm.behaviour_mut().kad;
        if group != NetworkGroup::Local {
            let (mut is_there, mut in_all) = (false, 0);
            for bucket in kad.kbuckets() {
                for entry in bucket.iter() {
                    is_there |= *entry.node.key.preimage() == peer;
                    in_all += usize::from(places.of(entry.node.value.first()) == group);
                }
            }
            let in_bucket = kad
                .kbucket(peer)
                .map_or(0, |bucket| bucket.iter().filter(|entry| places.of(entry.node.value.first()) == group).count());
            if !is_there && (in_all >= limits::ROUTED_PER_GROUP || in_bucket >= limits::ROUTED_PER_BUCKET) {
                return;
            }
        }
        let is_closed_to = |bucket: kad::KBucketRef<'_, kad::KBucketKey<PeerId>, kad::Addresses>| {
            let is_there = bucket.iter().any(|entry| *entry.node.key.preimage() == peer);
            !is_there && bucket.num_entries() >= kad::K_VALUE.get()
        };
        if kad.kbucket(peer).is_some_and(is_closed_to) {
            // The DHT dials the peer of the bucket that has not been connected for longest. It goes if it does not answer.
            let now = Instant::now();
            if now < self.dht.replaces {
                return;
            }
            self.dht.replaces = now + limits::REPLACED;
        }
        self.swarm.behaviour_mut().kad.add_address(&peer, address);
    }

    /// The state of now that is kept over a restart.
    fn to_keep(&self) -> Kept {
        let (peers_banned, groups_banned) = self.swarm.behaviour().admission.bans.kept(Instant::now());
        let book = &self.overlay.book;
        let connected = self.overlay.peers.iter().filter(|(_, chosen)| chosen.is_connected);
        let anchors = connected.filter_map(|(peer, _)| Some((*peer, book.proven_at(peer)?.clone())));
        Kept {
            peers_banned,
            groups_banned,
            anchors: anchors.collect(),
            reached: book.proven().map(|(peer, address)| (*peer, address.clone())).collect(),
        }
    }

    /// Writes what is kept, beside the event loop, if it has changed.
    fn keep(&mut self) {
        let Some(path) = self.config.state.clone() else { return };
        let is_writing = self.overlay.writing.as_ref().is_some_and(|writing| !writing.is_finished());
        if is_writing || !core::mem::take(&mut self.overlay.has_changed) {
            return;
        }
        let kept = self.to_keep();
        self.overlay.writing = Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = kept.write(&path) {
                tracing::warn!(%error, "bans and peers were not written: after a restart the node does not know them");
            }
        }));
    }

    /// Writes what is kept for the last time.
    pub(super) async fn keep_last(&mut self) {
        if let Some(writing) = self.overlay.writing.take() {
            drop(writing.await);
        }
        self.overlay.has_changed = true;
        self.keep();
        if let Some(writing) = self.overlay.writing.take() {
            drop(writing.await);
        }
    }
}

/// An address without the peer that is there.
fn place(address: &Multiaddr) -> Multiaddr {
    peers::split_peer(address).map_or_else(|| address.clone(), |(_, rest)| rest)
}
