//! Phase 3: signers join or decline, and when all have joined the session is ready (`docs/protocol.md` §3, §6).

use motet_core_crypto::NonceCommitment;

use super::{Body, Kind};
use crate::codec::{Bytes, Decode, Encode, List, ParseError, Text};
use crate::delegation::{Delegation, KnownKeys, RawDelegation};
use crate::id::{AttemptId, RequestId, SignerIndex};
use crate::limits;
use crate::subject::Subject;

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

impl Body for ParticipantJoined {
    const KIND: Kind = Kind::ParticipantJoined;

    fn subject(&self) -> Subject {
        Subject::Request(self.request)
    }

    fn delegation(&self) -> Option<&Delegation> {
        Some(&self.delegation)
    }
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

impl Body for ParticipantDeclined {
    const KIND: Kind = Kind::ParticipantDeclined;

    fn subject(&self) -> Subject {
        Subject::Request(self.request)
    }

    fn delegation(&self) -> Option<&Delegation> {
        Some(&self.delegation)
    }
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
    pub session: AttemptId,
    /// Who says so.
    pub coordinator: SignerIndex,
    /// The frames of the joins, in the order of the signers, 2 to 100 of at most 1 KB each.
    pub joins: Vec<Vec<u8>>,
}

impl Body for SessionReady {
    const KIND: Kind = Kind::SessionReady;

    fn subject(&self) -> Subject {
        Subject::Request(self.request)
    }

    fn delegation(&self) -> Option<&Delegation> {
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawParticipantJoined {
    pub(crate) request: [u8; 32],
    pub(crate) index: u16,
    pub(crate) delegation: RawDelegation,
    commitment: Option<[u8; 32]>,
}

impl RawParticipantJoined {
    pub(crate) fn parse(self, known: &KnownKeys) -> Result<ParticipantJoined, ParseError> {
        Ok(ParticipantJoined {
            request: RequestId::from_bytes(self.request),
            index: SignerIndex(self.index),
            delegation: self.delegation.parse(known)?,
            commitment: self.commitment.as_ref().map(NonceCommitment::from_bytes),
        })
    }
}

impl TryFrom<&ParticipantJoined> for RawParticipantJoined {
    type Error = ParseError;

    fn try_from(message: &ParticipantJoined) -> Result<Self, ParseError> {
        Ok(Self {
            request: message.request.to_bytes(),
            index: message.index.0,
            delegation: RawDelegation::try_from(&message.delegation)?,
            commitment: message.commitment.map(|commitment| commitment.to_bytes()),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawParticipantDeclined {
    pub(crate) request: [u8; 32],
    pub(crate) index: u16,
    pub(crate) delegation: RawDelegation,
    reason: Text<{ limits::REASON }>,
}

impl RawParticipantDeclined {
    pub(crate) fn parse(self, known: &KnownKeys) -> Result<ParticipantDeclined, ParseError> {
        Ok(ParticipantDeclined {
            request: RequestId::from_bytes(self.request),
            index: SignerIndex(self.index),
            delegation: self.delegation.parse(known)?,
            reason: self.reason.into_string(),
        })
    }
}

impl TryFrom<&ParticipantDeclined> for RawParticipantDeclined {
    type Error = ParseError;

    fn try_from(message: &ParticipantDeclined) -> Result<Self, ParseError> {
        Ok(Self {
            request: message.request.to_bytes(),
            index: message.index.0,
            delegation: RawDelegation::try_from(&message.delegation)?,
            reason: Text::new(&message.reason)?,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawSessionReady {
    pub(crate) request: [u8; 32],
    pub(crate) session: [u8; 32],
    pub(crate) coordinator: u16,
    pub(crate) joins: List<Bytes<{ limits::FRAME_SMALL }>, { limits::SIGNERS_MAX }>,
}

impl RawSessionReady {
    pub(crate) fn parse(self) -> Result<SessionReady, ParseError> {
        Ok(SessionReady {
            request: RequestId::from_bytes(self.request),
            session: AttemptId::from_bytes(self.session),
            coordinator: SignerIndex(self.coordinator),
            joins: self.joins.into_vec().into_iter().map(Bytes::into_vec).collect(),
        })
    }
}

impl TryFrom<&SessionReady> for RawSessionReady {
    type Error = ParseError;

    fn try_from(message: &SessionReady) -> Result<Self, ParseError> {
        Ok(Self {
            request: message.request.to_bytes(),
            session: message.session.to_bytes(),
            coordinator: message.coordinator.0,
            joins: List::collect(&message.joins, |frame| Bytes::new(frame))?,
        })
    }
}
