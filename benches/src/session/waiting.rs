//! Requests that wait for the users of nodes, while other sessions go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use motet_node::policy::Policy;
use motet_node::{Decision, Proposal};

/// The transaction type of requests that nobody answers.
pub const UNANSWERED: &str = "bench/unanswered";
/// Requests that wait at one node: less than the hundred that a node holds, since each session of the crowd needs a
/// place for the moment in which the policy is asked.
pub const AT_A_NODE: usize = 70;

/// Policy that leaves requests of type [`UNANSWERED`] without an answer, and approves all others.
#[derive(Debug, Clone, Default)]
pub struct SlowUser {
    waiting: Arc<AtomicUsize>,
}

impl SlowUser {
    /// Number of requests that wait, at all nodes with a clone of this policy.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Policy for SlowUser {
    async fn decide(&self, proposal: Proposal) -> Decision {
        if proposal.terms.metadata.transaction_type != UNANSWERED {
            return Decision::Approve;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        core::future::pending().await
    }
}
