//! The entries of a keystore, in the order of their names.

use crate::entry::{Entry, KeyName};
use crate::limits::ENTRIES;

/// An entry is not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// Another entry has the name.
    #[error("the keystore has a key with the name {0} already")]
    NameTaken(KeyName),
    /// The keystore is full.
    #[error("the keystore has {ENTRIES} keys, and no more are possible")]
    Full,
}

/// The entries of one file. It cannot be cloned, and its secrets are overwritten when it is dropped.
///
/// ```compile_fail
/// fn twice(keystore: motet_keystore::Keystore) -> [motet_keystore::Keystore; 2] {
///     [keystore.clone(), keystore]
/// }
/// ```
#[derive(Debug, Default)]
pub struct Keystore {
    entries: Vec<Entry>,
}

impl Keystore {
    /// A keystore without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Entries that are in order.
    pub(crate) const fn of(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// All entries, in the order of their names.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry with a name.
    #[must_use]
    pub fn get(&self, name: &KeyName) -> Option<&Entry> {
        self.place(name).ok().and_then(|place| self.entries.get(place))
    }

    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// [`AddError`]. The keystore is as before.
    pub fn add(&mut self, entry: Entry) -> Result<(), AddError> {
        let Err(place) = self.place(&entry.name) else { return Err(AddError::NameTaken(entry.name)) };
        if self.entries.len() >= ENTRIES {
            return Err(AddError::Full);
        }
        self.entries.insert(place, entry);
        Ok(())
    }

    /// Takes an entry out.
    pub fn remove(&mut self, name: &KeyName) -> Option<Entry> {
        self.place(name).ok().map(|place| self.entries.remove(place))
    }

    /// The place of a name, or the one where it would be.
    fn place(&self, name: &KeyName) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.name.cmp(name))
    }
}
