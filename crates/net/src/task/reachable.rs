//! The addresses of this node, as the event loop follows them: listeners, tests by other nodes, routers and relays.

use std::io;

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, autonat, dcutr, identify, kad, relay};
use motet_wire::AddressScope;
use tokio::time::Instant;

use super::Task;
use crate::behaviour::dht_mode;
use crate::config::{Exposure, Reach, Switch};
use crate::connections::is_of_importance;
use crate::event::NetEvent;
use crate::limits;
use crate::node::circuit_at;
use crate::peers;
use crate::quoted::Quoted;
use crate::reach::{self, is_circuit};
use crate::reachability::Reachability;
use crate::words;

impl Task {
    /// The addresses of this node may have changed.
    pub(super) fn on_addresses(&mut self) {
        let listening: Vec<Multiaddr> = self.swarm.listeners().cloned().collect();
        self.own.judge.listens_on(&listening);
        let listens = self.config.exposure == Exposure::Direct && !self.config.listen.is_empty();
        self.on_reachability(self.tests.answer(listens, &self.config.external));
        let own = self.tests.own(&listening, &self.config.external);
        let offered = reach::offered(&own, self.config.reach);
        if offered == self.own.offered {
            return;
        }
        // Identify tells peers the addresses that advertisements tell, and relays tell identify the addresses of the
        // nodes that they relay for.
        let addresses: Vec<Multiaddr> = offered.addresses.iter().filter_map(peers::address_from_wire).collect();
        for gone in self.own.offered.addresses.iter().filter_map(peers::address_from_wire) {
            if !addresses.contains(&gone) {
                self.swarm.remove_external_address(&gone);
            }
        }
        for address in addresses {
            self.swarm.add_external_address(address);
        }
        self.own.offered = offered.clone();
        self.own.settles = Some(Instant::now() + limits::SETTLING);
        self.tell(NetEvent::AddressesChanged { offered, settled: false });
    }

    /// The node's addresses have stayed the same for a moment.
    pub(super) fn settle(&mut self) {
        self.own.settles = None;
        let offered = &self.own.offered;
        if self.own.settled.as_ref() != Some(offered) {
            let offered = offered.clone();
            self.own.settled = Some(offered.clone());
            self.tell(NetEvent::AddressesChanged { offered, settled: true });
        }
    }

    /// The node listens on another address. A public one is tested: a firewall may stand before it.
    pub(super) fn on_listening(&mut self, address: &Multiaddr) {
        let is_testable = self.config.reach == Reach::Local || reach::scope(address) == AddressScope::Internet;
        if is_testable && let Some(candidates) = self.swarm.behaviour_mut().candidates.as_mut() {
            candidates.propose(address);
        }
    }

    /// This machine has lost an address. Connections that depended on it are closed, so that they are opened anew from another one.
    pub(super) fn on_address_lost(&mut self, address: &Multiaddr) {
        tracing::info!(%address, "this machine has lost an address");
        if let Some(lost) = reach::ip(address).filter(|lost| is_of_importance(*lost)) {
            for connection in self.connections.cut_by(lost) {
                self.swarm.close_connection(connection);
            }
            for proven in self.tests.forget() {
                self.swarm.remove_external_address(&proven);
            }
            if let Some(candidates) = self.swarm.behaviour_mut().candidates.as_mut() {
                candidates.begin_anew();
            }
        }
        self.on_addresses();
    }

    /// Closes connections whose peers have called from other addresses since.
    pub(super) fn close_superseded(&mut self) {
        for connection in self.connections.take_superseded(Instant::now()) {
            self.swarm.close_connection(connection);
        }
    }

    /// A peer has called this node at an address, or its router has mapped the address.
    pub(super) fn on_proven(&mut self, address: &Multiaddr) {
        if self.tests.prove(address) {
            tracing::info!(%address, "other nodes reach this one at an external address");
            self.on_addresses();
        }
    }

    /// A peer has tested an address. What it has reached is proven by the call itself.
    pub(super) fn on_tested(&mut self, tested: &autonat::v2::client::Event) {
        if let Err(error) = &tested.result
            && self.tests.fail(&tested.tested_addr)
        {
            tracing::info!(address = %tested.tested_addr, error = ?Quoted(error), "a peer could not call this node");
            self.on_addresses();
        }
    }

    fn on_reachability(&mut self, reachability: Reachability) {
        if self.own.reachability != reachability {
            tracing::info!(?reachability, "whether other nodes can open connections to this one has become known");
            self.own.reachability = reachability;
            self.tell(NetEvent::ReachabilityChanged { reachability });
            let mode = dht_mode(&self.config, reachability);
            self.swarm.behaviour_mut().kad.set_mode(Some(mode));
        }
        if self.config.traversal == Switch::Off || self.config.exposure == Exposure::RelayOnly {
            return;
        }
        match reachability {
            Reachability::Private => self.seek_relays(|_| true),
            Reachability::Public => self.release_relays(),
            // A node in a private network need not wait for a test to use a relay on the internet. In a network without a way out
            // there is none.
            Reachability::Unknown if self.config.reach == Reach::Public && self.has_private_addresses_alone() => {
                self.seek_relays(|relay| reach::scope(relay) == AddressScope::Internet);
            }
            Reachability::Unknown => {}
        }
    }

    fn has_private_addresses_alone(&self) -> bool {
        let mut own = self.swarm.listeners().filter(|address| !is_circuit(address));
        own.all(|address| reach::scope(address) < AddressScope::Internet)
    }

