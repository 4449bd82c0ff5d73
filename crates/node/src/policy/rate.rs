//! Rates of approvals of a requester: the only memory of rules.
//!
//! Time is an argument. Memory is bounded, and errs to the safe side: an approval that does not fit makes every rate
//! fail for as long as it would have counted.

use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use motet_core_crypto::PublicKey;
use motet_wire::MonotonicMs;

/// So many approvals for one requester within any period of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    /// The number of approvals, at most [`RATE`](super::limits::RATE).
    pub approvals: NonZeroU32,
    /// The period. An approval counts until exactly this much later.
    pub period: Duration,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.approvals, self.period)
    }
}

/// Times of the approvals of each requester, as far as some rate needs to know.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    of: BTreeMap<PublicKey, VecDeque<MonotonicMs>>,
    remembered: usize,
    /// Time of the last approval that did not fit.
    lost: Option<MonotonicMs>,
    /// The longest period of any rate; zero when there is none.
    period: Duration,
    /// The largest number of any rate: older approvals of the same requester change no answer.
    most: usize,
    capacity: usize,
}

/// The state of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// So many approvals are left, at least one.
    Below,
    /// There have been this many within the period.
    Reached(u32),
    /// Some approval could not be remembered within the longest period.
    Forgotten,
}

impl Approvals {
    /// A memory for the approvals that these rates need.
    pub(super) fn for_rates(rates: impl Iterator<Item = Rate>, capacity: usize) -> Self {
        rates.fold(Self { capacity, ..Self::default() }, |this, rate| Self {
            period: this.period.max(rate.period),
            most: this.most.max(rate.approvals.get() as usize),
            ..this
        })
    }

    pub(super) fn standing(&self, requester: &PublicKey, rate: Rate, now: MonotonicMs) -> Standing {
        if self.lost.is_some_and(|lost| now.since(lost) < self.period) {
            return Standing::Forgotten;
        }
        let recent = self.of.get(requester).into_iter().flatten().filter(|at| now.since(**at) < rate.period).count();
        let recent = u32::try_from(recent).unwrap_or(u32::MAX);
        if recent < rate.approvals.get() { Standing::Below } else { Standing::Reached(recent) }
    }

    pub(super) fn count(&mut self, requester: PublicKey, now: MonotonicMs) {
        if self.most == 0 {
            return;
        }
        if self.remembered >= self.capacity {
            self.forget(now);
        }
        let times = self.of.entry(requester).or_default();
        times.push_back(now);
        self.remembered += 1;
        if times.len() > self.most {
            times.pop_front();
            self.remembered -= 1;
        }
        if self.remembered > self.capacity {
            times.pop_back();
            self.remembered -= 1;
            self.lost = Some(now);
        }
    }

    /// Forgets approvals that no rate needs any more.
    fn forget(&mut self, now: MonotonicMs) {
        let period = self.period;
        self.of.retain(|_, times| {
            times.retain(|at| now.since(*at) < period);
            !times.is_empty()
        });
        self.remembered = self.of.values().map(VecDeque::len).sum();
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.of.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use motet_core_crypto::SecretKey;

    fn key(number: u8) -> PublicKey {
        SecretKey::from_bytes(&[number; 32]).unwrap().public_key()
    }

    fn rate(approvals: u32, seconds: u64) -> Rate {
        Rate { approvals: NonZeroU32::new(approvals).unwrap(), period: Duration::from_secs(seconds) }
    }

    fn at(seconds: u64) -> MonotonicMs {
        MonotonicMs(1_000_000 + seconds * 1000)
    }

    #[test]
    fn nothing_is_remembered_when_no_rule_has_a_rate() {
        let mut approvals = Approvals::for_rates(core::iter::empty(), 8);
        approvals.count(key(1), at(0));
        assert_eq!(approvals.remembered(), 0);
    }

    #[test]
    fn of_one_requester_only_as_many_are_remembered_as_the_largest_rate_asks_for() {
        let mut approvals = Approvals::for_rates([rate(2, 60), rate(3, 10)].into_iter(), 8);
        for second in 0..20 {
            approvals.count(key(1), at(second));
        }
        assert_eq!((approvals.remembered(), approvals.remembered), (3, 3));
        assert_eq!(approvals.standing(&key(1), rate(3, 10), at(20)), Standing::Reached(3));
        assert_eq!(approvals.standing(&key(1), rate(3, 10), at(27)), Standing::Below);
        assert_eq!(approvals.standing(&key(1), rate(2, 60), at(77)), Standing::Reached(2));
        assert_eq!(approvals.standing(&key(1), rate(2, 60), at(78)), Standing::Below);
    }

    #[test]
    fn an_approval_that_does_not_fit_lets_no_rate_hold_until_it_would_have_been_forgotten() {
        let rate = rate(2, 10);
        let mut approvals = Approvals::for_rates([rate].into_iter(), 3);
        for number in 1..=4 {
            assert_eq!(approvals.standing(&key(number), rate, at(0)), Standing::Below);
            approvals.count(key(number), at(u64::from(number)));
            assert!(approvals.remembered() <= 3 && approvals.remembered == approvals.remembered());
        }
        assert_eq!(approvals.standing(&key(9), rate, at(4)), Standing::Forgotten);
        assert_eq!(approvals.standing(&key(9), rate, MonotonicMs(at(14).0 - 1)), Standing::Forgotten);
        assert_eq!(approvals.standing(&key(9), rate, at(14)), Standing::Below);
        // By then there is room again.
        approvals.count(key(9), at(14));
        assert_eq!((approvals.remembered(), approvals.remembered), (1, 1));
    }

    #[test]
    fn a_clock_that_goes_back_forgets_nothing() {
        let rate = rate(1, 10);
        let mut approvals = Approvals::for_rates([rate].into_iter(), 3);
        approvals.count(key(1), at(100));
        assert_eq!(approvals.standing(&key(1), rate, at(0)), Standing::Reached(1));
    }
}
