//! The part of the DHT that lies on this node: merged, validated, bounded.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use libp2p::PeerId;
use libp2p::kad::store::{Error, RecordStore, Result};
use libp2p::kad::{ProviderRecord, Record, RecordKey};

use super::{EntryPolicy, pack, unpack};
use crate::limits;

/// Records by key. Entries that the policy refuses are not stored.
pub(crate) struct BagStore {
    policy: Arc<dyn EntryPolicy>,
    records: BTreeMap<Vec<u8>, Record>,
    bytes: usize,
}

impl BagStore {
    pub(crate) fn new(policy: Arc<dyn EntryPolicy>) -> Self {
        Self { policy, records: BTreeMap::new(), bytes: 0 }
    }

    /// Number of records, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }

    /// The newest entry of each author, of the stored bag and the new one, within the bound of a bag.
    fn merge(&self, key: &[u8], stored: &[u8], new: &[u8]) -> Option<Vec<u8>> {
        let mut newest = BTreeMap::<[u8; 33], (u64, &[u8])>::new();
        for frame in unpack(stored).unwrap_or_default().into_iter().chain(unpack(new)?) {
            let Some(entry) = self.policy.entry(key, frame) else { continue };
            let known = newest.entry(entry.author).or_insert((entry.version, frame));
            if entry.version >= known.0 {
                *known = (entry.version, frame);
            }
        }
        let mut room = if newest.len() == 1 { limits::ENTRY } else { limits::BAG };
        let fits = newest.into_values().filter(|(_, frame)| {
            let size = frame.len().saturating_add(4);
            let fits = size <= room;
            room = if fits { room.saturating_sub(size) } else { room };
            fits
        });
        let bag = pack(fits.map(|(_, frame)| frame));
        (!bag.is_empty()).then_some(bag)
    }
}

impl RecordStore for BagStore {
    type RecordsIter<'a> =
        std::iter::Map<std::collections::btree_map::Values<'a, Vec<u8>, Record>, fn(&'a Record) -> Cow<'a, Record>>;
    type ProvidedIter<'a> = std::iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        self.records.get(key.as_ref()).map(Cow::Borrowed)
    }

    fn put(&mut self, record: Record) -> Result<()> {
        let key = record.key.to_vec();
        let stored = self.records.get(&key);
        let value = self.merge(&key, stored.map_or(&[], |stored| &stored.value), &record.value);
        let value = value.ok_or(Error::ValueTooLarge)?;
        let before = stored.map_or(0, |stored| stored.value.len());
        let bytes = self.bytes.saturating_sub(before).saturating_add(value.len());
        if (stored.is_none() && self.records.len() >= limits::RECORDS) || bytes > limits::RECORD_BYTES {
            return Err(Error::MaxRecords);
        }
        self.bytes = bytes;
        // A bag has no publisher: each node that has an entry in it publishes it again.
        self.records.insert(key, Record { value, publisher: None, ..record });
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) {
        if let Some(record) = self.records.remove(key.as_ref()) {
            self.bytes = self.bytes.saturating_sub(record.value.len());
        }
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        self.records.values().map(Cow::Borrowed)
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
