//! The simulator: engines, a network, disks, clocks and people, all in one thread, all from one seed.
//!
//! A [`Plan`] is drawn from the seed: how many signers, what they are asked, what breaks and who lies. A [`World`] runs it
//! in virtual time, each engine driven as `node` drives it: what a step wants stored is stored before anything of the
//! step leaves, signers and computations answer later, frames pass the real pipeline. After every event the invariants
//! of safety are checked, at the end those of liveness; a breach comes with the seed and the story. `docs/testing.md`
//! says how to run it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a simulator: what cannot be made is a broken simulation, and all randomness comes from a seed; \
              liars lie about what they choose to"
)]

pub mod clock;
pub mod dice;
pub mod disk;
pub mod explore;
pub mod host;
pub mod hostile;
pub mod invariant;
pub mod judge;
pub mod ledger;
pub mod plan;
pub mod report;
pub mod run;
pub mod tally;
pub mod transactions;
pub mod watch;
pub mod world;

pub use invariant::Breach;
pub use plan::{Plan, Profile};
pub use run::{Outcome, run};
pub use tally::Tally;
pub use world::World;
