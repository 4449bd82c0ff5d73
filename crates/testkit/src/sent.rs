//! A frame that has left a node.

use std::sync::Arc;

use motet_wire::{Kind, PeerId, peek};

/// A frame that has left a node, whether or not it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The number of the node.
    pub by: usize,
    /// The way that it took.
    pub way: Way,
    /// The frame.
    pub frame: Arc<[u8]>,
}

/// The way of a frame out of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By gossip, to all nodes that subscribe to a topic of it.
    Broadcast,
    /// To one other peer.
    Direct(PeerId),
    /// Into the DHT. A cluster has none: a test that needs it hands the frame to a node with
    /// [`Channel::Dht`](motet_wire::Channel::Dht).
    Dht,
}

impl Sent {
    /// The kind of message that the frame is.
    pub fn kind(&self) -> Option<Kind> {
        peek(&self.frame).map(|peek| peek.kind)
    }
}
