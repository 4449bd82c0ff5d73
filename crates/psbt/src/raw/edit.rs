//! Changes of a PSBT: entries that are added, replaced or removed. The transaction itself cannot be changed.

use super::RawPsbt;
use crate::form::{Presence, global};
use crate::limits::MAP_ENTRIES_MAX;
use crate::malformed::Malformed;
use crate::map::{Key, MapId, Place, check_entry};

/// The reason why a PSBT was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no such input or output.
    #[error("there is no {map}")]
    NoMap {
        /// The map.
        map: MapId,
    },
    /// The entry is not a value of its field.
    #[error("{place}: {problem}")]
    Field {
        /// The entry.
        place: Place,
        /// The reason.
        problem: Malformed,
    },
    /// The field belongs to the transaction or to the form of the file, and these do not change.
    #[error("{0}: the field is a part of the transaction, which cannot be changed")]
    Transaction(Place),
    /// Another value stands under the key.
    #[error("{0}: another value is there already")]
    Different(Place),
    /// The map is full.
    #[error("{map}: more than 10000 entries")]
    TooManyEntries {
        /// The map.
        map: MapId,
    },
}

impl RawPsbt {
    /// Adds an entry. An equal one that is there already is not an error.
    ///
    /// # Errors
    ///
    /// [`EditError`]; [`EditError::Different`] if the key has another value.
    pub fn add(&mut self, map: MapId, key: Key, value: Vec<u8>) -> Result<(), EditError> {
        match self.map(map).and_then(|found| found.value(&key)) {
            Some(found) if found != value => Err(EditError::Different(Place::new(map, key))),
            Some(_) => Ok(()),
            None => self.set(map, key, value),
        }
    }

    /// Adds an entry, or replaces the value of its key.
    ///
    /// # Errors
    ///
    /// [`EditError`].
    pub fn set(&mut self, map: MapId, key: Key, value: Vec<u8>) -> Result<(), EditError> {
        let place = Place::new(map, key.clone());
        let field =
            check_entry(map, &key, &value).map_err(|problem| EditError::Field { place: place.clone(), problem })?;
        if is_of_transaction(map, &key, field.map(|field| field.presence)) {
            return Err(EditError::Transaction(place));
        }
        let target = self.map_mut(map).ok_or(EditError::NoMap { map })?;
        if target.len() >= MAP_ENTRIES_MAX && target.value(&key).is_none() {
            return Err(EditError::TooManyEntries { map });
        }
        target.put(key, value);
        Ok(())
    }

    /// Removes the entries of a map whose keys are chosen. Fields of the transaction are kept.
    ///
    /// # Errors
    ///
    /// [`EditError::NoMap`].
    pub fn remove(&mut self, map: MapId, is_chosen: impl Fn(&Key) -> bool) -> Result<(), EditError> {
        let kept = |key: &Key| {
            let presence = crate::form::field(map.kind(), key.kind()).map(|field| field.presence);
            is_of_transaction(map, key, presence) || !is_chosen(key)
        };
        self.map_mut(map).ok_or(EditError::NoMap { map })?.retain(kept);
        Ok(())
    }
}

/// True if a field decides what the transaction is, or how the file is to be read. The flags that allow changes decide neither.
fn is_of_transaction(map: MapId, key: &Key, presence: Option<Presence>) -> bool {
    let is_flags = map == MapId::Global && key.kind() == global::TX_MODIFIABLE;
    !is_flags && presence.is_some_and(|presence| presence != Presence::Optional)
}
