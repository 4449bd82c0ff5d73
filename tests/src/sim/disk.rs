//! A disk: what outlives a crash, and how it fails.

use std::sync::{Mutex, MutexGuard, PoisonError};

use motet_core_crypto::PublicKey;
use motet_node::{MemoryStore, Record, Snapshot, Store, StoreError};
use motet_wire::{Attempt, RequestId};

/// A store that may be full, and may forget what it said it had stored.
#[derive(Debug, Default)]
pub struct Disk {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Everything that was committed, a commit at a time.
    commits: Vec<Vec<Record>>,
    /// How many of the commits a loss of power would leave, where the disk lies about that.
    safe: usize,
    full: bool,
    lies: bool,
    /// How often it was read.
    loads: u64,
}

impl Disk {
    /// Copies the disk as it is: a backup, or a clone.
    pub fn copy(&self) -> Self {
        let state = self.state();
        let commits = state.commits.clone();
        Self { state: Mutex::new(State { safe: commits.len(), commits, loads: state.loads, ..State::default() }) }
    }

    /// Makes it refuse everything, or take it again.
    pub fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// Whether it refuses everything.
    pub fn is_full(&self) -> bool {
        self.state().full
    }

    /// From now on it says that it has stored what it has not.
    pub fn lie(&self) {
        let mut state = self.state();
        state.lies = true;
        state.safe = state.commits.len();
    }

    /// The power goes: what was only said to be stored is gone, from some commit on. How many commits are gone.
    pub fn lose_power(&self, keep: impl FnOnce(usize) -> usize) -> usize {
        let mut state = self.state();
        if !state.lies {
            return 0;
        }
        let unsafe_commits = state.commits.len() - state.safe;
        let kept = state.safe + keep(unsafe_commits + 1).min(unsafe_commits);
        let lost = state.commits.len() - kept;
        state.commits.truncate(kept);
        state.safe = kept;
        lost
    }

    /// How many records were stored.
    pub fn records(&self) -> usize {
        self.state().commits.iter().map(Vec::len).sum()
    }

    /// Whether nonces for an attempt were recorded as issued, and partial signatures as spent.
    pub fn holds(&self, request: &RequestId, attempt: Attempt, signer: &PublicKey) -> (bool, bool) {
        let state = self.state();
        let of = |(a, b, c): (&RequestId, &Attempt, &PublicKey)| a == request && *b == attempt && c == signer;
        let any = |wanted: &dyn Fn(&Record) -> bool| state.commits.iter().flatten().any(wanted);
        let issued = any(
            &|record| matches!(record, Record::Issued { request, attempt, signer, .. } if of((request, attempt, signer))),
        );
        let spent = any(
            &|record| matches!(record, Record::Spent { request, attempt, signer, .. } if of((request, attempt, signer))),
        );
        (issued, spent)
    }

    /// Whether the approval of a request by a signer was recorded.
    pub fn approves(&self, request: &RequestId, signer: &PublicKey) -> bool {
        let of = |record: &Record| matches!(record, Record::Approved { request: of, signer: by, .. } if (of, by) == (request, signer));
        self.state().commits.iter().flatten().any(of)
    }

    /// Whether one of these records says that an attempt was issued which was issued before.
    pub fn repeats(&self, records: &[Record]) -> bool {
        records.iter().any(|record| match record {
            Record::Issued { request, attempt, signer, .. } => self.holds(request, *attempt, signer).0,
            _ => false,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Disk {
    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.full {
            return Err(StoreError::Failed("no space left".to_owned()));
        }
        state.commits.push(records.to_vec());
        Ok(())
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let store = MemoryStore::default();
        let mut state = self.state();
        for records in &state.commits {
            store.commit(records)?;
        }
        state.loads += 1;
        Ok(Snapshot { epoch: state.loads, ..store.load()? })
    }
}
