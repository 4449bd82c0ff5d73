//! The store's file, damaged: opening and loading it ends in an error or in what was stored, never in a panic, a hang or
//! unbounded memory, and never in a state in which something that was issued or spent has vanished.
//!
//! [`file()`] damages pages. [`records()`] writes records that nobody would write, in today's schema and in others.
//!
//! What no file can tell: that all of it is an older copy. And one thing that redb does not record: whether the last
//! commit before a crash, which took a sync, was complete. Where that commit's pages are damaged after a crash, the file
//! is what it was before that commit, as if the crash had come a moment earlier. The nonces of that commit died with the
//! process, so that none is used twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use motet_core_crypto::{PublicKey, SecretKey, Signature};
use motet_node::event::{Completed, SignedItem};
use motet_node::{ProposalDigest, Record, RedbStore, Snapshot, Store, StoreError};
use motet_wire::{Attempt, AttemptId, RequestId, TimestampMs};
use redb::{Database, TableDefinition};

const PAGE: usize = 4096;

static KEYS: LazyLock<Vec<PublicKey>> =
    LazyLock::new(|| (1..=3).map(|byte| SecretKey::from_bytes(&[byte; 32]).expect("a scalar").public_key()).collect());

/// Where files lie: in memory where that can be, since every run writes one.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = tempfile::Builder::new().prefix("motet-fuzz").tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).expect("a folder")
});

/// A file of this thread's own.
fn path() -> PathBuf {
    FOLDER.path().join(format!("{:?}", std::thread::current().id()))
}

fn request(byte: u8) -> RequestId {
    RequestId::from_bytes([byte; 32])
}

/// What a node stores in a few sessions, a commit at a time.
fn history() -> Vec<Vec<Record>> {
    let [anna, ben, carl] = KEYS.as_slice() else { return Vec::new() };
    let approved = |byte: u8, signer: &PublicKey| Record::Approved {
        request: request(byte),
        signer: *signer,
        digest: ProposalDigest::from_bytes([byte; 32]),
        frame: vec![byte; 700].into(),
    };
    let issued = |byte: u8, attempt: u32, signer: &PublicKey| Record::Issued {
        request: request(byte),
        attempt: Attempt(attempt),
        signer: *signer,
        nonces: [byte; 32],
    };
    let spent = |byte: u8, attempt: u32, signer: &PublicKey| Record::Spent {
        request: request(byte),
        attempt: Attempt(attempt),
        signer: *signer,
        frame: vec![byte; 300].into(),
    };
    let mut commits = vec![
        vec![Record::Delegated { signer: *anna, not_after: TimestampMs(1_000) }],
        vec![Record::Asked { request: request(1), signer: *anna, frame: vec![1; 700].into() }],
        vec![approved(1, anna), issued(1, 0, anna)],
        vec![approved(2, anna), approved(2, ben), issued(2, 0, anna), issued(2, 0, ben)],
        vec![issued(2, 1, anna)],
        vec![spent(1, 0, anna)],
        vec![Record::Delegated { signer: *ben, not_after: TimestampMs(5_000) }, spent(2, 1, anna)],
        vec![Record::Ended { request: request(1), result: Some(result(1)) }],
        vec![Record::GivenUp { request: request(2) }],
    ];
    // Enough for trees with more than one page.
    for byte in 10..40 {
        commits.push(vec![approved(byte, carl), issued(byte, 0, carl), spent(byte, 0, carl)]);
    }
    commits
}

/// Signatures of one item.
fn result(byte: u8) -> Completed {
    let signer = SecretKey::from_bytes(&[byte; 32]).expect("a scalar").public_key();
    let item = SignedItem {
        aggregate_key: signer.x_only(),
        message: vec![byte; 40],
        signature: Signature::from_bytes(&[byte; 64]),
    };
    Completed { request: request(byte), session: AttemptId::derive(&request(byte), Attempt(0)), items: vec![item] }
}

/// A file as it lay on the disk, and what it held.
#[derive(Debug)]
struct Image {
    bytes: Vec<u8>,
    snapshot: Snapshot,
    /// Whether it was left as in a crash.
    crashed: bool,
    /// Pages that hold anything.
    used: Vec<usize>,
}

