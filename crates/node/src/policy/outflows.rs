//! Amounts that were approved to leave each group. Memory is bounded, and errs to the safe side: an amount that does not fit, or is
//! not known, makes every allowance fail for as long as it would have counted.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use motet_wire::MonotonicMs;

/// An amount that may leave a group within any period of this length, over all transactions that were approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Allowance {
    /// The amount in satoshi.
    pub most: u64,
    /// The period. An approval counts until exactly this much later.
    pub period: Duration,
}

/// Times and amounts of approvals for each group, as far as some allowance needs to know.
#[derive(Debug, Default)]
pub(super) struct Outflows {
    of: BTreeMap<String, VecDeque<(MonotonicMs, u64)>>,
    remembered: usize,
    /// Time of the last amount that did not fit, or was not known.
    lost: Option<MonotonicMs>,
    /// The longest period of any allowance; zero when there is none.
    period: Duration,
    capacity: usize,
}

/// The state of an allowance, with one more transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The transaction is within it.
    Within,
    /// The transaction is beyond it.
    Beyond {
        /// The amount that was approved within the period.
        approved: u64,
    },
    /// Some amount could not be remembered within the longest period.
    Forgotten,
}

impl Outflows {
    /// A memory for the amounts that these allowances need.
    pub(super) fn for_allowances(allowances: impl Iterator<Item = Allowance>, capacity: usize) -> Self {
        let period = allowances.map(|allowance| allowance.period).max().unwrap_or_default();
        Self { period, capacity, ..Self::default() }
    }

    pub(super) fn standing(&self, group: &str, allowance: Allowance, outflow: u64, now: MonotonicMs) -> Standing {
        if self.lost.is_some_and(|lost| now.since(lost) < self.period) {
            return Standing::Forgotten;
        }
        let recent = self.of.get(group).into_iter().flatten().filter(|(at, _)| now.since(*at) < allowance.period);
        let approved = recent.fold(0_u64, |sum, (_, amount)| sum.saturating_add(*amount));
        if approved.saturating_add(outflow) <= allowance.most {
            Standing::Within
        } else {
            Standing::Beyond { approved }
        }
    }

    /// Counts an approved amount; none if it is not known.
    pub(super) fn count(&mut self, group: &str, outflow: Option<u64>, now: MonotonicMs) {
        if self.period.is_zero() || outflow == Some(0) {
            return;
        }
        if self.remembered >= self.capacity {
            self.forget(now);
        }
        match outflow.filter(|_| self.remembered < self.capacity) {
            Some(amount) => {
                self.of.entry(group.to_owned()).or_default().push_back((now, amount));
                self.remembered += 1;
            }
            None => self.lost = Some(now),
        }
    }

    /// Forgets amounts that no allowance needs any more.
    fn forget(&mut self, now: MonotonicMs) {
        let period = self.period;
        self.of.retain(|_, amounts| {
            amounts.retain(|(at, _)| now.since(*at) < period);
            !amounts.is_empty()
        });
        self.remembered = self.of.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> MonotonicMs {
        MonotonicMs(seconds * 1000)
    }

    const DAY: Allowance = Allowance { most: 100, period: Duration::from_secs(10) };

    #[test]
    fn amounts_of_a_group_add_up_within_the_period() {
        let mut outflows = Outflows::for_allowances([DAY].into_iter(), 10);
        outflows.count("a", Some(60), at(0));
        assert_eq!(outflows.standing("a", DAY, 40, at(9)), Standing::Within);
        assert_eq!(outflows.standing("a", DAY, 41, at(9)), Standing::Beyond { approved: 60 });
        assert_eq!(outflows.standing("b", DAY, 100, at(9)), Standing::Within);
        assert_eq!(outflows.standing("a", DAY, 100, at(10)), Standing::Within);
        outflows.count("a", Some(u64::MAX), at(9));
        assert_eq!(outflows.standing("a", DAY, 1, at(9)), Standing::Beyond { approved: u64::MAX });
    }

    #[test]
    fn an_amount_that_is_not_known_or_does_not_fit_makes_every_allowance_fail() {
        let mut outflows = Outflows::for_allowances([DAY].into_iter(), 2);
        outflows.count("a", None, at(0));
        assert_eq!(outflows.standing("b", DAY, 0, at(9)), Standing::Forgotten);
        assert_eq!(outflows.standing("b", DAY, 0, at(10)), Standing::Within);
        for _ in 0..3 {
            outflows.count("a", Some(1), at(20));
        }
        assert_eq!(outflows.standing("b", DAY, 0, at(29)), Standing::Forgotten);
        // By then there is room again.
        outflows.count("a", Some(1), at(30));
        assert_eq!(outflows.standing("a", DAY, 99, at(30)), Standing::Within);
    }
}
