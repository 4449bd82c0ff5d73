//! What a node tells its user.

use std::sync::Arc;

use motet_wire::{Channel, NetworkGroup, PeerId};

use crate::reach::Offered;

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
        /// The network group of that peer's connection.
        group: NetworkGroup,
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
    /// The node does not listen on an address any more, though its machine still has it.
    ListeningEnded {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
    /// Where the node can be reached has changed: what others are told from now on.
    AddressesChanged {
        /// What that is.
        offered: Offered,
        /// Whether it has stayed like this for a moment. It is told twice: at once for whoever advertises, and so for people.
        settled: bool,
    },
    /// A message was for this peer, and it was not reached.
    Unreachable {
        /// Which.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A peer that the configuration names is not reached, or is not what it should be. It is told once for each reason.
    NamedUnreachable {
        /// The address by which it is named.
        address: String,
        /// Why.
        reason: String,
    },
    /// Another node has this node's identity.
    Twin {
        /// Where it has answered, or has called from.
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
