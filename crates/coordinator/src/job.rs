//! Computations that take long enough to be done on a pool: plain data in, plain data out.

use core::ops::ControlFlow;
use std::sync::Arc;

use motet_core_crypto::{AggregateNonce, PartialSignature, PublicNonce, Signature, SigningSession, schnorr};
use motet_wire::work::{self, WorkClaim};
use motet_wire::{AttemptId, Difficulty, SignerIndex, Work};
use rand_core::TryCryptoRng;

use crate::entropy::EntropyError;
use crate::signer::SigningItem;

/// Names a computation that a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// Something to compute.
#[derive(Debug, Clone)]
pub enum Job {
    /// Verify all partial signatures of a session and aggregate them.
    Aggregate {
        /// The session.
        session: AttemptId,
        /// The items.
        items: Arc<[SigningItem]>,
        /// One list for each signer, one nonce in it for each item.
        nonces: Arc<[Vec<PublicNonce>]>,
        /// One list for each signer, one partial signature in it for each item.
        partials: Arc<[Vec<PartialSignature>]>,
        /// A signer of this node: its partial signature has been verified when it was made, and is once more with the final
        /// signature.
        own: Option<SignerIndex>,
    },
    /// Verify signatures that another participant has aggregated.
    VerifyFinal {
        /// The session.
        session: AttemptId,
        /// The items.
        items: Arc<[SigningItem]>,
        /// One for each item.
        signatures: Vec<Signature>,
    },
    /// Find a proof of work.
    Mint {
        /// For which command.
        id: JobId,
        /// The claim that the stamp covers.
        claim: Box<WorkClaim>,
        /// The work to be done.
        difficulty: Difficulty,
    },
}

/// The outcome of a [`Job`].
#[derive(Debug, Clone)]
pub enum JobOutcome {
    /// Of [`Job::Aggregate`].
    Aggregated {
        /// The session.
        session: AttemptId,
        /// The signatures, one for each item, or the faults.
        result: Result<Vec<Signature>, Fault>,
    },
    /// Of [`Job::VerifyFinal`]: the signatures if they all verify.
    Verified {
        /// The session.
        session: AttemptId,
        /// The signatures.
        signatures: Option<Vec<Signature>>,
    },
    /// Of [`Job::Mint`].
    Minted {
        /// For which command.
        id: JobId,
        /// The proof.
        work: Option<Work>,
    },
}

/// Partial signatures that do not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The first item with a fault.
    pub item: usize,
    /// The signers whose partial signature of this item does not verify.
    pub culprits: Vec<SignerIndex>,
}

impl Job {
    /// The cost of the job, in checks of a signature; `None` if it is unknown.
    pub fn weight(&self) -> Option<usize> {
        match self {
            Self::Aggregate { items, nonces, .. } => Some(items.len() * (1 + nonces.len() / 2)),
            Self::VerifyFinal { items, .. } => Some(items.len()),
            Self::Mint { difficulty, .. } => (*difficulty == Difficulty(0)).then_some(1),
        }
    }

    /// Computes. The random weights of batch verification come from `rng`, drawn now that all partial signatures are in.
    pub fn run(self, rng: &mut dyn TryCryptoRng<Error = EntropyError>) -> JobOutcome {
        match self {
            Self::Aggregate { session, items, nonces, partials, own } => {
                let result = items
                    .iter()
                    .enumerate()
                    .map(|(position, item)| aggregate(item, position, &nonces, &partials, own, rng))
                    .collect();
                JobOutcome::Aggregated { session, result }
            }
            Self::VerifyFinal { session, items, signatures } => {
                let valid = items.len() == signatures.len()
                    && items.iter().zip(&signatures).all(|(item, signature)| {
                        schnorr::verify(&item.context.aggregate_key(), &item.message, signature).is_ok()
                    });
                JobOutcome::Verified { session, signatures: valid.then_some(signatures) }
            }
            Self::Mint { id, claim, difficulty } => {
                JobOutcome::Minted { id, work: work::mint(&claim, difficulty, |_| ControlFlow::Continue(())) }
            }
        }
    }
}

fn aggregate(
    item: &SigningItem,
    position: usize,
    nonces: &[Vec<PublicNonce>],
    partials: &[Vec<PartialSignature>],
    own: Option<SignerIndex>,
    rng: &mut dyn TryCryptoRng<Error = EntropyError>,
) -> Result<Signature, Fault> {
    let nonces: Vec<PublicNonce> = nonces.iter().filter_map(|signer| signer.get(position).copied()).collect();
    let partials: Vec<PartialSignature> = partials.iter().filter_map(|signer| signer.get(position).copied()).collect();
    let session = SigningSession::new(&item.context, &AggregateNonce::sum(&nonces), &item.message);
    let verified = match own {
        Some(own) => session.verify_other_partials(own.as_usize(), &nonces, &partials, rng),
        None => session.verify_partials(&nonces, &partials, rng),
    };
    let verified = verified.map_err(|fault| Fault {
        item: position,
        culprits: fault.culprits.iter().filter_map(|index| u16::try_from(*index).ok().map(SignerIndex)).collect(),
    })?;
    session.aggregate_verified(&verified).map_err(|_| Fault { item: position, culprits: Vec::new() })
}
