//! A store that lasts as long as the process: for throw-away keys, demonstrations and tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use motet_core_crypto::PublicKey;
use motet_wire::{RequestId, SessionId};

use super::{Record, Snapshot, Store, StoreError};

/// Records in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    issued: BTreeMap<(SessionId, PublicKey), [u8; 32]>,
    spent: BTreeMap<(SessionId, PublicKey), Arc<[u8]>>,
    requests: BTreeMap<RequestId, Arc<[u8]>>,
}

impl Store for MemoryStore {
    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            match record {
                Record::Issued { session, signer, nonces, .. } => {
                    tables.issued.insert((*session, *signer), *nonces);
                }
                Record::Spent { session, signer, frame, .. } => {
                    tables.spent.insert((*session, *signer), Arc::clone(frame));
                }
                Record::Request { request, frame } => {
                    tables.requests.insert(*request, Arc::clone(frame));
                }
                Record::Ended { request } => {
                    tables.requests.remove(request);
                }
            }
        }
        Ok(())
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Snapshot {
            issued: tables.issued.keys().copied().collect(),
            spent: tables
                .spent
                .iter()
                .map(|((session, signer), frame)| (*session, *signer, Arc::clone(frame)))
                .collect(),
            requests: tables.requests.iter().map(|(request, frame)| (*request, Arc::clone(frame))).collect(),
        })
    }
}
