//! Stores: where records outlive the process (`docs/protocol.md` §7.1).

mod memory;
mod redb;

use std::sync::Arc;

use motet_coordinator::{Pace, Record, Snapshot, StoreError};

pub use self::memory::MemoryStore;
pub use self::redb::RedbStore;

/// Durable storage. Calls block until the medium has the data.
pub trait Store: Send + Sync + core::fmt::Debug {
    /// The pace of [`Store::commit`]: it may wait for a medium.
    fn pace(&self) -> Pace {
        Pace::Waits
    }

    /// Writes all records or none. Of requests that have ended long ago, all but the newest
    /// [`motet_coordinator::limits::ENDED_REQUESTS`] are forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError`], after which nothing of the step that asked for it happens.
    fn commit(&self, records: &[Record]) -> Result<(), StoreError>;

    /// The records of earlier runs.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn load(&self) -> Result<Snapshot, StoreError>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn pace(&self) -> Pace {
        (**self).pace()
    }

    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        (**self).commit(records)
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        (**self).load()
    }
}
