//! The facts of a proposal that rules decide on.
//!
//! The requester, the co-signers and the items are certain: the creator's signature covers them, and the items are
//! signed. So are the facts of a transaction that the node has verified ([`Facts::verified`]). Amount and transaction type are *claims*: nothing ties them to the bytes that are signed (`docs/protocol.md`
//! §6, `docs/threat-model.md`).

use std::collections::BTreeSet;

use motet_coordinator::Proposal;
use motet_core_crypto::PublicKey;
use motet_wallet::{TRANSACTION_TYPE, VerifiedTransaction};

use super::transaction::TransactionFacts;

/// The facts that rules decide on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Which of this node's signers is asked.
    pub signer: PublicKey,
    /// The requester: the signer key of the request's creator, proven by its certificate.
    pub requester: PublicKey,
    /// All other signers: all keys of the request but `signer`, the requester's included.
    pub cosigners: BTreeSet<PublicKey>,
    /// Number of messages that would be signed.
    pub items: usize,
    /// The amount at stake **as the requester states it**; `None` if it states none. Unverified.
    pub claimed_amount: Option<u64>,
    /// The transaction type **as the requester states it**; empty if it states none. Unverified.
    pub claimed_type: String,
    /// The facts of the transaction, if the node has verified one.
    pub verified: Option<TransactionFacts>,
}

impl Facts {
    /// The facts of a proposal whose transaction the node has verified.
    pub fn of_verified(proposal: &Proposal, transaction: &VerifiedTransaction) -> Self {
        Self { verified: Some(transaction.into()), ..Self::from(proposal) }
    }

    /// True if a transaction would be signed, or the request says so.
    pub(super) fn is_transaction(&self) -> bool {
        self.verified.is_some() || self.claimed_type == TRANSACTION_TYPE
    }
}

impl From<&Proposal> for Facts {
    fn from(proposal: &Proposal) -> Self {
        let terms = &proposal.terms;
        Self {
            signer: proposal.signer,
            requester: terms.creator.signer,
            cosigners: terms.keys.iter().copied().filter(|key| *key != proposal.signer).collect(),
            items: terms.items.len(),
            claimed_amount: terms.metadata.amount,
            claimed_type: terms.metadata.transaction_type.clone(),
            verified: None,
        }
    }
}

impl From<&Self> for Facts {
    fn from(facts: &Self) -> Self {
        facts.clone()
    }
}
