//! Bodies as the bytes say them, before anybody has checked a signature or looked for a point.

use super::advertisement::{RawSignerAdvertisement, RawSignerUnavailable};
use super::commit::RawNonceCommit;
use super::join::{RawParticipantDeclined, RawParticipantJoined, RawSessionReady};
use super::nonce::RawNonceShare;
use super::outcome::{RawSessionAbort, RawSignatureFinalized};
use super::partial::RawPartialSigShare;
use super::request::RawSigningRequest;
use super::resource::RawResourceAnnouncement;
use super::sync::{RawSyncRequest, RawSyncResponse};
use super::{Kind, Message};
use crate::codec::{self, DecodeError, ParseError};
use crate::delegation::RawDelegation;
use crate::id::{AttemptId, RequestId};
use crate::mirror::KnownKeys;
use crate::mirror::Mirror;
use crate::subject::Subject;

/// A decoded body of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RawBody {
    SignerAdvertisement(RawSignerAdvertisement),
    SignerUnavailable(RawSignerUnavailable),
    SigningRequest(RawSigningRequest),
    ParticipantJoined(RawParticipantJoined),
    ParticipantDeclined(RawParticipantDeclined),
    SessionReady(RawSessionReady),
    NonceCommit(RawNonceCommit),
    NonceShare(RawNonceShare),
    PartialSigShare(RawPartialSigShare),
    SignatureFinalized(RawSignatureFinalized),
    SessionAbort(RawSessionAbort),
    SyncRequest(RawSyncRequest),
    SyncResponse(RawSyncResponse),
    ResourceAnnouncement(RawResourceAnnouncement),
}

