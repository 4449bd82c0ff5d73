//! Policies: the decision whether to sign a request.
//!
//! Users implement [`Policy`]. [`RulePolicy`] decides by rules, in the order in which they are written, and asks
//! another policy, such as a prompt, where they say so.

mod condition;
mod explanation;
mod facts;
pub mod limits;
mod memory;
mod outflows;
mod rate;
mod rule_policy;
mod rules;
mod transaction;
mod verdict;

use std::sync::Arc;

use async_trait::async_trait;
use motet_coordinator::event::AbortCause;
use motet_coordinator::{Decision, Proposal};
use motet_core_crypto::PublicKey;
use motet_wallet::VerifiedTransaction;
use motet_wire::RequestId;

pub use condition::{Condition, Mismatch};
pub use explanation::{DecidedBy, Explanation, PassedOver, RuleRef};
pub use facts::Facts;
pub use outflows::Allowance;
pub use rate::Rate;
pub use rule_policy::RulePolicy;
pub use rules::{Place, Remark, Rule, RuleError, Rules};
pub use transaction::{TransactionCondition, TransactionFacts, TransactionMismatch};
pub use verdict::Verdict;

/// Decides about a request, and may take its time: a person may have to be asked. The node's own task polls it first,
/// so long work has to be awaited, and may not block.
///
/// A request may end before it has been decided on: it expires, its creator aborts it, another signer declines. It may
/// also be answered by [`Node::join_signing_request`](crate::Node::join_signing_request) or
/// [`Node::decline_signing_request`](crate::Node::decline_signing_request). Then the decision is not needed:
/// [`Policy::over`] says so, and the future of [`Policy::decide`] is dropped. A question on a screen has to go with it.
#[async_trait]
pub trait Policy: Send + Sync + core::fmt::Debug {
    /// Decides on one proposal. The future is dropped when the request is over.
    async fn decide(&self, proposal: Proposal) -> Decision;

    /// Decides on a proposal whose transaction the node has verified against its groups
    /// ([`NodeBuilder::groups`](crate::NodeBuilder::groups)). What is signed is exactly this transaction. A policy that does not know
    /// transactions decides as on any proposal.
    async fn decide_verified(&self, proposal: Proposal, _transaction: VerifiedTransaction) -> Decision {
        self.decide(proposal).await
    }

    /// Is told, just before the future of [`Policy::decide`] is dropped, that the request is over for this signer, and
    /// why the session has ended, if it has. It is called in the node's own task and may not block.
    fn over(&self, _request: &RequestId, _signer: &PublicKey, _cause: Option<&AbortCause>) {}
}

#[async_trait]
impl<P: Policy + ?Sized> Policy for Arc<P> {
    async fn decide(&self, proposal: Proposal) -> Decision {
        (**self).decide(proposal).await
    }

    async fn decide_verified(&self, proposal: Proposal, transaction: VerifiedTransaction) -> Decision {
        (**self).decide_verified(proposal, transaction).await
    }

    fn over(&self, request: &RequestId, signer: &PublicKey, cause: Option<&AbortCause>) {
        (**self).over(request, signer, cause);
    }
}

/// Approves everything: for scripts and tests on keys that hold nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApproveAll;

#[async_trait]
impl Policy for ApproveAll {
    async fn decide(&self, _: Proposal) -> Decision {
        Decision::Approve
    }
}

/// Declines everything: for nodes that only ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeclineAll;

#[async_trait]
impl Policy for DeclineAll {
    async fn decide(&self, _: Proposal) -> Decision {
        Decision::Decline { reason: "this node signs only what it asks for itself".to_owned() }
    }
}
