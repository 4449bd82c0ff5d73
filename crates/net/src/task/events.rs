//! The events of the swarm, as the event loop handles them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "libp2p's events grow with each release; what is not named is logged"
)]

use std::collections::BTreeSet;

use libp2p::metrics::Recorder as _;
use libp2p::swarm::{DialError, ListenError, SwarmEvent};
use libp2p::{PeerId, gossipsub, identify, kad, mdns, ping, relay};
use motet_wire::{Channel, Topic};
use tokio::time::Instant;

use super::Task;
use crate::behaviour::BehaviourEvent;
use crate::event::{NetEvent, ReportToken};
use crate::frames;
use crate::gossip::GossipEvent;
use crate::handshake::Caller;
use crate::meter::Flood;
use crate::peers;
use crate::quoted::Quoted;
use crate::twin::Found;
use crate::words;

impl Task {
    pub(super) fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        self.metrics.libp2p().record(&event);
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { listener_id, address } => {
                if let Some(relay) = self.relay_of(listener_id) {
                    self.wanted.connected(&relay, Instant::now());
                }
                self.on_listening(&address);
                // The user may advertise this address as soon as it is told; so the list of addresses is updated first.
                self.on_addresses();
                self.tell(NetEvent::Listening { address });
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.on_address_lost(&address),
            SwarmEvent::ExternalAddrConfirmed { address } => self.on_proven(&address),
            SwarmEvent::ExternalAddrExpired { address } => {
                if self.tests.end(&address) {
                    self.on_addresses();
                }
            }
            SwarmEvent::ListenerClosed { listener_id, addresses, reason } => {
                self.on_listener_closed(listener_id, &addresses, reason);
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(reason = %words::of_listening(&error, None), "a listener has reported an error");
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                let now = Instant::now();
                self.connections.opened(connection_id, peer_id, &endpoint, (self.config.reach, now));
                self.note_reached(peer_id, &endpoint);
                self.wanted.connected(&peer_id, now);
                self.sought.remove(&peer_id);
                self.listen_at(&peer_id);
                if self.peers.connect(peer_id, self.grouping.of_connection(&endpoint)) {
                    let address = endpoint.get_remote_address().clone();
                    self.tell(NetEvent::PeerConnected { peer: peers::to_wire(&peer_id), address });
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, .. } => {
                self.connections.closed(connection_id);
                if num_established > 0 {
                    return;
                }
                self.auto_relays.lost(&peer_id);
                self.peers.disconnect(&peer_id);
                self.note_lost(&peer_id);
                self.wanted.lost(&peer_id, Instant::now());
                self.wanted.missed(&peer_id, Instant::now());
                self.tell(NetEvent::PeerDisconnected { peer: peers::to_wire(&peer_id) });
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                let error = self.look_for_twin(error);
                let Some(peer) = peer_id else { return };
                tracing::debug!(%peer, error = ?Quoted(&error), "a peer was not reached");
                self.note_failed(&peer, &error);
                if !self.peers.is_connected(&peer) {
                    self.wanted.missed(&peer, Instant::now());
                    self.not_reached(peer, &error);
                }
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(from = ?Quoted(&send_back_addr), error = ?Quoted(&error), "an incoming connection has failed");
                if self.met.take(Caller::Other) || matches!(error, ListenError::LocalPeerId { .. }) {
                    self.twins.on_call(send_back_addr, Instant::now());
                }
            }
            event => tracing::trace!(event = ?Quoted(format_args!("{event:?}")), "swarm"),
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        self.record(&event);
        match event {
            BehaviourEvent::Gossip(GossipEvent::Gossipsub(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            })) => {
                self.stats.gossip_received += 1;
                self.charge(propagation_source, Flood::Gossip, 1);
                let token = Some(ReportToken { message: message_id, source: propagation_source });
                let from = peers::to_wire(&propagation_source);
                frames::log("heard", Some(&from), &message.data);
                let (channel, group) = (Channel::Gossip, self.peers.group(&propagation_source));
                let topic = Topic::parse(message.topic.as_str(), &self.config.network);
                self.tell(NetEvent::Received { from, channel, topic, group, bytes: message.data.into(), token });
            }
            BehaviourEvent::Gossip(GossipEvent::Subscriptions { peer, count }) => {
                self.charge(peer, Flood::Subscriptions, count);
            }
            BehaviourEvent::Gossip(GossipEvent::Gossipsub(gossipsub::Event::Subscribed { peer_id, topic })) => {
                self.on_subscribed(peer_id, &topic);
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.look_at_addresses(peer_id, &info);
                self.look_at_network(peer_id, &info);
            }
            BehaviourEvent::Candidates(tested) => self.on_tested(&tested),
            BehaviourEvent::Holes(punched) => self.on_punched(&punched),
            BehaviourEvent::Ping(ping::Event { peer, connection, result: Err(error) }) => {
                if !matches!(error, ping::Failure::Unsupported) {
                    tracing::debug!(%peer, error = ?Quoted(&error), "a connection is closed: pings are not answered");
                    self.swarm.close_connection(connection);
                }
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (_, address) in found {
                    self.dial(address);
                }
            }
            BehaviourEvent::Kad(kad::Event::RoutablePeer { peer, address }) => self.route(peer, address),
            BehaviourEvent::Kad(event) => self.on_kad(event),
            BehaviourEvent::Relay(relay::Event::ReservationReqAccepted { src_peer_id, .. }) => {
                self.relayed.insert(src_peer_id);
            }
            BehaviourEvent::Relay(relay::Event::CircuitReqAccepted { src_peer_id, dst_peer_id }) => {
                self.relayed.extend([src_peer_id, dst_peer_id]);
            }
            event => tracing::trace!(event = ?Quoted(format_args!("{event:?}")), "behaviour"),
        }
    }

