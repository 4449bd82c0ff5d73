//! Records: the facts that must outlive the process (`docs/protocol.md` §7.1).
//!
//! A driver commits all records of one step durably before anything of that step leaves the node. No secret nonce is
//! ever among them.

mod kept_results;
mod records;

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, RequestId, TimestampMs};

use crate::event::Completed;
use crate::proposal::ProposalDigest;
use crate::reputation::Standing;
pub(crate) use kept_results::KeptResults;
pub use records::Records;

/// One durable fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A signer has certified a message key until then; a later process certifies for longer, so that the newest of its
    /// keys is known by its end, whatever the clock does.
    Delegated {
        /// The signer.
        signer: PublicKey,
        /// Until when.
        not_after: TimestampMs,
    },
    /// The reputation of a signer; `None` if it is forgotten.
    Standing {
        /// The signer.
        signer: PublicKey,
        /// The reputation.
        standing: Option<Standing>,
    },
    /// A signer's user has been asked about a request, and has not answered: it is asked again after a restart.
    Asked {
        /// The request.
        request: RequestId,
        /// The signer.
        signer: PublicKey,
        /// The request's frame.
        frame: Arc<[u8]>,
    },
    /// A signer's user, or its policy, has approved exactly this.
    Approved {
        /// The request.
        request: RequestId,
        /// The signer.
        signer: PublicKey,
        /// The digest of the approved proposal.
        digest: ProposalDigest,
        /// The request's frame.
        frame: Arc<[u8]>,
    },
    /// A signer's public nonces for an attempt are about to leave: the attempt is never given others.
    Issued {
        /// The request.
        request: RequestId,
        /// The attempt.
        attempt: Attempt,
        /// The signer.
        signer: PublicKey,
        /// The hash of the public nonces.
        nonces: [u8; 32],
    },
    /// A signer's partial signatures for an attempt are about to leave: only this frame is ever sent for them.
    Spent {
        /// The request.
        request: RequestId,
        /// The attempt.
        attempt: Attempt,
        /// The signer.
        signer: PublicKey,
        /// The signed frame that carries the partial signatures.
        frame: Arc<[u8]>,
    },
    /// A request has been given up after partial signatures of this node had left: others may still complete it.
    GivenUp {
        /// The request.
        request: RequestId,
    },
    /// A request has ended, in signatures or without, and nothing more is to be learnt about it.
    Ended {
        /// The request.
        request: RequestId,
        /// Its signatures, if there are any: they are handed out until they are noted. What was approved stays beside them, so
        /// that they can be told to a signer that has missed them.
        result: Option<Completed>,
    },
    /// A signer broke the protocol, and this proves it.
    Proved {
        /// The canonical bytes of a [`motet_wire::Evidence`].
        evidence: Arc<[u8]>,
    },
    /// The application has the signatures of a request: they are not handed out again.
    Noted {
        /// The request.
        request: RequestId,
    },
}

impl Record {
    /// True if a session depends on it: a session whose record of this kind cannot be stored ends. Of the others, nothing
    /// depends on [`Record::Asked`]: a restart does not ask again, that is all.
    pub(crate) const fn carries_session(&self) -> bool {
        match self {
            Self::Approved { .. }
            | Self::Issued { .. }
            | Self::Spent { .. }
            | Self::GivenUp { .. }
            | Self::Ended { .. }
            | Self::Noted { .. } => true,
            Self::Asked { .. } | Self::Delegated { .. } | Self::Standing { .. } | Self::Proved { .. } => false,
        }
    }

    /// The request that the record is about, if it is about one.
    pub const fn request(&self) -> Option<RequestId> {
        match self {
            Self::Delegated { .. } | Self::Standing { .. } | Self::Proved { .. } => None,
            Self::Asked { request, .. }
            | Self::Approved { request, .. }
            | Self::Issued { request, .. }
            | Self::Spent { request, .. }
            | Self::GivenUp { request }
            | Self::Ended { request, .. }
            | Self::Noted { request } => Some(*request),
        }
    }
}

/// The state that results from the records of earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of times that this store was opened before.
    pub epoch: u64,
    /// Until when each signer's newest message key was certified.
    pub delegated: Vec<(PublicKey, TimestampMs)>,
    /// The reputation of signers.
    pub standings: Vec<(PublicKey, Standing)>,
    /// Requests that users have been asked about, and that have neither been approved nor ended.
    pub asked: Vec<(RequestId, PublicKey, Arc<[u8]>)>,
    /// Requests that have been approved and have not ended, and those whose signatures are in `results`.
    pub approved: Vec<(RequestId, PublicKey, ProposalDigest, Arc<[u8]>)>,
    /// Attempts for which nonces have been issued. Whatever is not in `spent` is dead.
    pub issued: Vec<(RequestId, Attempt, PublicKey)>,
    /// Partial signatures that may have been sent.
    pub spent: Vec<(RequestId, Attempt, PublicKey, Arc<[u8]>)>,
    /// Requests among `approved` that have been given up, and that others may still complete.
    pub given_up: Vec<RequestId>,
    /// Requests that have ended and are still remembered.
    pub ended: Vec<RequestId>,
    /// Signatures, the oldest first.
    pub results: Vec<Completed>,
    /// Requests among those of `results` whose signatures the application has noted.
    pub noted: Vec<RequestId>,
    /// Evidence of misbehaviour, the oldest first.
    pub proofs: Vec<Arc<[u8]>>,
}

/// Durable storage failed. Nothing that depends on it is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process uses the store.
    #[error("another process uses the store")]
    InUse,
    /// An older version of this program wrote the store, in a form that this version does not read.
    #[error("an older version of this program wrote the store, and this version cannot read it")]
    Older,
    /// A newer version of this program wrote the store.
    #[error("a newer version of this program wrote the store")]
    Newer,
    /// The data on the disk differs from the written data.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The system refused to read or to write: no space, no permission, a broken disk.
    #[error("the store failed: {detail}")]
    Io {
        /// The kind of the system's error.
        kind: std::io::ErrorKind,
        /// The system's words.
        detail: String,
    },
    /// Any other failure.
    #[error("the store failed: {0}")]
    Failed(String),
}
