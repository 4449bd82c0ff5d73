//! The handle of a network node, for its user.

use std::collections::BTreeSet;
use std::sync::Arc;

use libp2p::Multiaddr;
use motet_wire::{Address, DhtKey, PeerId, Topic, Verdict};
use tokio::sync::{mpsc, oneshot};

use crate::config::spoken;
use crate::connections::PeerConnection;
use crate::dht::Settled;
use crate::error::NetError;
use crate::event::ReportToken;
use crate::frames;
use crate::limits;
use crate::metrics::Sample;
use crate::peer_table::PeerTable;
use crate::peers;
use crate::persistent_peers::Named;
use crate::reachability::Reachability;

/// A command for the event loop.
#[derive(Debug)]
pub(crate) enum NetCommand {
    /// By gossip.
    Publish {
        topics: Vec<Topic>,
        frame: Arc<[u8]>,
    },
    /// To these topics and to no others.
    Subscribe {
        topics: BTreeSet<Topic>,
    },
    Send {
        to: PeerId,
        addresses: Vec<Address>,
        frame: Arc<[u8]>,
    },
    Put {
        key: DhtKey,
        frames: Vec<Arc<[u8]>>,
    },
    Get {
        key: DhtKey,
        settled: Settled,
        answer: oneshot::Sender<Vec<Arc<[u8]>>>,
    },
    FindPeer {
        peer: PeerId,
        answer: oneshot::Sender<Located>,
    },
    Dial {
        address: Multiaddr,
    },
    Report {
        token: ReportToken,
        verdict: Verdict,
    },
    Block {
        peer: PeerId,
    },
    Reserve {
        peers: Vec<PeerId>,
    },
    Stats {
        answer: oneshot::Sender<Stats>,
    },
    DhtStats {
        answer: oneshot::Sender<DhtStats>,
    },
    Peers {
        answer: oneshot::Sender<Vec<PeerConnection>>,
    },
    Metrics {
        samples: Vec<Sample>,
        answer: oneshot::Sender<String>,
    },
    Stop {
        done: oneshot::Sender<()>,
    },
}

/// A node, from outside. Clones speak to the same node; it stops when [`NetHandle::stop`] is called or all are gone.
#[derive(Debug, Clone)]
pub struct NetHandle {
    peer: PeerId,
    orders: mpsc::Sender<NetCommand>,
    table: PeerTable,
}

/// The outcome of a frame's validation, for the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feedback {
    /// The verdict on a gossip message.
    Verdict {
        /// The message.
        token: ReportToken,
        /// The decision whether gossip forwards it.
        verdict: Verdict,
    },
    /// A peer is to be blocked, as by [`NetHandle::block`].
    Block {
        /// The peer.
        peer: PeerId,
    },
}

/// The state of a node at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connected peers.
    pub peers: usize,
    /// Connections that others have opened.
    pub inbound: usize,
    /// Connections that this node has opened.
    pub outbound: usize,
    /// Peers that the DHT's routing table holds.
    pub dht_peers: usize,
    /// Peers that this node has chosen by itself and is connected with.
    pub chosen: usize,
    /// Networks in which these are.
    pub networks: usize,
    /// True if there were more than twice as many networks before: the node may be cut off from honest nodes.
    pub diversity_fell: bool,
    /// Peers that are blocked.
    pub blocked: usize,
    /// Network groups that are blocked.
    pub blocked_groups: usize,
    /// Gossip messages received.
    pub gossip_received: u64,
    /// Messages published.
    pub published: u64,
    /// Direct messages handed to an outbox.
    pub sent: u64,
    /// Messages dropped because a queue was full.
    pub dropped: u64,
    /// Addresses that the node listens on.
    pub listening: Vec<Multiaddr>,
    /// The peers that the configuration names, with the result of dialling each.
    pub named: Vec<Named>,
    /// The answer to the question whether other nodes can open connections to this one.
    pub reachability: Reachability,
}

/// The readiness of the DHT for queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DhtState {
    /// The node has nowhere to begin: no peer is named, and none is connected.
    #[default]
    Initialized,
    /// Peers that the user has named are dialled, and none is connected yet.
    Bootstrapping,
    /// Peers are connected, and none of them is known as a server of the DHT yet.
    Populating,
    /// Peers are connected, and the routing table has some.
    Ready,
    /// The node has stopped.
    Stopped,
}

impl DhtState {
    /// All states, in the order in which a node passes through them.
    pub const ALL: [Self; 5] = [Self::Initialized, Self::Bootstrapping, Self::Populating, Self::Ready, Self::Stopped];
}

