//! What must outlive the process (`docs/protocol.md` §7.1).
//!
//! The driver commits all records of one step durably before anything of that step leaves the node. No secret nonce is
//! ever among them.

mod memory;
mod redb;

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{RequestId, SessionId};

pub use self::memory::MemoryStore;
pub use self::redb::RedbStore;

/// One durable fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A signer's public nonces for a session are about to leave: the session is never given others.
    Issued {
        /// The request.
        request: RequestId,
        /// The session, which is of one attempt.
        session: SessionId,
        /// The signer.
        signer: PublicKey,
        /// The hash of the public nonces.
        nonces: [u8; 32],
    },
    /// A signer's partial signatures for a session are about to leave: this frame, and no other, is what is ever sent.
    Spent {
        /// The request.
        request: RequestId,
        /// The session.
        session: SessionId,
        /// The signer.
        signer: PublicKey,
        /// The signed frame that carries the partial signatures.
        frame: Arc<[u8]>,
    },
    /// A request is taken part in.
    Request {
        /// The request.
        request: RequestId,
        /// Its frame.
        frame: Arc<[u8]>,
    },
    /// A request has ended, in signatures or without.
    Ended {
        /// The request.
        request: RequestId,
    },
}

impl Record {
    /// The request that the record is about.
    pub const fn request(&self) -> RequestId {
        match self {
            Self::Issued { request, .. }
            | Self::Spent { request, .. }
            | Self::Request { request, .. }
            | Self::Ended { request } => *request,
        }
    }
}

/// What the records of earlier runs come down to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Sessions and signers for which nonces have been issued. Whatever is not in `spent` is dead.
    pub issued: Vec<(SessionId, PublicKey)>,
    /// Partial signatures that may have been sent.
    pub spent: Vec<(SessionId, PublicKey, Arc<[u8]>)>,
    /// Requests that have not ended.
    pub requests: Vec<(RequestId, Arc<[u8]>)>,
}

/// Durable storage failed. Nothing that depends on it is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// Durable storage. Calls block until the medium has the data.
pub trait Store: Send + Sync + core::fmt::Debug {
    /// Writes all records or none.
    ///
    /// # Errors
    ///
    /// [`StoreError`], after which nothing of the step that asked for it happens.
    fn commit(&self, records: &[Record]) -> Result<(), StoreError>;

    /// What earlier runs have left.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn load(&self) -> Result<Snapshot, StoreError>;
}
