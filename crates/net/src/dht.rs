//! Discovery in the DHT (`docs/protocol.md` §9): every record is a bag of signed frames.
//!
//! A bag is a list of entries, each a `u32` length (big endian) and a frame. A single value is a bag with one entry.
//! The storing node merges a bag with the stored one; the reader unites the answers of several nodes. An
//! [`EntryPolicy`] decides which entries may be under a key, and what each is worth; an entry that it refuses is
//! neither stored nor returned.

pub(crate) mod agreement;
pub(crate) mod bag;
pub(crate) mod judging;
pub(crate) mod queries;
pub(crate) mod store;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::limits;

/// The facts about an entry that a store needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its author.
    pub author: [u8; 33],
    /// Its name among the entries of its author: of one name, only the newest entry is kept.
    pub name: [u8; 32],
    /// Which of two is newer.
    pub version: u64,
    /// Its id, by which it can be withdrawn.
    pub id: [u8; 32],
    /// The price of its place.
    pub price: Price,
    /// Time until it ends.
    pub life: Duration,
}

/// The price of an entry's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// It has been paid for by itself. In a full bag the entries of the greatest worth stay.
    Paid(i16),
    /// Nothing: it withdraws the entry with this id of the same author and name, and lies beside it, for as long as that one
    /// does.
    Beside([u8; 32]),
}

/// Decides which entries may be in the DHT.
pub trait EntryPolicy: Send + Sync {
    /// The frame as an entry at this place; `None` if it does not belong there, is not signed, is not paid for, or has
    /// expired. A withdrawal belongs wherever the entry lies that it withdraws.
    fn entry(&self, place: &[u8; 32], frame: &[u8]) -> Option<Entry>;
}

/// A place of the DHT: the key of a record there.
pub(crate) type Place = [u8; 32];

/// The time at which a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The nodes that are closest to each place have answered.
    ByAll,
    /// Some nodes of two places have given the same, and no node anything else; otherwise as [`ByAll`](Self::ByAll).
    ByAgreement,
}

/// The name of an entry in a bag.
pub(crate) type Name = ([u8; 33], [u8; 32]);

impl Entry {
    pub(crate) const fn name(&self) -> Name {
        (self.author, self.name)
    }
}

/// The frames of a bag; `None` if the bytes are no bag.
pub(crate) fn unpack(mut bag: &[u8]) -> Option<Vec<&[u8]>> {
    let mut frames = Vec::new();
    while !bag.is_empty() {
        let (length, rest) = bag.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (frame, rest) = rest.split_at_checked(length)?;
        if frames.len() >= limits::BAG_FRAMES {
            return None;
        }
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

/// The newest entry of each name among bags that were found at the places of a key. A withdrawal counts if what it
/// withdraws was found as well.
pub(crate) fn unite(policy: &dyn EntryPolicy, bags: &[(Place, Vec<u8>)]) -> Vec<Arc<[u8]>> {
    let mut judged = HashSet::new();
    let mut newest = BTreeMap::<Name, (u64, &[u8])>::new();
    let mut paid = BTreeSet::new();
    let mut withdrawals = Vec::new();
    for (place, bag) in bags {
        for frame in unpack(bag).unwrap_or_default() {
            // The answers of several nodes are mostly the same.
            if !judged.insert(frame) {
                continue;
            }
            let Some(entry) = policy.entry(place, frame) else { continue };
            match entry.price {
                Price::Paid(_) => {
                    paid.insert((entry.author, entry.id));
                    let known = newest.entry(entry.name()).or_insert((entry.version, frame));
                    if entry.version > known.0 {
                        *known = (entry.version, frame);
                    }
                }
                Price::Beside(id) => withdrawals.push((entry, id, frame)),
            }
        }
    }
    for (entry, id, frame) in withdrawals {
        if let Some(known) = newest.get_mut(&entry.name())
            && entry.version > known.0
            && paid.contains(&(entry.author, id))
        {
            *known = (entry.version, frame);
        }
    }
    newest.into_values().map(|(_, frame)| Arc::from(frame)).collect()
}
