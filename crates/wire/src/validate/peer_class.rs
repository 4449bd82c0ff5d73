//! The class of a peer or an author, which says how much it may use of this node.

/// The class of a peer or an author, to this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PeerClass {
    /// An unknown peer or author.
    #[default]
    Stranger,
    /// A signer that the user has named, or its peer.
    Contact,
    /// A participant of sessions that are going on.
    Participant {
        /// Number of the sessions.
        sessions: u16,
    },
}