/// The state of a node's part of the DHT at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DhtStats {
    /// Its readiness for queries.
    pub state: DhtState,
    /// True if it stores entries and answers queries; false if it only asks.
    pub server: bool,
    /// Peers in the routing table.
    pub peers: usize,
    /// Keys under which something lies on this node.
    pub records: usize,
    /// Bytes that lie there.
    pub bytes: usize,
    /// Own questions that have not been answered.
    pub queries: usize,
    /// Own records, one for each place and again for some of the nodes, that most nodes closest to their places have not confirmed.
    pub puts: usize,
    /// Frames that other nodes have put here and that are to be judged.
    pub unjudged: usize,
    /// Frames that other nodes have put here and that were not looked at, since too many came.
    pub dropped: u64,
}

/// The addresses of a peer, by a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// This node knows them already.
    Known(Vec<Multiaddr>),
    /// Nodes of the DHT have told them; none, if they do not know the peer.
    Found(Vec<Multiaddr>),
    /// There is nobody to ask.
    Offline,
}

/// True if so many frames lie in a bag of an index that its entries are to lie in the bags below as well, and are to be looked for
/// there.
pub fn is_crowded(frames: &[Arc<[u8]>]) -> bool {
    frames.iter().map(|frame| frame.len()).sum::<usize>() >= limits::CROWDED
}

impl NetHandle {
    pub(crate) const fn new(peer: PeerId, orders: mpsc::Sender<NetCommand>, table: PeerTable) -> Self {
        Self { peer, orders, table }
    }

    /// This node.
    pub const fn peer_id(&self) -> &PeerId {
        &self.peer
    }

