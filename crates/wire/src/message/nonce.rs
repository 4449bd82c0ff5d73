//! Round 1: public nonces (`docs/protocol.md` §7).

use motet_core_crypto::PublicNonce;

use crate::id::{Attempt, SessionId, TranscriptHash};

/// A signer reveals its public nonces, one for each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonceShare {
    /// The session id of this attempt.
    pub session: SessionId,
    /// The attempt.
    pub attempt: Attempt,
    /// One public nonce for each item, 1 to 64.
    pub nonces: Vec<PublicNonce>,
    /// The commitments that the sender has seen; all zero where the request switches commitments off.
    pub commitments: TranscriptHash,
}
