//! The part of the DHT that lies on this node: merged, judged, bounded.
//!
//! Nothing that comes later shortens the life of an entry or takes its place, unless it is newer by the same author, or was dearer.

use core::cmp::Reverse;
use core::time::Duration;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use libp2p::PeerId;
use libp2p::kad::store::{Error, RecordStore, Result};
use libp2p::kad::{ProviderRecord, Record, RecordKey};
use tokio::time::Instant;

use super::bag::{Bag, Rank, Stored, size};
use super::{Entry, Name, Place, Price};
use crate::limits;

/// The bags by their places, and what bounds them.
#[derive(Debug, Default)]
pub(crate) struct BagStore {
    bags: BTreeMap<Place, Bag>,
    /// All entries, those first that make room first.
    ranks: BTreeSet<(Rank, Place, Name)>,
    /// All entries by their ends.
    ends: BTreeSet<(Instant, Place, Name)>,
    /// The bytes of each author's entries.
    authors: BTreeMap<[u8; 33], usize>,
    bytes: usize,
    came: u64,
}

impl BagStore {
    /// Number of bags, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.bags.len(), self.bytes)
    }

    /// True if this very frame lies at a place.
    pub(crate) fn holds(&self, place: &Place, frame: &[u8]) -> bool {
        self.bags.get(place).is_some_and(|bag| bag.frames().any(|stored| stored == frame))
    }

    /// Notes that a node has put these frames at a place: if they are all that lies here, this node need not do it soon.
    pub(crate) fn note_spread(&mut self, place: &Place, frames: &[&[u8]], now: Instant) {
        if let Some(bag) = self.bags.get_mut(place)
            && bag.frames().all(|stored| frames.contains(&stored))
        {
            bag.spread = now;
        }
    }

    /// Some bags that nobody has spread for a time, to be put at the nodes that are closest to their places now.
    pub(crate) fn take_unspread(
        &mut self,
        number: usize,
        since: impl Fn(&Place) -> Duration,
        now: Instant,
    ) -> Vec<Record> {
        let due = self.bags.iter_mut().filter(|(place, bag)| now.saturating_duration_since(bag.spread) >= since(place));
        let taken = due.take(number).map(|(_, bag)| {
            bag.spread = now;
            Record { publisher: None, expires: None, ..bag.record.clone() }
        });
        taken.collect()
    }

    /// Takes an entry that has been judged. False if it says nothing new, or there is no room for it.
    pub(crate) fn insert(&mut self, place: &Place, frame: Arc<[u8]>, entry: Entry, now: Instant) -> bool {
        match entry.price {
            Price::Paid(worth) => self.insert_paid(place, frame, entry, worth, now),
            Price::Beside(id) => self.withdraw(place, frame, &entry, id),
        }
    }

    fn insert_paid(&mut self, place: &Place, frame: Arc<[u8]>, entry: Entry, worth: i16, now: Instant) -> bool {
        let name = entry.name();
        let bag = self.bags.get(place);
        let before = bag.and_then(|bag| bag.get(&name));
        if before.is_some_and(|before| before.version() >= entry.version) {
            return false;
        }
        self.came = self.came.wrapping_add(1);
        let rank = (worth, before.map_or(Reverse(self.came), |before| before.rank.1));
        let (added, freed) = (size(&frame), before.map_or(0, Stored::size));
        if before.is_none() && bag.is_some_and(|bag| bag.count_of(&entry.author) >= limits::AUTHOR_ENTRIES) {
            return false;
        }
        let of_author = self.authors.get(&entry.author).copied().unwrap_or_default();
        if of_author.saturating_sub(freed).saturating_add(added) > limits::AUTHOR_BYTES {
            return false;
        }
        if !self.make_room(place, added.saturating_sub(freed), rank, &name) {
            return false;
        }
        self.take_out(place, &name);
        let ends = now + entry.life.min(limits::ENTRY_LIFE);
        self.ranks.insert((rank, *place, name));
        self.ends.insert((ends, *place, name));
        self.charge(&entry.author, added);
        let bag = self.bags.entry(*place).or_insert_with(|| Bag::new(place, now));
        bag.insert(Stored::new(entry, rank, ends, frame));
        true
    }

    fn withdraw(&mut self, place: &Place, frame: Arc<[u8]>, entry: &Entry, id: [u8; 32]) -> bool {
        let name = entry.name();
        let Some(stored) = self.bags.get(place).and_then(|bag| bag.get(&name)) else { return false };
        if stored.entry.id != id || stored.is_withdrawn() || stored.version() >= entry.version {
            return false;
        }
        let (rank, added) = (stored.rank, size(&frame));
        if !self.make_room(place, added, rank, &name) {
            // What is withdrawn is worth less to readers than nothing.
            self.take_out(place, &name);
            self.tidy(place);
            return true;
        }
        self.charge(&entry.author, added);
        if let Some(bag) = self.bags.get_mut(place) {
            bag.withdraw(&name, entry.version, frame);
        }
        true
    }

    /// Makes room for so many bytes in a bag and in the store, at the cost of entries that rank lower. False if those are not
    /// enough; then nothing has changed.
    fn make_room(&mut self, place: &Place, added: usize, rank: Rank, spared: &Name) -> bool {
        let bag = self.bags.get(place);
        let fills = bag.map_or(0, |bag| bag.bytes).saturating_add(added);
        let over = fills.saturating_sub(limits::BAG);
        let alone = fills <= limits::ENTRY && bag.is_none_or(|bag| bag.has_only(spared));
        let lower = match bag {
            Some(bag) if over > 0 && !alone => bag.room_for(over, rank, Some(spared)),
            _ if over > 0 && !alone => None,
            _ => Some(Vec::new()),
        };
        let Some(lower) = lower else { return false };
        let mut out: Vec<(Place, Name)> = lower.into_iter().map(|name| (*place, name)).collect();
        // An entry costs more than its bytes.
        let mut needed =
            self.charged().saturating_add(added + limits::ENTRY_OVERHEAD).saturating_sub(limits::STORE_BYTES);
        for (other, at, name) in &self.ranks {
            if needed == 0 || *other >= rank {
                break;
            }
            if (at, name) != (place, spared) && !out.contains(&(*at, *name)) {
                let size = self.bags.get(at).and_then(|bag| bag.get(name)).map_or(0, Stored::size);
                needed = needed.saturating_sub(size + limits::ENTRY_OVERHEAD);
                out.push((*at, *name));
            }
        }
        if needed > 0 {
            return false;
        }
        for (at, name) in out {
            self.take_out(&at, &name);
            self.tidy(&at);
        }
        true
    }

    fn charged(&self) -> usize {
        self.bytes.saturating_add(self.ranks.len().saturating_mul(limits::ENTRY_OVERHEAD))
    }

    fn charge(&mut self, author: &[u8; 33], bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        let of_author = self.authors.entry(*author).or_default();
        *of_author = of_author.saturating_add(bytes);
    }

    fn take_out(&mut self, place: &Place, name: &Name) {
        let Some(stored) = self.bags.get_mut(place).and_then(|bag| bag.remove(name)) else { return };
        self.ranks.remove(&(stored.rank, *place, *name));
        self.ends.remove(&(stored.ends, *place, *name));
        let size = stored.size();
        self.bytes = self.bytes.saturating_sub(size);
        if let Some(of_author) = self.authors.get_mut(&name.0) {
            *of_author = of_author.saturating_sub(size);
            if *of_author == 0 {
                self.authors.remove(&name.0);
            }
        }
    }

    fn tidy(&mut self, place: &Place) {
        if self.bags.get(place).is_some_and(Bag::is_empty) {
            self.bags.remove(place);
        }
    }

    /// The time at which the next entry ends.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(ends, ..)| *ends)
    }

    /// Forgets the entries that have ended.
    pub(crate) fn end(&mut self, now: Instant) {
        while let Some((_, place, name)) = self.ends.first().filter(|(ends, ..)| *ends <= now).copied() {
            self.take_out(&place, &name);
            self.tidy(&place);
        }
    }
}

