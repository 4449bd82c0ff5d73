//! Rates, and the buckets that they fill.
//!
//! A bucket is one number, the time at which it will be full again (the generic cell rate algorithm), so that a peer
//! costs a few words and buckets refill without a timer.

use crate::time::MonotonicMs;

/// So many a minute, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Units that flow in every minute.
    pub per_minute: u64,
    /// Units that an idle bucket holds.
    pub burst: u64,
}

impl Rate {
    /// This many a minute, all of them at once if need be.
    pub const fn per_minute(units: u64) -> Self {
        Self { per_minute: units, burst: units }
    }

    /// The same, `factor` times.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self { per_minute: self.per_minute.saturating_mul(factor), burst: self.burst.saturating_mul(factor) }
    }
}

/// A token bucket: when it will be full again, in nanoseconds of monotonic time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket(u64);

const MINUTE: u64 = 60_000_000_000;

impl Bucket {
    /// A full bucket.
    pub const FULL: Self = Self(0);

    /// The bucket after `units` are taken; `None` if it does not hold so many.
    pub fn take(self, rate: Rate, units: u64, now: MonotonicMs) -> Option<Self> {
        let now = now.0.saturating_mul(1_000_000);
        // Rounded up, so that the rate is never exceeded; a rate of nothing never flows.
        let interval = if rate.per_minute == 0 { return None } else { MINUTE.div_ceil(rate.per_minute) };
        let full = self.0.max(now).saturating_add(interval.saturating_mul(units));
        (full - now <= interval.saturating_mul(rate.burst)).then_some(Self(full))
    }
}
