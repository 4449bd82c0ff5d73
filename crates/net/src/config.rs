//! Configuration of a network node.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeSet;
use std::path::PathBuf;

use libp2p::identity;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use motet_wire::{NetworkId, Rate};

use crate::error::NetError;
use crate::peers;
use crate::transport_kind::TransportKind;

/// The ed25519 key of a node, which is its identity in the network; it never signs for money.
#[derive(Clone)]
pub struct Keypair(pub(crate) identity::Keypair);

impl Keypair {
    /// A fresh key, from the operating system's randomness.
    pub fn generate() -> Self {
        Self(identity::Keypair::generate_ed25519())
    }

    /// The key of these 32 secret bytes.
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "any 32 bytes are a secret key of ed25519")]
        Self(identity::Keypair::ed25519_from_bytes(&mut seed).expect("32 bytes are a key"))
    }

    /// The peer id that this key stands for.
    pub fn peer_id(&self) -> motet_wire::PeerId {
        peers::to_wire(&self.0.public().to_peer_id())
    }

    pub(crate) fn libp2p_id(&self) -> PeerId {
        self.0.public().to_peer_id()
    }
}

impl core::fmt::Debug for Keypair {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keypair").field("peer_id", &self.libp2p_id()).finish_non_exhaustive()
    }
}

/// The range within which a node is meant to be reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// One machine or one local network: loopback and private addresses are used, and many nodes may share one.
    Local,
    /// The internet. Private addresses are believed in the node's own network, and offered if the node has no better;
    /// loopback is used by nodes that have nothing else.
    Public,
}

/// Search by multicast for nodes of the local network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mdns {
    /// They are.
    On,
    /// They are not.
    Off,
}

/// The peers that learn a node's own addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Connected peers and readers of its advertisement.
    Direct,
    /// Its relays only. The node listens on no address of its own and opens connections to its own relays only; other
    /// peers reach it through them. Two such nodes need a relay in common.
    RelayOnly,
}

/// Something that a node does or does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It does.
    On,
    /// It does not.
    Off,
}

/// The part of a node in the DHT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DhtMode {
    /// A server, unless tests show that other nodes cannot reach it.
    Auto,
    /// It stores entries and answers queries.
    Server,
    /// It sends queries and answers none.
    Client,
    /// It has no part: it puts nothing, and finds nothing. Its routing table stays empty.
    Off,
}

/// Service as a relay for other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relaying {
    /// It relays, within limits. It sees which nodes talk to each other, and not their messages.
    On,
    /// It does not.
    Off,
}

/// Network groups of addresses that are not on the internet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LocalGroups {
    /// Addresses of this machine belong to no group, and in local reach those of private networks neither: many honest nodes may share one.
    #[default]
    Free,
    /// Each /24 of IPv4 is a group, also of this machine and of private networks, so that 127.0.0.0/8 can stand for many networks.
    Counted,
}

/// Limits to what other nodes may do to this one. Peers that the user names, contacts and members of live sessions are exempt from those about
/// network groups, and may send ten times as much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Network groups of addresses that are not on the internet.
    pub local_groups: LocalGroups,
    /// Connections of strangers of one network group, of each direction.
    pub group_connections: u32,
    /// Strangers of one network group that may connect: an identity costs nothing, and a handshake a millisecond.
    pub identities: Rate,
    /// Bytes of one stranger that this node has not asked for, and work of answering it.
    pub bytes: Rate,
    /// Messages of one stranger, whatever they say; what it hands on by gossip has as large a share of its own.
    pub frames: Rate,
    /// Records of one stranger for the DHT.
    pub puts: Rate,
    /// Subscriptions of one stranger, and their ends.
    pub subscriptions: Rate,
    /// Bytes of this process's memory with which no strangers are let in any more; `None` for no limit.
    pub memory: Option<u64>,
    /// Peers that this node chooses by itself and stays connected with, at most 64.
    pub outbound: usize,
    /// Connections of strangers to which a node without work for them comes down.
    pub target: usize,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            local_groups: LocalGroups::Free,
            group_connections: 8,
            identities: Rate { per_minute: 60, burst: 60 },
            bytes: Rate { per_minute: 120_000_000, burst: 16_000_000 },
            frames: Rate { per_minute: 120_000, burst: 12_000 },
            puts: Rate { per_minute: 1_200, burst: 4_000 },
            subscriptions: Rate { per_minute: 600, burst: 2_000 },
            memory: None,
            outbound: 8,
            target: 24,
        }
    }
}

impl Guard {
    /// No limits, for measurements of what they cost and of what happens without them.
    pub fn off() -> Self {
        let all = Rate { per_minute: 60_000_000_000, burst: u64::MAX / 2 };
        Self {
            local_groups: LocalGroups::Free,
            group_connections: u32::MAX,
            identities: all,
            bytes: all,
            frames: all,
            puts: all,
            subscriptions: all,
            memory: None,
            outbound: 0,
            target: usize::MAX,
        }
    }
}

