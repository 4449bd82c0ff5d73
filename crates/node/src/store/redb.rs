//! A store in one file: redb, every commit synced before it returns.
//!
//! Keys are fixed arrays whose order is that of what they name, so that everything about one request lies together:
//!
//! | table | key | value |
//! |---|---|---|
//! | `delegated` | signer (33) | until when its newest message key is certified |
//! | `standings` | signer (33) | what is remembered of it (32) |
//! | `asked` | request (32) signer (33) | frame of the request |
//! | `approved` | request (32) signer (33) | digest of what was approved (32), frame of the request; it stays beside a result |
//! | `issued_attempts` | request (32) attempt (4, big-endian) signer (33) | hash of the public nonces (32) |
//! | `spent_attempts` | the same | frame of the partial signatures |
//! | `given_up` | request (32) | nothing: others may still complete it |
//! | `ended` | running number | request (32) |
//! | `results` | running number | the signatures of a request (`result.rs`) |
//! | `noted` | request (32) | nothing: the application has its signatures |
//! | `proofs` | running number | evidence of misbehaviour |
//! | `meta` | `schema`, `epoch` | number |
//!
//! Every page carries a checksum, but redb looks at them only after a crash. Here they are looked at whenever the file is
//! opened: a record that has changed on the disk, or has vanished from it, is an error, and not another state. What no
//! file can tell is that all of it is an older copy, or was removed. And where the pages of the last commit before a crash
//! are damaged, the file is as it was before that commit: the nonces of that commit died with the process. What redb makes
//! of a damaged file may be a panic, which is caught.

mod failed;
mod queue;
mod result;

use std::cmp::Ordering;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use motet_coordinator::{ProposalDigest, Record, Snapshot, Standing, StoreError};
use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, RequestId, TimestampMs};
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, WriteTransaction,
};

use failed::{damaged, failed};
use result::{NOTED, RESULTS};

use super::Store;

const DELEGATED: TableDefinition<'_, &[u8; 33], u64> = TableDefinition::new("delegated");
const STANDINGS: TableDefinition<'_, &[u8; 33], &[u8; 32]> = TableDefinition::new("standings");
const ASKED: TableDefinition<'_, &[u8; 65], &[u8]> = TableDefinition::new("asked");
const APPROVED: TableDefinition<'_, &[u8; 65], &[u8]> = TableDefinition::new("approved");
const ISSUED: TableDefinition<'_, &[u8; 69], &[u8; 32]> = TableDefinition::new("issued_attempts");
const SPENT: TableDefinition<'_, &[u8; 69], &[u8]> = TableDefinition::new("spent_attempts");
const GIVEN_UP: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("given_up");
const ENDED: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("ended");
const PROOFS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("proofs");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The version of the schema that this code reads and writes. Earlier versions were never released.
const SCHEMA: u64 = 6;

/// Records in a file. The file is locked: a second process is refused.
#[derive(Debug)]
pub struct RedbStore {
    path: PathBuf,
    /// None after the disk has failed: the file is opened anew before it is used again.
    database: Mutex<Option<Database>>,
    epoch: u64,
}

impl RedbStore {
    /// Opens or creates the file.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if another process has it open, it is of another version, it is damaged, or the disk refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        contained(|| {
            // A file of zero length counts as damaged, not as new: truncation would erase the list of issued nonces.
            let known = path.try_exists().map_err(failed)?;
            let (database, epoch) = if known {
                let database = open(path)?;
                let epoch = prepare(&database)?;
                (database, epoch)
            } else {
                create(path)?
            };
            Ok(Self { path: path.to_owned(), database: Mutex::new(Some(database)), epoch })
        })
    }

    /// Works on the file, which a failure of the disk closes: what is really on it is read anew afterwards.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut slot = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match slot.take() {
            Some(database) => database,
            None => open(&self.path)?,
        };
        let done = contained(|| work(&database));
        if done.is_ok() {
            *slot = Some(database);
        } else {
            // Closing it writes.
            contained(|| {
                drop(database);
                Ok(())
            })?;
        }
        done
    }
}

