//! Discovery in the DHT (`docs/protocol.md` §9): every record is a bag of signed frames.
//!
//! A bag is a list of entries, each a `u32` length (big endian) and a frame. A single value is a bag with one entry.
//! The storing node merges a bag with the stored one, the newest entry of each author winning; the reader unites the
//! answers of several nodes. An [`EntryPolicy`] decides which entries may be under a key; an entry that it refuses is
//! neither stored nor returned.

pub(crate) mod store;

use std::sync::Arc;

/// The facts about an entry that a store needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is: of one author, only the newest entry is kept.
    pub author: [u8; 33],
    /// Which is newer.
    pub version: u64,
}

/// Decides which entries may be in the DHT.
pub trait EntryPolicy: Send + Sync {
    /// The frame as an entry under this key; `None` if it does not belong under the key, is not signed, or has expired.
    fn entry(&self, key: &[u8], frame: &[u8]) -> Option<Entry>;
}

/// The frames of a bag; `None` if the bytes are no bag.
pub(crate) fn unpack(mut bag: &[u8]) -> Option<Vec<&[u8]>> {
    let mut frames = Vec::new();
    while !bag.is_empty() {
        let (length, rest) = bag.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (frame, rest) = rest.split_at_checked(length)?;
        frames.push(frame);
        bag = rest;
    }
    Some(frames)
}

/// A bag of these frames.
pub(crate) fn pack<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bag = Vec::new();
    for frame in frames {
        bag.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
        bag.extend_from_slice(frame);
    }
    bag
}

/// The newest entry of each author among bags that were found under a key.
pub(crate) fn unite(policy: &dyn EntryPolicy, key: &[u8], bags: &[Vec<u8>]) -> Vec<Arc<[u8]>> {
    let mut newest = std::collections::BTreeMap::<[u8; 33], (u64, &[u8])>::new();
    for frame in bags.iter().filter_map(|bag| unpack(bag)).flatten() {
        let Some(entry) = policy.entry(key, frame) else { continue };
        let known = newest.entry(entry.author).or_insert((entry.version, frame));
        if entry.version > known.0 {
            *known = (entry.version, frame);
        }
    }
    newest.into_values().map(|(_, frame)| Arc::from(frame)).collect()
}
