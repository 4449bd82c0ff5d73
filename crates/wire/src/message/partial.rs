//! Round 2: partial signatures (`docs/protocol.md` §7).

use motet_core_crypto::PartialSignature;

use super::{Body, Kind};
use crate::codec::{Decode, Encode, List, ParseError};
use crate::delegation::Delegation;
use crate::id::{Attempt, AttemptId, TranscriptHash};
use crate::limits;
use crate::subject::Subject;

/// A signer's partial signatures, one for each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialSigShare {
    /// The session id of this attempt.
    pub session: AttemptId,
    /// The attempt.
    pub attempt: Attempt,
    /// One partial signature for each item, 1 to 64.
    pub partials: Vec<PartialSignature>,
    /// The nonces that the partial signatures were made with: [`crate::transcript::nonces`].
    pub nonces: TranscriptHash,
}

impl Body for PartialSigShare {
    const KIND: Kind = Kind::PartialSigShare;

    fn subject(&self) -> Subject {
        Subject::Attempt(self.session)
    }

    fn delegation(&self) -> Option<&Delegation> {
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawPartialSigShare {
    pub(crate) session: [u8; 32],
    attempt: u32,
    pub(crate) partials: List<[u8; 32], { limits::ITEMS_MAX }>,
    nonces: [u8; 32],
}

impl RawPartialSigShare {
    pub(crate) fn parse(self) -> Result<PartialSigShare, ParseError> {
        let partials = self.partials.as_slice().iter();
        Ok(PartialSigShare {
            session: AttemptId::from_bytes(self.session),
            attempt: Attempt(self.attempt),
            partials: partials
                .map(|partial| PartialSignature::from_bytes(partial).map_err(|_| ParseError::Point))
                .collect::<Result<_, _>>()?,
            nonces: TranscriptHash::from_bytes(self.nonces),
        })
    }
}

impl TryFrom<&PartialSigShare> for RawPartialSigShare {
    type Error = ParseError;

    fn try_from(message: &PartialSigShare) -> Result<Self, ParseError> {
        Ok(Self {
            session: message.session.to_bytes(),
            attempt: message.attempt.0,
            partials: List::collect(&message.partials, |partial| Ok(partial.to_bytes()))?,
            nonces: message.nonces.to_bytes(),
        })
    }
}
