//! One attempt of a session (`docs/protocol.md` §7): the statements of all signers, and the hashes of them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use motet_core_crypto::{NonceCommitment, PublicNonce};
use motet_wire::{
    Attempt, AttemptId, Commitments, NonceShare, PartialSigShare, RequestId, SignerIndex, TranscriptHash, transcript,
};

use super::slots::Slots;

/// One attempt: what all signers have said in it. It is kept after the end, for those who have missed some of it.
#[derive(Debug)]
pub(crate) struct AttemptState {
    pub(crate) number: Attempt,
    pub(crate) id: AttemptId,
    pub(crate) commits: Slots<NonceCommitment>,
    pub(crate) nonces: Slots<NonceShare>,
    pub(crate) partials: Slots<PartialSigShare>,
    /// The signers of this node whose partial signatures have left.
    pub(crate) signed: BTreeSet<SignerIndex>,
    /// The hashes of all commitments and of all nonces: what is in a slot stays, so that they never change, and every
    /// message that comes afterwards is held against them.
    commitments_hash: OnceLock<TranscriptHash>,
    nonces_hash: OnceLock<TranscriptHash>,
}

impl AttemptState {
    pub(crate) fn new(request: &RequestId, number: Attempt, signers: usize) -> Self {
        Self {
            number,
            id: AttemptId::derive(request, number),
            commits: Slots::empty(signers),
            nonces: Slots::empty(signers),
            partials: Slots::empty(signers),
            signed: BTreeSet::new(),
            commitments_hash: OnceLock::new(),
            nonces_hash: OnceLock::new(),
        }
    }

    /// The hash of all commitments, once all are known.
    pub(crate) fn commitments_hash(&self, commitments: Commitments) -> Option<TranscriptHash> {
        match commitments {
            Commitments::Off => Some(transcript::NO_COMMITMENTS),
            Commitments::On if self.commits.is_full() => Some(*self.commitments_hash.get_or_init(|| {
                let all: Vec<NonceCommitment> = self.commits.held().map(|(_, held)| held.body).collect();
                transcript::commitments(&self.id, &all)
            })),
            Commitments::On => None,
        }
    }

    /// Everybody's nonces, once all are known: a list for each signer, a nonce in it for each item.
    pub(crate) fn all_nonces(&self) -> Option<Vec<Vec<PublicNonce>>> {
        self.nonces.is_full().then(|| self.nonces.held().map(|(_, held)| held.body.nonces.clone()).collect())
    }

    /// The hash of all nonces, once all are known.
    pub(crate) fn nonces_hash(&self) -> Option<TranscriptHash> {
        if let Some(known) = self.nonces_hash.get() {
            return Some(*known);
        }
        let hash = transcript::nonces(&self.id, &self.all_nonces()?)?;
        Some(*self.nonces_hash.get_or_init(|| hash))
    }

    /// The signers whose partial signatures are missing, or were made for other nonces than those that are here.
    pub(crate) fn lacks_partials_of(&self) -> Vec<SignerIndex> {
        let ours = self.nonces_hash();
        self.partials.lacking(|share| Some(share.nonces) == ours)
    }
}
