//! The options of a request's session.

use crate::codec::{Code, Decode, Encode, ParseError};
use crate::mirror::{KnownKeys, Mirror};

/// The options of a request's session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// Switch for round 0, commitments to nonces.
    pub commitments: Commitments,
    /// The election of the coordinator.
    pub election: Election,
    /// The paths of round messages.
    pub topology: Topology,
}

/// Switch for round 0 (`docs/protocol.md` §7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Commitments {
    /// Nonces are revealed only when all commitments are known.
    #[default]
    On,
    /// Nonces are sent at once.
    Off,
}

/// The order in which signers take the coordinator's part; a pure function of the request (`docs/protocol.md` §8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Election {
    /// The creator, then the others in the order of the request.
    Creator,
    /// The smallest key first.
    #[default]
    Lexicographic,
    /// By the hash of the request id and each key.
    HashBased,
    /// The first key of the request first.
    First,
    /// The last key of the request first.
    Last,
}

/// The paths of round messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topology {
    /// Every participant sends to every other: the fewest delays.
    #[default]
    Mesh,
    /// Every participant sends to the coordinator, which hands on: n messages instead of n squared, one more delay.
    Star,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawOptions {
    commitments: Code<1>,
    election: Code<4>,
    topology: Code<1>,
}

impl RawOptions {
    /// True if nonces are committed to.
    pub(crate) const fn commits(self) -> bool {
        self.commitments.0 == 1
    }
}

impl Mirror<RequestOptions> for RawOptions {
    fn of(options: &RequestOptions) -> Result<Self, ParseError> {
        Ok(Self {
            commitments: Code(match options.commitments {
                Commitments::Off => 0,
                Commitments::On => 1,
            }),
            election: Code(match options.election {
                Election::Creator => 0,
                Election::Lexicographic => 1,
                Election::HashBased => 2,
                Election::First => 3,
                Election::Last => 4,
            }),
            topology: Code(match options.topology {
                Topology::Mesh => 0,
                Topology::Star => 1,
            }),
        })
    }

    fn parse(self, _: &KnownKeys) -> Result<RequestOptions, ParseError> {
        Ok(RequestOptions {
            commitments: match self.commitments.0 {
                0 => Commitments::Off,
                1 => Commitments::On,
                _ => return Err(ParseError::Code),
            },
            election: match self.election.0 {
                0 => Election::Creator,
                1 => Election::Lexicographic,
                2 => Election::HashBased,
                3 => Election::First,
                4 => Election::Last,
                _ => return Err(ParseError::Code),
            },
            topology: match self.topology.0 {
                0 => Topology::Mesh,
                1 => Topology::Star,
                _ => return Err(ParseError::Code),
            },
        })
    }
}
