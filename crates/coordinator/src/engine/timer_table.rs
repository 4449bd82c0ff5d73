//! Times at which something is due, the first of which is found at once.

use std::collections::BTreeSet;

use motet_wire::MonotonicMs;

/// At most one time for each key, if the caller takes the old one out first.
#[derive(Debug, Clone)]
pub(super) struct TimerTable<K>(BTreeSet<(MonotonicMs, K)>);

impl<K: Ord> Default for TimerTable<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Ord + Clone> TimerTable<K> {
    pub(super) fn insert(&mut self, at: MonotonicMs, key: K) {
        self.0.insert((at, key));
    }

    pub(super) fn remove(&mut self, at: MonotonicMs, key: K) {
        self.0.remove(&(at, key));
    }

    /// Moves a key from one time to another.
    pub(super) fn change(&mut self, key: K, before: Option<MonotonicMs>, after: Option<MonotonicMs>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.remove(before, key.clone());
        }
        if let Some(after) = after {
            self.insert(after, key);
        }
    }

    /// The first time, and its key.
    pub(super) fn first(&self) -> Option<(MonotonicMs, &K)> {
        self.0.first().map(|(at, key)| (*at, key))
    }

    /// Time at which the first is due.
    pub(super) fn next(&self) -> Option<MonotonicMs> {
        self.first().map(|(at, _)| at)
    }

    /// The keys whose time has come, in the order of their times.
    pub(super) fn due(&self, now: MonotonicMs) -> impl Iterator<Item = &K> {
        self.0.iter().take_while(move |(at, _)| *at <= now).map(|(_, key)| key)
    }

    /// Takes out the first key whose time has come.
    pub(super) fn pop_due(&mut self, now: MonotonicMs) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, key)| key)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_due_first_and_nothing_is_due_before_its_time() {
        let mut table = TimerTable::default();
        for (at, key) in [(30, 'c'), (10, 'b'), (20, 'a'), (10, 'a')] {
            table.insert(MonotonicMs(at), key);
        }
        table.remove(MonotonicMs(20), 'a');
        assert_eq!(table.next(), Some(MonotonicMs(10)));
        assert_eq!(table.pop_due(MonotonicMs(9)), None);
        assert_eq!(table.due(MonotonicMs(29)).collect::<String>(), "ab");
        let all: String = core::iter::from_fn(|| table.pop_due(MonotonicMs(30))).collect();
        assert_eq!((all.as_str(), table.len()), ("abc", 0));
    }
}
