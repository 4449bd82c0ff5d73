//! The events of a network node, for its user.

use std::sync::Arc;

use libp2p::Multiaddr;
use motet_wire::{Channel, NetworkGroup, PeerId, Topic};

use crate::reach::Offered;
use crate::reachability::Reachability;

/// Something has happened on the network.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetEvent {
    /// Bytes have arrived. Nothing has been checked but their length.
    Received {
        /// The peer that delivered them.
        from: PeerId,
        /// The channel on which they arrived.
        channel: Channel,
        /// The gossip topic; `None` for frames that came directly.
        topic: Option<Topic>,
        /// The network group of that peer's connection.
        group: NetworkGroup,
        /// The bytes.
        bytes: Arc<[u8]>,
        /// The handle under which the verdict is reported, for gossip.
        token: Option<ReportToken>,
    },
    /// The node listens.
    Listening {
        /// The address, without the peer id.
        address: Multiaddr,
    },
    /// The node does not listen on an address any more, though its machine still has it.
    ListeningEnded {
        /// The address.
        address: Multiaddr,
        /// Why.
        reason: String,
    },
    /// The addresses have changed that other nodes are told from now on.
    AddressesChanged {
        /// The new addresses.
        offered: Offered,
        /// True if the addresses have stayed the same for a moment. The event comes twice: at once for advertisements,
        /// and then so for people.
        settled: bool,
    },
    /// The answer has changed to the question whether other nodes can open connections to this one.
    ReachabilityChanged {
        /// The new answer.
        reachability: Reachability,
    },
    /// A message was for this peer, and it was not reached.
    Unreachable {
        /// Which.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A peer that the configuration names is not reached, or is another node than the one named. The event comes once
    /// for each reason.
    NamedUnreachable {
        /// The address by which it is named.
        address: Multiaddr,
        /// Why.
        reason: String,
    },
    /// Another node has this node's identity.
    Twin {
        /// The address at which it has answered, or from which it has called.
        address: Multiaddr,
    },
    /// A peer is connected.
    PeerConnected {
        /// Which.
        peer: PeerId,
        /// The address of the connection's other end.
        address: Multiaddr,
    },
    /// The last connection to a peer is gone.
    PeerDisconnected {
        /// Which.
        peer: PeerId,
    },
    /// The peers that this node has chosen by itself are in far fewer networks than before: it may be cut off from honest nodes.
    DiversityFell {
        /// The number of these networks now.
        networks: usize,
        /// The largest number so far.
        before: usize,
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
