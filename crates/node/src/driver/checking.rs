//! The check of a request against the groups that the node knows, before any policy is asked.

use std::sync::{PoisonError, RwLock};

use motet_coordinator::Proposal;
use motet_wallet::{Mismatch, Registry, TRANSACTION_TYPE, VerifiedTransaction, check};

/// Verifies the transaction of a proposal. None if the proposal shows none, and its signer is a member of no registered group.
///
/// # Errors
///
/// [`Mismatch`]: the proposal is to be declined, and nobody is asked.
pub(crate) fn verify(
    groups: Option<&RwLock<Registry>>,
    proposal: &Proposal,
) -> Result<Option<VerifiedTransaction>, Mismatch> {
    let is_transaction = proposal.terms.metadata.transaction_type == TRANSACTION_TYPE;
    let Some(groups) = groups else {
        return if is_transaction { Err(Mismatch::GroupUnknown) } else { Ok(None) };
    };
    // Registries change in single steps, so that a thread that has died left a whole one.
    let groups = groups.read().unwrap_or_else(PoisonError::into_inner);
    if !is_transaction {
        // The hash of a transaction is a plain message, too.
        return if groups.has_member(&proposal.signer) { Err(Mismatch::Type) } else { Ok(None) };
    }
    let verified = check(&proposal.terms, &groups)?;
    // The engine has computed the keys from the items alone: two ways to the same keys.
    if verified.keys() == proposal.keys { Ok(Some(verified)) } else { Err(Mismatch::Key) }
}
