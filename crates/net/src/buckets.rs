//! Token buckets by key, of which there are only so many.

use std::collections::BTreeMap;

use motet_wire::{Bucket, MonotonicMs, Rate};
use tokio::time::Instant;

/// Buckets of one rate. Keys that find no room share one bucket.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    most: usize,
    since: Instant,
    buckets: BTreeMap<K, Bucket>,
    others: Bucket,
}

impl<K: Copy + Ord> Buckets<K> {
    pub(crate) fn new(rate: Rate, most: usize) -> Self {
        Self { rate, most, since: Instant::now(), buckets: BTreeMap::new(), others: Bucket::FULL }
    }

    fn time(&self, now: Instant) -> MonotonicMs {
        MonotonicMs(u64::try_from(now.saturating_duration_since(self.since).as_millis()).unwrap_or(u64::MAX))
    }

    /// Takes units out of a key's bucket; false if it does not hold so many.
    pub(crate) fn take(&mut self, key: K, units: u64, now: Instant) -> bool {
        let time = self.time(now);
        if !self.buckets.contains_key(&key) && self.buckets.len() >= self.most {
            let rate = self.rate;
            // A full bucket says nothing.
            self.buckets.retain(|_, bucket| bucket.take(rate, rate.burst, time).is_none());
        }
        let has_room = self.buckets.len() < self.most;
        let bucket = match self.buckets.get_mut(&key) {
            Some(bucket) => bucket,
            None if has_room => self.buckets.entry(key).or_insert(Bucket::FULL),
            None => &mut self.others,
        };
        let after = bucket.take(self.rate, units, time);
        if let Some(after) = after {
            *bucket = after;
        }
        after.is_some()
    }

    /// True if a key's bucket holds so many units.
    pub(crate) fn holds(&self, key: K, units: u64, now: Instant) -> bool {
        let bucket = self.buckets.get(&key).copied().unwrap_or(Bucket::FULL);
        bucket.take(self.rate, units, self.time(now)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn each_key_has_a_bucket_and_a_flood_of_keys_has_one_together() {
        let now = Instant::now();
        let mut buckets = Buckets::new(Rate { per_minute: 60, burst: 3 }, 100);
        assert!((0..3).all(|_| buckets.take(0, 1, now)) && !buckets.take(0, 1, now));
        assert!(!buckets.holds(0, 1, now) && buckets.holds(1, 3, now) && !buckets.holds(1, 4, now));
        let taken = (1..10_000).filter(|key| buckets.take(*key, 1, now)).count();
        assert_eq!((taken, buckets.buckets.len()), (99 + 3, 100));
        let later = now + Duration::from_secs(3);
        assert!((10_000..10_100).all(|key| buckets.take(key, 1, later)), "full buckets are forgotten");
        assert!(buckets.buckets.len() <= 100);
    }
}
