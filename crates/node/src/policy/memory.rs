//! The memory of rules: approvals of each requester, and amounts that left each group.

use motet_wire::MonotonicMs;

use super::facts::Facts;
use super::outflows::Outflows;
use super::rate::Approvals;

/// The approvals and amounts of the past, as far as some rule needs them.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) approvals: Approvals,
    pub(super) outflows: Outflows,
}

impl Memory {
    /// Counts an approval.
    pub(super) fn count(&mut self, facts: &Facts, now: MonotonicMs) {
        self.approvals.count(facts.requester, now);
        if let Some(transaction) = facts.verified.as_ref().filter(|transaction| !transaction.is_message) {
            let outflow = transaction.outflow.map(|outflow| u64::try_from(outflow).unwrap_or(0));
            self.outflows.count(&transaction.group, outflow, now);
        }
    }
}