    /// A peer has subscribed to a topic: it gets what this node has published on it of late.
    fn on_subscribed(&mut self, peer: PeerId, name: &gossipsub::TopicHash) {
        let network = self.config.network.clone();
        let Some(topic) = Topic::parse(name.as_str(), &network) else { return };
        let gossip = &self.swarm.behaviour().gossip.inner;
        let names = gossip.all_peers().find(|(known, _)| **known == peer).map(|(_, names)| names).unwrap_or_default();
        // The topics of one packet are told one by one, when all of them have been noted.
        let others: BTreeSet<Topic> =
            names.into_iter().filter_map(|name| Topic::parse(name.as_str(), &network)).collect();
        let is_first = |other: &Topic| *other < topic && others.contains(other);
        for frame in self.recent.of(&topic, is_first, Instant::now()) {
            self.enqueue(peer, frame);
        }
    }

    /// A peer that there is something to say to, or that the user has named, was not reached.
    pub(super) fn not_reached(&mut self, peer: PeerId, error: &DialError) {
        if matches!(error, DialError::DialPeerConditionFalse(_)) {
            return;
        }
        let reason = words::of_dialling(error, &self.config.keypair.libp2p_id());
        self.named_failed(&peer, &reason);
        if let Some(problem) = self.sought.remove(&peer) {
            let reason = problem.unwrap_or(reason);
            self.tell(NetEvent::Unreachable { peer: peers::to_wire(&peer), reason });
        }
    }

    pub(super) fn named_failed(&mut self, peer: &PeerId, reason: &str) {
        if let Some(address) = self.wanted.failed(peer, reason) {
            self.tell(NetEvent::NamedUnreachable { address, reason: reason.to_owned() });
        }
    }

    /// A peer of another network can be connected with, and there is nothing to say.
    fn look_at_network(&mut self, peer: PeerId, info: &identify::Info) {
        if info.protocols.contains(&self.protocol) {
            return;
        }
        let version = info.protocol_version.strip_prefix("/motet/").and_then(|rest| rest.split('/').next());
        let own = &self.config.network;
        let reason = match version {
            Some(network) if network != own.as_str() => {
                let network: String = network.chars().filter(|letter| !letter.is_control()).take(64).collect();
                format!("it is on the network {network:?}, and this node on {:?}", own.as_str())
            }
            _ => "it is no node that speaks this protocol".to_owned(),
        };
        tracing::debug!(%peer, %reason, "a peer speaks another network or protocol");
        self.named_failed(&peer, &reason);
    }

    /// It is known now whether this node's own identity is this node or another.
    pub(super) fn on_twins(&mut self) {
        match self.twins.due(Instant::now()) {
            Some(Found::Other(address)) => self.tell(NetEvent::Twin { address }),
            // There is nothing to be said to oneself.
            Some(Found::Itself) => self.wanted.remove(&self.config.keypair.libp2p_id()),
            None => {}
        }
    }

    /// Notes whether this node's own identity has answered, and at which address. Returns the error, as one of the own
    /// identity if it was that.
    fn look_for_twin(&mut self, error: DialError) -> DialError {
        let met = self.met.take(Caller::This);
        let address = match &error {
            DialError::LocalPeerId { address } => Some(address),
            DialError::WrongPeerId { obtained, address } if *obtained == self.config.keypair.libp2p_id() => {
                Some(address)
            }
            DialError::Transport(tried) if met => tried.first().map(|(address, _)| address),
            _ => None,
        };
        let Some(address) = address.cloned() else { return error };
        let now = Instant::now();
        let place = peers::split_peer(&address).map_or_else(|| address.clone(), |(_, rest)| rest);
        if self.swarm.listeners().any(|own| *own == place) {
            self.twins.on_own_address(now);
        } else {
            self.twins.on_answer(place, now);
        }
        DialError::LocalPeerId { address }
    }
}
