//! The state of the node and its place in the network.

use motet_node::{Contact, DhtState, DhtStats, Direction, PeerConnection, PublicKey, Reachability, Stats};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cursor::Cursor;

/// The state of a daemon and its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// The network.
    pub network: String,
    /// The node's identity in the network.
    pub peer: String,
    /// The signers that it serves.
    #[schema(value_type = Vec<String>)]
    pub signers: Vec<PublicKey>,
    /// True while their keys are not in its memory: it signs nothing.
    pub locked: bool,
    /// The place in the journal before this answer: listen from here, and nothing is missed.
    #[schema(value_type = String, example = "00c0ffee00c0ffee-17")]
    pub cursor: Cursor,
    /// The address on loopback at which the API is, too; or null.
    pub api: Option<String>,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// Requests that wait for an answer of its user.
    pub questions: usize,
    /// Sessions that go on.
    pub sessions: usize,
    /// Signatures that have not been noted.
    pub results: usize,
    /// Its connections.
    pub connections: Connections,
    /// Its part in the DHT.
    pub dht: Dht,
}

/// The connections of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connections {
    /// Connected peers.
    pub peers: usize,
    /// Connections that others have opened.
    pub inbound: usize,
    /// Connections that this node has opened.
    pub outbound: usize,
    /// Networks in which the peers are that it has chosen itself.
    pub networks: usize,
    /// True if there were more than twice as many networks before: it may be cut off from honest nodes.
    pub diversity_fell: bool,
    /// Blocked peers.
    pub blocked: usize,
    /// The answer to the question whether others can call it: `unknown`, `public` or `private`.
    pub reachability: String,
    /// Addresses that it listens on.
    pub listening: Vec<String>,
    /// Peers that its user has named.
    pub named: Vec<NamedPeer>,
}

/// A peer that the user has named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedPeer {
    /// Its address.
    pub address: String,
    /// The state of the contact: `dialling`, `connected` or `failed`.
    pub contact: String,
    /// The reason of a failure, or null.
    pub reason: Option<String>,
}

/// A node's part in the DHT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dht {
    /// Its readiness: `initialized`, `bootstrapping`, `populating`, `ready` or `stopped`.
    pub state: String,
    /// True if it stores entries and answers queries.
    pub server: bool,
    /// Peers in the routing table.
    pub peers: usize,
    /// Keys under which something lies here.
    pub records: usize,
    /// Bytes that lie here.
    pub bytes: usize,
    /// Own questions that are not answered.
    pub queries: usize,
}

/// A connection to a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peer {
    /// The peer.
    pub peer: String,
    /// The address of the other end.
    pub address: String,
    /// The end that has begun it: `inbound` or `outbound`.
    pub direction: String,
    /// True if it goes through a relay.
    pub relayed: bool,
}

/// A list of connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peers {
    /// The connections, the oldest first.
    pub peers: Vec<Peer>,
}

/// A peer to connect with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// Its multiaddr.
    #[schema(example = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj")]
    pub address: String,
}

/// A call has been carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// Always true: a failure is an error.
    pub done: bool,
}

impl Done {
    pub(crate) const YES: Self = Self { done: true };
}

/// The answer of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// True if all is well.
    pub ok: bool,
}

impl From<Stats> for Connections {
    fn from(stats: Stats) -> Self {
        let named = stats.named.into_iter().map(|named| {
            let (contact, reason) = match named.contact {
                Contact::Dialling => ("dialling", None),
                Contact::Connected => ("connected", None),
                Contact::Failed(reason) => ("failed", Some(reason)),
            };
            NamedPeer { address: named.address.to_string(), contact: contact.to_owned(), reason }
        });
        let reachability = match stats.reachability {
            Reachability::Unknown => "unknown",
            Reachability::Public => "public",
            Reachability::Private => "private",
        };
        Self {
            peers: stats.peers,
            inbound: stats.inbound,
            outbound: stats.outbound,
            networks: stats.networks,
            diversity_fell: stats.diversity_fell,
            blocked: stats.blocked,
            reachability: reachability.to_owned(),
            listening: stats.listening.iter().map(ToString::to_string).collect(),
            named: named.collect(),
        }
    }
}

impl From<DhtStats> for Dht {
    fn from(stats: DhtStats) -> Self {
        let state = match stats.state {
            DhtState::Initialized => "initialized",
            DhtState::Bootstrapping => "bootstrapping",
            DhtState::Populating => "populating",
            DhtState::Ready => "ready",
            DhtState::Stopped => "stopped",
        };
        let DhtStats { server, peers, records, bytes, queries, .. } = stats;
        Self { state: state.to_owned(), server, peers, records, bytes, queries }
    }
}

impl From<PeerConnection> for Peer {
    fn from(connection: PeerConnection) -> Self {
        let direction = match connection.direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        Self {
            peer: connection.peer.to_string(),
            address: connection.address.to_string(),
            direction: direction.to_owned(),
            relayed: connection.relayed,
        }
    }
}
