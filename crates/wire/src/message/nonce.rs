//! Round 1: public nonces (`docs/protocol.md` §7).

use motet_core_crypto::PublicNonce;

use super::{Body, Kind};
use crate::codec::{Decode, Encode, List, ParseError};
use crate::delegation::Delegation;
use crate::id::{Attempt, AttemptId, TranscriptHash};
use crate::limits;
use crate::subject::Subject;

/// A signer reveals its public nonces, one for each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonceShare {
    /// The session id of this attempt.
    pub session: AttemptId,
    /// The attempt.
    pub attempt: Attempt,
    /// One public nonce for each item, 1 to 64.
    pub nonces: Vec<PublicNonce>,
    /// The commitments that the sender has seen; all zero where the request switches commitments off.
    pub commitments: TranscriptHash,
}

impl Body for NonceShare {
    const KIND: Kind = Kind::NonceShare;

    fn subject(&self) -> Subject {
        Subject::Attempt(self.session)
    }

    fn delegation(&self) -> Option<&Delegation> {
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawNonceShare {
    pub(crate) session: [u8; 32],
    attempt: u32,
    pub(crate) nonces: List<[u8; 66], { limits::ITEMS_MAX }>,
    commitments: [u8; 32],
}

impl RawNonceShare {
    pub(crate) fn parse(self) -> Result<NonceShare, ParseError> {
        let nonces = self.nonces.as_slice().iter();
        Ok(NonceShare {
            session: AttemptId::from_bytes(self.session),
            attempt: Attempt(self.attempt),
            nonces: nonces
                .map(|nonce| PublicNonce::from_bytes(nonce).map_err(|_| ParseError::Point))
                .collect::<Result<_, _>>()?,
            commitments: TranscriptHash::from_bytes(self.commitments),
        })
    }
}

impl TryFrom<&NonceShare> for RawNonceShare {
    type Error = ParseError;

    fn try_from(message: &NonceShare) -> Result<Self, ParseError> {
        Ok(Self {
            session: message.session.to_bytes(),
            attempt: message.attempt.0,
            nonces: List::collect(&message.nonces, |nonce| Ok(nonce.to_bytes()))?,
            commitments: message.commitments.to_bytes(),
        })
    }
}
