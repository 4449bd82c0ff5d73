//! A bounded memory that forgets: two generations of a map.
//!
//! Entries are written into the young generation. When that is full, or has been young for a period, it becomes the old
//! one, and the old one is forgotten. So an entry lives between one and two periods unless more entries arrive than
//! fit, the memory never holds more than twice the capacity, and no operation ever scans it. Entries are looked up, and
//! never iterated.

use core::time::Duration;
use std::collections::HashMap;

use crate::time::MonotonicMs;

/// The key of an entry: 16 bytes of a hash, so that keys of any length take the same space and no sender can choose two
/// that collide.
pub(crate) type Key = [u8; 16];

/// A map from [`Key`] that never holds more than twice its capacity.
#[derive(Debug)]
pub(crate) struct Generations<V> {
    young: HashMap<Key, V>,
    old: HashMap<Key, V>,
    capacity: usize,
    period: Duration,
    turned: MonotonicMs,
}

impl<V: Clone> Generations<V> {
    pub(crate) fn new(capacity: usize, period: Duration) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity, period, turned: MonotonicMs(0) }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).cloned()
    }

    /// Writes an entry, as young as can be. A memory without room remembers nothing.
    pub(crate) fn set(&mut self, key: Key, value: V, now: MonotonicMs) {
        if self.capacity == 0 {
            return;
        }
        let aged = now.since(self.turned) >= self.period;
        if aged || (self.young.len() >= self.capacity && !self.young.contains_key(&key)) {
            // After two periods without a turn, the young generation is out of date as well.
            let stale = now.since(self.turned) >= self.period.saturating_mul(2);
            self.old = core::mem::take(&mut self.young);
            if stale {
                self.old.clear();
            }
            self.turned = now;
        }
        self.young.insert(key, value);
    }

    /// Bytes that the two maps can come to hold: a hash map keeps a power of two of slots at most 7/8 full, and one
    /// control byte a slot.
    pub(crate) fn bound(&self) -> usize {
        let slots = (self.capacity.saturating_mul(8) / 7).next_power_of_two();
        // While one map grows, it exists twice, the smaller copy at half the size.
        2 * slots * (size_of::<(Key, V)>() + 1) + slots / 2 * (size_of::<(Key, V)>() + 1)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// The first 16 bytes of a hash.
pub(crate) fn key(hash: &[u8; 32]) -> Key {
    let mut key = [0; 16];
    key.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(60);

    fn numbered(number: u32) -> Key {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn an_entry_lives_for_at_least_one_period() {
        let mut map = Generations::new(10, PERIOD);
        map.set(numbered(1), (), MonotonicMs(0));
        map.set(numbered(2), (), MonotonicMs(59_000));
        map.set(numbered(3), (), MonotonicMs(60_000));
        assert!(map.find(&numbered(1)).is_some());
        map.set(numbered(4), (), MonotonicMs(119_000));
        assert!(map.find(&numbered(2)).is_some());
    }

    #[test]
    fn an_entry_is_gone_after_two_periods() {
        let mut map = Generations::new(10, PERIOD);
        map.set(numbered(1), (), MonotonicMs(0));
        map.set(numbered(2), (), MonotonicMs(60_000));
        map.set(numbered(3), (), MonotonicMs(120_000));
        assert!(map.find(&numbered(1)).is_none());
        map.set(numbered(4), (), MonotonicMs(600_000));
        assert!(map.find(&numbered(3)).is_none());
    }

    #[test]
    fn it_never_holds_more_than_twice_its_capacity() {
        let mut map = Generations::new(100, PERIOD);
        for number in 0..10_000 {
            map.set(numbered(number), (), MonotonicMs(0));
            assert!(map.len() <= 200);
        }
        assert!(map.find(&numbered(9_999)).is_some());
        assert!(map.find(&numbered(9_900)).is_some());
        assert!(map.find(&numbered(0)).is_none());
    }
}
