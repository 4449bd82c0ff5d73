//! The messages of the protocol, one type each (`docs/protocol.md` §3).
//!
//! The types here hold parsed values: keys that are points, signatures with the right length. Each message's file also
//! has its private *raw* mirror, which is what the bytes say before anybody has spent a square root on them: the
//! pipeline decodes raw, checks raw, verifies the signature over the bytes, and only then parses.

pub(crate) mod advertisement;
pub(crate) mod commit;
pub(crate) mod join;
pub(crate) mod nonce;
pub(crate) mod outcome;
pub(crate) mod partial;
pub(crate) mod raw;
pub(crate) mod request;
pub(crate) mod resource;
pub(crate) mod sync;

use core::fmt;
use core::time::Duration;

pub use advertisement::{Address, Criteria, SignerAdvertisement, SignerMetadata, SignerUnavailable};
pub use commit::NonceCommit;
pub use join::{ParticipantDeclined, ParticipantJoined, SessionReady};
pub use nonce::NonceShare;
pub use outcome::{AbortCode, AbortReason, AbortSubject, SessionAbort, SignatureFinalized};
pub use partial::PartialSigShare;
pub use request::{
    Commitments, Derivation, Election, Item, ItemError, RequestMetadata, RequestOptions, SigningRequest, Topology,
};
pub use resource::ResourceAnnouncement;
pub use sync::{Have, Holding, SignerSet, SyncRequest, SyncResponse};

use crate::delegation::Delegation;
use crate::limits;
use crate::subject::Subject;

