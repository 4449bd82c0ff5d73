//! The libp2p behaviour: which protocols a node speaks, and how each is set up.

use core::time::Duration;

use libp2p::connection_limits::ConnectionLimits;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, allow_block_list, connection_limits, gossipsub, identify, kad, mdns, ping, relay};
use motet_core_crypto::tagged_hash;
use motet_wire::{Topic, limits};

use crate::config::{Exposure, Mdns, NetConfig, Reach, Relaying};
use crate::dht::store::BagStore;
use crate::error::NetError;
use crate::limits as ours;

/// Behaviours that refuse connections come first: one behind them would believe in connections that never were.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) kad: kad::Behaviour<BagStore>,
    pub(crate) gossip: gossipsub::Behaviour,
    pub(crate) streams: libp2p_stream::Behaviour,
    /// Lets others be reached through this node.
    pub(crate) relay: Toggle<relay::Behaviour>,
    /// Lets this node be reached through others, and reach others through them.
    pub(crate) circuits: relay::client::Behaviour,
}

impl Behaviour {
    pub(crate) fn new(config: &NetConfig, circuits: relay::client::Behaviour) -> Result<Self, NetError> {
        let local = config.keypair.libp2p_id();
        let identify = identify::Config::new(format!("/motet/{}/1", config.network), config.keypair.0.public())
            .with_agent_version(concat!("motet/", env!("CARGO_PKG_VERSION")).to_owned())
            // Identify tells peers the addresses that an advertisement would tell them, and not each address of this
            // machine.
            .with_hide_listen_addrs(true);
        Ok(Self {
            blocked: allow_block_list::Behaviour::default(),
            limits: connection_limits::Behaviour::new(
                ConnectionLimits::default()
                    .with_max_established(Some(config.connections))
                    .with_max_established_per_peer(Some(ours::CONNECTIONS_PER_PEER))
                    .with_max_pending_incoming(Some(ours::PENDING_CONNECTIONS)),
            ),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new()),
            mdns: mdns(config).into(),
            kad: kademlia(config, local)?,
            gossip: gossip(config)?,
            streams: libp2p_stream::Behaviour::new(),
            relay: relaying(config).into(),
            circuits,
        })
    }
}

fn relaying(config: &NetConfig) -> Option<relay::Behaviour> {
    let (max_circuits, max_circuits_per_peer) = ours::RELAY_CIRCUITS;
    let settings = relay::Config {
        max_reservations: ours::RELAY_RESERVATIONS,
        max_circuits,
        max_circuits_per_peer,
        max_circuit_duration: ours::RELAY_TIME,
        max_circuit_bytes: ours::RELAY_BYTES,
        ..relay::Config::default()
    };
    let local = config.keypair.libp2p_id();
    (config.relaying == Relaying::On).then(|| relay::Behaviour::new(local, settings))
}

/// Multicast may be missing or forbidden; then a node does without.
fn mdns(config: &NetConfig) -> Option<mdns::tokio::Behaviour> {
    match (config.mdns, config.exposure) {
        (Mdns::Off, _) | (_, Exposure::RelayOnly) => None,
        (Mdns::On, Exposure::Direct) => {
            let quick = mdns::Config { query_interval: Duration::from_secs(5), ..mdns::Config::default() };
            let behaviour = mdns::tokio::Behaviour::new(quick, config.keypair.libp2p_id());
            behaviour.inspect_err(|error| tracing::warn!(%error, "multicast failed: local nodes are not found")).ok()
        }
    }
}

fn kademlia(config: &NetConfig, local: libp2p::PeerId) -> Result<kad::Behaviour<BagStore>, NetError> {
    let name = StreamProtocol::try_from_owned(format!("/motet/{}/kad/2", config.network))
        .map_err(|error| NetError::Setup(error.to_string()))?;
    let mut settings = kad::Config::new(name);
    settings
        .set_query_timeout(config.dht_timeout)
        // Nothing is stored before it has been looked at.
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        // Each entry has an end of its own.
        .set_record_ttl(None)
        // Anybody could keep Kademlia from spreading a record, by putting an empty one: the event loop spreads bags.
        .set_replication_interval(None)
        .set_max_packet_size(ours::DHT_PACKET);
    if config.reach == Reach::Public {
        settings.disjoint_query_paths(true);
    }
    let mut behaviour = kad::Behaviour::with_config(local, BagStore::default(), settings);
    // A relay-only node is a client of the DHT: it sends queries and answers none.
    behaviour.set_mode(Some(match config.exposure {
        Exposure::Direct => kad::Mode::Server,
        Exposure::RelayOnly => kad::Mode::Client,
    }));
    Ok(behaviour)
}

/// Gossip without libp2p's own signatures: frames carry their author's, and are checked in our own order.
fn gossip(config: &NetConfig) -> Result<gossipsub::Behaviour, NetError> {
    let setup = |error: &dyn core::fmt::Display| NetError::Setup(error.to_string());
    let settings = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .validate_messages()
        // Connected peers get a published frame on their direct streams; gossip carries it to the peers behind them.
        .flood_publish(false)
        .message_id_fn(|message| tagged_hash("motet/gossip-id/v1", &[&message.data]).to_vec().into())
        .max_transmit_size(limits::FRAME_SESSION_ABORT + ours::GOSSIP_OVERHEAD)
        .build()
        .map_err(|error| setup(&error))?;
    let mut behaviour = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, settings)
        .map_err(|error| setup(&error))?;
    for topic in Topic::ALL {
        let topic = gossipsub::IdentTopic::new(topic.name(&config.network));
        behaviour.subscribe(&topic).map_err(|error| setup(&error))?;
    }
    Ok(behaviour)
}
