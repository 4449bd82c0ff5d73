//! The store of one node: records in memory, a disk that refuses them, and crashes in the middle of a commit.

use core::fmt;

use motet_coordinator::{Record, Records, Snapshot, StoreError};

/// The fate of one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// The records are stored.
    Store,
    /// The disk is full: nothing is stored, and the engine is told.
    Refuse,
    /// The process dies before the records are stored.
    CrashBefore,
    /// The process dies when the records are stored, before anything that waits for them leaves.
    CrashAfter,
}

/// A rule for commits, given the records.
type Rule = Box<dyn FnMut(&[Record]) -> Commit>;

/// The records of one node. They outlive a crash.
#[derive(Default)]
pub struct Store {
    records: Records,
    /// Number of processes that have been started with it.
    loads: u64,
    rule: Option<Rule>,
}

impl Store {
    /// The state that the next process would start from.
    pub fn snapshot(&self) -> Snapshot {
        self.records.snapshot(self.loads)
    }

    /// Stores a record, as an earlier process might have done.
    pub fn write(&mut self, record: &Record) {
        self.records.write(record);
    }

    /// Decides from now on what becomes of each commit.
    pub fn on_commit(&mut self, rule: impl FnMut(&[Record]) -> Commit + 'static) {
        self.rule = Some(Box::new(rule));
    }

    /// Refuses every commit from now on.
    pub fn refuse(&mut self) {
        self.on_commit(|_| Commit::Refuse);
    }

    /// Takes every commit from now on.
    pub fn accept(&mut self) {
        self.rule = None;
    }

    /// The same records for a second process, which adds its own.
    pub(crate) fn copy(&self) -> Self {
        Self { records: self.records.clone(), loads: self.loads, rule: None }
    }

    pub(crate) fn load(&mut self) -> Snapshot {
        let snapshot = self.snapshot();
        self.loads = self.loads.saturating_add(1);
        snapshot
    }

    /// The result of a commit for the node's outbox; `None` if the process has died in it.
    pub(crate) fn commit(&mut self, records: &[Record]) -> Option<Result<(), StoreError>> {
        let fate = self.rule.as_mut().map_or(Commit::Store, |rule| rule(records));
        if matches!(fate, Commit::Store | Commit::CrashAfter) {
            records.iter().for_each(|record| self.records.write(record));
        }
        match fate {
            Commit::Store => Some(Ok(())),
            Commit::Refuse => Some(Err(StoreError::Failed("no space is left".to_owned()))),
            Commit::CrashBefore | Commit::CrashAfter => None,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("records", &self.records).field("loads", &self.loads).finish_non_exhaustive()
    }
}
