//! The messages of the protocol, one type each (`docs/protocol.md` §3).
//!
//! The types here hold parsed values: keys that are points, signatures with the right length. Each message's file also
//! has its private *raw* mirror: the decoded bytes, before a square root is spent on their points. The pipeline decodes
//! raw, checks raw, verifies the signature over the bytes, and only then parses.

pub(crate) mod advertisement;
pub(crate) mod commit;
pub(crate) mod join;
mod kind;
pub(crate) mod nonce;
pub(crate) mod outcome;
pub(crate) mod partial;
pub(crate) mod raw;
pub(crate) mod request;
pub(crate) mod resource;
pub(crate) mod sync;

pub use advertisement::{Address, Criteria, SignerAdvertisement, SignerMetadata, SignerUnavailable};
pub use commit::NonceCommit;
pub use join::{ParticipantDeclined, ParticipantJoined, SessionReady};
pub use kind::Scope;
pub use nonce::NonceShare;
pub use outcome::{AbortCode, AbortReason, AbortSubject, SessionAbort, SignatureFinalized};
pub use partial::PartialSigShare;
pub use request::{
    Commitments, Derivation, Election, Item, ItemError, RequestMetadata, RequestOptions, SigningRequest, Topology,
};
pub use resource::ResourceAnnouncement;
pub use sync::{Have, Holding, SignerSet, SyncRequest, SyncResponse};

use advertisement::{RawSignerAdvertisement, RawSignerUnavailable};
use commit::RawNonceCommit;
use join::{RawParticipantDeclined, RawParticipantJoined, RawSessionReady};
use kind::KindSpec;
use nonce::RawNonceShare;
use outcome::{RawSessionAbort, RawSignatureFinalized};
use partial::RawPartialSigShare;
use raw::{Parts, Raw};
use request::RawSigningRequest;
use resource::RawResourceAnnouncement;
use sync::{RawSyncRequest, RawSyncResponse};

use crate::codec::{self, DecodeError, ParseError};
use crate::delegation::Delegation;
use crate::mirror::KnownKeys;
use crate::mirror::Mirror;
use crate::subject::Subject;
use crate::validate::Rule;

/// A type that is the body of one kind of message; [`crate::Validated::narrow`] needs it.
pub trait Body: Sized + Into<Message> + TryFrom<Message, Error = Message> {
    /// The kind whose body this is.
    const KIND: Kind;

    /// The subject of the message.
    fn subject(&self) -> Subject;

    /// The delegation that the message carries; `None` for the kinds that carry none.
    fn delegation(&self) -> Option<&Delegation> {
        None
    }
}

/// Makes [`Kind`], [`Message`] and [`RawBody`] from the list of the messages: a message, which gives its name to the kind
/// and to the variants; its raw body; and the number on the wire.
macro_rules! messages {
    ($($name:ident($raw:ident) = $code:literal,)*) => {
        /// The kind of a message: the second byte of its frame.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind {
            $(#[doc = concat!("[`", stringify!($name), "`].")] $name = $code,)*
        }

        /// A message of any kind.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each variant is the message of the same name")]
        pub enum Message {
            $($name($name),)*
        }

        /// A decoded body of any kind.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) enum RawBody {
            $($name($raw),)*
        }

        impl Kind {
            /// All kinds, in the order of their numbers.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$name),*];

            /// The name as the protocol writes it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The kind's row of the protocol's table.
            pub(crate) const fn spec(self) -> &'static KindSpec {
                match self {
                    $(Self::$name => &<$raw as Raw>::SPEC,)*
                }
            }
        }

        impl Message {
            /// The message's kind.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => Kind::$name,)*
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

        impl RawBody {
            pub(crate) fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, DecodeError> {
                match kind {
                    $(Kind::$name => codec::decode(bytes).map(Self::$name),)*
                }
            }

            pub(crate) fn encode(&self) -> Result<Vec<u8>, ParseError> {
                match self {
                    $(Self::$name(body) => codec::encode(body),)*
                }
            }

            pub(crate) fn parts(&self) -> Parts<'_> {
                match self {
                    $(Self::$name(body) => body.parts(),)*
                }
            }

            pub(crate) fn check(&self) -> Result<(), Rule> {
                match self {
                    $(Self::$name(body) => body.check(),)*
                }
            }
        }

        impl Mirror<Message> for RawBody {
            fn of(message: &Message) -> Result<Self, ParseError> {
                match message {
                    $(Message::$name(body) => Mirror::of(body).map(Self::$name),)*
                }
            }

            fn parse(self, known: &KnownKeys) -> Result<Message, ParseError> {
                match self {
                    $(Self::$name(body) => body.parse(known).map(Message::$name),)*
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

messages! {
    SignerAdvertisement(RawSignerAdvertisement) = 1,
    SignerUnavailable(RawSignerUnavailable) = 2,
    SigningRequest(RawSigningRequest) = 3,
    ParticipantJoined(RawParticipantJoined) = 4,
    ParticipantDeclined(RawParticipantDeclined) = 5,
    SessionReady(RawSessionReady) = 6,
    NonceCommit(RawNonceCommit) = 7,
    NonceShare(RawNonceShare) = 8,
    PartialSigShare(RawPartialSigShare) = 9,
    SignatureFinalized(RawSignatureFinalized) = 10,
    SessionAbort(RawSessionAbort) = 11,
    SyncRequest(RawSyncRequest) = 12,
    SyncResponse(RawSyncResponse) = 13,
    ResourceAnnouncement(RawResourceAnnouncement) = 14,
}

#[cfg(test)]
mod tests;
