//! A store that lasts as long as the process: for throw-away keys, demonstrations and tests.

use std::sync::{Mutex, PoisonError};

use motet_coordinator::{Pace, Record, Records, Snapshot, StoreError};

use super::Store;

/// Records in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    records: Records,
    loads: u64,
}

impl Store for MemoryStore {
    fn pace(&self) -> Pace {
        Pace::Computes
    }

    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            contents.records.write(record);
        }
        Ok(())
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = contents.loads;
        contents.loads = epoch.saturating_add(1);
        Ok(contents.records.snapshot(epoch))
    }
}