    /// A direct connection has been opened in the place of a relayed one: the relayed one ends, so that messages take the direct way.
    pub(super) fn on_punched(&mut self, punched: &dcutr::Event) {
        let peer = punched.remote_peer_id;
        match &punched.result {
            Ok(_) => {
                tracing::info!(%peer, "a direct connection takes the place of a relayed one");
                for relayed in self.connections.relayed(&peer) {
                    self.swarm.close_connection(relayed);
                }
            }
            Err(error) => tracing::debug!(%peer, error = ?Quoted(error), "no direct connection to a peer"),
        }
    }

    /// A peer has said which protocols it speaks, and where it is. Where it is is believed only as a place to try.
    pub(super) fn look_at_addresses(&mut self, peer: PeerId, info: &identify::Info) {
        let told: Vec<&Multiaddr> = info.listen_addrs.iter().take(limits::IDENTIFIED).collect();
        let believed: Vec<&Multiaddr> = told.into_iter().filter(|address| self.own.judge.believes(address)).collect();
        if info.protocols.contains(&self.dht_protocol) {
            for address in &believed {
                self.route(peer, (*address).clone());
                self.note_said(peer, address);
            }
        } else {
            // A client answers no queries.
            self.swarm.behaviour_mut().kad.remove_peer(&peer);
        }
        let direct = believed.iter().find(|address| !is_circuit(address));
        match direct.filter(|_| info.protocols.contains(&relay::HOP_PROTOCOL_NAME)) {
            Some(address) => self.auto_relays.offer(peer, (*address).clone()),
            None => self.auto_relays.lost(&peer),
        }
        if self.own.reachability != Reachability::Public {
            self.on_reachability(self.own.reachability);
        }
    }

    /// Asks relays, as many as are missing.
    fn seek_relays(&mut self, is_good: impl Fn(&Multiaddr) -> bool) {
        for (peer, address) in self.auto_relays.choose(Instant::now(), is_good) {
            if !self.at_relays.contains_key(&peer) {
                tracing::info!(%peer, %address, "a relay is asked to let other nodes reach this one");
                self.listen_through(peer, &address.with(Protocol::P2p(peer)));
            }
        }
    }

    /// Gives the relays up that this node has found by itself.
    fn release_relays(&mut self) {
        for peer in self.auto_relays.release() {
            if let Some(listener) = self.at_relays.remove(&peer) {
                self.swarm.remove_listener(listener);
            }
        }
    }

    /// Looks for relays in the DHT: the way to any id leads to peers, and those that relay say so.
    pub(super) fn search_relays(&mut self) {
        self.auto_relays.searches(Instant::now());
        self.swarm.behaviour_mut().kad.get_closest_peers(PeerId::random());
    }

    pub(super) fn on_listener_closed(&mut self, id: ListenerId, addresses: &[Multiaddr], reason: io::Result<()>) {
        let relay = self.relay_of(id);
        if let Some(relay) = relay {
            self.at_relays.remove(&relay);
            self.auto_relays.failed(&relay, Instant::now());
        }
        self.on_addresses();
        let reason = reason.err().map_or_else(|| "it was closed".to_owned(), |error| words::of_listening(&error, None));
        for address in addresses {
            self.tell(NetEvent::ListeningEnded { address: address.clone(), reason: reason.clone() });
        }
        if let Some(relay) = relay.filter(|relay| self.peers.is_connected(relay)) {
            self.named_failed(&relay, &format!("it does not relay for this node: {reason}"));
            // It may have room later, or know its own addresses.
            self.wanted.missed(&relay, Instant::now());
        }
        tracing::warn!(?addresses, %reason, "the node has stopped listening at these addresses");
    }

    /// The relay that a listener is at, if it is at one.
    pub(super) fn relay_of(&self, id: ListenerId) -> Option<PeerId> {
        self.at_relays.iter().find(|(_, listener)| **listener == id).map(|(relay, _)| *relay)
    }

    /// Lets a relay of the configuration listen for this node, if it does not.
    pub(super) fn listen_at(&mut self, peer: &PeerId) {
        let is_there = self.at_relays.contains_key(peer);
        let relays = self.config.relays.iter();
        let relay =
            relays.filter(|_| !is_there).find(|relay| peers::split_peer(relay).is_some_and(|(id, _)| id == *peer));
        if let Some(relay) = relay.cloned() {
            self.listen_through(*peer, &relay);
        }
    }

    fn listen_through(&mut self, peer: PeerId, relay: &Multiaddr) {
        match self.swarm.listen_on(circuit_at(relay)) {
            Ok(id) => {
                self.at_relays.insert(peer, id);
                self.reserve();
            }
            Err(error) => tracing::warn!(%peer, error = ?Quoted(&error), "the node cannot listen at a relay"),
        }
    }

    /// The addresses at relays at which a peer may be reached, though it has told none that can be dialled from here: a relay-only
    /// node's own relays, and those that a node without a public address is connected with.
    pub(super) fn through_relays(&self, peer: PeerId) -> Vec<Multiaddr> {
        let through = |relay: &Multiaddr| circuit_at(relay).with(Protocol::P2p(peer));
        if self.config.exposure == Exposure::RelayOnly {
            return self.config.relays.iter().map(through).collect();
        }
        if self.config.traversal == Switch::Off || self.own.reachability == Reachability::Public {
            return Vec::new();
        }
        let known = self.auto_relays.known().filter(|(relay, _)| **relay != peer);
        known
            .take(limits::OWN_RELAYS)
            .map(|(relay, address)| through(&address.clone().with(Protocol::P2p(*relay))))
            .collect()
    }

    /// The part of this node in the DHT now.
    pub(super) fn is_server(&self) -> bool {
        self.swarm.behaviour().kad.mode() == kad::Mode::Server
    }
}