/// Opens the file, and looks at the checksums of all that is in it.
fn open(path: &Path) -> Result<Database, StoreError> {
    contained(|| {
        let mut database = Database::open(path).map_err(failed)?;
        // What it repairs is its own book-keeping: that the records themselves are damaged is an error.
        database.check_integrity().map_err(failed)?;
        // Where both of the roots that it keeps are damaged, it may go on with one that says that there is nothing.
        let meta = database.begin_read().map_err(failed)?.open_table(META).map_err(failed)?;
        let schema = meta.get("schema").map_err(failed)?;
        if schema.is_some() { Ok(database) } else { Err(spoilt()) }
    })
}

/// Makes the file under another name and gives it its own when it is whole, so that a crash on the way leaves no file that
/// would be taken for a damaged one.
fn create(path: &Path) -> Result<(Database, u64), StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let unborn = PathBuf::from(name);
    let database = match catch_unwind(|| Database::create(&unborn)) {
        Ok(Ok(database)) => database,
        Ok(Err(error @ DatabaseError::DatabaseAlreadyOpen)) => return Err(failed(error)),
        // The folder takes no file: there is nothing to begin anew with.
        Ok(Err(error)) if !unborn.try_exists().map_err(failed)? => return Err(failed(error)),
        // What a crash has left of an earlier attempt: nothing was ever stored in it.
        Ok(Err(_)) | Err(_) => {
            fs::remove_file(&unborn).map_err(failed)?;
            Database::create(&unborn).map_err(failed)?
        }
    };
    let epoch = prepare(&database)?;
    // Whoever holds the lock of the unborn file is alone, unless another has just been through here.
    if path.try_exists().map_err(failed)? {
        return Err(failed(DatabaseError::DatabaseAlreadyOpen));
    }
    fs::rename(&unborn, path).map_err(failed)?;
    // The name is to be as durable as what stands under it; only Unix opens folders.
    let folder = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    if let Some(folder) = folder.filter(|_| cfg!(unix)) {
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok((database, epoch))
}

/// Does something with the file. redb believes what it reads, and panics over some of what damage makes of it: an error
/// like any other, after which the file is not used any more.
fn contained<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(spoilt()))
}

/// Makes the tables of a new file, and notes that a process uses it; hands back how many processes did so before.
fn prepare(database: &Database) -> Result<u64, StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    let epoch = {
        let mut meta = transaction.open_table(META).map_err(failed)?;
        let number = |name: &str| -> Result<Option<u64>, StoreError> {
            Ok(meta.get(name).map_err(failed)?.map(|found| found.value()))
        };
        let (schema, epoch) = (number("schema")?, number("epoch")?.unwrap_or(0));
        match schema.map(|schema| schema.cmp(&SCHEMA)) {
            Some(Ordering::Less) => return Err(StoreError::Older),
            Some(Ordering::Greater) => return Err(StoreError::Newer),
            Some(Ordering::Equal) | None => {}
        }
        transaction.open_table(DELEGATED).map_err(failed)?;
        transaction.open_table(STANDINGS).map_err(failed)?;
        transaction.open_table(ASKED).map_err(failed)?;
        transaction.open_table(APPROVED).map_err(failed)?;
        transaction.open_table(ISSUED).map_err(failed)?;
        transaction.open_table(SPENT).map_err(failed)?;
        transaction.open_table(GIVEN_UP).map_err(failed)?;
        transaction.open_table(ENDED).map_err(failed)?;
        transaction.open_table(RESULTS).map_err(failed)?;
        transaction.open_table(NOTED).map_err(failed)?;
        transaction.open_table(PROOFS).map_err(failed)?;
        meta.insert("schema", SCHEMA).map_err(failed)?;
        meta.insert("epoch", epoch.saturating_add(1)).map_err(failed)?;
        epoch
    };
    transaction.commit().map_err(failed)?;
    Ok(epoch)
}

impl Store for RedbStore {
    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        self.with(|database| write(database, records))
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        self.with(|database| read(database, self.epoch))
    }
}

