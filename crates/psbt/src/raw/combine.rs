//! Combining PSBTs of one transaction: all entries of all files, and an error where two files contradict each other.

use std::collections::BTreeMap;

use super::RawPsbt;
use super::transaction::LocktimeConflict;
use crate::form::global;
use crate::limits::MAP_ENTRIES_MAX;
use crate::map::{Key, MapId, Place, RawMap};
use crate::version::Version;

/// The reason why PSBTs were not combined. Files are counted from zero, in the order in which they were handed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CombineError {
    /// No files.
    #[error("there is nothing to combine")]
    Empty,
    /// A file whose transaction cannot be computed.
    #[error("file {file}: {conflict}")]
    Locktime {
        /// The file.
        file: usize,
        /// The reason.
        conflict: LocktimeConflict,
    },
    /// Two files with different transactions.
    #[error("file {first} and file {second} are of different transactions: {difference}")]
    DifferentTransaction {
        /// One of the files.
        first: usize,
        /// The other one.
        second: usize,
        /// The first part that differs.
        difference: &'static str,
    },
    /// Two different values under one key.
    #[error("{place}: file {first} and file {second} have different values; find out which one is wrong")]
    Conflict {
        /// The entry.
        place: Place,
        /// One of the files.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// The locktimes that single inputs require make another transaction together than in each file.
    #[error("the locktimes that the files require together make another transaction")]
    LocktimesDisagree,
    /// The combined map has more entries than a map may have.
    #[error("{map}: more than 10000 entries together")]
    TooManyEntries {
        /// The map.
        map: MapId,
    },
}

impl RawPsbt {
    /// Combines PSBTs of one transaction (the Combiner of BIP-174). Every entry of every file is in the result.
    ///
    /// The order of the files changes nothing, and combining again changes nothing: entries are sorted by their keys. If files
    /// of both versions are combined, the result has version 2, and its transaction is described as in the files of version 2.
    /// A change of the transaction is allowed only if no file forbids it (`PSBT_GLOBAL_TX_MODIFIABLE`).
    ///
    /// # Errors
    ///
    /// [`CombineError`].
    pub fn combine(files: &[Self]) -> Result<Self, CombineError> {
        check_transactions(files)?;
        let version = files.iter().map(Self::version).max().ok_or(CombineError::Empty)?;
        let first = files.iter().find(|file| file.version == version).ok_or(CombineError::Empty)?;
        let inputs = (0..first.inputs.len()).map(|index| merged(files, MapId::Input(index), version));
        let outputs = (0..first.outputs.len()).map(|index| merged(files, MapId::Output(index), version));
        let combined = Self {
            version,
            global: merged(files, MapId::Global, version)?,
            inputs: inputs.collect::<Result<_, _>>()?,
            outputs: outputs.collect::<Result<_, _>>()?,
        };
        if combined.unsigned_tx() == first.unsigned_tx() { Ok(combined) } else { Err(CombineError::LocktimesDisagree) }
    }
}

/// Checks that all files have the transaction of the first.
fn check_transactions(files: &[RawPsbt]) -> Result<(), CombineError> {
    let transaction =
        |file: usize, psbt: &RawPsbt| psbt.unsigned_tx().map_err(|conflict| CombineError::Locktime { file, conflict });
    let (first, others) = files.split_first().ok_or(CombineError::Empty)?;
    let expected = transaction(0, first)?;
    for (second, psbt) in (1..).zip(others) {
        let found = transaction(second, psbt)?;
        let difference = if found.input.len() != expected.input.len() {
            "the number of inputs"
        } else if found.output.len() != expected.output.len() {
            "the number of outputs"
        } else if found.version != expected.version {
            "the version of the transaction"
        } else if found.lock_time != expected.lock_time {
            "the locktime"
        } else if found.output != expected.output {
            "the outputs"
        } else if found.input != expected.input {
            "the inputs"
        } else {
            continue;
        };
        return Err(CombineError::DifferentTransaction { first: 0, second, difference });
    }
    Ok(())
}

/// All entries of one map in all files.
fn merged(files: &[RawPsbt], map: MapId, version: Version) -> Result<RawMap, CombineError> {
    let mut union: BTreeMap<&Key, (usize, &[u8])> = BTreeMap::new();
    for (file, psbt) in files.iter().enumerate() {
        for (key, value) in psbt.map(map).map(RawMap::to_sorted).unwrap_or_default() {
            let presence = crate::form::field(map.kind(), key.kind()).map(|field| field.presence);
            let is_described_otherwise = psbt.version != version
                && (presence.is_some_and(|presence| presence.is_forbidden(version)) || is_version(map, key));
            if is_described_otherwise {
                continue;
            }
            let (first, found) = *union.entry(key).or_insert((file, value));
            if found != value && !is_flags(map, key) {
                let place = Place::new(map, key.clone());
                return Err(CombineError::Conflict { place, first, second: file });
            }
        }
    }
    if union.len() > MAP_ENTRIES_MAX {
        return Err(CombineError::TooManyEntries { map });
    }
    let entries = union.into_iter().map(|(key, (_, value))| {
        let value = if is_flags(map, key) { vec![flags(files)] } else { value.to_vec() };
        (key.clone(), value)
    });
    Ok(RawMap::from_distinct(entries.collect()))
}

fn is_version(map: MapId, key: &Key) -> bool {
    map == MapId::Global && key.kind() == global::VERSION
}

fn is_flags(map: MapId, key: &Key) -> bool {
    map == MapId::Global && key.kind() == global::TX_MODIFIABLE
}

/// Bits of `PSBT_GLOBAL_TX_MODIFIABLE` that allow to add or remove inputs and outputs. The others are warnings.
const PERMISSIONS: u8 = 0b11;

/// The flags of all files together: a permission that all of them give, a warning that one of them gives.
fn flags(files: &[RawPsbt]) -> u8 {
    let all = files.iter().map(|file| match file.global.single(global::TX_MODIFIABLE) {
        Some([flags]) => *flags,
        _ => 0,
    });
    let (allowed, warned) = all.fold((PERMISSIONS, 0), |(allowed, warned), flags| (allowed & flags, warned | flags));
    allowed | (warned & !PERMISSIONS)
}