impl RawBody {
    pub(crate) fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, DecodeError> {
        match kind {
            Kind::SignerAdvertisement => codec::decode(bytes).map(Self::SignerAdvertisement),
            Kind::SignerUnavailable => codec::decode(bytes).map(Self::SignerUnavailable),
            Kind::SigningRequest => codec::decode(bytes).map(Self::SigningRequest),
            Kind::ParticipantJoined => codec::decode(bytes).map(Self::ParticipantJoined),
            Kind::ParticipantDeclined => codec::decode(bytes).map(Self::ParticipantDeclined),
            Kind::SessionReady => codec::decode(bytes).map(Self::SessionReady),
            Kind::NonceCommit => codec::decode(bytes).map(Self::NonceCommit),
            Kind::NonceShare => codec::decode(bytes).map(Self::NonceShare),
            Kind::PartialSigShare => codec::decode(bytes).map(Self::PartialSigShare),
            Kind::SignatureFinalized => codec::decode(bytes).map(Self::SignatureFinalized),
            Kind::SessionAbort => codec::decode(bytes).map(Self::SessionAbort),
            Kind::SyncRequest => codec::decode(bytes).map(Self::SyncRequest),
            Kind::SyncResponse => codec::decode(bytes).map(Self::SyncResponse),
            Kind::ResourceAnnouncement => codec::decode(bytes).map(Self::ResourceAnnouncement),
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, ParseError> {
        match self {
            Self::SignerAdvertisement(body) => codec::encode(body),
            Self::SignerUnavailable(body) => codec::encode(body),
            Self::SigningRequest(body) => codec::encode(body),
            Self::ParticipantJoined(body) => codec::encode(body),
            Self::ParticipantDeclined(body) => codec::encode(body),
            Self::SessionReady(body) => codec::encode(body),
            Self::NonceCommit(body) => codec::encode(body),
            Self::NonceShare(body) => codec::encode(body),
            Self::PartialSigShare(body) => codec::encode(body),
            Self::SignatureFinalized(body) => codec::encode(body),
            Self::SessionAbort(body) => codec::encode(body),
            Self::SyncRequest(body) => codec::encode(body),
            Self::SyncResponse(body) => codec::encode(body),
            Self::ResourceAnnouncement(body) => codec::encode(body),
        }
    }

    /// The point decompression happens here, so this comes after the signature check.
    pub(crate) fn parse(self, known: &KnownKeys) -> Result<Message, ParseError> {
        Ok(match self {
            Self::SignerAdvertisement(body) => Message::SignerAdvertisement(body.parse(known)?),
            Self::SignerUnavailable(body) => Message::SignerUnavailable(body.parse(known)?),
            Self::SigningRequest(body) => Message::SigningRequest(body.parse(known)?),
            Self::ParticipantJoined(body) => Message::ParticipantJoined(body.parse(known)?),
            Self::ParticipantDeclined(body) => Message::ParticipantDeclined(body.parse(known)?),
            Self::SessionReady(body) => Message::SessionReady(body.parse(known)?),
            Self::NonceCommit(body) => Message::NonceCommit(body.parse(known)?),
            Self::NonceShare(body) => Message::NonceShare(body.parse(known)?),
            Self::PartialSigShare(body) => Message::PartialSigShare(body.parse(known)?),
            Self::SignatureFinalized(body) => Message::SignatureFinalized(body.parse(known)?),
            Self::SessionAbort(body) => Message::SessionAbort(body.parse(known)?),
            Self::SyncRequest(body) => Message::SyncRequest(body.parse(known)?),
            Self::SyncResponse(body) => Message::SyncResponse(body.parse(known)?),
            Self::ResourceAnnouncement(body) => Message::ResourceAnnouncement(body.parse(known)?),
        })
    }

    pub(crate) fn delegation(&self) -> Option<&RawDelegation> {
        match self {
            Self::SignerAdvertisement(body) => Some(&body.delegation),
            Self::SignerUnavailable(body) => Some(&body.delegation),
            Self::SigningRequest(body) => Some(&body.creator),
            Self::ParticipantJoined(body) => Some(&body.delegation),
            Self::ParticipantDeclined(body) => Some(&body.delegation),
            Self::ResourceAnnouncement(body) => Some(&body.delegation),
            Self::SessionReady(_)
            | Self::NonceCommit(_)
            | Self::NonceShare(_)
            | Self::PartialSigShare(_)
            | Self::SignatureFinalized(_)
            | Self::SessionAbort(_)
            | Self::SyncRequest(_)
            | Self::SyncResponse(_) => None,
        }
    }

    /// When the message was made and when it ends, for the kinds that say so.
    pub(crate) fn lifetime(&self) -> Option<(u64, u64)> {
        match self {
            Self::SignerAdvertisement(body) => Some((body.created, body.expires)),
            Self::SigningRequest(body) => Some((body.details.created, body.details.expires)),
            Self::ResourceAnnouncement(body) => Some((body.created, body.expires)),
            Self::SignerUnavailable(_)
            | Self::ParticipantJoined(_)
            | Self::ParticipantDeclined(_)
            | Self::SessionReady(_)
            | Self::NonceCommit(_)
            | Self::NonceShare(_)
            | Self::PartialSigShare(_)
            | Self::SignatureFinalized(_)
            | Self::SessionAbort(_)
            | Self::SyncRequest(_)
            | Self::SyncResponse(_) => None,
        }
    }

    /// The subject of the message.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::SignerAdvertisement(_) | Self::SignerUnavailable(_) | Self::ResourceAnnouncement(_) => {
                Subject::Directory
            }
            Self::SigningRequest(_) => Subject::NewRequest,
            Self::ParticipantJoined(RawParticipantJoined { request, .. })
            | Self::ParticipantDeclined(RawParticipantDeclined { request, .. })
            | Self::SessionReady(RawSessionReady { request, .. })
            | Self::SyncRequest(RawSyncRequest { request, .. })
            | Self::SyncResponse(RawSyncResponse { request, .. }) => Subject::Request(RequestId::from_bytes(*request)),
            Self::NonceCommit(RawNonceCommit { session, .. })
            | Self::NonceShare(RawNonceShare { session, .. })
            | Self::PartialSigShare(RawPartialSigShare { session, .. })
            | Self::SignatureFinalized(RawSignatureFinalized { session, .. }) => {
                Subject::Attempt(AttemptId::from_bytes(*session))
            }
            Self::SessionAbort(body) => body.subject.subject().into(),
        }
    }
}

impl TryFrom<&Message> for RawBody {
    type Error = ParseError;

    fn try_from(message: &Message) -> Result<Self, ParseError> {
        Ok(match message {
            Message::SignerAdvertisement(body) => Self::SignerAdvertisement(Mirror::of(body)?),
            Message::SignerUnavailable(body) => Self::SignerUnavailable(Mirror::of(body)?),
            Message::SigningRequest(body) => Self::SigningRequest(Mirror::of(body)?),
            Message::ParticipantJoined(body) => Self::ParticipantJoined(Mirror::of(body)?),
            Message::ParticipantDeclined(body) => Self::ParticipantDeclined(Mirror::of(body)?),
            Message::SessionReady(body) => Self::SessionReady(Mirror::of(body)?),
            Message::NonceCommit(body) => Self::NonceCommit(Mirror::of(body)?),
            Message::NonceShare(body) => Self::NonceShare(Mirror::of(body)?),
            Message::PartialSigShare(body) => Self::PartialSigShare(Mirror::of(body)?),
            Message::SignatureFinalized(body) => Self::SignatureFinalized(Mirror::of(body)?),
            Message::SessionAbort(body) => Self::SessionAbort(Mirror::of(body)?),
            Message::SyncRequest(body) => Self::SyncRequest(Mirror::of(body)?),
            Message::SyncResponse(body) => Self::SyncResponse(Mirror::of(body)?),
            Message::ResourceAnnouncement(body) => Self::ResourceAnnouncement(Mirror::of(body)?),
        })
    }
}
