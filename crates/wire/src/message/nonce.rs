//! Round 1: public nonces (`docs/protocol.md` §7).

use motet_core_crypto::PublicNonce;

use super::raw::{Parts, Raw};
use super::spec::KindSpec;
use crate::codec::List;
use crate::id::{Attempt, AttemptId, TranscriptHash};
use crate::limits;
use crate::mirror::mirror;
use crate::subject::Subject;
use crate::validate::rule::{Rule, ensure};

/// A signer reveals its public nonces, one for each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonceShare {
    /// The session id of this attempt.
    pub session: AttemptId,
    /// The attempt.
    pub attempt: Attempt,
    /// One public nonce for each item, 1 to 64.
    pub nonces: Vec<PublicNonce>,
    /// The commitments that the sender has seen; all zero where the request switches commitments off.
    pub commitments: TranscriptHash,
}

mirror! {
    RawNonceShare of NonceShare {
        session: [u8; 32],
        attempt: u32,
        nonces: List<[u8; 66], { limits::ITEMS_MAX }>,
        commitments: [u8; 32],
    }
}

impl Raw for RawNonceShare {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_NONCE_SHARE, 20, 1 + 2);

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::Attempt(AttemptId::from_bytes(self.session)))
    }

    fn check(&self) -> Result<(), Rule> {
        ensure(self.nonces.len() >= 1, Rule::Indices)
    }
}
