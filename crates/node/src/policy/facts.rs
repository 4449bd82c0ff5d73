//! The facts of a proposal that rules decide on.
//!
//! The requester, the co-signers and the items are certain: the creator's signature covers them, and the items are
//! signed. Amount and transaction type are *claims*: nothing ties them to the bytes that are signed (`docs/protocol.md`
//! §6, `docs/threat-model.md`).

use std::collections::BTreeSet;

use motet_coordinator::Proposal;
use motet_core_crypto::PublicKey;

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
        }
    }
}

impl From<&Self> for Facts {
    fn from(facts: &Self) -> Self {
        facts.clone()
    }
}