impl RecordStore for BagStore {
    type RecordsIter<'a> =
        std::iter::Map<std::collections::btree_map::Values<'a, Place, Bag>, fn(&'a Bag) -> Cow<'a, Record>>;
    type ProvidedIter<'a> = std::iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        let bag = self.bags.get(<&Place>::try_from(key.as_ref()).ok()?)?;
        Some(Cow::Borrowed(&bag.record))
    }

    /// Kademlia calls this for what the node itself puts. All that is stored here is judged first, beside the event loop, and
    /// goes to [`BagStore::insert`].
    fn put(&mut self, _: Record) -> Result<()> {
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) {
        let Ok(place) = Place::try_from(key.as_ref()) else { return };
        let names = self.bags.get(&place).map(Bag::names).unwrap_or_default();
        for name in names {
            self.take_out(&place, &name);
        }
        self.tidy(&place);
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        self.bags.values().map(|bag| Cow::Borrowed(&bag.record))
    }

    // Motet has no provider records: they are capped at about 20 a key and carry nothing.

    fn add_provider(&mut self, _: ProviderRecord) -> Result<()> {
        Err(Error::MaxProvidedKeys)
    }

    fn providers(&self, _: &RecordKey) -> Vec<ProviderRecord> {
        Vec::new()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        std::iter::empty()
    }

    fn remove_provider(&mut self, _: &RecordKey, _: &PeerId) {}
}

#[cfg(test)]
mod siege;
#[cfg(test)]
mod tests;
