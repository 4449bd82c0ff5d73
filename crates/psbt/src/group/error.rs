//! Reasons for which a descriptor is not a group's, and warnings about groups.

use crate::descriptor::{DescriptorError, ResolveError};

/// The reason why a descriptor is not accepted for a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The text is not a descriptor.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The keys or scripts of a branch cannot be computed.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No `musig()` in the descriptor.
    #[error("the descriptor has no musig(): it needs no group to sign")]
    NoMusig,
    /// `musig()` with one participant.
    #[error("key {number}: musig() with one participant; other wallets do not support it")]
    SingleParticipant {
        /// The number of the key expression.
        number: usize,
    },
    /// A participant that stands twice in one `musig()`.
    #[error(
        "key {number}: one participant stands twice in musig(); a PSBT has room for one nonce of each key, so this group could never sign"
    )]
    RepeatedParticipant {
        /// The number of the key expression.
        number: usize,
    },
    /// The path of an origin has another length than the depth of the key says.
    #[error(
        "key {number}: its origin has {path} steps, but the key was derived by {depth}; the key does not belong to the origin"
    )]
    OriginDepth {
        /// The number of the key expression.
        number: usize,
        /// The steps of the origin.
        path: usize,
        /// The depth that the extended key states.
        depth: usize,
    },
    /// Extended keys of the main network and of test networks.
    #[error("extended keys of the main network and of test networks in one group")]
    Networks,
    /// An address for a network that the extended keys are not written for.
    #[error(
        "the group's extended keys are for another kind of network: xpub is for the main network, tpub for test networks"
    )]
    Network,
    /// The numbers of a threshold group are out of range.
    #[error(
        "{needed} of {signers} signers: a threshold group has 2 or more needed signers, and not more than there are"
    )]
    Threshold {
        /// The number of signers that are needed.
        needed: usize,
        /// The number of signers.
        signers: usize,
    },
    /// A threshold group with too many sets of signers.
    #[error(
        "{needed} of {signers} signers have more than 33 sets that can sign; the limit is one key path and 32 leaves"
    )]
    TooManySets {
        /// The number of signers that are needed.
        needed: usize,
        /// The number of signers.
        signers: usize,
    },
    /// A key of a threshold group that has a path of its own.
    #[error("key {number} of the list must be an extended public key without a path after it")]
    ThresholdKey {
        /// The number of the key in the list.
        number: usize,
    },
}

/// A property that is allowed in a group, but should be known before money is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupWarning {
    /// The text had no checksum.
    #[error("the descriptor has no checksum: compare it with its source")]
    NoChecksum,
    /// The internal key is a single key.
    #[error("the owner of the internal key alone can spend everything")]
    SingleKeyPath,
    /// The internal key is in a leaf, too.
    #[error("leaf {leaf} has the internal key: the leaf may be needless")]
    InternalKeyInLeaf {
        /// The number of the leaf.
        leaf: usize,
    },
    /// A relative timelock with bits that have no meaning.
    #[error("leaf {leaf}: only 16 bits of older({found}) count: the real delay is {}", .found & 0xffff)]
    StrayTimelock {
        /// The number of the leaf.
        leaf: usize,
        /// The number in the script.
        found: u32,
    },
}
