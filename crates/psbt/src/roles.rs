//! Roles of BIP-174 and BIP-373 for a group: updater, signer, combiner, finalizer, extractor.
//!
//! All of them work on a [`SpendPlan`]: the inputs of one group in one PSBT, and the way to spend them. It is computed from the
//! group's descriptor, never from keys or derivations in the PSBT.

mod finalize;
mod missing;
mod plan;
mod sign;
mod update;

pub use finalize::{ExtractError, FinalizeError};
pub use missing::{Blame, Missing, Share};
pub use plan::{LocatedOutput, OwnInput, PlanError, SpendPlan};
pub use sign::{PendingNonces, Refused, SecretKeys, SignerError};
