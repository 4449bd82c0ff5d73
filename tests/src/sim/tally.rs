//! What was seen in many worlds: so that nobody has to believe that something was tried.

use std::collections::BTreeMap;

use motet_wire::Kind;

use super::plan::Vice;

/// Where a session was when a message came, as the observers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The node knows of no such session.
    Unknown,
    /// Joins are being collected.
    Joining,
    /// Commitments are.
    Commitments,
    /// Nonces are.
    Nonces,
    /// Partial signatures are.
    Partials,
    /// There are signatures.
    Complete,
    /// There will be none.
    Aborted,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Unknown, Self::Joining, Self::Commitments, Self::Nonces, Self::Partials, Self::Complete, Self::Aborted];
}

/// A combination that should occur: at which stage, which kind of message, from whom; honest if `None`.
pub type Cell = (Stage, Kind, Option<Vice>);

/// Counts.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Worlds.
    pub worlds: u64,
    /// Requests that some honest node opened a session for.
    pub sessions: u64,
    /// Sessions in which every honest node got the signatures.
    pub complete: u64,
    /// Inputs that engines handled.
    pub inputs: u64,
    /// Frames that were delivered.
    pub frames: u64,
    /// Signatures that were judged.
    pub judged: u64,
    /// How sessions ended, on each honest node.
    pub ends: BTreeMap<String, u64>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Worlds with each kind of actor.
    pub actors: BTreeMap<Vice, u64>,
    /// What actors did, by what.
    pub deeds: BTreeMap<(Vice, &'static str), u64>,
    /// Messages that honest nodes believed, by cell.
    pub cells: BTreeMap<Cell, u64>,
    /// Frames that honest nodes refused, by rule.
    pub refused: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts a fault.
    pub fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.sessions += other.sessions;
        self.complete += other.complete;
        self.inputs += other.inputs;
        self.frames += other.frames;
        self.judged += other.judged;
        sum(&mut self.ends, other.ends);
        sum(&mut self.faults, other.faults);
        sum(&mut self.actors, other.actors);
        sum(&mut self.deeds, other.deeds);
        sum(&mut self.cells, other.cells);
        sum(&mut self.refused, other.refused);
    }
}

fn sum<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key).or_default() += count;
    }
}
