//! A store in one file: redb, every commit synced before it returns.

use std::path::Path;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{RequestId, SessionId};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Record, Snapshot, Store, StoreError};

/// Session and signer -> hash of the public nonces.
const ISSUED: TableDefinition<'_, &[u8; 65], &[u8; 32]> = TableDefinition::new("issued");
/// Session and signer -> the frame that carries the partial signatures.
const SPENT: TableDefinition<'_, &[u8; 65], &[u8]> = TableDefinition::new("spent");
/// Request id -> its frame.
const REQUESTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("requests");
/// Name -> number; so far the version of the schema.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The version of the schema that this code reads and writes.
const SCHEMA: u64 = 1;

/// Records in a file. The file is locked: a second process is refused.
#[derive(Debug)]
pub struct RedbStore {
    database: Database,
}

impl RedbStore {
    /// Opens or creates the file.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if another process has it open, it is of a newer version, or the disk refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(failed)?;
        let transaction = database.begin_write().map_err(failed)?;
        {
            let mut meta = transaction.open_table(META).map_err(failed)?;
            let found = meta.get("schema").map_err(failed)?.map(|version| version.value());
            if found.is_some_and(|version| version > SCHEMA) {
                return Err(StoreError("it was written by a newer version".to_owned()));
            }
            meta.insert("schema", SCHEMA).map_err(failed)?;
            transaction.open_table(ISSUED).map_err(failed)?;
            transaction.open_table(SPENT).map_err(failed)?;
            transaction.open_table(REQUESTS).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(Self { database })
    }
}

impl Store for RedbStore {
    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(failed)?;
        {
            let mut issued = transaction.open_table(ISSUED).map_err(failed)?;
            let mut spent = transaction.open_table(SPENT).map_err(failed)?;
            let mut requests = transaction.open_table(REQUESTS).map_err(failed)?;
            for record in records {
                match record {
                    Record::Issued { session, signer, nonces, .. } => {
                        issued.insert(&slot(session, signer), nonces).map_err(failed)?;
                    }
                    Record::Spent { session, signer, frame, .. } => {
                        spent.insert(&slot(session, signer), frame.as_ref()).map_err(failed)?;
                    }
                    Record::Request { request, frame } => {
                        requests.insert(request.as_bytes(), frame.as_ref()).map_err(failed)?;
                    }
                    Record::Ended { request } => {
                        requests.remove(request.as_bytes()).map_err(failed)?;
                    }
                }
            }
        }
        transaction.commit().map_err(failed)
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let mut snapshot = Snapshot::default();
        for entry in transaction.open_table(ISSUED).map_err(failed)?.iter().map_err(failed)? {
            let (key, _) = entry.map_err(failed)?;
            snapshot.issued.push(parse_slot(key.value())?);
        }
        for entry in transaction.open_table(SPENT).map_err(failed)?.iter().map_err(failed)? {
            let (key, frame) = entry.map_err(failed)?;
            let (session, signer) = parse_slot(key.value())?;
            snapshot.spent.push((session, signer, Arc::from(frame.value())));
        }
        for entry in transaction.open_table(REQUESTS).map_err(failed)?.iter().map_err(failed)? {
            let (request, frame) = entry.map_err(failed)?;
            snapshot.requests.push((RequestId::from_bytes(*request.value()), Arc::from(frame.value())));
        }
        Ok(snapshot)
    }
}

fn slot(session: &SessionId, signer: &PublicKey) -> [u8; 65] {
    let mut key = [0; 65];
    let (left, right) = key.split_at_mut(32);
    left.copy_from_slice(session.as_bytes());
    right.copy_from_slice(&signer.to_bytes());
    key
}

fn parse_slot(key: &[u8; 65]) -> Result<(SessionId, PublicKey), StoreError> {
    let corrupt = || StoreError("a record is damaged".to_owned());
    let (session, signer) = key.split_first_chunk::<32>().ok_or_else(corrupt)?;
    let signer = PublicKey::from_slice(signer).map_err(|_| corrupt())?;
    Ok((SessionId::from_bytes(*session), signer))
}

fn failed(error: impl core::fmt::Display) -> StoreError {
    StoreError(error.to_string())
}
