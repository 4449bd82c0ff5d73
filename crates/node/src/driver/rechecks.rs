//! Checks that come again: of what was approved, before a signer of this node makes nonces for it.
//!
//! Between an approval and the nonces the groups of the node may change: a person takes hours, an attempt follows another, a restart takes
//! up what an earlier process has approved. A group that was removed meanwhile signs nothing any more.

use std::collections::BTreeMap;

use motet_coordinator::event::Event;
use motet_coordinator::{Engine, Proposal, SignerTask};
use motet_core_crypto::PublicKey;
use motet_wallet::{GroupId, Mismatch, TRANSACTION_TYPE};
use motet_wire::RequestId;

use crate::groups::Groups;
use crate::limits;

/// The groups of the transactions that this process has verified, until their sessions end.
#[derive(Debug, Default)]
pub(crate) struct Verified(BTreeMap<(RequestId, PublicKey), GroupId>);

/// A check that is to be done before nonces are made.
pub(crate) struct Recheck {
    groups: Groups,
    proposal: Proposal,
    /// The group of the first check; none if this process has not done it.
    group: Option<GroupId>,
}

impl Verified {
    /// Notes the group of a transaction that was verified for a signer.
    pub(crate) fn note(&mut self, request: RequestId, signer: PublicKey, group: GroupId) {
        self.0.insert((request, signer), group);
    }

    /// Forgets the transactions of a session that has ended.
    pub(crate) fn follow(&mut self, event: &Event) {
        let ended = match event {
            Event::SessionComplete(completed) => &completed.request,
            Event::SessionAborted(aborted) => &aborted.request,
            Event::SessionClosed { request } => request,
            _ => return,
        };
        self.0.retain(|(request, _), _| request != ended);
    }

    /// The check before this task; none for tasks that need none.
    pub(crate) fn recheck(&self, task: &SignerTask, engine: &Engine, groups: &Groups) -> Option<Recheck> {
        let SignerTask::GenerateNonces { nonce_id, .. } = task else { return None };
        let proposal = engine.proposal(&nonce_id.request, &nonce_id.signer)?;
        let group = self.0.get(&(nonce_id.request, nonce_id.signer)).copied();
        Some(Recheck { groups: groups.clone(), proposal, group })
    }
}

impl Recheck {
    /// The time that it takes, in checks of a signature.
    pub(crate) fn weight(&self) -> usize {
        let is_transaction = self.proposal.terms.metadata.transaction_type == TRANSACTION_TYPE;
        let items = if is_transaction && self.group.is_none() { self.proposal.terms.items.len() } else { 0 };
        items.saturating_mul(limits::ITEM_WEIGHT)
    }

    /// Checks the request by the groups as they are now. The same transaction has the same facts for as long as its group stands.
    ///
    /// # Errors
    ///
    /// [`Mismatch`]: it is signed no more.
    pub(crate) fn run(&self) -> Result<(), Mismatch> {
        let is_own = self.proposal.terms.creator.signer == self.proposal.signer;
        // A node without groups sends what its program asks for.
        if (is_own && self.groups.registry.is_none()) || self.group.is_some_and(|group| self.groups.stands(group)) {
            return Ok(());
        }
        self.groups.verify(&self.proposal).map(drop)
    }
}
