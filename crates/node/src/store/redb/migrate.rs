//! From earlier versions of the schema to today's.
//!
//! Version 1 had `issued` and `spent` under the session id (32) and the signer (33), and `requests` with the frames of
//! those that had not ended. A session id does not tell its request; those of open requests are found by trying the
//! attempts that there can have been. What belongs to no open request is of no use to anybody.

use motet_coordinator::StoreError;
use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, AttemptId, RequestId};
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::{ISSUED, SPENT, damaged, failed, joined, slot};

const OLD_ISSUED: TableDefinition<'_, &[u8; 65], &[u8; 32]> = TableDefinition::new("issued");
const OLD_SPENT: TableDefinition<'_, &[u8; 65], &[u8]> = TableDefinition::new("spent");
const OLD_REQUESTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("requests");
/// More attempts than version 1 ever began.
const ATTEMPTS: u32 = 64;

/// Brings a store of version 1 up to date. Approvals were not recorded then: open requests are asked about again.
pub(super) fn from_1(transaction: &WriteTransaction) -> Result<(), StoreError> {
    {
        let old_issued = transaction.open_table(OLD_ISSUED).map_err(failed)?;
        let old_spent = transaction.open_table(OLD_SPENT).map_err(failed)?;
        let requests = transaction.open_table(OLD_REQUESTS).map_err(failed)?;
        let mut issued = transaction.open_table(ISSUED).map_err(failed)?;
        let mut spent = transaction.open_table(SPENT).map_err(failed)?;
        for entry in requests.iter().map_err(failed)? {
            let (key, _) = entry.map_err(failed)?;
            let request = RequestId::from_bytes(*key.value());
            for attempt in (0..ATTEMPTS).map(Attempt) {
                let session = AttemptId::derive(&request, attempt);
                let [first, last]: [[u8; 65]; 2] = [[0; 33], [0xff; 33]].map(|key| joined(session.as_bytes(), &key));
                for entry in old_issued.range::<&[u8; 65]>(&first..=&last).map_err(failed)? {
                    let (key, nonces) = entry.map_err(failed)?;
                    issued.insert(&slot(&request, attempt, &signer(key.value())?), nonces.value()).map_err(failed)?;
                }
                for entry in old_spent.range::<&[u8; 65]>(&first..=&last).map_err(failed)? {
                    let (key, frame) = entry.map_err(failed)?;
                    spent.insert(&slot(&request, attempt, &signer(key.value())?), frame.value()).map_err(failed)?;
                }
            }
        }
    }
    transaction.delete_table(OLD_ISSUED).map_err(failed)?;
    transaction.delete_table(OLD_SPENT).map_err(failed)?;
    transaction.delete_table(OLD_REQUESTS).map_err(failed)?;
    Ok(())
}

fn signer(key: &[u8; 65]) -> Result<PublicKey, StoreError> {
    let (_, signer) = key.split_first_chunk::<32>().ok_or_else(damaged)?;
    PublicKey::from_slice(signer).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;
    use redb::Database;

    use super::super::{META, RedbStore, Store};
    use super::*;

    #[test]
    fn what_version_1_has_issued_and_spent_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let signer = SecretKey::from_bytes(&[1; 32]).unwrap().public_key();
        let (open, ended) = (RequestId::from_bytes([2; 32]), RequestId::from_bytes([3; 32]));
        let database = Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            transaction.open_table(META).unwrap().insert("schema", 1).unwrap();
            transaction.open_table(OLD_REQUESTS).unwrap().insert(open.as_bytes(), [7].as_slice()).unwrap();
            let mut issued = transaction.open_table(OLD_ISSUED).unwrap();
            for (request, attempt) in [(open, 0), (open, 1), (ended, 0)] {
                let session = AttemptId::derive(&request, Attempt(attempt));
                let key: [u8; 65] = joined(session.as_bytes(), &signer.to_bytes());
                issued.insert(&key, &[4; 32]).unwrap();
                if attempt == 1 {
                    let mut spent = transaction.open_table(OLD_SPENT).unwrap();
                    spent.insert(&key, [5, 6].as_slice()).unwrap();
                }
            }
        }
        transaction.commit().unwrap();
        drop(database);

        let snapshot = RedbStore::open(&path).unwrap().load().unwrap();
        assert_eq!(snapshot.issued, [(open, Attempt(0), signer), (open, Attempt(1), signer)]);
        assert_eq!(snapshot.spent, [(open, Attempt(1), signer, [5, 6].as_slice().into())]);
        assert_eq!(snapshot.epoch, 0);
        assert_eq!(RedbStore::open(&path).unwrap().load().unwrap().epoch, 1);
    }
}
