//! The libp2p behaviour: which protocols a node speaks, and how each is set up.

use core::time::Duration;

use libp2p::metrics::Registry;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, autonat, dcutr, gossipsub, identify, kad, mdns, ping, relay, upnp};
use motet_core_crypto::tagged_hash;
use motet_wire::limits;

use crate::admission::Admission;
use crate::candidates::Candidates;
use crate::config::{DhtMode, Exposure, Mdns, NetConfig, Reach, Relaying, Switch};
use crate::dht::store::BagStore;
use crate::error::NetError;
use crate::grouping::Grouping;
use crate::limits as ours;
use crate::reachability::Reachability;
use crate::subscriptions::TopicFilter;

/// Gossip with the bound on subscriptions of one peer.
pub(crate) type GossipBehaviour =
    gossipsub::Behaviour<gossipsub::IdentityTransform, gossipsub::MaxCountSubscriptionFilter<TopicFilter>>;

/// Behaviours that refuse connections come first: one behind them would believe in connections that never were.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) admission: Admission,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) kad: kad::Behaviour<BagStore>,
    pub(crate) gossip: GossipBehaviour,
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
                ping::Config::new().with_interval(ours::PING_PAUSE).with_timeout(ours::PING_TIME),
            ),
            mdns: mdns(config).into(),
            kad: kademlia(config, local)?,
            gossip: gossip(config, registry)?,
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
        .set_max_packet_size(ours::DHT_PACKET);
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
        (Exposure::RelayOnly, ..) | (_, DhtMode::Client, _) | (_, DhtMode::Auto, Reachability::Private) => {
            kad::Mode::Client
        }
        (_, DhtMode::Server, _) | (_, DhtMode::Auto, Reachability::Unknown | Reachability::Public) => kad::Mode::Server,
    }
}

/// Gossip without libp2p's own signatures: frames carry their author's, and are checked in our own order.
fn gossip(config: &NetConfig, registry: &mut Registry) -> Result<GossipBehaviour, NetError> {
    let setup = |error: &dyn core::fmt::Display| NetError::Setup(error.to_string());
    let settings = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .validate_messages()
        // All connected subscribers get a published frame at once, whichever of them the mesh or a fanout would choose.
        .flood_publish(true)
        // A frame on two topics is two messages: each topic has subscribers of its own.
        .message_id_fn(|message| {
            tagged_hash("motet/gossip-id/v2", &[message.topic.as_str().as_bytes(), &[0], &message.data]).to_vec().into()
        })
        .max_transmit_size(limits::FRAME_SESSION_ABORT + ours::GOSSIP_OVERHEAD)
        .build()
        .map_err(|error| setup(&error))?;
    let filter = TopicFilter::bounded(config.network.clone());
    gossipsub::Behaviour::new_with_subscription_filter(gossipsub::MessageAuthenticity::Anonymous, settings, filter)
        .map(|behaviour| {
            behaviour.with_metrics(registry.sub_registry_with_prefix("gossipsub"), gossipsub::MetricsConfig::default())
        })
        .map_err(|error| setup(&error))
}
