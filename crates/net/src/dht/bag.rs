//! A stored bag: the entries at one place of the DHT.

use core::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use libp2p::kad::{Record, RecordKey};
use tokio::time::Instant;

use super::{Entry, Name, Place, pack};

/// The rank of an entry: where there is no room, the lowest goes. The most work stays, and of equal ones the first.
pub(crate) type Rank = (i16, Reverse<u64>);

/// An entry that is stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) entry: Entry,
    pub(crate) rank: Rank,
    pub(crate) ends: Instant,
    frame: Arc<[u8]>,
    /// The version and the frame that withdraw it.
    withdrawal: Option<(u64, Arc<[u8]>)>,
}

impl Stored {
    pub(crate) const fn new(entry: Entry, rank: Rank, ends: Instant, frame: Arc<[u8]>) -> Self {
        Self { entry, rank, ends, frame, withdrawal: None }
    }

    /// The newest version that is known of it, that of its withdrawal included.
    pub(crate) fn version(&self) -> u64 {
        self.withdrawal.as_ref().map_or(self.entry.version, |(version, _)| *version)
    }

    pub(crate) const fn is_withdrawn(&self) -> bool {
        self.withdrawal.is_some()
    }

    fn frames(&self) -> impl Iterator<Item = &[u8]> {
        core::iter::once(&*self.frame).chain(self.withdrawal.iter().map(|(_, frame)| &**frame))
    }

    /// Bytes of it in a bag.
    pub(crate) fn size(&self) -> usize {
        self.frames().map(size).sum()
    }
}

/// Bytes of a frame in a bag.
pub(crate) const fn size(frame: &[u8]) -> usize {
    frame.len().saturating_add(4)
}

/// The entries at one place. The record is what is sent to readers.
#[derive(Debug)]
pub(crate) struct Bag {
    entries: BTreeMap<Name, Stored>,
    pub(crate) bytes: usize,
    pub(crate) record: Record,
    /// The last time at which this node or another has spread all of it.
    pub(crate) spread: Instant,
}

impl Bag {
    pub(crate) fn new(place: &Place, now: Instant) -> Self {
        let record = Record::new(RecordKey::from(place.to_vec()), Vec::new());
        Self { entries: BTreeMap::new(), bytes: 0, record, spread: now }
    }

    pub(crate) fn get(&self, name: &Name) -> Option<&Stored> {
        self.entries.get(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True if nothing else lies in it.
    pub(crate) fn has_only(&self, name: &Name) -> bool {
        self.entries.keys().all(|known| known == name)
    }

    pub(crate) fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.values().flat_map(Stored::frames)
    }

    /// The entries of an author.
    pub(crate) fn count_of(&self, author: &[u8; 33]) -> usize {
        self.entries.range((*author, [0; 32])..=(*author, [u8::MAX; 32])).count()
    }

    /// The names that have to go to make room for so many bytes, and all of which rank below this. `None` if that is not enough.
    pub(crate) fn room_for(&self, needed: usize, rank: Rank, spared: Option<&Name>) -> Option<Vec<Name>> {
        let mut below: Vec<(Rank, usize, Name)> = self
            .entries
            .iter()
            .filter(|(name, stored)| stored.rank < rank && Some(*name) != spared)
            .map(|(name, stored)| (stored.rank, stored.size(), *name))
            .collect();
        below.sort_unstable();
        let mut freed = 0_usize;
        let mut out = Vec::new();
        for (_, size, name) in below {
            if freed >= needed {
                break;
            }
            freed = freed.saturating_add(size);
            out.push(name);
        }
        (freed >= needed).then_some(out)
    }

    pub(crate) fn insert(&mut self, stored: Stored) {
        self.bytes = self.bytes.saturating_add(stored.size());
        self.entries.insert(stored.entry.name(), stored);
        self.pack();
    }

    /// Puts a withdrawal beside the entry that it withdraws.
    pub(crate) fn withdraw(&mut self, name: &Name, version: u64, frame: Arc<[u8]>) {
        if let Some(stored) = self.entries.get_mut(name) {
            self.bytes = self.bytes.saturating_add(size(&frame));
            stored.withdrawal = Some((version, frame));
            self.pack();
        }
    }

    pub(crate) fn remove(&mut self, name: &Name) -> Option<Stored> {
        let stored = self.entries.remove(name)?;
        self.bytes = self.bytes.saturating_sub(stored.size());
        self.pack();
        Some(stored)
    }

    pub(crate) fn names(&self) -> Vec<Name> {
        self.entries.keys().copied().collect()
    }

    fn pack(&mut self) {
        self.record.value = pack(self.frames());
        // Each entry has an end of its own, and the record that of the last.
        self.record.expires = self.entries.values().map(|stored| stored.ends.into_std()).max();
    }
}
