//! Round 0: a commitment to nonces, for attempts after the first (`docs/protocol.md` §7).
//!
//! The commitment of attempt 0 travels inside [`crate::ParticipantJoined`]. The signer's index is never in the body of a
//! round message: a session binds each slot to the message key of its join, and the sender of the envelope is the slot.

use motet_core_crypto::NonceCommitment;

use super::{Body, Kind};
use crate::codec::{Decode, Encode, ParseError};
use crate::delegation::Delegation;
use crate::id::{Attempt, AttemptId};
use crate::subject::Subject;

/// A signer commits to the nonces of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonceCommit {
    /// The session id of this attempt.
    pub session: AttemptId,
    /// The attempt.
    pub attempt: Attempt,
    /// The commitment to all nonces of this signer.
    pub commitment: NonceCommitment,
}

impl Body for NonceCommit {
    const KIND: Kind = Kind::NonceCommit;

    fn subject(&self) -> Subject {
        Subject::Attempt(self.session)
    }

    fn delegation(&self) -> Option<&Delegation> {
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawNonceCommit {
    pub(crate) session: [u8; 32],
    attempt: u32,
    commitment: [u8; 32],
}

impl RawNonceCommit {
    pub(crate) fn parse(self) -> Result<NonceCommit, ParseError> {
        Ok(NonceCommit {
            session: AttemptId::from_bytes(self.session),
            attempt: Attempt(self.attempt),
            commitment: NonceCommitment::from_bytes(&self.commitment),
        })
    }
}

impl TryFrom<&NonceCommit> for RawNonceCommit {
    type Error = ParseError;

    fn try_from(message: &NonceCommit) -> Result<Self, ParseError> {
        Ok(Self {
            session: message.session.to_bytes(),
            attempt: message.attempt.0,
            commitment: message.commitment.to_bytes(),
        })
    }
}
