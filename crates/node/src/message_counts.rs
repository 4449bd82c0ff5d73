//! The numbers of messages that the pipeline of a node has accepted and refused.

use motet_wire::Rule;

/// Messages since the start of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageCounts {
    /// Messages that have passed every rule.
    pub accepted: u64,
    /// Messages that broke a rule, for each rule that has refused one.
    pub rejected: Vec<(Rule, u64)>,
}

impl MessageCounts {
    /// The number of messages that were refused by any rule.
    pub fn refused(&self) -> u64 {
        self.rejected.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}
