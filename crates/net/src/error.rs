//! Why a node does not start or does not answer.

/// A call to the network node failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// An address does not parse.
    #[error("{0:?} is not a multiaddr such as /ip4/127.0.0.1/tcp/4001")]
    Address(String),
    /// An address is of a kind that nodes do not speak over.
    #[error(
        "{address} cannot be used: nodes speak over /tcp/PORT, /udp/PORT/quic-v1 and /tcp/PORT/ws, and not over {part}"
    )]
    Transport {
        /// The address.
        address: String,
        /// The part of it that is not understood.
        part: String,
    },
    /// The node could not be put together, which is a fault of its build or its machine.
    #[error("the network node could not be set up: {0}")]
    Setup(String),
    /// Some addresses could not be listened on.
    #[error("cannot listen on {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", nor on "))]
    Listen(Vec<Refused>),
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

/// An address that could not be listened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The address.
    pub address: String,
    /// Why.
    pub reason: String,
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.address, self.reason)
    }
}