fn write(database: &Database, records: &[Record]) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    {
        let mut delegated = transaction.open_table(DELEGATED).map_err(failed)?;
        let mut standings = transaction.open_table(STANDINGS).map_err(failed)?;
        let mut asked = transaction.open_table(ASKED).map_err(failed)?;
        let mut approved = transaction.open_table(APPROVED).map_err(failed)?;
        let mut issued = transaction.open_table(ISSUED).map_err(failed)?;
        let mut spent = transaction.open_table(SPENT).map_err(failed)?;
        let mut given_up = transaction.open_table(GIVEN_UP).map_err(failed)?;
        for record in records {
            match record {
                Record::Delegated { signer, not_after } => {
                    delegated.insert(&signer.to_bytes(), not_after.0).map_err(failed)?;
                }
                Record::Standing { signer, standing: Some(standing) } => {
                    standings.insert(&signer.to_bytes(), &standing.to_bytes()).map_err(failed)?;
                }
                Record::Standing { signer, standing: None } => {
                    standings.remove(&signer.to_bytes()).map_err(failed)?;
                }
                Record::Asked { request, signer, frame } => {
                    asked.insert(&pair(request, signer), frame.as_ref()).map_err(failed)?;
                }
                Record::Approved { request, signer, digest, frame } => {
                    asked.remove(&pair(request, signer)).map_err(failed)?;
                    let value = [digest.to_bytes().as_slice(), frame].concat();
                    approved.insert(&pair(request, signer), value.as_slice()).map_err(failed)?;
                }
                Record::Issued { request, attempt, signer, nonces } => {
                    issued.insert(&slot(request, *attempt, signer), nonces).map_err(failed)?;
                }
                Record::Spent { request, attempt, signer, frame } => {
                    spent.insert(&slot(request, *attempt, signer), frame.as_ref()).map_err(failed)?;
                }
                Record::GivenUp { request } => {
                    given_up.insert(request.as_bytes(), ()).map_err(failed)?;
                }
                Record::Proved { evidence } => queue::append(&transaction, PROOFS, evidence, crate::limits::PROOFS)?,
                Record::Noted { request } => result::note(&transaction, request)?,
                Record::Ended { request, result } => {
                    let gone = match result {
                        Some(completed) => result::keep(&transaction, completed)?,
                        None => Some(*request),
                    };
                    given_up.remove(request.as_bytes()).map_err(failed)?;
                    forget_pairs(&mut asked, request)?;
                    if let Some(gone) = gone {
                        forget_pairs(&mut approved, &gone)?;
                    }
                    for request in end(&transaction, request)? {
                        forget(&mut issued, &request)?;
                        forget(&mut spent, &request)?;
                    }
                }
            }
        }
    }
    transaction.commit().map_err(failed)
}

fn read(database: &Database, epoch: u64) -> Result<Snapshot, StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    let mut snapshot = Snapshot { epoch, ..Snapshot::default() };
    each(&transaction, DELEGATED, |signer: &[u8; 33], not_after: u64| {
        let signer = PublicKey::from_bytes(signer).map_err(|_| damaged())?;
        snapshot.delegated.push((signer, TimestampMs(not_after)));
        Ok(())
    })?;
    each(&transaction, STANDINGS, |signer: &[u8; 33], standing: &[u8; 32]| {
        let signer = PublicKey::from_bytes(signer).map_err(|_| damaged())?;
        snapshot.standings.push((signer, Standing::from_bytes(standing)));
        Ok(())
    })?;
    each(&transaction, ASKED, |key: &[u8; 65], frame: &[u8]| {
        let (request, signer) = parse_pair(key)?;
        snapshot.asked.push((request, signer, Arc::from(frame)));
        Ok(())
    })?;
    each(&transaction, APPROVED, |key: &[u8; 65], value: &[u8]| {
        let (request, signer) = parse_pair(key)?;
        let (digest, frame) = value.split_first_chunk::<32>().ok_or_else(damaged)?;
        snapshot.approved.push((request, signer, ProposalDigest::from_bytes(*digest), Arc::from(frame)));
        Ok(())
    })?;
    each(&transaction, ISSUED, |key: &[u8; 69], _: &[u8; 32]| {
        snapshot.issued.push(parse_slot(key)?);
        Ok(())
    })?;
    each(&transaction, SPENT, |key: &[u8; 69], frame: &[u8]| {
        let (request, attempt, signer) = parse_slot(key)?;
        snapshot.spent.push((request, attempt, signer, Arc::from(frame)));
        Ok(())
    })?;
    each(&transaction, GIVEN_UP, |request: &[u8; 32], (): ()| {
        snapshot.given_up.push(RequestId::from_bytes(*request));
        Ok(())
    })?;
    each(&transaction, ENDED, |_: u64, request: &[u8; 32]| {
        snapshot.ended.push(RequestId::from_bytes(*request));
        Ok(())
    })?;
    each(&transaction, RESULTS, |_: u64, bytes: &[u8]| {
        snapshot.results.push(result::parse(bytes).ok_or_else(damaged)?);
        Ok(())
    })?;
    each(&transaction, NOTED, |request: &[u8; 32], (): ()| {
        snapshot.noted.push(RequestId::from_bytes(*request));
        Ok(())
    })?;
    each(&transaction, PROOFS, |_: u64, evidence: &[u8]| {
        snapshot.proofs.push(Arc::from(evidence));
        Ok(())
    })?;
    Ok(snapshot)
}

