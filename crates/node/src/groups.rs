//! The groups that a node knows, and the check of requests against them: of others' before any policy is asked, of the node's own before
//! they are sent.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use motet_coordinator::{Proposal, SigningRequestSpec};
use motet_core_crypto::PublicKey;
use motet_wallet::{
    GroupId, Mismatch, RegisteredGroup, Registry, TRANSACTION_TYPE, VerifiedTransaction, check, check_terms,
};
use motet_wire::Item;

/// A place where groups are kept, and may change while the node runs.
pub trait GroupSource: Send + Sync + fmt::Debug {
    /// Brings the registry up to date. It is called before each check, so that it must be cheap where nothing has changed. If the groups
    /// cannot be read, the registry stays as it is.
    fn refresh(&self, registry: &RwLock<Registry>);
}

/// The groups of a node; none if its program has given it no registry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    pub(crate) registry: Option<Arc<RwLock<Registry>>>,
    pub(crate) source: Option<Arc<dyn GroupSource>>,
}

impl Groups {
    /// The groups as they are now.
    fn current(&self) -> Option<RwLockReadGuard<'_, Registry>> {
        if let (Some(source), Some(registry)) = (&self.source, self.registry.as_deref()) {
            source.refresh(registry);
        }
        self.read()
    }

    fn read(&self) -> Option<RwLockReadGuard<'_, Registry>> {
        // Registries change in single steps, so that a thread that has died left a whole one.
        Some(self.registry.as_deref()?.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// True if a key is one of a registered group. The source is asked only if it is due.
    pub(crate) fn has_member(&self, key: &PublicKey, is_due: bool) -> bool {
        let has_it = |registry: RwLockReadGuard<'_, Registry>| registry.has_member(key);
        if is_due { self.current().is_some_and(has_it) } else { self.read().is_some_and(has_it) }
    }

    /// [`verify_proposal`] by the groups as they are now.
    pub(crate) fn verify(&self, proposal: &Proposal) -> Result<Option<VerifiedTransaction>, Mismatch> {
        verify_proposal(self.current().as_deref(), proposal)
    }

    /// True if a transaction of a group, once verified, would be verified again: the group is still there, and confirmed.
    pub(crate) fn stands(&self, group: GroupId) -> bool {
        let registry = self.current();
        registry.and_then(|registry| registry.get(group).map(RegisteredGroup::is_confirmed)).unwrap_or_default()
    }

    /// Checks a request of this node as the other signers will. A node without groups sends what its program asks for.
    ///
    /// # Errors
    ///
    /// [`Mismatch`]: the others would decline it.
    pub(crate) fn check_own(&self, request: &SigningRequestSpec) -> Result<(), Mismatch> {
        let Some(registry) = self.current() else { return Ok(()) };
        if request.metadata.transaction_type == TRANSACTION_TYPE {
            return check_terms(&request.keys, &request.items, &request.metadata, &registry).map(drop);
        }
        check_plain(&registry, &request.creator, &request.items)
    }
}

/// Verifies the transaction of a proposal, as a node with these groups does before it asks anybody. None if the proposal shows none,
/// and its signer is a member of no group.
///
/// # Errors
///
/// [`Mismatch`]: the proposal is to be declined, and nobody is asked.
pub fn verify_proposal(
    groups: Option<&Registry>,
    proposal: &Proposal,
) -> Result<Option<VerifiedTransaction>, Mismatch> {
    let is_transaction = proposal.terms.metadata.transaction_type == TRANSACTION_TYPE;
    let Some(registry) = groups else {
        let is_refused = is_transaction || derives(&proposal.terms.items);
        return if is_refused { Err(Mismatch::GroupUnknown) } else { Ok(None) };
    };
    if !is_transaction {
        check_plain(registry, &proposal.signer, &proposal.terms.items)?;
        return Ok(None);
    }
    let verified = check(&proposal.terms, registry)?;
    // The engine has computed the keys from the items alone: two ways to the same keys.
    if verified.keys() == proposal.keys { Ok(Some(verified)) } else { Err(Mismatch::Key) }
}

/// Checks a request that shows no transaction: its hashes may be those of one.
fn check_plain(registry: &Registry, signer: &PublicKey, items: &[Item]) -> Result<(), Mismatch> {
    // Chain codes of a stranger would let it choose the key that signs.
    if registry.has_member(signer) || derives(items) { Err(Mismatch::Type) } else { Ok(()) }
}

fn derives(items: &[Item]) -> bool {
    items.iter().any(|item| item.derivation.members().is_some())
}
