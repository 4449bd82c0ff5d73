//! Assembly and start of a network node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use libp2p::core::upgrade;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, StreamProtocol, SwarmBuilder, noise};
use tokio::sync::mpsc;

use crate::auto_relays::AutoRelays;
use crate::behaviour::{Behaviour, dht_protocol};
use crate::buckets::Buckets;
use crate::config::{Exposure, NetConfig, spoken};
use crate::connections::Connections;
use crate::dht::EntryPolicy;
use crate::direct::Readers;
use crate::error::{NetError, Refused};
use crate::event::NetEvent;
use crate::grouping::Grouping;
use crate::handle::{NetCommand, NetHandle, Stats};
use crate::handshake::Met;
use crate::limits;
use crate::listen;
use crate::meter::Metering;
use crate::metrics::Metrics;
use crate::muxer::Yamux;
use crate::overlay::Overlay;
use crate::partial_frames::PartialFrames;
use crate::peer_table::PeerTable;
use crate::peers;
use crate::pending_events::PendingEvents;
use crate::persistent_peers::{Naming, PersistentPeers};
use crate::reach::Judge;
use crate::reachability::Tests;
use crate::recent::Recent;
use crate::task::{Dht, Own, Task};
use crate::transport;
use crate::twin::Twins;
use crate::words;

/// The network node of one process.
#[derive(Debug, Clone, Copy)]
pub struct Net;

impl Net {
    /// Starts a node. It runs on the current tokio runtime until it is stopped, or its handles or its events are
    /// dropped. `policy` decides which entries may be in the DHT.
    ///
    /// # Errors
    ///
    /// [`NetError`] if it cannot be set up or cannot listen.
    pub fn start(
        config: NetConfig,
        policy: Arc<dyn EntryPolicy>,
    ) -> Result<(NetHandle, mpsc::Receiver<NetEvent>), NetError> {
        let circuits = circuits(&config)?;
        let direct = if config.exposure == Exposure::Direct { config.listen.as_slice() } else { &[] };
        let refused = listen::refused(direct, &config.transports);
        if !refused.is_empty() {
            return Err(NetError::Listen(refused));
        }
        let judge = Judge::new(config.reach, config.transports.clone());
        let met = Met::default();
        config.relays.iter().for_each(|relay| judge.name(relay));
        for address in &config.external {
            spoken(address.clone())?;
        }
        let dht = Dht::new(policy, &config);
        let setup = |error: &dyn core::fmt::Display| NetError::Setup(error.to_string());
        let mut registry = libp2p::metrics::Registry::default();
        let (reports, floods) = mpsc::channel(limits::FLOODS);
        let metering = Metering { rate: config.guard.bytes, reports: reports.clone() };
        let mut swarm = SwarmBuilder::with_existing_identity(config.keypair.0.clone())
            .with_tokio()
            .with_other_transport(|keys| transport::of_node(keys, &config, &judge, &met, metering))
            .map_err(|error| setup(&error))?
            .with_relay_client(noise::Config::new, || Yamux)
            .map_err(|error| setup(&error))?
            .with_behaviour(|_, circuits| Ok(Behaviour::new(&config, circuits, &mut registry)?))
            .map_err(|error| setup(&error))?
            .with_swarm_config(|swarm| {
                swarm
                    // A stream's first bytes go out together with its negotiation: one round trip less.
                    .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy)
                    .with_idle_connection_timeout(limits::IDLE)
                    .with_max_negotiating_inbound_streams(limits::NEGOTIATING_STREAMS)
            })
            .with_connection_timeout(limits::DIAL_TIME)
            .build();
        let protocol = StreamProtocol::try_from_owned(format!("/motet/{}/direct/1", config.network))
            .map_err(|error| setup(&error))?;
        let incoming =
            swarm.behaviour().streams.new_control().accept(protocol.clone()).map_err(|error| setup(&error))?;
        let mut wanted = PersistentPeers::default();
        let dht_protocol = dht_protocol(&config)?;
        let mut at_relays = BTreeMap::new();
        let mut refused = Vec::new();
        for address in direct.iter().chain(circuits.iter().map(|(_, circuit)| circuit)) {
            match swarm.listen_on(address.clone()) {
                Ok(id) => {
                    if let Some((relay, _)) = circuits.iter().find(|(_, circuit)| circuit == address) {
                        at_relays.insert(*relay, id);
                    }
                }
                Err(error) => {
                    let reason = words::of_transport(&error, listen::port(address));
                    refused.push(Refused { address: address.to_string(), reason });
                }
            }
        }
        if !refused.is_empty() {
            return Err(NetError::Listen(refused));
        }
        for relay in &config.relays {
            if let Some((peer, _)) = peers::split_peer(relay) {
                wanted.add(peer, relay.clone(), Naming::Configured);
            }
        }
        let (orders_in, orders) = mpsc::channel(limits::COMMANDS);
        let (events, events_out) = mpsc::channel(limits::EVENTS);
        for address in config.bootstrap.clone() {
            // The queue is empty and larger than any list of bootstrap nodes.
            drop(orders_in.try_send(NetCommand::Dial { address }));
        }
        let peers = PeerTable::new(config.guard.clone());
        let readers = Readers {
            events: events.clone(),
            floods: reports,
            partial: PartialFrames::default(),
            peers: peers.clone(),
        };
        let grouping = Grouping::of_messages(&config);
        let handle = NetHandle::new(config.keypair.peer_id(), orders_in, peers.clone());
        let mut task = Task {
            swarm,
            config,
            orders,
            events,
            incoming,
            protocol,
            waiting: PendingEvents::default(),
            peers,
            writers: tokio::task::JoinSet::new(),
            recent: Recent::default(),
            subscribed: BTreeSet::new(),
            stats: Stats::default(),
            dht,
            wanted,
            own: Own::new(judge),
            at_relays,
            tests: Tests::default(),
            auto_relays: AutoRelays::default(),
            connections: Connections::default(),
            metrics: Metrics::new(registry),
            dht_protocol,
            sought: BTreeMap::new(),
            twins: Twins::default(),
            met,
            grouping,
            readers,
            floods,
            patience: Buckets::new(limits::PATIENCE, limits::RESERVED),
            members: BTreeSet::new(),
            overlay: Overlay::default(),
            relayed: BTreeSet::new(),
        };
        task.reserve();
        task.take_up();
        tokio::spawn(task.run());
        Ok((handle, events_out))
    }
}

/// The circuit addresses on which a node listens through its relays, by relay.
fn circuits(config: &NetConfig) -> Result<Vec<(PeerId, Multiaddr)>, NetError> {
    if config.exposure == Exposure::RelayOnly && config.relays.is_empty() {
        return Err(NetError::NoRelay);
    }
    let circuit = |relay: &Multiaddr| match peers::split_peer(relay) {
        Some((peer, _)) => Ok((peer, circuit_at(relay))),
        None => Err(NetError::Relay(relay.to_string())),
    };
    config.relays.iter().map(circuit).collect()
}

/// The circuit address on which a node listens through a relay.
pub(crate) fn circuit_at(relay: &Multiaddr) -> Multiaddr {
    relay.clone().with(Protocol::P2pCircuit)
}
