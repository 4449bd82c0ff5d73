//! Gossip topics: two, for ever (`docs/protocol.md` §3).
//!
//! There is no topic for sessions: what a session says goes directly to its members, and costs nobody else. The network's name is in every topic, so that nodes of different networks never share a mesh.

use core::fmt;

use crate::id::NetworkId;

/// A gossip topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Advertisements and withdrawals.
    Signers,
    /// Signing requests.
    Requests,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 2] = [Self::Signers, Self::Requests];

    /// The topic's name on a network: `motet/<network>/v1/<topic>`.
    pub fn name(self, network: &NetworkId) -> String {
        format!("motet/{network}/v1/{self}")
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signers => "signers",
            Self::Requests => "requests",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;

    #[test]
    fn topics_of_two_networks_differ() {
        for topic in Topic::ALL {
            assert_ne!(topic.name(&NetworkId::main()), topic.name(&NetworkId::test()));
        }
        assert_eq!(Topic::Signers.name(&NetworkId::main()), "motet/main/v1/signers");
    }

    #[test]
    fn what_a_session_says_has_no_topic() {
        assert_eq!(Topic::of(Kind::NonceShare), None);
        assert_eq!(Topic::of(Kind::SessionReady), None);
        assert_eq!(Topic::of(Kind::SigningRequest), Some(Topic::Requests));
    }
}
