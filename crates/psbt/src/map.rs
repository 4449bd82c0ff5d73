//! Maps of a PSBT: ordered entries of key and value, kept byte for byte.

use std::collections::BTreeMap;
use std::fmt;

use crate::bytes::{Reader, hex, put_compact_size};
use crate::form::{Field, MapKind, field};
use crate::malformed::Malformed;

/// Which map of a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MapId {
    /// The map of the whole transaction.
    Global,
    /// The map of an input, from zero.
    Input(usize),
    /// The map of an output, from zero.
    Output(usize),
}

impl MapId {
    pub(crate) const fn kind(self) -> MapKind {
        match self {
            Self::Global => MapKind::Global,
            Self::Input(_) => MapKind::Input,
            Self::Output(_) => MapKind::Output,
        }
    }
}

impl fmt::Display for MapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => write!(f, "global map"),
            Self::Input(index) => write!(f, "input {index}"),
            Self::Output(index) => write!(f, "output {index}"),
        }
    }
}

/// Key of an entry: the type as a compact size, and the key data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The type decides what the rest means, so it is first and orders keys.
    kind: u64,
    data: Vec<u8>,
}

impl Key {
    /// A key of a type with key data.
    pub fn new(kind: u64, data: &[u8]) -> Self {
        Self { kind, data: data.to_vec() }
    }

    /// Reads the bytes of a key. None if the type is cut off or not in its shortest form.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let kind = reader.compact_size().ok()?;
        Some(Self { kind, data: reader.rest().to_vec() })
    }

    /// The type.
    pub const fn kind(&self) -> u64 {
        self.kind
    }

    /// The key data: everything after the type.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes of the key.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_compact_size(&mut bytes, self.kind);
        bytes.extend(&self.data);
        bytes
    }
}

/// Place of an entry: a map and a key in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The map.
    pub map: MapId,
    /// The key.
    pub key: Key,
}

impl Place {
    pub(crate) const fn new(map: MapId, key: Key) -> Self {
        Self { map, key }
    }

    /// The name of the field in the BIPs, if the field is known.
    pub fn field_name(&self) -> Option<&'static str> {
        field(self.map.kind(), self.key.kind).map(|field| field.name)
    }
}

/// Longest part of a key that is displayed. The longest key of a known field has 4129 bytes; a nonce's has 99.
const DISPLAYED_BYTES: usize = 99;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.field_name().unwrap_or("unknown field");
        let bytes = self.key.to_bytes();
        let (shown, dots) = bytes.get(..DISPLAYED_BYTES).map_or((&*bytes, ""), |start| (start, ".."));
        write!(f, "{}, {name} (key {}{dots})", self.map, hex(shown))
    }
}

/// Entries of one map, in the order of the file. No key occurs twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawMap {
    entries: Vec<(Key, Vec<u8>)>,
}

impl RawMap {
    /// A map of entries whose keys are known to be different.
    pub(crate) const fn from_distinct(entries: Vec<(Key, Vec<u8>)>) -> Self {
        Self { entries }
    }

    /// The entries in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Key, &[u8])> {
        self.entries.iter().map(|(key, value)| (key, value.as_slice()))
    }

    /// The number of entries.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there are no entries.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key.
    pub fn value(&self, key: &Key) -> Option<&[u8]> {
        self.entries().find(|(found, _)| *found == key).map(|(_, value)| value)
    }

    /// The value of a field that has no key data.
    pub fn single(&self, kind: u64) -> Option<&[u8]> {
        self.of_kind(kind).find(|(data, _)| data.is_empty()).map(|(_, value)| value)
    }

    /// The key data and values of all entries of a type, in order.
    pub fn of_kind(&self, kind: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries().filter(move |(key, _)| key.kind == kind).map(|(key, value)| (key.data(), value))
    }

    pub(crate) fn u32(&self, kind: u64) -> Option<u32> {
        Some(u32::from_le_bytes(self.single(kind)?.try_into().ok()?))
    }

    /// Puts a value under a key: in the place of an earlier value, or else before the first greater key.
    pub(crate) fn put(&mut self, key: Key, value: Vec<u8>) {
        if let Some((_, old)) = self.entries.iter_mut().find(|(found, _)| *found == key) {
            *old = value;
        } else {
            let place = self.entries.iter().position(|(found, _)| *found > key).unwrap_or(self.entries.len());
            self.entries.insert(place, (key, value));
        }
    }

    /// Keeps the entries whose keys pass.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Key) -> bool) {
        self.entries.retain(|(key, _)| keep(key));
    }

    pub(crate) fn to_sorted(&self) -> BTreeMap<&Key, &[u8]> {
        self.entries().collect()
    }
}

/// Checks an entry against the table of known fields. An unknown field is always well made.
pub(crate) fn check_entry(map: MapId, key: &Key, value: &[u8]) -> Result<Option<&'static Field>, Malformed> {
    let known = field(map.kind(), key.kind);
    known.map_or(Ok(()), |field| field.check(&key.data, value))?;
    Ok(known)
}