/// Notes that a request has ended; hands back those that have thereby become too old to be remembered.
fn end(transaction: &WriteTransaction, request: &RequestId) -> Result<Vec<RequestId>, StoreError> {
    let mut ended = transaction.open_table(ENDED).map_err(failed)?;
    let next = ended.last().map_err(failed)?.map_or(0, |(number, _)| number.value().saturating_add(1));
    ended.insert(next, request.as_bytes()).map_err(failed)?;
    let mut oldest = Vec::new();
    let most = u64::try_from(crate::limits::ENDED_REQUESTS).unwrap_or(u64::MAX);
    while ended.len().map_err(failed)? > most {
        let Some((_, request)) = ended.pop_first().map_err(failed)? else { break };
        oldest.push(RequestId::from_bytes(*request.value()));
    }
    Ok(oldest)
}

fn forget<V: redb::Value>(table: &mut Table<'_, &'static [u8; 69], V>, request: &RequestId) -> Result<(), StoreError> {
    let [first, last]: [[u8; 69]; 2] = [[0; 37], [0xff; 37]].map(|rest| joined(request.as_bytes(), &rest));
    table.retain_in::<&[u8; 69], _>(&first..=&last, |_, _| false).map_err(failed)
}

fn forget_pairs(
    table: &mut Table<'_, &'static [u8; 65], &'static [u8]>,
    request: &RequestId,
) -> Result<(), StoreError> {
    let [first, last]: [[u8; 65]; 2] = [[0; 33], [0xff; 33]].map(|signer| joined(request.as_bytes(), &signer));
    table.retain_in::<&[u8; 65], _>(&first..=&last, |_, _| false).map_err(failed)
}

/// Reads every entry of a table.
fn each<K: redb::Key + 'static, V: redb::Value + 'static>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
    mut take: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for entry in transaction.open_table(table).map_err(failed)?.iter().map_err(failed)? {
        let (key, value) = entry.map_err(failed)?;
        take(key.value(), value.value())?;
    }
    Ok(())
}

fn pair(request: &RequestId, signer: &PublicKey) -> [u8; 65] {
    joined(request.as_bytes(), &signer.to_bytes())
}

fn slot(request: &RequestId, attempt: Attempt, signer: &PublicKey) -> [u8; 69] {
    let rest: [u8; 37] = joined(&attempt.0.to_be_bytes(), &signer.to_bytes());
    joined(request.as_bytes(), &rest)
}

/// Two arrays as one; the caller's lengths add up.
fn joined<const LEFT: usize, const RIGHT: usize, const ALL: usize>(
    left: &[u8; LEFT],
    right: &[u8; RIGHT],
) -> [u8; ALL] {
    const { assert!(LEFT + RIGHT == ALL, "the lengths add up") };
    let mut all = [0; ALL];
    for (to, from) in all.iter_mut().zip(left.iter().chain(right)) {
        *to = *from;
    }
    all
}

