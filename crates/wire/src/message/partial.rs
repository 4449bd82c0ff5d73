//! Round 2: partial signatures (`docs/protocol.md` §7).

use motet_core_crypto::PartialSignature;

use crate::id::{Attempt, SessionId, TranscriptHash};

/// A signer's partial signatures, one for each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialSigShare {
    /// The session id of this attempt.
    pub session: SessionId,
    /// The attempt.
    pub attempt: Attempt,
    /// One partial signature for each item, 1 to 64.
    pub partials: Vec<PartialSignature>,
    /// The nonces that the partial signatures were made with: [`crate::transcript::nonces`].
    pub nonces: TranscriptHash,
}
