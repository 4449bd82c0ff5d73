//! Subjects of messages: the request or session that a message is about (`docs/protocol.md` §3).

use crate::id::{AttemptId, RequestId};

/// The subject of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A signer or a resource, which any node may look up.
    Directory,
    /// A request that the message itself makes. Its id depends on the network: [`crate::SigningRequest::id`].
    NewRequest,
    /// A request that an earlier message has made.
    Request(RequestId),
    /// One attempt to sign a request.
    Attempt(AttemptId),
    /// A matter of applications, which no session has to do with.
    Application,
}

impl Subject {
    /// The bytes of the id that the message names its session by; `None` for an announcement, which is in no session.
    pub(crate) const fn session(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Directory | Self::NewRequest | Self::Application => None,
            Self::Request(request) => Some(request.as_bytes()),
            Self::Attempt(attempt) => Some(attempt.as_bytes()),
        }
    }
}
