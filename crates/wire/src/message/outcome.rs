//! The end of a session: with signatures, or without (`docs/protocol.md` §3, §7.3).

use core::fmt;

use motet_core_crypto::Signature;

use super::raw::{Parts, Raw};
use super::spec::KindSpec;
use crate::codec::{Bytes, Code, Decode, Encode, List, ParseError, Text};
use crate::evidence::Evidence;
use crate::id::{AttemptId, RequestId};
use crate::limits;
use crate::mirror::KnownKeys;
use crate::mirror::{Mirror, mirror};
use crate::subject::Subject;
use crate::validate::rule::{Rule, ensure};

/// The final signatures. Each receiver verifies them, and need not trust the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFinalized {
    /// The session id of the attempt that succeeded.
    pub session: AttemptId,
    /// One signature for each item, 1 to 64.
    pub signatures: Vec<Signature>,
}

/// A participant gives up.
///
/// Evidence, if there is any, is bytes that decode; that it convicts is for [`Evidence::verify`] to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionAbort {
    /// The request or session that is given up.
    pub subject: AbortSubject,
    /// Why.
    pub reason: AbortReason,
    /// The proof of a signer's fault, for third parties.
    pub evidence: Option<Evidence>,
}

/// The request or session that is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortSubject {
    /// The request and all its attempts.
    Request(RequestId),
    /// One attempt.
    Session(AttemptId),
}

impl From<AbortSubject> for Subject {
    fn from(subject: AbortSubject) -> Self {
        match subject {
            AbortSubject::Request(request) => Self::Request(request),
            AbortSubject::Session(attempt) => Self::Attempt(attempt),
        }
    }
}

/// Why a session was aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbortReason {
    /// For programs.
    pub code: AbortCode,
    /// For people; at most 256 bytes.
    pub detail: String,
}

/// Why a session was aborted, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum AbortCode {
    /// The sender's user or application gave up.
    Cancelled = 1,
    /// A signer did not answer in time, which proves nothing.
    TimedOut = 2,
    /// A signer broke the protocol; the evidence names it.
    Fault = 3,
    /// The sender declined after it had joined.
    Declined = 4,
    /// The sender lost its nonces (a restart, a resumed snapshot) and has no attempt left.
    NoncesLost = 5,
    /// The sender does not support an option of the request.
    Unsupported = 6,
    /// The sender's own fault: its disk, its memory, its signing device.
    Internal = 7,
}

impl AbortCode {
    /// All codes, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Cancelled,
        Self::TimedOut,
        Self::Fault,
        Self::Declined,
        Self::NoncesLost,
        Self::Unsupported,
        Self::Internal,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

impl fmt::Display for AbortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed out",
            Self::Fault => "fault",
            Self::Declined => "declined",
            Self::NoncesLost => "nonces lost",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        })
    }
}

mirror! {
    RawSignatureFinalized of SignatureFinalized {
        session: [u8; 32],
        signatures: List<[u8; 64], { limits::ITEMS_MAX }>,
    }
}

impl Raw for RawSignatureFinalized {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_SIGNATURE_FINALIZED, 10, 1 + 3);

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::Attempt(AttemptId::from_bytes(self.session)))
    }

    fn check(&self) -> Result<(), Rule> {
        ensure(self.signatures.len() >= 1, Rule::Indices)
    }
}

mirror! {
    RawSessionAbort of SessionAbort {
        subject: RawAbortSubject,
        reason: RawAbortReason,
        evidence: Option<Bytes<{ limits::EVIDENCE }>>,
    }
}

impl Raw for RawSessionAbort {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_SESSION_ABORT, 10, 1);

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::from(self.subject.subject()))
    }

    fn check(&self) -> Result<(), Rule> {
        ensure(self.reason.code.0 != 0, Rule::Fields)?;
        let Some(evidence) = &self.evidence else { return Ok(()) };
        Evidence::from_bytes(evidence.as_slice()).map(|_| ()).map_err(|_| Rule::Evidence)
    }
}

mirror! {
    RawAbortReason of AbortReason {
        code: Code<7>,
        detail: Text<{ limits::REASON }>,
    }
}

/// 0 is a request, 1 an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawAbortSubject {
    subject: Code<1>,
    id: [u8; 32],
}

impl RawAbortSubject {
    /// Nothing but 0 and 1 decodes.
    pub(crate) const fn subject(&self) -> AbortSubject {
        if self.subject.0 == 0 {
            AbortSubject::Request(RequestId::from_bytes(self.id))
        } else {
            AbortSubject::Session(AttemptId::from_bytes(self.id))
        }
    }
}

impl Mirror<AbortSubject> for RawAbortSubject {
    fn of(subject: &AbortSubject) -> Result<Self, ParseError> {
        Ok(match subject {
            AbortSubject::Request(id) => Self { subject: Code(0), id: id.to_bytes() },
            AbortSubject::Session(id) => Self { subject: Code(1), id: id.to_bytes() },
        })
    }

    fn parse(self, _: &KnownKeys) -> Result<AbortSubject, ParseError> {
        Ok(self.subject())
    }
}

impl Mirror<AbortCode> for Code<7> {
    fn of(code: &AbortCode) -> Result<Self, ParseError> {
        Ok(Self(code.code()))
    }

    fn parse(self, _: &KnownKeys) -> Result<AbortCode, ParseError> {
        AbortCode::from_code(self.0).ok_or(ParseError::Code)
    }
}

impl Mirror<Evidence> for Bytes<{ limits::EVIDENCE }> {
    fn of(evidence: &Evidence) -> Result<Self, ParseError> {
        Self::new(&evidence.to_bytes()?)
    }

    fn parse(self, _: &KnownKeys) -> Result<Evidence, ParseError> {
        Evidence::from_bytes(self.as_slice()).map_err(|_| ParseError::Length)
    }
}