static IMAGES: LazyLock<Vec<Image>> = LazyLock::new(|| {
    let path = FOLDER.path().join("history");
    let mut images = Vec::new();
    let mut keep = |path: &Path, snapshot: Snapshot, crashed: bool| {
        let bytes = std::fs::read(path).expect("a file");
        let used = bytes.chunks(PAGE).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0));
        let used = used.map(|(page, _)| page).collect();
        images.push(Image { bytes, snapshot, crashed, used });
    };
    let store = RedbStore::open(&path).expect("a new file");
    keep(&path, store.load().expect("an empty store"), true);
    for commit in history() {
        store.commit(&commit).expect("room");
        keep(&path, store.load().expect("what was stored"), true);
    }
    let last = store.load().expect("what was stored");
    drop(store);
    keep(&path, last, false);
    images
});

/// The records of a snapshot, whatever process looks at them.
fn content(snapshot: &Snapshot) -> Snapshot {
    Snapshot { epoch: 0, ..snapshot.clone() }
}

fn open(path: &Path) -> Result<(RedbStore, Snapshot), StoreError> {
    let store = RedbStore::open(path)?;
    let snapshot = store.load()?;
    Ok((store, snapshot))
}

/// Any bytes as damage: which image, then changes of five bytes (what, which page, where, how).
pub fn file(data: &[u8]) {
    let Some((which, changes)) = data.split_first() else { return };
    let which = usize::from(*which) % IMAGES.len();
    let image = &IMAGES[which];
    let earlier = |by: usize| which.checked_sub(by).map(|before| &IMAGES[before]).filter(|_| image.crashed);
    let before = earlier(1);
    let mut bytes = image.bytes.clone();
    // Whether all that was changed is that pages of the last commit are missing, as after a loss of power.
    let (mut torn, mut changed, mut missing) = (true, false, false);
    for change in changes.chunks_exact(5).take(64) {
        let [what, page, high, low, how] = *change else { return };
        let page = image.used[usize::from(page) % image.used.len()];
        let within = usize::from(u16::from_be_bytes([high, low])) % PAGE;
        let at = page * PAGE + within;
        let range = page * PAGE..((page + 1) * PAGE).min(bytes.len());
        match what % 8 {
            0..=2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= how;
                    changed |= how != 0;
                }
            }
            3 => {
                if let Some(bytes) = bytes.get_mut(range) {
                    bytes.fill(0);
                    changed = true;
                }
            }
            4 => {
                bytes.truncate(if how.is_multiple_of(2) { at } else { page * PAGE });
                changed = true;
            }
            5 => {
                bytes.resize(bytes.len() + usize::from(how) * 512, 0);
                changed = true;
            }
            // Two pages change places.
            6 => {
                let other = image.used[usize::from(how) % image.used.len()] * PAGE;
                for offset in 0..PAGE {
                    if page * PAGE + offset < bytes.len() && other + offset < bytes.len() {
                        bytes.swap(page * PAGE + offset, other + offset);
                    }
                }
                changed = true;
            }
            // The page has not been written by the last commit: all of it, or a sector.
            _ => {
                let Some(before) = before.filter(|before| before.bytes.len() == bytes.len()) else {
                    continue;
                };
                let range = if how.is_multiple_of(2) { range } else { at / 512 * 512..(at / 512 + 1) * 512 };
                if let (Some(to), Some(from)) = (bytes.get_mut(range.clone()), before.bytes.get(range)) {
                    to.copy_from_slice(from);
                    missing = true;
                }
            }
        }
        torn &= !changed;
    }
    let path = path();
    std::fs::write(&path, &bytes).expect("room");
    let (store, found) = match open(&path) {
        Ok(opened) => opened,
        Err(error) => return assert!(!torn, "a file whose last commit was cut short is refused: {error}"),
    };
    let found = content(&found);
    let holds = |image: &Image| content(&image.snapshot) == found;
    // Where the last commit is missing, the one before it is the last, and may be damaged.
    let before = before.is_some_and(holds) || (missing && earlier(2).is_some_and(holds));
    let held = || IMAGES.iter().position(holds);
    assert!(holds(image) || before, "file {which}, damaged, holds what file {:?} did: {found:?}", held());
    // What is stored from here on is there afterwards, beside all the rest.
    let more = Record::Issued { request: request(99), attempt: Attempt(7), signer: KEYS[0], nonces: [3; 32] };
    if store.commit(core::slice::from_ref(&more)).is_err() {
        return;
    }
    drop(store);
    let (_, after) = open(&path).expect("a file that was written to is read");
    let mut expected = found;
    expected.issued.push((request(99), Attempt(7), KEYS[0]));
    assert_eq!(content(&after), expected, "what was stored after damage");
}

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const DELEGATED: TableDefinition<'_, &[u8; 33], u64> = TableDefinition::new("delegated");
const STANDINGS: TableDefinition<'_, &[u8; 33], &[u8; 32]> = TableDefinition::new("standings");
const APPROVED: TableDefinition<'_, &[u8; 65], &[u8]> = TableDefinition::new("approved");
const ISSUED: TableDefinition<'_, &[u8; 69], &[u8; 32]> = TableDefinition::new("issued_attempts");
const SPENT: TableDefinition<'_, &[u8; 69], &[u8]> = TableDefinition::new("spent_attempts");
const ENDED: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("ended");
const GIVEN_UP: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("given_up");
/// A table of another type than the store's.
const STRANGE: [TableDefinition<'_, u64, &str>; 3] =
    [TableDefinition::new("issued_attempts"), TableDefinition::new("given_up"), TableDefinition::new("ended")];
/// The schema of today.
const SCHEMA: u8 = 6;

/// What was written by hand.
#[derive(Debug, Default)]
struct Written {
    issued: BTreeMap<[u8; 69], [u8; 32]>,
    spent: BTreeMap<[u8; 69], Vec<u8>>,
    given_up: BTreeSet<[u8; 32]>,
    strange: bool,
}

/// Any bytes as records: the schema's version, then a record each of six bytes (table, request, attempt, signer, length,
/// filling).
pub fn records(data: &[u8]) {
    let Some((schema, rest)) = data.split_first() else { return };
    let path = path();
    drop(std::fs::remove_file(&path));
    // No schema, the one before today's, today's in most cases, and the one after.
    let schema = [0, SCHEMA - 1, SCHEMA, SCHEMA, SCHEMA + 1][usize::from(schema % 5)];
    let written = write(&path, schema, rest).expect("a new file");
    let opened = open(&path).map(|(_, found)| found);
    let found = match opened {
        Ok(found) => found,
        Err(error) => {
            // A file that says of no version is none that a node has written.
            let bad = schema != SCHEMA || written.strange || has_unreadable(rest);
            return assert!(bad, "sound records are refused: {error}");
        }
    };
    assert_eq!(schema, SCHEMA, "a file of another schema was read");
    // Nothing that was issued, spent or given up has vanished.
    for key in written.issued.keys() {
        let (request, attempt, signer) = slot(key).expect("a key that was read");
        assert!(found.issued.contains(&(request, attempt, signer)), "an issued attempt has vanished");
    }
    for (key, frame) in &written.spent {
        let (request, attempt, signer) = slot(key).expect("a key that was read");
        let entry = (request, attempt, signer, frame.as_slice().into());
        assert!(found.spent.contains(&entry), "a spent attempt has vanished");
    }
    for request in &written.given_up {
        assert!(found.given_up.contains(&RequestId::from_bytes(*request)), "a request that was given up has vanished");
    }
    let (_, again) = open(&path).expect("what was read once is read again");
    assert_eq!(content(&again), content(&found), "reading twice gives two answers");
    assert_eq!(again.epoch, found.epoch.saturating_add(1), "every process has a number of its own");
}

fn slot(key: &[u8; 69]) -> Option<(RequestId, Attempt, PublicKey)> {
    let (request, rest) = key.split_first_chunk::<32>()?;
    let (attempt, signer) = rest.split_first_chunk::<4>()?;
    let signer = PublicKey::from_slice(signer).ok()?;
    Some((RequestId::from_bytes(*request), Attempt(u32::from_be_bytes(*attempt)), signer))
}

fn signer(choice: u8) -> [u8; 33] {
    match choice % 8 {
        // No point of the curve, nor a number of the toy's.
        6 => [0xff; 33],
        7 => [0; 33],
        choice => KEYS[usize::from(choice) % KEYS.len()].to_bytes(),
    }
}

/// Whether any of these records is one that nobody can read: it has no signer, or no digest.
fn has_unreadable(rest: &[u8]) -> bool {
    rest.chunks_exact(6).any(|record| record[3] % 8 >= 6 || (record[0] % 12 == 2 && record[4] < 32))
}

fn write(path: &Path, schema: u8, rest: &[u8]) -> Result<Written, redb::Error> {
    let mut written = Written::default();
    let database = Database::create(path)?;
    let transaction = database.begin_write()?;
    if schema > 0 {
        let mut meta = transaction.open_table(META)?;
        meta.insert("schema", u64::from(schema))?;
    }
    for record in rest.chunks_exact(6).take(64) {
        let [table, which, attempt, who, length, filling] = *record else { break };
        let (id, who) = ([which % 4; 32], signer(who));
        let value = vec![filling; usize::from(length)];
        let attempt = if attempt < 250 { u32::from(attempt % 4) } else { u32::MAX - u32::from(attempt % 2) };
        let slot: [u8; 69] = [id.as_slice(), &attempt.to_be_bytes(), &who].concat().try_into().expect("69 bytes");
        let pair: [u8; 65] = [id.as_slice(), &who].concat().try_into().expect("65 bytes");
        // Another type under a name that is taken is refused, which is as well.
        match table % 12 {
            0 => drop(transaction.open_table(DELEGATED)?.insert(&who, u64::from(filling) << 56)?),
            1 => drop(transaction.open_table(STANDINGS)?.insert(&who, &[filling; 32])?),
            2 => drop(transaction.open_table(APPROVED)?.insert(&pair, value.as_slice())?),
            3 | 4 => {
                if let Ok(mut table) = transaction.open_table(ISSUED) {
                    table.insert(&slot, &[filling; 32])?;
                    written.issued.insert(slot, [filling; 32]);
                }
            }
            5 => {
                transaction.open_table(SPENT)?.insert(&slot, value.as_slice())?;
                written.spent.insert(slot, value);
            }
            6 => {
                if let Ok(mut table) = transaction.open_table(ENDED) {
                    table.insert(u64::MAX - u64::from(attempt), &id)?;
                }
            }
            7 => drop(transaction.open_table(META)?.insert("epoch", u64::MAX >> (filling % 64))?),
            8..=10 => {
                if let Ok(mut table) = transaction.open_table(GIVEN_UP) {
                    table.insert(&id, ())?;
                    written.given_up.insert(id);
                }
            }
            _ => {
                let strange = STRANGE[usize::from(filling) % STRANGE.len()];
                if let Ok(mut table) = transaction.open_table(strange) {
                    table.insert(u64::from(attempt), "strange")?;
                    written.strange = true;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(written)
}

/// Every image as it is, with its last commit missing in part, and with a flipped bit here and there.
pub fn file_seeds() -> Vec<Vec<u8>> {
    let images = IMAGES.len() as u8;
    let mut seeds: Vec<Vec<u8>> = (0..images).step_by(6).map(|which| vec![which]).collect();
    for which in (1..images).step_by(4) {
        seeds.push([vec![which], vec![7, which, 0, 0, 0], vec![7, 0, 0, 0, 0]].concat());
        seeds.push([vec![which], vec![0, which, 0, 77, 4]].concat());
    }
    for (page, at) in [(0, 9), (0, 12), (0, 70), (0, 110), (0, 200), (1, 0), (2, 0), (3, 4), (4, 8)] {
        seeds.push(vec![images - 1, 0, page, 0, at, 1]);
        seeds.push(vec![images - 2, 0, page, 0, at, 255]);
    }
    seeds.extend([vec![images - 1, 4, 5, 0, 0, 0], vec![images - 1, 5, 0, 0, 0, 9], vec![images - 1, 3, 0, 0, 0, 0]]);
    seeds.push(vec![images - 1, 6, 4, 0, 0, 9]);
    seeds
}

/// Records of every schema, and of none.
pub fn record_seeds() -> Vec<Vec<u8>> {
    let every: Vec<u8> = (0..12).flat_map(|table| [table, 1, 1, 0, 40, 7]).collect();
    let sound: Vec<u8> = (0..11).filter(|table| *table != 7).flat_map(|table| [table, 1, 1, 0, 40, 7]).collect();
    let mut seeds: Vec<Vec<u8>> = (0..5).map(|schema| [&[schema], every.as_slice()].concat()).collect();
    seeds.extend([[&[2], sound.as_slice()].concat(), vec![1, 3, 1, 1, 6, 1, 1]]);
    seeds.push(vec![2, 6, 1, 0, 0, 0, 0, 6, 1, 250, 0, 0, 0]);
    seeds.push(vec![2, 2, 1, 0, 0, 5, 0]);
    seeds
}