    /// Publishes a frame by gossip, for the subscribers of these topics; not for this node, which need not subscribe itself. Without
    /// subscribers it is no error: recent frames are sent to peers that subscribe later. A node without gossip publishes nothing.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn publish(&self, topics: Vec<Topic>, frame: Arc<[u8]>) -> Result<(), NetError> {
        self.order(NetCommand::Publish { topics, frame }).await
    }

    /// Subscribes to these topics from now on, and to no others. Other nodes take 64 subscriptions of one peer.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn subscribe(&self, topics: BTreeSet<Topic>) -> Result<(), NetError> {
        self.order(NetCommand::Subscribe { topics }).await
    }

    /// Sends a frame to one peer on a direct stream. A peer that is not connected is dialled, at these addresses or at
    /// those that the DHT's routing table has. A frame to this node itself goes nowhere.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`]. Delivery is not confirmed; a peer that misses a frame asks for it.
    pub async fn send(&self, to: PeerId, addresses: Vec<Address>, frame: Arc<[u8]>) -> Result<(), NetError> {
        frames::log("sent", Some(&to), &frame);
        if peers::from_wire(&to).is_some_and(|peer| self.table.send(&peer, &frame)) {
            return Ok(());
        }
        self.order(NetCommand::Send { to, addresses, frame }).await
    }

    /// Puts frames under a key of the DHT, at all its places, to be merged with the entries that are stored there: an entry,
    /// or an entry and what withdraws it.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn put(&self, key: DhtKey, frames: Vec<Arc<[u8]>>) -> Result<(), NetError> {
        self.order(NetCommand::Put { key, frames }).await
    }

    /// The frames under a key of the DHT: the newest of each author and name, of all answers that come in time.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn get(&self, key: DhtKey) -> Result<Vec<Arc<[u8]>>, NetError> {
        self.ask(key, Settled::ByAll).await
    }

    /// The same for a key under which one entry lies, that of a signer or of a request: the answer comes as soon as a few nodes have
    /// given the same, at two of the three places of the key, and no node anything else. Without that it comes when all have answered.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn find(&self, key: DhtKey) -> Result<Vec<Arc<[u8]>>, NetError> {
        self.ask(key, Settled::ByAgreement).await
    }

    async fn ask(&self, key: DhtKey, settled: Settled) -> Result<Vec<Arc<[u8]>>, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::Get { key, settled, answer }).await?;
        question.await.map_err(|_| NetError::Stopped)
    }

    /// The addresses of a peer: those that this node knows, or else those that nodes of the DHT tell. It takes as long as a query at
    /// most ([`crate::NetConfig::dht_timeout`]). Nothing vouches for addresses of the DHT but the connection that is made there.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn find_peer(&self, peer: PeerId) -> Result<Located, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::FindPeer { peer, answer }).await?;
        question.await.map_err(|_| NetError::Stopped)
    }

    /// Dials an address. If it ends in `/p2p/<peer id>`, that peer is dialled again, with growing pauses, whenever it cannot be
    /// reached or is lost.
    ///
    /// # Errors
    ///
    /// [`NetError::Transport`] or [`NetError::Stopped`].
    pub async fn dial(&self, address: Multiaddr) -> Result<(), NetError> {
        let address = spoken(address)?;
        self.order(NetCommand::Dial { address }).await
    }

    /// Reports the verdict on a gossip message.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn report(&self, token: ReportToken, verdict: Verdict) -> Result<(), NetError> {
        self.order(NetCommand::Report { token, verdict }).await
    }

    /// Disconnects a peer and keeps it out: an hour the first time, then twice as long each time, a day at most. Of more than 4,096 such
    /// peers, the one that was blocked first is let in again. The network group of eight peers that are blocked soon after each other is
    /// kept out as well.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn block(&self, peer: PeerId) -> Result<(), NetError> {
        self.order(NetCommand::Block { peer }).await
    }

    /// Says which peers have a right to a connection whatever others do, besides those that are named by their addresses: contacts, and
    /// members of live sessions. At most 2,048 with those. Each call replaces what the one before said.
    ///
    /// # Errors
    ///
    /// The peers, if there is no room for the command at once. A node that has stopped takes everything.
    pub fn try_reserve(&self, peers: Vec<PeerId>) -> Result<(), Vec<PeerId>> {
        match self.orders.try_send(NetCommand::Reserve { peers }) {
            Err(mpsc::error::TrySendError::Full(NetCommand::Reserve { peers })) => Err(peers),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Hands over the outcome of a frame, if there is room for it at once.
    ///
    /// # Errors
    ///
    /// The feedback, if there is no room. A node that has stopped takes everything.
    pub fn try_feedback(&self, feedback: Feedback) -> Result<(), Feedback> {
        let order = match feedback {
            Feedback::Verdict { token, verdict } => NetCommand::Report { token, verdict },
            Feedback::Block { peer } => NetCommand::Block { peer },
        };
        match self.orders.try_send(order) {
            Err(mpsc::error::TrySendError::Full(NetCommand::Report { token, verdict })) => {
                Err(Feedback::Verdict { token, verdict })
            }
            Err(mpsc::error::TrySendError::Full(NetCommand::Block { peer })) => Err(Feedback::Block { peer }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Waits until there is room for feedback, or the node has stopped.
    pub async fn room(&self) {
        drop(self.orders.reserve().await);
    }

    /// The state of the node now.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn stats(&self) -> Result<Stats, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::Stats { answer }).await?;
        question.await.map_err(|_| NetError::Stopped)
    }

    /// The state of the node's part of the DHT now; [`DhtState::Stopped`] if the node has stopped.
    ///
    /// # Errors
    ///
    /// None at present.
    pub async fn dht_stats(&self) -> Result<DhtStats, NetError> {
        let (answer, question) = oneshot::channel();
        let answered = match self.order(NetCommand::DhtStats { answer }).await {
            Ok(()) => question.await.map_err(|_| NetError::Stopped),
            Err(stopped) => Err(stopped),
        };
        match answered {
            Err(NetError::Stopped) => Ok(DhtStats { state: DhtState::Stopped, ..DhtStats::default() }),
            answered => answered,
        }
    }

    /// The connections to peers now, the oldest first.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn peers(&self) -> Result<Vec<PeerConnection>, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::Peers { answer }).await?;
        question.await.map_err(|_| NetError::Stopped)
    }

    /// All metrics of the node as OpenMetrics text, with further samples of its user.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn metrics(&self, samples: Vec<Sample>) -> Result<String, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::Metrics { samples, answer }).await?;
        question.await.map_err(|_| NetError::Stopped)
    }

    /// Stops the node, and returns when the frames that it had sent have arrived, or a second later.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        // Stopped already is stopped, too.
        if self.orders.send(NetCommand::Stop { done }).await.is_ok() {
            drop(stopped.await);
        }
    }

    async fn order(&self, order: NetCommand) -> Result<(), NetError> {
        self.orders.send(order).await.map_err(|_| NetError::Stopped)
    }
}

/// The peer id at the end of an address, and the address in front of it.
pub fn split_peer(address: &str) -> Option<(PeerId, String)> {
    let address: Multiaddr = address.parse().ok()?;
    let (peer, rest) = peers::split_peer(&address)?;
    Some((peers::to_wire(&peer), rest.to_string()))
}
