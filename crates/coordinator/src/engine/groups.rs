//! Maps from a key to the requests that it is part of.

use std::collections::{BTreeMap, BTreeSet};

use motet_wire::RequestId;

/// A map to sets that has no empty sets.
#[derive(Debug)]
pub(super) struct Groups<K>(BTreeMap<K, BTreeSet<RequestId>>);

impl<K: Ord> Default for Groups<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Groups<K> {
    /// Returns false if the session is in the group already.
    pub(super) fn insert(&mut self, key: K, id: RequestId) -> bool {
        self.0.entry(key).or_default().insert(id)
    }

    /// Returns false if the session is not in the group.
    pub(super) fn remove(&mut self, key: &K, id: &RequestId) -> bool {
        let Some(group) = self.0.get_mut(key) else { return false };
        let was_there = group.remove(id);
        if group.is_empty() {
            self.0.remove(key);
        }
        was_there
    }

    /// Moves a session from one group to another.
    pub(super) fn change(&mut self, id: &RequestId, before: Option<K>, after: Option<K>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.remove(&before, id);
        }
        if let Some(after) = after {
            self.insert(after, *id);
        }
    }

    pub(super) fn of(&self, key: &K) -> impl Iterator<Item = &RequestId> {
        self.0.get(key).into_iter().flatten()
    }

    /// The keys that have sessions, in their order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    /// Number of sessions in the group.
    pub(super) fn count(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, BTreeSet::len)
    }
}
