//! Gossip topics: three, for ever (`docs/protocol.md` §3).
//!
//! There is no topic for a session: gossipsub lets a peer subscribe to about a hundred, and messages of a session are
//! sent directly. The network's name is in every topic, so that nodes of different networks never share a mesh.

use core::fmt;

use crate::id::NetworkId;
use crate::message::Kind;

/// A gossip topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Advertisements and withdrawals.
    Signers,
    /// Signing requests.
    Requests,
    /// Joins, refusals, readiness, outcomes.
    Sessions,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 3] = [Self::Signers, Self::Requests, Self::Sessions];

    /// The topic's name on a network: `motet/<network>/v1/<topic>`.
    pub fn name(self, network: &NetworkId) -> String {
        format!("motet/{network}/v1/{self}")
    }

    /// The topic that a kind of message is published on; `None` for the kinds that are only ever sent directly,
    /// or lie in the DHT alone.
    pub const fn of(kind: Kind) -> Option<Self> {
        kind.spec().topic
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signers => "signers",
            Self::Requests => "requests",
            Self::Sessions => "sessions",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_two_networks_differ() {
        for topic in Topic::ALL {
            assert_ne!(topic.name(&NetworkId::main()), topic.name(&NetworkId::test()));
        }
        assert_eq!(Topic::Signers.name(&NetworkId::main()), "motet/main/v1/signers");
    }

    #[test]
    fn round_messages_have_no_topic() {
        assert_eq!(Topic::of(Kind::NonceShare), None);
        assert_eq!(Topic::of(Kind::SessionReady), Some(Topic::Sessions));
    }
}
