//! The event loop: one task that owns the swarm.
//!
//! It never waits for its user: events that the user does not take in time wait in bounded queues or are dropped, so
//! that user and loop can never wait for each other.

mod dht;
mod events;
mod guard;
mod overlay;
mod reachable;
mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt as _;
use libp2p::core::transport::ListenerId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, gossipsub};
use libp2p_stream::IncomingStreams;
use motet_wire::{Address, AddressScope, Topic, Verdict};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

pub(crate) use self::dht::Dht;
use crate::auto_relays::AutoRelays;
use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::buckets::Buckets;
use crate::config::{DhtMode, NetConfig, Switch};
use crate::connections::Connections;
use crate::direct::{self, Readers};
use crate::event::NetEvent;
use crate::frames;
use crate::grouping::Grouping;
use crate::handle::{NetCommand, Stats};
use crate::handshake::Met;
use crate::limits;
use crate::meter::Flood;
use crate::metrics::Metrics;
use crate::overlay::Overlay;
use crate::peer_table::PeerTable;
use crate::peers;
use crate::pending_events::PendingEvents;
use crate::persistent_peers::{Naming, PersistentPeers};
use crate::quoted::Quoted;
use crate::reach::{Judge, Offered};
use crate::reachability::{Reachability, Tests};
use crate::recent::Recent;
use crate::twin::Twins;
use crate::words;

/// The swarm, and the state of the loop.
pub(crate) struct Task {
    pub(crate) swarm: Swarm<Behaviour>,
    pub(crate) config: NetConfig,
    pub(crate) orders: mpsc::Receiver<NetCommand>,
    pub(crate) events: mpsc::Sender<NetEvent>,
    pub(crate) incoming: IncomingStreams,
    pub(crate) protocol: StreamProtocol,
    pub(crate) waiting: PendingEvents,
    pub(crate) peers: PeerTable,
    pub(crate) writers: tokio::task::JoinSet<()>,
    pub(crate) recent: Recent,
    /// The topics that this node subscribes to.
    pub(crate) subscribed: BTreeSet<Topic>,
    pub(crate) stats: Stats,
    pub(crate) dht: Dht,
    pub(crate) wanted: PersistentPeers,
    pub(crate) own: Own,
    /// The listener at each relay.
    pub(crate) at_relays: BTreeMap<PeerId, ListenerId>,
    pub(crate) tests: Tests,
    pub(crate) auto_relays: AutoRelays,
    pub(crate) connections: Connections,
    pub(crate) metrics: Metrics,
    /// The protocol that servers of the DHT speak.
    pub(crate) dht_protocol: StreamProtocol,
    /// Peers that are dialled for a frame that waits for them, with the fault of their known addresses.
    pub(crate) sought: BTreeMap<PeerId, Option<String>>,
    pub(crate) twins: Twins,
    pub(crate) met: Met,
    pub(crate) grouping: Grouping,
    pub(crate) readers: Readers,
    /// Floods that readers and connections report.
    pub(crate) floods: mpsc::Receiver<(PeerId, Flood)>,
    /// Bucketfuls that reserved peers have sent over the share of a stranger.
    pub(crate) patience: Buckets<PeerId>,
    /// Contacts and members of live sessions, as the node's user names them.
    pub(crate) members: BTreeSet<PeerId>,
    pub(crate) overlay: Overlay,
    /// Peers that are reached through this node, or reach others through it.
    pub(crate) relayed: BTreeSet<PeerId>,
}

/// The addresses of this node.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) judge: Judge,
    offered: Offered,
    /// Time at which the addresses have stayed the same for long enough to tell people.
    settles: Option<Instant>,
    settled: Option<Offered>,
    reachability: Reachability,
}

impl Own {
    pub(crate) fn new(judge: Judge) -> Self {
        let offered = Offered { addresses: Vec::new(), scope: AddressScope::Nowhere, left_out: 0 };
        let settles = Some(Instant::now() + limits::SETTLING);
        Self { judge, offered, settles, settled: None, reachability: Reachability::Unknown }
    }
}

