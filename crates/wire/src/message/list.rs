//! The list of the messages, and what follows from it: the message of any kind, its raw body, and a kind's rules.

use core::time::Duration;

use super::advertisement::{RawSignerAdvertisement, RawSignerUnavailable, SignerAdvertisement, SignerUnavailable};
use super::application::{ApplicationMessage, RawApplicationMessage};
use super::commit::{NonceCommit, RawNonceCommit};
use super::join::{
    ParticipantDeclined, ParticipantJoined, RawParticipantDeclined, RawParticipantJoined, RawSessionReady, SessionReady,
};
use super::kind::Kind;
use super::nonce::{NonceShare, RawNonceShare};
use super::outcome::{RawSessionAbort, RawSignatureFinalized, SessionAbort, SignatureFinalized};
use super::partial::{PartialSigShare, RawPartialSigShare};
use super::raw::{Parts, Raw};
use super::request::{RawMembersRequest, RawSigningRequest, SigningRequest};
use super::resource::{RawResourceAnnouncement, ResourceAnnouncement};
use super::spec::{KindSpec, Scope};
use super::sync::{RawSyncRequest, RawSyncResponse, SyncRequest, SyncResponse};
use crate::codec::{self, DecodeError, ParseError};
use crate::delegation::{Delegation, RawDelegation};
use crate::limits;
use crate::mirror::KnownKeys;
use crate::mirror::Mirror;
use crate::subject::Subject;
use crate::validate::channel::Channel;
use crate::validate::rule::Rule;
use crate::work::Paid;

/// A type that is the body of one kind of message; [`crate::Validated::narrow`] needs it.
pub trait Body: Sized + Into<Message> + TryFrom<Message, Error = Message> {
    /// The kind whose body this is.
    const KIND: Kind;

    /// The subject of the message.
    fn subject(&self) -> Subject;

    /// The delegation that the message carries; `None` for the kinds that carry none.
    fn delegation(&self) -> Option<&Delegation>;
}

/// Makes [`Message`] and [`RawBody`] from the list of the messages: a message, which has the name of its kind; its raw
/// body; its subject; its delegation.
macro_rules! messages {
    ($($name:ident($raw:ident): $subject:expr, $delegation:expr;)*) => {
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
            /// Decodes a body of version 1.
            fn decode_first(kind: Kind, bytes: &[u8]) -> Result<Self, DecodeError> {
                match kind {
                    $(Kind::$name => codec::decode(bytes).map(Self::$name),)*
                }
            }

            /// Encodes a body of version 1.
            fn encode_first(&self) -> Result<Vec<u8>, ParseError> {
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
            impl Body for $name {
                const KIND: Kind = Kind::$name;

                fn subject(&self) -> Subject {
                    let subject: fn(&Self) -> Subject = $subject;
                    subject(self)
                }

                fn delegation(&self) -> Option<&Delegation> {
                    let delegation: fn(&Self) -> Option<&Delegation> = $delegation;
                    delegation(self)
                }
            }

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
    SignerAdvertisement(RawSignerAdvertisement): |_| Subject::Directory, |body| Some(&body.delegation);
    SignerUnavailable(RawSignerUnavailable): |_| Subject::Directory, |body| Some(&body.delegation);
    SigningRequest(RawSigningRequest): |_| Subject::NewRequest, |body| Some(&body.creator);
    ParticipantJoined(RawParticipantJoined): |body| Subject::Request(body.request), |body| Some(&body.delegation);
    ParticipantDeclined(RawParticipantDeclined): |body| Subject::Request(body.request), |body| Some(&body.delegation);
    SessionReady(RawSessionReady): |body| Subject::Request(body.request), |_| None;
    NonceCommit(RawNonceCommit): |body| Subject::Attempt(body.session), |_| None;
    NonceShare(RawNonceShare): |body| Subject::Attempt(body.session), |_| None;
    PartialSigShare(RawPartialSigShare): |body| Subject::Attempt(body.session), |_| None;
    SignatureFinalized(RawSignatureFinalized): |body| Subject::Attempt(body.session), |_| None;
    SessionAbort(RawSessionAbort): |body| Subject::from(body.subject), |_| None;
    SyncRequest(RawSyncRequest): |body| Subject::Request(body.request), |_| None;
    SyncResponse(RawSyncResponse): |body| Subject::Request(body.request), |_| None;
    ResourceAnnouncement(RawResourceAnnouncement): |_| Subject::Directory, |body| Some(&body.delegation);
    ApplicationMessage(RawApplicationMessage): |_| Subject::Application, |body| Some(&body.delegation);
}

impl RawBody {
    /// Decodes the body of a kind that has this version.
    pub(crate) fn decode(version: u8, kind: Kind, bytes: &[u8]) -> Result<Self, DecodeError> {
        if version != limits::VERSION_MEMBERS {
            return Self::decode_first(kind, bytes);
        }
        codec::decode::<RawMembersRequest>(bytes).map(|body| Self::SigningRequest(body.into()))
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, ParseError> {
        if let Self::SigningRequest(body) = self { body.encode() } else { self.encode_first() }
    }

    /// The version of the format that has a place for this body.
    pub(crate) fn version(&self) -> u8 {
        let is_of_members = if let Self::SigningRequest(body) = self { body.is_of_members() } else { false };
        if is_of_members { limits::VERSION_MEMBERS } else { limits::VERSION }
    }

    pub(crate) fn subject(&self) -> Subject {
        self.parts().subject
    }

    pub(crate) fn delegation(&self) -> Option<&RawDelegation> {
        self.parts().delegation
    }

    /// Times at which the message was made and ends, for the kinds that carry them.
    pub(crate) fn lifetime(&self) -> Option<(u64, u64)> {
        self.parts().lifetime
    }

    pub(crate) fn paid(&self) -> Option<Paid<'_>> {
        self.parts().paid
    }
}

impl Kind {
    /// The largest frame of this kind, in bytes.
    pub const fn frame_limit(self) -> usize {
        self.spec().frame_limit
    }

    /// The longest life of a message of this kind; `None` for the kinds that do not end.
    pub const fn lifetime_limit(self) -> Option<Duration> {
        self.spec().lifetime
    }

    /// The audience of the message: all nodes, a session, or one node.
    pub const fn scope(self) -> Scope {
        self.spec().scope
    }

    /// True if messages of this kind are published by gossip.
    pub fn is_gossiped(self) -> bool {
        self.spec().channels.contains(Channel::Gossip)
    }
}
