//! Round 0: a commitment to nonces, for attempts after the first (`docs/protocol.md` §7).
//!
//! The commitment of attempt 0 travels inside [`crate::ParticipantJoined`]. The signer's index is never in the body of a
//! round message: a session binds each slot to the message key of its join, and the sender of the envelope is the slot.

use motet_core_crypto::NonceCommitment;

use super::raw::{Parts, Raw};
use super::spec::KindSpec;
use crate::id::{Attempt, AttemptId};
use crate::limits;
use crate::mirror::mirror;
use crate::subject::Subject;
use crate::validate::rule::Rule;

/// A signer commits to the nonces of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonceCommit {
    /// The session id of this attempt.
    pub session: AttemptId,
    /// The attempt.
    pub attempt: Attempt,
    /// The commitment to all nonces of this signer.
    pub commitment: NonceCommitment,
}

mirror! {
    RawNonceCommit of NonceCommit {
        session: [u8; 32],
        attempt: u32,
        commitment: [u8; 32],
    }
}

impl Raw for RawNonceCommit {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_SMALL, 20, 1);

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::Attempt(AttemptId::from_bytes(self.session)))
    }

    fn check(&self) -> Result<(), Rule> {
        Ok(())
    }
}
