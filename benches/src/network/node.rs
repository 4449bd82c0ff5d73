//! Nodes that are measured: those of `motet-net`, and bare swarms.

use std::future::Future;
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use motet_net::{Keypair, NetConfig};
use motet_wire::NetworkId;

use crate::session::group::{Failure, GUARD};

/// Bytes of every message and record: as many as most of ours have.
pub const LENGTH: usize = 300;

/// Ways between the nodes of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// TCP on loopback.
    Tcp,
    /// Channels within the process, with the same handshake and the same streams.
    Memory,
}

impl Sockets {
    /// The address to listen on.
    pub fn listen(self) -> Multiaddr {
        match self {
            Self::Tcp => Multiaddr::from(core::net::Ipv4Addr::LOCALHOST).with(Protocol::Tcp(0)),
            Self::Memory => Multiaddr::from(Protocol::Memory(0)),
        }
    }

    /// The configuration of one of our nodes on this network, with a new identity.
    pub fn config(self, network: NetworkId) -> NetConfig {
        let keypair = Keypair::generate();
        let config = match self {
            Self::Tcp => NetConfig::local(network, keypair),
            Self::Memory => NetConfig::memory(network, keypair),
        };
        NetConfig { listen: vec![self.listen()], ..config }
    }
}

/// The part of a node in the DHT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It stores and answers.
    Server,
    /// It only asks, and is in nobody's table.
    Client,
}

/// A message that has arrived.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// The number in it.
    pub number: u64,
    /// The time of its arrival.
    pub at: Instant,
}

/// A node that is measured. Every message and record is [`LENGTH`] bytes long and begins with a number.
pub trait Measured: Sized + Send {
    /// Starts a node that listens, and dials these addresses.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    fn start(sockets: Sockets, part: Part, at: &[Multiaddr]) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// The address, with the peer id.
    fn address(&self) -> &Multiaddr;

    /// Sends a message to a peer that is connected.
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    fn send(&self, to: &Self, number: u64) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Publishes a message by gossip.
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    fn publish(&self, number: u64) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Puts a record into the DHT, and does not wait for it.
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    fn put(&self, number: u64) -> impl Future<Output = Result<(), Failure>> + Send;

    /// True if the DHT has this record, when all of a query's answers are there.
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    fn get(&self, number: u64) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// True if the DHT has this record, as soon as some nodes agree on it.
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    fn find(&self, number: u64) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// The next message.
    fn heard(&mut self) -> impl Future<Output = Option<Heard>> + Send;

    /// The numbers of connected peers, of those of them that listen to gossip, and of peers in the DHT's table.
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    fn counts(&self) -> impl Future<Output = Result<Counts, Failure>> + Send;
}

/// The numbers of the peers of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connected peers.
    pub connected: usize,
    /// Peers that listen to the topic of the messages.
    pub listening: usize,
    /// Peers in the table of the DHT.
    pub routed: usize,
}

/// The message or the record of a number.
pub fn bytes(number: u64) -> Vec<u8> {
    let mut bytes = vec![7; LENGTH];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    bytes
}

/// The number of a message.
pub fn number(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|number| u64::from_be_bytes(*number))
}

/// The earlier nodes that a node dials: the one before it, and some that are far from it in the order of their start. So every node is a few steps
/// from each other one.
pub fn dialled(index: usize) -> Vec<usize> {
    let mut earlier: Vec<usize> =
        [1, 2, 3, 5].iter().filter_map(|part| index.checked_sub(1).map(|last| last / part)).collect();
    earlier.dedup();
    earlier
}

/// Starts nodes, each of which dials some earlier ones, and waits until all of these connections are there.
///
/// # Errors
///
/// Errors of the network, and nodes that do not come together.
pub async fn started<N: Measured>(count: usize, sockets: Sockets, part: Part) -> Result<Vec<N>, Failure> {
    let mut nodes: Vec<N> = Vec::new();
    let mut ends = vec![0; count];
    for index in 0..count {
        let earlier = dialled(index);
        let at: Vec<Multiaddr> =
            earlier.iter().filter_map(|at| nodes.get(*at)).map(|node| node.address().clone()).collect();
        for end in earlier.iter().chain(core::iter::repeat_n(&index, earlier.len())) {
            if let Some(count) = ends.get_mut(*end) {
                *count += 1;
            }
        }
        nodes.push(N::start(sockets, part, &at).await?);
    }
    let meeting = async {
        for (node, wanted) in nodes.iter().zip(&ends) {
            while node.counts().await?.connected < *wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(GUARD, meeting).await.map_err(|_| "the nodes do not come together")??;
    Ok(nodes)
}