/// The configuration of a node.
#[derive(Debug, Clone)]
pub struct NetConfig {
    /// The network; nodes of others are not talked to.
    pub network: NetworkId,
    /// The node's identity.
    pub keypair: Keypair,
    /// Addresses to listen on; port 0 lets the system choose.
    pub listen: Vec<Multiaddr>,
    /// The transports that the node speaks over; addresses that need others are neither dialled nor listened on.
    pub transports: BTreeSet<TransportKind>,
    /// Addresses at which others reach this node, besides those that it listens on: of a forwarded port, or of a reverse proxy.
    pub external: Vec<Multiaddr>,
    /// Certificates (X.509 in DER) that are trusted at `/wss` addresses besides those of the public authorities: a private network may have
    /// an authority of its own. The identity of a node is shown by its own handshake, whatever the certificate says.
    pub certificates: Vec<Vec<u8>>,
    /// Requests to the router of the local network (UPnP) for a forwarded port.
    pub upnp: Switch,
    /// The means of a node behind a router: tests by other nodes whether they can reach this one (AutoNAT), the same service for them,
    /// relays that are found and asked without being named, and direct connections in place of relayed ones (hole punching). A
    /// node that is reached through relays alone uses none of them, since they tell peers its address.
    pub traversal: Switch,
    /// The node's part in the DHT.
    pub dht: DhtMode,
    /// Gossip of other nodes. Without it, a node publishes and does not hear what others publish; it asks the DHT and its peers.
    pub gossip: Switch,
    /// Nodes to connect to at the start, each address ending in `/p2p/<peer id>`.
    pub bootstrap: Vec<Multiaddr>,
    /// The range within which the node is meant to be reachable.
    pub reach: Reach,
    /// Search for nodes by multicast.
    pub mdns: Mdns,
    /// Nodes through which this one can be reached as well, each address ending in `/p2p/<peer id>`.
    pub relays: Vec<Multiaddr>,
    /// The peers that learn the node's own addresses.
    pub exposure: Exposure,
    /// Service as a relay for other nodes.
    pub relaying: Relaying,
    /// Connections in all: half for those that strangers open, three eighths for those that this node opens to strangers, and the rest
    /// for peers that the user names, contacts and members of live sessions.
    pub connections: u32,
    /// Limits to what other nodes may do to this one.
    pub guard: Guard,
    /// The file in which bans, and peers that the node has reached, are kept over restarts; `None` keeps nothing. Its folder is there.
    pub state: Option<PathBuf>,
    /// Time limit of a DHT query.
    pub dht_timeout: Duration,
}

impl NetConfig {
    /// A node on loopback, with ports chosen by the system, no multicast and nothing that is for routers.
    pub fn local(network: NetworkId, keypair: Keypair) -> Self {
        let loopback = Multiaddr::from(Ipv4Addr::LOCALHOST);
        let tcp = loopback.clone().with(Protocol::Tcp(0));
        let quic = loopback.with(Protocol::Udp(0)).with(Protocol::QuicV1);
        Self {
            network,
            keypair,
            listen: vec![tcp, quic],
            transports: [TransportKind::Tcp, TransportKind::Quic, TransportKind::WebSocket, TransportKind::Dns].into(),
            external: Vec::new(),
            certificates: Vec::new(),
            upnp: Switch::Off,
            traversal: Switch::Off,
            dht: DhtMode::Auto,
            gossip: Switch::On,
            bootstrap: Vec::new(),
            reach: Reach::Local,
            mdns: Mdns::Off,
            relays: Vec::new(),
            exposure: Exposure::Direct,
            relaying: Relaying::Off,
            connections: 128,
            guard: Guard::default(),
            state: None,
            dht_timeout: Duration::from_secs(5),
        }
    }

    /// A node that is reached from within this process alone, and has no socket: hundreds of them fit into one process, for tests of
    /// large networks.
    pub fn memory(network: NetworkId, keypair: Keypair) -> Self {
        Self {
            listen: vec![Multiaddr::from(Protocol::Memory(0))],
            transports: [TransportKind::Memory].into(),
            ..Self::local(network, keypair)
        }
    }
}

/// Parses a multiaddr of a kind that nodes speak over.
///
/// # Errors
///
/// [`NetError::Address`] with the text, or [`NetError::Transport`] with the part that is not understood.
pub fn parse_address(text: &str) -> Result<Multiaddr, NetError> {
    spoken(text.parse().map_err(|_| NetError::Address(text.to_owned()))?)
}

/// An address of a kind that nodes speak over.
///
/// # Errors
///
/// [`NetError::Transport`] with the part that is not understood.
pub(crate) fn spoken(address: Multiaddr) -> Result<Multiaddr, NetError> {
    match peers::not_spoken(&address) {
        Some(part) => Err(NetError::Transport { address: address.to_string(), part }),
        None => Ok(address),
    }
}
