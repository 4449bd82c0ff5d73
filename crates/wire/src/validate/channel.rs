//! The channel on which a frame came, and what that means to the pipeline.

/// The channel on which a frame came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Channel {
    /// By gossipsub; the peer is the one that forwarded it.
    Gossip,
    /// On a direct stream, unasked.
    Direct,
    /// Read from the DHT, because we asked.
    #[cfg_attr(feature = "serde", serde(rename = "DHT"))]
    Dht,
    /// In an answer that we asked for: from a SyncResponse, a SessionReady, or a catch-up page.
    #[cfg_attr(feature = "serde", serde(rename = "handed on"))]
    Sync,
    /// On none: this node has sealed the message itself ([`crate::Author::seal`]). No frame may come on it (rule V-05).
    #[cfg_attr(feature = "serde", serde(rename = "own"))]
    Own,
    /// From this node's own store, where it lies because it was validated once.
    Store,
}

impl Channel {
    /// True if other nodes decide when frames come on it, and how many.
    pub(super) const fn is_metered(self) -> bool {
        matches!(self, Self::Gossip | Self::Direct)
    }

    /// True if a message that came before is dropped. Messages that this node has asked for are kept, because it may
    /// have lost them.
    pub(super) const fn is_single_use(self) -> bool {
        matches!(self, Self::Gossip | Self::Direct)
    }

    /// True if the peer that delivered the frame should have checked it.
    pub(super) const fn is_accountable(self) -> bool {
        matches!(self, Self::Gossip | Self::Direct | Self::Sync)
    }
}