fn parse_pair(key: &[u8; 65]) -> Result<(RequestId, PublicKey), StoreError> {
    let (request, signer) = key.split_first_chunk::<32>().ok_or_else(damaged)?;
    Ok((RequestId::from_bytes(*request), PublicKey::from_slice(signer).map_err(|_| damaged())?))
}

fn parse_slot(key: &[u8; 69]) -> Result<(RequestId, Attempt, PublicKey), StoreError> {
    let (request, rest) = key.split_first_chunk::<32>().ok_or_else(damaged)?;
    let (attempt, signer) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    let signer = PublicKey::from_slice(signer).map_err(|_| damaged())?;
    Ok((RequestId::from_bytes(*request), Attempt(u32::from_be_bytes(*attempt)), signer))
}

fn spoilt() -> StoreError {
    StoreError::Damaged("the file makes no sense".to_owned())
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;

    use super::*;

    #[test]
    fn what_a_crash_at_the_very_first_start_has_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let (path, unborn) = (folder.path().join("store"), folder.path().join("store.new"));
        for left in [&b""[..], b"redb", &[7; 5000]] {
            fs::write(&unborn, left).unwrap();
            let store = RedbStore::open(&path).unwrap();
            assert!(!unborn.exists());
            assert_eq!(RedbStore::open(&path).unwrap_err(), StoreError::InUse);
            drop(store);
            assert_eq!(RedbStore::open(&path).unwrap().load().unwrap().epoch, 1);
            fs::remove_file(&path).unwrap();
        }
        // A whole one that only lacks its name.
        drop(RedbStore::open(&path).unwrap());
        fs::rename(&path, &unborn).unwrap();
        let other = Database::open(&unborn).unwrap();
        assert_eq!(RedbStore::open(&path).unwrap_err(), StoreError::InUse);
        drop(other);
        RedbStore::open(&path).unwrap();
    }

    #[test]
    fn a_file_of_another_schema_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        for (schema, refusal) in [(1, StoreError::Older), (5, StoreError::Older), (7, StoreError::Newer)] {
            drop(RedbStore::open(&path).unwrap());
            let database = Database::open(&path).unwrap();
            let transaction = database.begin_write().unwrap();
            transaction.open_table(META).unwrap().insert("schema", schema).unwrap();
            transaction.commit().unwrap();
            drop(database);
            assert_eq!(RedbStore::open(&path).unwrap_err(), refusal, "schema {schema}");
            let database = Database::open(&path).unwrap();
            let meta = database.begin_read().unwrap().open_table(META).unwrap();
            assert_eq!(meta.get("schema").unwrap().unwrap().value(), schema);
            assert_eq!(meta.get("epoch").unwrap().unwrap().value(), 1);
            drop((meta, database));
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_damaged_or_emptied_file_is_refused_and_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let signer = SecretKey::from_bytes(&[1; 32]).unwrap().public_key();
        let request = RequestId::from_bytes([0xa7; 32]);
        let issued = Record::Issued { request, attempt: Attempt(0), signer, nonces: [4; 32] };
        let store = RedbStore::open(&path).unwrap();
        store.commit(&[issued]).unwrap();
        drop(store);
        let sound = fs::read(&path).unwrap();
        assert_eq!(RedbStore::open(&path).unwrap().load().unwrap().issued, [(request, Attempt(0), signer)]);

        // Another attempt than the one that was issued.
        let key = sound.windows(32).position(|bytes| bytes == request.as_bytes()).unwrap();
        for damaged in [key, key + 31, key + 35] {
            let mut bytes = sound.clone();
            bytes[damaged] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert!(matches!(RedbStore::open(&path), Err(StoreError::Damaged(_))));
            // It is not repaired by forgetting, either.
            assert!(matches!(RedbStore::open(&path), Err(StoreError::Damaged(_))));
        }
        fs::write(&path, []).unwrap();
        assert!(matches!(RedbStore::open(&path), Err(StoreError::Damaged(_))));
        fs::write(&path, sound).unwrap();
        assert_eq!(RedbStore::open(&path).unwrap().load().unwrap().issued.len(), 1);
    }
}
