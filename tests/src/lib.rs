//! What Motet's cross-crate tests share: fixtures, and those who attack.

pub mod crash;
pub mod fuzz_coordinator;
pub mod fuzz_crypto;
pub mod fuzz_transactions;
pub mod fuzz_wire;
pub mod sim;
pub mod wire_fixtures;
pub mod wire_forge;

/// The program in the README, as a doc test: it compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
