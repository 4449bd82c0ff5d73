//! Why a call was refused: its caller's fault, by type. What peers or the network do wrong are events, not errors.

use core::time::Duration;

use motet_core_crypto::PublicKey;
use motet_wire::{IdError, ItemError, RequestId, SealError, Topology};

use crate::entropy::EntropyError;
use crate::event::Phase;
use crate::record::StoreError;

/// A command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The signer has not been added to this node, or has no delegation yet.
    #[error("signer {0} is not served by this node")]
    UnknownSigner(PublicKey),
    /// The node serves as many signers as it may.
    #[error("this node serves {limit} signers already")]
    TooManySigners {
        /// Largest number of signers.
        limit: usize,
    },
    /// The node has as many contacts as it may.
    #[error("this node has {limit} contacts already")]
    TooManyContacts {
        /// Largest number of contacts.
        limit: usize,
    },
    /// More transaction types are looked for than may be at a time, or one that no offer can name.
    #[error("a node looks for at most {limit} transaction types at a time, of 1 to 32 bytes each")]
    TransactionTypes {
        /// Largest number of types.
        limit: usize,
    },
    /// The place of a signer is not known, and only its own node may hear of the request.
    #[error(
        "it is not known where signer {0} is; give its peer and addresses, since a private request is not published"
    )]
    NoRoute(PublicKey),
    /// A signer is in private groups alone.
    #[error("signer {0} is not to be known in public: ask its group privately, and advertise nothing of it")]
    Unlisted(PublicKey),
    /// A request has the chain codes of a group's keys, which reveal all its addresses.
    #[error(
        "the request reveals the chain codes of its signers' keys: send it to its members alone (Audience::Members)"
    )]
    NotPrivate,
    /// No such request is known, or it is closed.
    #[error("request {0} is not known here")]
    UnknownRequest(RequestId),
    /// The creator of a request must be one of its signers.
    #[error("the creator must be one of the signers")]
    CreatorNotListed,
    /// More signers than this node allows.
    #[error("{count} signers; this node allows {limit}")]
    TooManyParticipants {
        /// Number of signers of the request.
        count: usize,
        /// Largest number of signers.
        limit: usize,
    },
    /// This version does not run sessions of this topology.
    #[error("the topology {topology:?} does not exist in this version; ask with Topology::Mesh")]
    UnsupportedTopology {
        /// Which.
        topology: Topology,
    },
    /// As many sessions go on as may.
    #[error("{limit} sessions go on already")]
    TooManySessions {
        /// Largest number of sessions.
        limit: usize,
    },
    /// Others would drop it, since this node has said as much as they take.
    #[error("other nodes take {per_minute} {what} a minute from one node, and this would be more; try again in {} s", .next.as_secs() + 1)]
    TooOften {
        /// What, for people.
        what: &'static str,
        /// Number that others take in a minute.
        per_minute: u64,
        /// In what time the next can be said.
        next: Duration,
    },
    /// No other signer can take this one's place.
    #[error("signer {0} cannot be replaced: it is not one of the others in the request")]
    NotReplaceable(PublicKey),
    /// A signer would stand twice in the request.
    #[error("signer {0} would stand twice in the request; name one that is not in it")]
    SignerTwice(PublicKey),
    /// A signer is blocked for a proven fault.
    #[error("signer {0} is blocked here for a proven fault; replace it")]
    BlockedSigner(PublicKey),
    /// The session is in another phase.
    #[error("the session is in the phase of {0}")]
    WrongPhase(Phase),
    /// The signer has no advertisement.
    #[error("the signer has no advertisement to withdraw")]
    NotAdvertised,
    /// A resource cannot have this name.
    #[error(
        "a resource has a type of 1 to 32 and an id of 1 to 64 visible ASCII characters; hash or encode what is longer"
    )]
    ResourceName,
    /// A resource holds less than this.
    #[error("{length} bytes of data; a resource holds {limit}, so announce where the rest is")]
    ResourceData {
        /// Number of bytes.
        length: usize,
        /// Largest number of bytes.
        limit: usize,
    },
    /// A resource does not live that long, or longer than that.
    #[error("a resource lives from {least:?} to {most:?}; it is announced anew while its node runs")]
    ResourceLifetime {
        /// Shortest lifetime.
        least: Duration,
        /// Longest lifetime.
        most: Duration,
    },
    /// As many resources are announced as may.
    #[error("this node announces {limit} resources already; use one of their names again, or another node")]
    TooManyResources {
        /// Largest number of resources.
        limit: usize,
    },
    /// An application cannot have this name.
    #[error("an application has a name of 1 to 32 visible ASCII characters")]
    ApplicationName,
    /// A message of an application holds less than this.
    #[error("{length} bytes of data; a message of an application holds {limit}, so send the rest in further messages")]
    ApplicationData {
        /// Number of bytes.
        length: usize,
        /// Largest number of bytes.
        limit: usize,
    },
    /// The place of the signer that a message is for is not known.
    #[error("it is not known where signer {0} is: it has no offer; name its node instead")]
    UnknownRecipient(PublicKey),
    /// A message is for this node itself.
    #[error("the message is for this node itself, and no message is sent to oneself")]
    OwnNode,
    /// The keys or derivations of the request do not exist.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// A part is over its bound.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// An address is too long.
    #[error(transparent)]
    Address(#[from] IdError),
    /// The proof of work could not be found.
    #[error("no proof of work was found")]
    Work,
    /// The proof of work took so long that nobody could have joined the request afterwards.
    #[error("the proof of work took {took:?}, which leaves the others no time to join; was this machine asleep?")]
    SlowWork {
        /// Time that it took, the last time.
        took: Duration,
    },
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// Records that the call depends on could not be stored, so nothing of it has happened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine has too much to do.
    #[error("too many commands are waiting")]
    Busy,
}

impl CommandError {
    /// A word for programs, which stays the same when the text for people changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownSigner(_) => "unknown_signer",
            Self::TooManySigners { .. } => "too_many_signers",
            Self::TooManyContacts { .. } => "too_many_contacts",
            Self::TransactionTypes { .. } => "transaction_types",
            Self::NoRoute(_) => "no_route",
            Self::Unlisted(_) => "unlisted",
            Self::NotPrivate => "not_private",
            Self::UnknownRequest(_) => "unknown_request",
            Self::CreatorNotListed => "creator_not_listed",
            Self::TooManyParticipants { .. } => "too_many_participants",
            Self::UnsupportedTopology { .. } => "unsupported_topology",
            Self::TooManySessions { .. } => "too_many_sessions",
            Self::TooOften { .. } => "too_often",
            Self::NotReplaceable(_) => "not_replaceable",
            Self::SignerTwice(_) => "signer_twice",
            Self::BlockedSigner(_) => "blocked_signer",
            Self::WrongPhase(_) => "wrong_phase",
            Self::NotAdvertised => "not_advertised",
            Self::ResourceName => "resource_name",
            Self::ResourceData { .. } => "resource_data",
            Self::ResourceLifetime { .. } => "resource_lifetime",
            Self::TooManyResources { .. } => "too_many_resources",
            Self::ApplicationName => "application_name",
            Self::ApplicationData { .. } => "application_data",
            Self::UnknownRecipient(_) => "unknown_recipient",
            Self::OwnNode => "own_node",
            Self::Item(_) => "item",
            Self::Seal(_) => "too_large",
            Self::Address(_) => "address",
            Self::Work => "no_work",
            Self::SlowWork { .. } => "slow_work",
            Self::Entropy(_) => "entropy",
            Self::Store(_) => "store",
            Self::Busy => "busy",
        }
    }
}