impl Task {
    pub(crate) async fn run(mut self) {
        // Some addresses are known before the first listener tells its own, and some nodes have no listener.
        self.on_addresses();
        let mut orders = Vec::new();
        let events = self.events.clone();
        // One timer, which is set only when the time has changed: the loop turns for every message.
        let mut timer = core::pin::pin!(tokio::time::sleep_until(Instant::now()));
        let stopped = loop {
            let next = self.next_time();
            if timer.deadline() != next {
                timer.as_mut().reset(next);
            }
            tokio::select! {
                permit = events.reserve(), if !self.waiting.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(event) = self.waiting.pop() {
                            permit.send(event);
                        }
                    }
                    Err(_) => break None,
                },
                () = events.closed() => break None,
                // Together, since the swarm looks at all its parts whenever it is asked.
                0.. = self.orders.recv_many(&mut orders, limits::ORDERS) => {
                    if orders.is_empty() {
                        break None;
                    }
                    if let Some(done) = self.on_orders(&mut orders) {
                        break Some(done);
                    }
                }
                event = self.swarm.select_next_some() => self.on_event(event),
                Some((peer, stream)) = self.incoming.next() => self.on_stream(peer, stream),
                Some(_) = self.writers.join_next(), if !self.writers.is_empty() => {}
                Some((peer, flood)) = self.floods.recv() => self.on_flood(peer, flood),
                judged = self.dht.judging.next() => self.on_judged(judged),
                () = &mut timer => self.on_time(),
            }
        };
        self.say_farewell().await;
        self.peers.stop_reading();
        self.keep_last().await;
        // Its ports are free when it counts as stopped.
        drop(self.swarm);
        if let Some(stopped) = stopped {
            // The caller may have gone.
            let _ = stopped.send(());
        }
    }

    /// The time at which there is something to do, whatever happens before.
    fn next_time(&mut self) -> Instant {
        let times = [
            self.wanted.next(),
            self.own.settles,
            self.connections.next_superseded(),
            self.auto_relays.next_search(),
            self.twins.next(),
            self.next_end(),
            Some(self.dht.spreads),
        ];
        times.into_iter().flatten().fold(self.overlay.tends, Instant::min)
    }

    /// Does what is due.
    fn on_time(&mut self) {
        let now = Instant::now();
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        if is_due(self.wanted.next()) {
            self.redial();
        }
        if is_due(self.own.settles) {
            self.settle();
        }
        if is_due(self.connections.next_superseded()) {
            self.close_superseded();
        }
        if is_due(self.auto_relays.next_search()) {
            self.search_relays();
        }
        if is_due(self.twins.next()) {
            self.on_twins();
        }
        if is_due(Some(self.overlay.tends)) {
            self.tend();
        }
        if is_due(self.next_end()) {
            self.end_entries();
        }
        if is_due(Some(self.dht.spreads)) {
            self.spread_due();
        }
    }

    /// Lets frames that are on their way out arrive, and entries that are on their way into the DHT, for a short time.
    async fn say_farewell(&mut self) {
        self.peers.close_all();
        let writing = async {
            while !self.writers.is_empty() || self.is_putting() {
                tokio::select! {
                    event = self.swarm.select_next_some() => {
                        // A put has two parts.
                        if let SwarmEvent::Behaviour(BehaviourEvent::Kad(event)) = event {
                            self.on_kad(event);
                        }
                    }
                    Some(_) = self.writers.join_next() => {}
                }
            }
        };
        if tokio::time::timeout(limits::FAREWELL, writing).await.is_err() {
            tracing::debug!("some peers have not read all frames before the stop");
        }
    }

    fn tell(&mut self, event: NetEvent) {
        // The user gets it at once if nothing waits before it.
        let event = match self.events.try_reserve() {
            Ok(permit) if self.waiting.is_empty() => return permit.send(event),
            _ => event,
        };
        if !self.waiting.push(event) {
            self.stats.dropped += 1;
        }
    }

    /// Carries commands out. Returns the channel of the caller that waits for the stop, if the last command is to stop.
    fn on_orders(&mut self, orders: &mut Vec<NetCommand>) -> Option<oneshot::Sender<()>> {
        for order in orders.drain(..) {
            if let NetCommand::Stop { done } = order {
                return Some(done);
            }
            self.on_order(order);
        }
        None
    }

    fn on_order(&mut self, order: NetCommand) {
        match order {
            NetCommand::Publish { topics, frame } => self.publish(topics, frame),
            NetCommand::Subscribe { topics } => self.subscribe(topics),
            NetCommand::Send { to, addresses, frame } => self.send(&to, &addresses, frame),
            NetCommand::Put { key, frames } => self.put(key, &frames),
            NetCommand::Get { key, settled, answer } => self.get(key, settled, answer),
            NetCommand::FindPeer { peer, answer } => self.find_peer(&peer, answer),
            NetCommand::Dial { address } => {
                if let Some((peer, _)) = peers::split_peer(&address) {
                    let listed = self.config.bootstrap.contains(&address);
                    let naming = if listed { Naming::Configured } else { Naming::Called };
                    self.wanted.add(peer, address.clone(), naming);
                    self.reserve();
                    if self.peers.is_connected(&peer) {
                        self.wanted.connected(&peer, Instant::now());
                    }
                }
                self.own.judge.name(&address);
                self.dial(address);
            }
            NetCommand::Report { token, verdict } => {
                let acceptance = match verdict {
                    Verdict::Accept => gossipsub::MessageAcceptance::Accept,
                    Verdict::Ignore => gossipsub::MessageAcceptance::Ignore,
                    Verdict::Reject => gossipsub::MessageAcceptance::Reject,
                };
                let gossip = &mut self.swarm.behaviour_mut().gossip.inner;
                gossip.report_message_validation_result(&token.message, &token.source, acceptance);
            }
            NetCommand::Block { peer } => self.block(&peer),
            NetCommand::Reserve { peers } => {
                self.members = peers.iter().filter_map(peers::from_wire).take(limits::RESERVED).collect();
                self.reserve();
            }
            NetCommand::Stats { answer } => {
                let stats = self.stats();
                // The caller may have gone.
                drop(answer.send(stats));
            }
            NetCommand::DhtStats { answer } => drop(answer.send(self.dht_stats())),
            NetCommand::Peers { answer } => drop(answer.send(self.connections.all().cloned().collect())),
            NetCommand::Metrics { samples, answer } => drop(answer.send(self.metrics_text(samples))),
            NetCommand::Stop { .. } => {}
        }
    }

    fn publish(&mut self, topics: Vec<Topic>, frame: Arc<[u8]>) {
        let network = self.config.network.clone();
        let gossip = &mut self.swarm.behaviour_mut().gossip.inner;
        let mut missed = BTreeSet::new();
        for topic in &topics {
            let topic = gossipsub::IdentTopic::new(topic.name(&network));
            let hash = topic.hash();
            match gossip.publish(topic, &*frame) {
                // If no peer has subscribed yet, the cache of recent frames does the rest.
                Ok(_) | Err(gossipsub::PublishError::NoPeersSubscribedToTopic | gossipsub::PublishError::Duplicate) => {
                }
                Err(error) => {
                    tracing::debug!(%error, "gossip has refused a message: its subscribers get it directly");
                    let subscribers = gossip.all_peers().filter(|(_, topics)| topics.contains(&&hash));
                    missed.extend(subscribers.map(|(peer, _)| *peer));
                }
            }
        }
        self.stats.published += 1;
        frames::log("published", None, &frame);
        for peer in missed {
            self.enqueue(peer, Arc::clone(&frame));
        }
        self.recent.add(topics, frame, Instant::now());
    }

    fn subscribe(&mut self, topics: BTreeSet<Topic>) {
        // A node that hears no gossip may publish all the same.
        if self.config.gossip == Switch::Off {
            return;
        }
        let network = self.config.network.clone();
        let gossip = &mut self.swarm.behaviour_mut().gossip.inner;
        let ident = |topic: &Topic| gossipsub::IdentTopic::new(topic.name(&network));
        for topic in self.subscribed.difference(&topics) {
            gossip.unsubscribe(&ident(topic));
        }
        for topic in topics.difference(&self.subscribed) {
            if let Err(error) = gossip.subscribe(&ident(topic)) {
                tracing::warn!(%topic, ?error, "a topic was not subscribed to");
            }
        }
        self.subscribed = topics;
    }

    fn send(&mut self, to: &motet_wire::PeerId, addresses: &[Address], frame: Arc<[u8]>) {
        let peer = peers::from_wire(to);
        if let Some(peer) = &peer {
            self.peers.arrive(peer);
        }
        // A frame to this node itself goes nowhere: its user knows it.
        let is_own = *to == self.config.keypair.peer_id();
        let Some(peer) = peer.filter(|_| !is_own) else { return };
        if !self.peers.is_connected(&peer) {
            let told: Vec<Multiaddr> = addresses.iter().filter_map(peers::address_from_wire).collect();
            let (addresses, useless): (Vec<Multiaddr>, Vec<Multiaddr>) =
                told.into_iter().partition(|address| self.own.judge.lets_dial(address));
            let problem = if addresses.is_empty() { words::of_useless(&useless) } else { None };
            if self.sought.len() < limits::SOUGHT {
                self.sought.insert(peer, problem);
            }
            for address in &addresses {
                self.swarm.add_peer_address(peer, address.clone());
            }
            let through_relays = self.through_relays(peer);
            let addresses: Vec<Multiaddr> = addresses.into_iter().chain(through_relays).collect();
            let options = DialOpts::peer_id(peer)
                .addresses(addresses)
                .extend_addresses_through_behaviour()
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(%peer, error = ?Quoted(&error), "a peer cannot be dialled");
                self.not_reached(peer, &error);
            }
        }
        self.enqueue(peer, frame);
    }

    /// Puts a frame into a peer's outbox, which is opened if need be.
    fn enqueue(&mut self, peer: PeerId, frame: Arc<[u8]>) {
        if !self.peers.put(&peer, &frame) && self.peers.has_room_for(&peer) {
            let (outbox, frames) = mpsc::channel(limits::OUTBOX);
            let control = self.swarm.behaviour().streams.new_control();
            self.writers.spawn(direct::write(peer, self.protocol.clone(), control, frames));
            self.peers.open(peer, outbox);
            self.peers.put(&peer, &frame);
        }
    }

    fn dial(&mut self, address: Multiaddr) {
        if let Some((peer, rest)) = peers::split_peer(&address) {
            // Lists of nodes to begin at may have this one in them.
            if peer == self.config.keypair.libp2p_id() && self.swarm.listeners().any(|own| *own == rest) {
                return self.wanted.remove(&peer);
            }
            if self.config.dht != DhtMode::Off {
                self.swarm.behaviour_mut().kad.add_address(&peer, rest.clone());
            }
            self.swarm.add_peer_address(peer, rest.clone());
            // The DHT forgets the address at once where its bucket is full.
            let options = DialOpts::peer_id(peer)
                .addresses(vec![rest])
                .extend_addresses_through_behaviour()
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(address = ?Quoted(&address), error = ?Quoted(&error), "not dialled");
                if !matches!(error, DialError::DialPeerConditionFalse(_)) {
                    self.wanted.missed(&peer, Instant::now());
                    self.not_reached(peer, &error);
                }
            }
        } else if let Err(error) = self.swarm.dial(address.clone()) {
            tracing::debug!(address = ?Quoted(&address), error = ?Quoted(error), "not dialled");
        }
    }

    /// Tries those again that the user wants to be connected with, and asks relays again that are connected and do not relay.
    fn redial(&mut self) {
        for (peer, address) in self.wanted.due(Instant::now()) {
            if self.peers.is_connected(&peer) {
                self.listen_at(&peer);
            } else {
                tracing::debug!(%peer, "dialled again");
                self.dial(address);
            }
        }
    }

    fn on_stream(&self, peer: PeerId, stream: libp2p::Stream) {
        let reader = direct::read(peer, self.peers.group(&peer), stream, self.readers.clone());
        self.peers.read(&peer, tokio::spawn(reader));
    }
}
