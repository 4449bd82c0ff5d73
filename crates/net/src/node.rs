//! Assembly and start of a network node.

use std::collections::BTreeMap;
use std::sync::Arc;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::{Transport as _, upgrade};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, StreamProtocol, SwarmBuilder, dns, noise, quic, tcp, yamux};
use tokio::sync::mpsc;

use crate::behaviour::Behaviour;
use crate::config::{Exposure, NetConfig};
use crate::dht::EntryPolicy;
use crate::doorway::Doorway;
use crate::error::{NetError, Refused};
use crate::event::NetEvent;
use crate::handle::{NetCommand, NetHandle, Stats};
use crate::handshake::{Handshake, Met};
use crate::limits;
use crate::listen;
use crate::peer_table::PeerTable;
use crate::peers;
use crate::pending_events::PendingEvents;
use crate::persistent_peers::{Naming, PersistentPeers};
use crate::reach::Judge;
use crate::recent::Recent;
use crate::relay_only::Gate;
use crate::task::{Dht, Own, Task};
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
        let refused = listen::refused(direct);
        if !refused.is_empty() {
            return Err(NetError::Listen(refused));
        }
        let judge = Judge::new(config.reach);
        let met = Met::default();
        config.relays.iter().for_each(|relay| judge.name(relay));
        let dht = Dht::new(policy, &config.keypair.libp2p_id());
        let setup = |error: &dyn core::fmt::Display| NetError::Setup(error.to_string());
        let mut swarm = SwarmBuilder::with_existing_identity(config.keypair.0.clone())
            .with_tokio()
            .with_other_transport(|keys| transport(keys, &config, &judge, &met))
            .map_err(|error| setup(&error))?
            .with_relay_client(noise::Config::new, yamux::Config::default)
            .map_err(|error| setup(&error))?
            .with_behaviour(|_, circuits| Ok(Behaviour::new(&config, circuits)?))
            .map_err(|error| setup(&error))?
            .with_swarm_config(|swarm| {
                swarm
                    // A stream's first bytes go out together with its negotiation: one round trip less.
                    .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy)
                    .with_idle_connection_timeout(limits::IDLE)
                    .with_max_negotiating_inbound_streams(limits::NEGOTIATING_STREAMS)
            })
            .build();
        let protocol = StreamProtocol::try_from_owned(format!("/motet/{}/direct/1", config.network))
            .map_err(|error| setup(&error))?;
        let incoming =
            swarm.behaviour().streams.new_control().accept(protocol.clone()).map_err(|error| setup(&error))?;
        let mut wanted = PersistentPeers::default();
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
        let peers = PeerTable::default();
        let handle = NetHandle::new(config.keypair.peer_id(), orders_in, peers.clone());
        let task = Task {
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
            stats: Stats::default(),
            dht,
            wanted,
            own: Own::new(judge),
            at_relays,
            sought: BTreeMap::new(),
            twins: Twins::default(),
            met,
        };
        tokio::spawn(task.run());
        Ok((handle, events_out))
    }
}

/// TCP and QUIC to names and numbers, as far as the node's exposure lets it.
fn transport(
    keys: &Keypair,
    config: &NetConfig,
    judge: &Judge,
    met: &Met,
) -> Result<Doorway, Box<dyn std::error::Error + Send + Sync>> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(Handshake::new(keys, met.clone())?)
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let quic = quic::tokio::Transport::new(quic::Config::new(keys))
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));
    let both = tcp.or_transport(quic).map(|either, _| either.into_inner());
    let named = dns::tokio::Transport::system(both)?;
    Ok(Doorway::new(Gate::new(named, config.exposure, &config.relays, judge.clone()).boxed()))
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