/// The kind of a message: the second byte of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// [`SignerAdvertisement`].
    SignerAdvertisement = 1,
    /// [`SignerUnavailable`].
    SignerUnavailable = 2,
    /// [`SigningRequest`].
    SigningRequest = 3,
    /// [`ParticipantJoined`].
    ParticipantJoined = 4,
    /// [`ParticipantDeclined`].
    ParticipantDeclined = 5,
    /// [`SessionReady`].
    SessionReady = 6,
    /// [`NonceCommit`].
    NonceCommit = 7,
    /// [`NonceShare`].
    NonceShare = 8,
    /// [`PartialSigShare`].
    PartialSigShare = 9,
    /// [`SignatureFinalized`].
    SignatureFinalized = 10,
    /// [`SessionAbort`].
    SessionAbort = 11,
    /// [`SyncRequest`].
    SyncRequest = 12,
    /// [`SyncResponse`].
    SyncResponse = 13,
    /// [`ResourceAnnouncement`].
    ResourceAnnouncement = 14,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::SignerAdvertisement,
        Self::SignerUnavailable,
        Self::SigningRequest,
        Self::ParticipantJoined,
        Self::ParticipantDeclined,
        Self::SessionReady,
        Self::NonceCommit,
        Self::NonceShare,
        Self::PartialSigShare,
        Self::SignatureFinalized,
        Self::SessionAbort,
        Self::SyncRequest,
        Self::SyncResponse,
        Self::ResourceAnnouncement,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The name as the protocol writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignerAdvertisement => "SignerAdvertisement",
            Self::SignerUnavailable => "SignerUnavailable",
            Self::SigningRequest => "SigningRequest",
            Self::ParticipantJoined => "ParticipantJoined",
            Self::ParticipantDeclined => "ParticipantDeclined",
            Self::SessionReady => "SessionReady",
            Self::NonceCommit => "NonceCommit",
            Self::NonceShare => "NonceShare",
            Self::PartialSigShare => "PartialSigShare",
            Self::SignatureFinalized => "SignatureFinalized",
            Self::SessionAbort => "SessionAbort",
            Self::SyncRequest => "SyncRequest",
            Self::SyncResponse => "SyncResponse",
            Self::ResourceAnnouncement => "ResourceAnnouncement",
        }
    }

    /// The largest frame of this kind, in bytes.
    pub const fn frame_limit(self) -> usize {
        match self {
            Self::SignerAdvertisement => limits::FRAME_SIGNER_ADVERTISEMENT,
            Self::SigningRequest => limits::FRAME_SIGNING_REQUEST,
            Self::SignerUnavailable
            | Self::ParticipantJoined
            | Self::ParticipantDeclined
            | Self::NonceCommit
            | Self::SyncRequest => limits::FRAME_SMALL,
            Self::SessionReady => limits::FRAME_SESSION_READY,
            Self::NonceShare => limits::FRAME_NONCE_SHARE,
            Self::PartialSigShare => limits::FRAME_PARTIAL_SIG_SHARE,
            Self::SignatureFinalized => limits::FRAME_SIGNATURE_FINALIZED,
            Self::SessionAbort => limits::FRAME_SESSION_ABORT,
            Self::SyncResponse => limits::FRAME_SYNC_RESPONSE,
            Self::ResourceAnnouncement => limits::FRAME_RESOURCE_ANNOUNCEMENT,
        }
    }

    /// How long a message of this kind may live; `None` for the kinds that do not end.
    pub const fn lifetime_limit(self) -> Option<Duration> {
        match self {
            Self::SignerAdvertisement => Some(limits::ADVERTISEMENT_LIFETIME),
            Self::SigningRequest => Some(limits::REQUEST_LIFETIME),
            Self::ResourceAnnouncement => Some(limits::RESOURCE_LIFETIME),
            Self::SignerUnavailable
            | Self::ParticipantJoined
            | Self::ParticipantDeclined
            | Self::SessionReady
            | Self::NonceCommit
            | Self::NonceShare
            | Self::PartialSigShare
            | Self::SignatureFinalized
            | Self::SessionAbort
            | Self::SyncRequest
            | Self::SyncResponse => None,
        }
    }

    /// Whether the message speaks to everybody or to a session.
    pub const fn scope(self) -> Scope {
        match self {
            Self::SignerAdvertisement | Self::SignerUnavailable | Self::SigningRequest | Self::ResourceAnnouncement => {
                Scope::Announcement
            }
            Self::ParticipantJoined
            | Self::ParticipantDeclined
            | Self::SessionReady
            | Self::NonceCommit
            | Self::NonceShare
            | Self::PartialSigShare
            | Self::SignatureFinalized
            | Self::SessionAbort
            | Self::SyncRequest
            | Self::SyncResponse => Scope::Session,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whom a kind of message speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everybody: it carries a time and an expiry, since nothing else orders it.
    Announcement,
    /// The signers of one request: slots order it, and no clock is needed.
    Session,
}

/// A message of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the message of the same name")]
pub enum Message {
    SignerAdvertisement(SignerAdvertisement),
    SignerUnavailable(SignerUnavailable),
    SigningRequest(SigningRequest),
    ParticipantJoined(ParticipantJoined),
    ParticipantDeclined(ParticipantDeclined),
    SessionReady(SessionReady),
    NonceCommit(NonceCommit),
    NonceShare(NonceShare),
    PartialSigShare(PartialSigShare),
    SignatureFinalized(SignatureFinalized),
    SessionAbort(SessionAbort),
    SyncRequest(SyncRequest),
    SyncResponse(SyncResponse),
    ResourceAnnouncement(ResourceAnnouncement),
}

/// A type that is the body of one kind of message; what [`crate::Validated::narrow`] needs.
pub trait Body: Sized + Into<Message> + TryFrom<Message, Error = Message> {
    /// The kind whose body this is.
    const KIND: Kind;

    /// The subject of the message.
    fn subject(&self) -> Subject;

    /// The delegation that the message carries; `None` for the kinds that carry none.
    fn delegation(&self) -> Option<&Delegation>;
}

/// Joins each body type with its variant; both have the same name.
macro_rules! bodies {
    ($($name:ident),* $(,)?) => {
        impl Message {
            /// The message's kind.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => $name::KIND,)*
                }
            }

            /// The subject of the message.
            pub fn subject(&self) -> Subject {
                match self {
                    $(Self::$name(body) => body.subject(),)*
                }
            }

            /// The delegation that the message carries; `None` for the kinds that carry none.
            pub fn delegation(&self) -> Option<&Delegation> {
                match self {
                    $(Self::$name(body) => body.delegation(),)*
                }
            }
        }

        $(
            impl From<$name> for Message {
                fn from(body: $name) -> Self {
                    Self::$name(body)
                }
            }

            impl TryFrom<Message> for $name {
                type Error = Message;

                fn try_from(message: Message) -> Result<Self, Message> {
                    if let Message::$name(body) = message { Ok(body) } else { Err(message) }
                }
            }
        )*
    };
}

bodies!(
    SignerAdvertisement,
    SignerUnavailable,
    SigningRequest,
    ParticipantJoined,
    ParticipantDeclined,
    SessionReady,
    NonceCommit,
    NonceShare,
    PartialSigShare,
    SignatureFinalized,
    SessionAbort,
    SyncRequest,
    SyncResponse,
    ResourceAnnouncement,
);

#[cfg(test)]
mod tests;
