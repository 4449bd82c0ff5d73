//! Why a node does not start, and why a call to it fails.

use motet_coordinator::{CommandError, StoreError};
use motet_core_crypto::PublicKey;
use motet_net::NetError;
use motet_wallet::Mismatch;

/// A node does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The node has signers and no store: its program's fault.
    #[error(
        "a node with signers needs a store: give NodeBuilder::store a RedbStore, or a MemoryStore if its keys end with the process"
    )]
    NoStore,
    /// The network part does not start.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signer did not certify its message key.
    #[error("signer {signer} cannot be served: {error}")]
    Signer {
        /// Which.
        signer: PublicKey,
        /// Why.
        error: CallError,
    },
}

/// A call to a node failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The call cannot be carried out: its caller's fault.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The request is not what it says, so that the other signers would decline it; it was not sent.
    #[error("the other signers would decline this request, so it was not sent: {0}")]
    Mismatch(#[from] Mismatch),
    /// A signer needs a store, and the node has none: its program's fault.
    #[error("this node has no store, so it serves no signers; give NodeBuilder::store a RedbStore before it starts")]
    NoStore,
    /// As many applications listen as may.
    #[error("the messages of {limit} applications are heard here already; drop one of their streams first")]
    TooManyApplications {
        /// Largest number of applications.
        limit: usize,
    },
    /// The network does not answer.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
    /// The engine has given the reply of another call: a fault of this program.
    #[error("the node gave a reply of another call; this is a fault of the program, please report it")]
    Internal,
}

impl CallError {
    /// A word for programs, which stays the same when the text for people changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Command(error) => error.code(),
            Self::Mismatch(mismatch) => mismatch.code(),
            Self::NoStore => "no_store",
            Self::TooManyApplications { .. } => "too_many_applications",
            Self::Net(_) => "network",
            Self::Stopped => "stopped",
            Self::Internal => "internal",
        }
    }
}

/// Its code and its text.
#[cfg(feature = "serde")]
impl serde::Serialize for CallError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Form {
            code: &'static str,
            message: String,
        }
        Form { code: self.code(), message: self.to_string() }.serialize(serializer)
    }
}
