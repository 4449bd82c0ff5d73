//! Why a node does not start or does not answer.

/// A call to the network node failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// An address does not parse.
    #[error("{0:?} is not a multiaddr such as /ip4/127.0.0.1/tcp/4001")]
    Address(String),
    /// The identity key is not one.
    #[error("the node's key is damaged: {0}")]
    Key(String),
    /// The node could not be put together, which is a fault of its build or its machine.
    #[error("the network node could not be set up: {0}")]
    Setup(String),
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// The system's words.
        reason: String,
    },
    /// A node that is to be reached through relays alone has none.
    #[error("a node that is reached through relays alone needs one")]
    NoRelay,
    /// A relay's address does not end in `/p2p/` and its peer id.
    #[error("the relay's address {0} does not end in /p2p/PEER_ID")]
    Relay(String),
    /// The node has stopped.
    #[error("the network node has stopped")]
    Stopped,
}
