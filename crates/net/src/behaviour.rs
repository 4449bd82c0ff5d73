//! The libp2p behaviour: which protocols a node speaks, and how each is set up.

use core::time::Duration;

use libp2p::metrics::Registry;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, autonat, dcutr, identify, kad, mdns, ping, relay, upnp};

use crate::admission::Admission;
use crate::candidates::Candidates;
use crate::config::{DhtMode, Exposure, Mdns, NetConfig, Reach, Relaying, Switch};
use crate::dht::store::BagStore;
use crate::error::NetError;
use crate::gossip::Gossip;
use crate::grouping::Grouping;
use crate::limits;
use crate::reachability::Reachability;

/// Behaviours that refuse connections come first: one behind them would believe in connections that never were.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) admission: Admission,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) kad: kad::Behaviour<BagStore>,
    pub(crate) gossip: Gossip,
    pub(crate) streams: libp2p_stream::Behaviour,
    /// Lets others be reached through this node.
    pub(crate) relay: Toggle<relay::Behaviour>,
    /// Lets this node be reached through others, and reach others through them.
    pub(crate) circuits: relay::client::Behaviour,
    /// Opens direct connections to peers that are connected through a relay.
    pub(crate) holes: Toggle<dcutr::Behaviour>,
    /// Asks peers to test the addresses of this node.
    pub(crate) candidates: Toggle<Candidates>,
    /// Tests the addresses of peers.
    pub(crate) tester: Toggle<autonat::v2::server::Behaviour>,
    pub(crate) upnp: Toggle<upnp::tokio::Behaviour>,
}

impl Behaviour {
    pub(crate) fn new(
        config: &NetConfig,
        circuits: relay::client::Behaviour,
        registry: &mut Registry,
    ) -> Result<Self, NetError> {
        let local = config.keypair.libp2p_id();
        let identify = identify::Config::new(format!("/motet/{}/1", config.network), config.keypair.0.public())
            .with_agent_version(concat!("motet/", env!("CARGO_PKG_VERSION")).to_owned())
            // Identify tells peers the addresses that an advertisement would tell them, and not each address of this
            // machine.
            .with_hide_listen_addrs(true)
            .with_push_listen_addr_updates(true);
        let is_direct = config.exposure == Exposure::Direct;
        let traverses = is_direct && config.traversal == Switch::On;
        let maps = is_direct && config.upnp == Switch::On;
        Ok(Self {
            admission: Admission::new(local, config.connections, Grouping::of_places(config), &config.guard),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(
                ping::Config::new().with_interval(limits::PING_PAUSE).with_timeout(limits::PING_TIME),
            ),
            mdns: mdns(config).into(),
            kad: kademlia(config, local)?,
            gossip: Gossip::new(config, registry)?,
            streams: libp2p_stream::Behaviour::new(),
            relay: relaying(config).into(),
            circuits,
            holes: traverses.then(|| dcutr::Behaviour::new(local)).into(),
            candidates: traverses.then(Candidates::new).into(),
            tester: traverses.then(autonat::v2::server::Behaviour::default).into(),
            upnp: maps.then(upnp::tokio::Behaviour::default).into(),
        })
    }
}

fn relaying(config: &NetConfig) -> Option<relay::Behaviour> {
    let (max_circuits, max_circuits_per_peer) = limits::RELAY_CIRCUITS;
    let settings = relay::Config {
        max_reservations: limits::RELAY_RESERVATIONS,
        max_circuits,
        max_circuits_per_peer,
        max_circuit_duration: limits::RELAY_TIME,
        max_circuit_bytes: limits::RELAY_BYTES,
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

/// The protocol of the DHT; its servers speak it.
pub(crate) fn dht_protocol(config: &NetConfig) -> Result<StreamProtocol, NetError> {
    let name = format!("/motet/{}/kad/2", config.network);
    StreamProtocol::try_from_owned(name).map_err(|error| NetError::Setup(error.to_string()))
}

fn kademlia(config: &NetConfig, local: libp2p::PeerId) -> Result<kad::Behaviour<BagStore>, NetError> {
    let mut settings = kad::Config::new(dht_protocol(config)?);
    settings
        .set_query_timeout(config.dht_timeout)
        // The event loop sees to it that no network fills the table.
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        // Nothing is stored before it has been looked at.
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        // Each entry has an end of its own.
        .set_record_ttl(None)
        // Anybody could keep Kademlia from spreading a record, by putting an empty one: the event loop spreads bags.
        .set_replication_interval(None)
        .set_periodic_bootstrap_interval(Some(limits::REFRESH))
        .set_max_packet_size(limits::DHT_PACKET);
    if config.reach == Reach::Public {
        settings.disjoint_query_paths(true);
    }
    let mut behaviour = kad::Behaviour::with_config(local, BagStore::default(), settings);
    behaviour.set_mode(Some(dht_mode(config, Reachability::Unknown)));
    Ok(behaviour)
}

/// The part of a node in the DHT. A node that others cannot reach directly is a client: as a server it would be a hole in their
/// routing tables.
pub(crate) fn dht_mode(config: &NetConfig, reachability: Reachability) -> kad::Mode {
    match (config.exposure, config.dht, reachability) {
        (Exposure::RelayOnly, ..)
        | (_, DhtMode::Client | DhtMode::Off, _)
        | (_, DhtMode::Auto, Reachability::Private) => kad::Mode::Client,
        (_, DhtMode::Server, _) | (_, DhtMode::Auto, Reachability::Unknown | Reachability::Public) => kad::Mode::Server,
    }
}
