//! What a user of the node holds.

use std::sync::Arc;

use libp2p::Multiaddr;
use motet_wire::{Address, DhtKey, PeerId, Topic, Verdict};
use tokio::sync::{mpsc, oneshot};

use crate::config::spoken;
use crate::error::NetError;
use crate::event::ReportToken;
use crate::frames;
use crate::outboxes::Reached;
use crate::peer_table::PeerTable;
use crate::peers;
use crate::persistent_peers::Named;

/// What the event loop is asked to do.
#[derive(Debug)]
pub(crate) enum NetCommand {
    /// To those that it has not reached, and by gossip.
    Publish {
        topic: Topic,
        frame: Arc<[u8]>,
        reached: Reached,
    },
    Send {
        to: PeerId,
        addresses: Vec<Address>,
        frame: Arc<[u8]>,
    },
    Put {
        key: DhtKey,
        frame: Arc<[u8]>,
    },
    Get {
        key: DhtKey,
        answer: oneshot::Sender<Vec<Arc<[u8]>>>,
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
    Stats {
        answer: oneshot::Sender<Stats>,
    },
    DhtStats {
        answer: oneshot::Sender<DhtStats>,
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

/// What has come of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feedback {
    /// What becomes of a gossip message.
    Verdict {
        /// The message.
        token: ReportToken,
        /// Whether it is handed on.
        verdict: Verdict,
    },
    /// A peer is to be blocked, as by [`NetHandle::block`].
    Block {
        /// The peer.
        peer: PeerId,
    },
}

/// What a node looks like at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connected peers.
    pub peers: usize,
    /// Peers that the DHT's routing table holds.
    pub dht_peers: usize,
    /// Peers that are blocked.
    pub blocked: usize,
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
    /// The peers that the configuration names, and what came of dialling them.
    pub named: Vec<Named>,
}

/// Whether the DHT can be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DhtState {
    /// It knows no peers yet.
    #[default]
    Waiting,
    /// It knows peers.
    Ready,
}

/// What a node's part of the DHT looks like at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DhtStats {
    /// Whether it can be asked.
    pub state: DhtState,
    /// Peers in the routing table.
    pub peers: usize,
    /// Keys under which something lies on this node.
    pub records: usize,
    /// Bytes that lie there.
    pub bytes: usize,
    /// Own questions that have not been answered.
    pub queries: usize,
}

impl NetHandle {
    pub(crate) const fn new(peer: PeerId, orders: mpsc::Sender<NetCommand>, table: PeerTable) -> Self {
        Self { peer, orders, table }
    }

    /// This node.
    pub const fn peer_id(&self) -> &PeerId {
        &self.peer
    }

    /// Publishes a frame by gossip, directly to all connected peers, and back to this node. That nobody listens yet is
    /// no error: recent frames are handed to peers that come later.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn publish(&self, topic: Topic, frame: Arc<[u8]>) -> Result<(), NetError> {
        let reached = self.table.publish(&frame);
        // Those who write to peers go first: what is left to do takes longer, and nobody waits for it.
        tokio::task::yield_now().await;
        self.order(NetCommand::Publish { topic, frame, reached }).await
    }

    /// Sends a frame to one peer on a direct stream, dialling it if need be: at these addresses, or where the DHT has
    /// it. A frame to this node comes straight back.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`]. Delivery is not confirmed; whoever misses a frame asks for it.
    pub async fn send(&self, to: PeerId, addresses: Vec<Address>, frame: Arc<[u8]>) -> Result<(), NetError> {
        frames::log("sent", Some(&to), &frame);
        if peers::from_wire(&to).is_some_and(|peer| self.table.send(&peer, &frame)) {
            return Ok(());
        }
        self.order(NetCommand::Send { to, addresses, frame }).await
    }

    /// Puts a frame under a key of the DHT, merged with what is there.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn put(&self, key: DhtKey, frame: Arc<[u8]>) -> Result<(), NetError> {
        self.order(NetCommand::Put { key, frame }).await
    }

    /// The frames under a key of the DHT: the newest of each author, of all answers that come in time.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn get(&self, key: DhtKey) -> Result<Vec<Arc<[u8]>>, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::Get { key, answer }).await?;
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

    /// Decides what becomes of a gossip message.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn report(&self, token: ReportToken, verdict: Verdict) -> Result<(), NetError> {
        self.order(NetCommand::Report { token, verdict }).await
    }

    /// Disconnects a peer and keeps it out for an hour. Of more than 4,096 such peers, the one that was blocked first is let in
    /// again.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn block(&self, peer: PeerId) -> Result<(), NetError> {
        self.order(NetCommand::Block { peer }).await
    }

    /// Hands over what has come of a frame, if there is room for it at once.
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

    /// What the node looks like now.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn stats(&self) -> Result<Stats, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::Stats { answer }).await?;
        question.await.map_err(|_| NetError::Stopped)
    }

    /// What the node's part of the DHT looks like now.
    ///
    /// # Errors
    ///
    /// [`NetError::Stopped`].
    pub async fn dht_stats(&self) -> Result<DhtStats, NetError> {
        let (answer, question) = oneshot::channel();
        self.order(NetCommand::DhtStats { answer }).await?;
        question.await.map_err(|_| NetError::Stopped)
    }

    /// Stops the node, and returns when what it had sent has arrived, or a second later.
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
