//! Events of the network, for the driver.

use std::sync::Arc;

use motet_coordinator::Input;
use motet_coordinator::event::Event;
use motet_net::{NetEvent, Offered, Reach, Reachability};
use motet_wire::{Channel, Kind, Now, Peek, PeerId, Rejection, Rule, claimed_peer, peek};
use tokio::sync::mpsc;

use super::Driver;
use super::arrived::Arrived;
use super::load;
use super::log;
use super::reserved::Reserved;
use crate::limits;

impl Driver {
    /// Takes in what waits: frames that have come together are checked together.
    pub(crate) fn on_net(&mut self, first: NetEvent, network: &mut mpsc::Receiver<NetEvent>) {
        self.validator.set_load(load::of(network));
        let mut arrivals = Vec::new();
        let mut next = Some(first);
        while let Some(event) = next {
            if let NetEvent::Received { from, channel, topic, group, bytes, token } = event {
                arrivals.push(Arrived { bytes, channel, topic, from, group, token });
            } else {
                self.on_net_change(event);
            }
            next = if arrivals.len() < limits::ARRIVALS { network.try_recv().ok() } else { None };
        }
        if !arrivals.is_empty() {
            self.validate_batch(arrivals, None);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what the network tells may grow; it is logged until it has its place"
    )]
    fn on_net_change(&mut self, event: NetEvent) {
        match event {
            NetEvent::Listening { address } => self.tell(Event::Listening { address }),
            NetEvent::ListeningEnded { address, reason } => self.tell(Event::ListeningEnded { address, reason }),
            NetEvent::AddressesChanged { offered, settled } => self.on_addresses(offered, settled),
            NetEvent::PeerConnected { peer, address } => {
                self.tell(Event::PeerConnected { peer, address });
                let is_back = self.connected.is_empty() && self.is_dht_ready;
                self.connected.insert(peer);
                self.handle(Input::PeerConnected { peer });
                if is_back {
                    // After an outage: what was put may be gone, and what has come was missed.
                    self.egress.republish();
                    self.has_stepped = true;
                    self.fetch_requests();
                }
            }
            NetEvent::PeerDisconnected { peer } => {
                self.connected.remove(&peer);
                self.tell(Event::PeerDisconnected { peer });
            }
            NetEvent::Unreachable { peer, reason } => self.handle(Input::PeerUnreachable { peer, reason }),
            NetEvent::NamedUnreachable { address, reason } => self.tell(Event::PeerUnreachable { address, reason }),
            NetEvent::ReachabilityChanged { reachability } => {
                let reachable = match reachability {
                    Reachability::Unknown => None,
                    Reachability::Public => Some(true),
                    Reachability::Private => Some(false),
                };
                self.tell(Event::ReachabilityChanged { reachable });
            }
            NetEvent::Twin { address } => self.tell(Event::PeerIdConflict { peer: self.peer, address }),
            NetEvent::DiversityFell { networks, before } => self.tell(Event::DiversityFell { networks, before }),
            NetEvent::DhtReady => {
                self.egress.republish();
                self.has_stepped = true;
                self.is_dht_ready = true;
                self.fetch_requests();
                self.tell(Event::DhtReady);
            }
            other => tracing::debug!(?other, "an unknown event of the network"),
        }
    }

    /// The engine hears at once; the user, when they have stayed what they are. A node for this machine alone is where its user has
    /// put it.
    fn on_addresses(&mut self, offered: Offered, settled: bool) {
        if !settled {
            return self.handle(Input::Addresses(offered.addresses));
        }
        if self.reach == Reach::Public {
            let addresses = offered.addresses.iter().filter_map(motet_net::address_from_wire).collect();
            let Offered { scope, left_out, .. } = offered;
            self.tell(Event::AddressesChanged { addresses, scope, left_out });
        }
    }

    /// Tells the user that a peer's clock differs, if that is why an announcement of its was refused.
    ///
    /// Time is looked at before signatures, so that the announcement may be forged. But the peer has made it a moment ago, or
    /// pretends that: what comes directly is new, and so is an offer by gossip that names the peer that has delivered it. A request
    /// is not: it is published once more for signers that are away.
    pub(crate) fn look_at_clock(
        &mut self,
        rejection: &Rejection,
        channel: Channel,
        from: PeerId,
        frame: &[u8],
        now: Now,
    ) {
        if rejection.rule != Rule::Skew {
            return;
        }
        let Some(Peek { kind, timestamp: made, .. }) = peek(frame) else { return };
        let is_offer = matches!(kind, Kind::SignerAdvertisement | Kind::SignerUnavailable);
        let is_new = match channel {
            Channel::Direct => true,
            Channel::Gossip => is_offer && claimed_peer(frame) == Some(from),
            Channel::Own | Channel::Dht | Channel::Sync | Channel::Store => false,
        };
        if !is_new {
            return;
        }
        self.clocks.retain(|_, told| now.mono.since(*told) < limits::CLOCK_TOLD_AGAIN);
        if self.clocks.contains_key(&from) || self.clocks.len() >= limits::CLOCKS {
            return;
        }
        self.clocks.insert(from, now.mono);
        let difference = i64::try_from(made.0.abs_diff(now.wall.0) / 1000).unwrap_or(i64::MAX);
        let seconds = if made > now.wall { difference } else { difference.saturating_neg() };
        self.tell(Event::ClocksDiffer { peer: from, seconds });
    }

    pub(crate) fn tell(&self, event: Event) {
        log::event(&event);
        // Nobody may be listening.
        drop(self.events.send(Arc::new(event)));
    }

    /// Tells the network part which peers have a right to a connection, if they are others than before.
    pub(crate) fn reserve(&mut self) {
        let changes = self.engine.changes_of_peers();
        if self.reserved.told == changes && !self.reserved.is_due {
            return;
        }
        let contacts = self.contacts.peers(self.clock.now().wall);
        let peers = self.engine.peers_in_sessions().copied().chain(contacts).collect();
        let is_due = self.net.try_reserve(peers).is_err();
        self.reserved = Reserved { told: changes, is_due };
    }
}
