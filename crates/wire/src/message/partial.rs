//! Round 2: partial signatures (`docs/protocol.md` §7).

use motet_core_crypto::PartialSignature;

use super::raw::{Parts, Raw};
use super::spec::KindSpec;
use crate::codec::List;
use crate::id::{Attempt, AttemptId, TranscriptHash};
use crate::limits;
use crate::mirror::mirror;
use crate::subject::Subject;
use crate::validate::rule::{Rule, ensure};

/// A signer's partial signatures, one for each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialSigShare {
    /// The session id of this attempt.
    pub session: AttemptId,
    /// The attempt.
    pub attempt: Attempt,
    /// One partial signature for each item, 1 to 64.
    pub partials: Vec<PartialSignature>,
    /// The nonces that the partial signatures were made with: [`crate::transcript::nonces`].
    pub nonces: TranscriptHash,
}

mirror! {
    RawPartialSigShare of PartialSigShare {
        session: [u8; 32],
        attempt: u32,
        partials: List<[u8; 32], { limits::ITEMS_MAX }>,
        nonces: [u8; 32],
    }
}

impl Raw for RawPartialSigShare {
    const SPEC: KindSpec = KindSpec::of_session(limits::FRAME_PARTIAL_SIG_SHARE, 20, 1 + 3);

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::Attempt(AttemptId::from_bytes(self.session)))
    }

    fn check(&self) -> Result<(), Rule> {
        ensure(self.partials.len() >= 1, Rule::Indices)
    }
}
