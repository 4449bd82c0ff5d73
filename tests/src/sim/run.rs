//! Runs the world of a seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::invariant::{Breach, Invariant};
use super::plan::{Plan, Profile};
use super::tally::Tally;
use super::world::World;

/// What came of a world.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What was seen in it.
    pub tally: Tally,
    /// What did not hold.
    pub breach: Option<Breach>,
    /// What happened, if that was asked for.
    pub story: Vec<String>,
}

/// Runs one seed, with its story or without.
pub fn run(seed: u64, profile: Profile, tell: bool) -> Outcome {
    let mut world = World::new(Plan::draw(seed, profile), tell);
    // A panic is a finding like any other, and comes with the story so far.
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    let breach = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Some(Breach { invariant: Invariant::Panic, detail: text.unwrap_or_default() })
    });
    Outcome { seed, tally: core::mem::take(&mut world.tally), breach, story: world.story().to_vec() }
}
