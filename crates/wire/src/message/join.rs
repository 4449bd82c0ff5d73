//! Phase 3: signers join or decline, and when all have joined the session is ready (`docs/protocol.md` §3, §6).

use motet_core_crypto::NonceCommitment;

use super::kind::Kind;
use super::raw::{Parts, Raw};
use super::spec::KindSpec;
use crate::codec::{Bytes, List, Text};
use crate::delegation::{Delegation, RawDelegation};
use crate::id::{AttemptId, RequestId, SignerIndex};
use crate::limits;
use crate::mirror::mirror;
use crate::subject::Subject;
use crate::validate::rule::{Rule, ensure};

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

/// A signer refuses. A refusal blames no signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantDeclined {
    /// The request that is refused.
    pub request: RequestId,
    /// The signer's place in the request's list of keys.
    pub index: SignerIndex,
    /// The message key that speaks for the signer, and the signer's peer.
    pub delegation: Delegation,
    /// Why, for people; at most 256 bytes.
    pub reason: String,
}

/// The coordinator has all joins, and hands them on to participants that missed one.
///
/// The joins are frames as their authors signed them. They are bytes here: each goes through the pipeline by itself, as
/// [`crate::Channel::Sync`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionReady {
    /// The request.
    pub request: RequestId,
    /// The session of attempt 0.
    pub session: AttemptId,
    /// The sender's place in the request.
    pub coordinator: SignerIndex,
    /// The frames of the joins, in the order of the signers, 2 to 100 of at most 1 KB each.
    pub joins: Vec<Vec<u8>>,
}

mirror! {
    RawParticipantJoined of ParticipantJoined {
        request: [u8; 32],
        index: u16,
        delegation: RawDelegation,
        commitment: Option<[u8; 32]>,
    }
}

impl Raw for RawParticipantJoined {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_SMALL, 20, 2);

    fn parts(&self) -> Parts<'_> {
        Parts {
            delegation: Some(&self.delegation),
            ..Parts::about(Subject::Request(RequestId::from_bytes(self.request)))
        }
    }

    fn check(&self) -> Result<(), Rule> {
        check_index(self.index)
    }
}

mirror! {
    RawParticipantDeclined of ParticipantDeclined {
        request: [u8; 32],
        index: u16,
        delegation: RawDelegation,
        reason: Text<{ limits::REASON }>,
    }
}

impl Raw for RawParticipantDeclined {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_SMALL, 10, 2);

    fn parts(&self) -> Parts<'_> {
        Parts {
            delegation: Some(&self.delegation),
            ..Parts::about(Subject::Request(RequestId::from_bytes(self.request)))
        }
    }

    fn check(&self) -> Result<(), Rule> {
        check_index(self.index)
    }
}

mirror! {
    RawSessionReady of SessionReady {
        request: [u8; 32],
        session: [u8; 32],
        coordinator: u16,
        joins: List<Bytes<{ limits::FRAME_SMALL }>, { limits::SIGNERS_MAX }>,
    }
}

impl Raw for RawSessionReady {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_SESSION_READY, 10, 1);

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::Request(RequestId::from_bytes(self.request)))
    }

    fn check(&self) -> Result<(), Rule> {
        let joins = self.joins.as_slice();
        ensure(joins.len() >= limits::SIGNERS_MIN, Rule::Indices)?;
        ensure(usize::from(self.coordinator) < joins.len(), Rule::Indices)?;
        let is_join = |frame: &[u8]| {
            frame.len() > limits::FRAME_OVERHEAD
                && frame.starts_with(&[limits::VERSION, Kind::ParticipantJoined.code()])
        };
        ensure(joins.iter().all(|frame| is_join(frame.as_slice())), Rule::Indices)
    }
}

/// V-20: the place of a signer.
fn check_index(index: u16) -> Result<(), Rule> {
    ensure(usize::from(index) < limits::SIGNERS_MAX, Rule::Indices)
}
