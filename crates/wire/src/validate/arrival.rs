//! A frame before the pipeline.

use std::sync::Arc;

use super::channel::Channel;
use super::network_group::NetworkGroup;
use super::peer_class::PeerClass;
use crate::id::PeerId;
use crate::topic::Topic;

/// A frame as the network delivers it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The frame.
    pub bytes: Arc<[u8]>,
    /// The channel on which it came.
    pub channel: Channel,
    /// The gossip topic on which it came; `None` on other channels, or if that is not known.
    pub topic: Option<Topic>,
    /// The peer that delivered it, known from the connection; not the author.
    pub from: PeerId,
    /// The network group of that peer's connection.
    pub group: NetworkGroup,
    /// The class of that peer.
    pub peer_standing: PeerClass,
    /// The class of the sender that the frame claims ([`crate::peek`]).
    pub author_standing: PeerClass,
}

impl Arrival {
    /// A frame from a stranger, of no network group.
    pub const fn new(bytes: Arc<[u8]>, channel: Channel, from: PeerId) -> Self {
        Self {
            bytes,
            channel,
            topic: None,
            from,
            group: NetworkGroup::Local,
            peer_standing: PeerClass::Stranger,
            author_standing: PeerClass::Stranger,
        }
    }

    /// The same, on this gossip topic.
    #[must_use]
    pub fn topic(self, topic: Option<Topic>) -> Self {
        Self { topic, ..self }
    }

    /// The same, from this network group.
    #[must_use]
    pub fn group(self, group: NetworkGroup) -> Self {
        Self { group, ..self }
    }

    /// The same, where the peer and the claimed sender are this to us.
    #[must_use]
    pub fn standing(self, peer_standing: PeerClass, author_standing: PeerClass) -> Self {
        Self { peer_standing, author_standing, ..self }
    }
}
