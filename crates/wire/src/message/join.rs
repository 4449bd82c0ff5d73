//! Phase 3: signers join or decline, and when all have joined the session is ready (`docs/protocol.md` §3, §6).

use motet_core_crypto::NonceCommitment;

use crate::delegation::Delegation;
use crate::id::{RequestId, SessionId, SignerIndex};

/// A signer agrees to sign, and binds its slot to its message key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantJoined {
    /// The request that is agreed to; its id covers everything that was shown.
    pub request: RequestId,
    /// The signer's place in the request's list of keys.
    pub index: SignerIndex,
    /// The message key, peer and signer of this slot.
    pub delegation: Delegation,
    /// The commitment to the nonces of attempt 0; `None` where the request switches commitments off.
    pub commitment: Option<NonceCommitment>,
}

/// A signer refuses. It blames nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantDeclined {
    /// The request that is refused.
    pub request: RequestId,
    /// The signer's place in the request's list of keys.
    pub index: SignerIndex,
    /// Who speaks for which signer from which peer.
    pub delegation: Delegation,
    /// Why, for people; at most 256 bytes.
    pub reason: String,
}

/// The coordinator has all joins, and hands them on to whoever missed one.
///
/// The joins are frames as their authors signed them. They are bytes here: each goes through the pipeline by itself, as
/// [`crate::Channel::Sync`], before anybody believes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionReady {
    /// The request.
    pub request: RequestId,
    /// The session of attempt 0.
    pub session: SessionId,
    /// Who says so.
    pub coordinator: SignerIndex,
    /// The frames of the joins, in the order of the signers, 2 to 100 of at most 1 KB each.
    pub joins: Vec<Vec<u8>>,
}
