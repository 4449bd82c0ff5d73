//! What a node tells its user.

use std::sync::Arc;

use motet_wire::{Channel, PeerId};

/// Something has happened on the network.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetEvent {
    /// Bytes have arrived. Nothing has been checked but their length.
    Received {
        /// The peer that delivered them; this node for what it published itself.
        from: PeerId,
        /// How they came.
        channel: Channel,
        /// The bytes.
        bytes: Arc<[u8]>,
        /// What to report a verdict on, for gossip.
        token: Option<ReportToken>,
    },
    /// The node listens.
    Listening {
        /// Where, without the peer id.
        address: String,
    },
    /// A peer is connected.
    PeerConnected {
        /// Which.
        peer: PeerId,
        /// Where its connection comes from.
        address: String,
    },
    /// The last connection to a peer is gone.
    PeerDisconnected {
        /// Which.
        peer: PeerId,
    },
    /// The DHT knows peers, and can be asked.
    DhtReady,
}

/// Names a gossip message whose fate has to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportToken {
    pub(crate) message: libp2p::gossipsub::MessageId,
    pub(crate) source: libp2p::PeerId,
}
