//! The engine through its public interface: many engines, one deterministic network in memory, real arithmetic.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what is unexpected fails the test, and randomness is seeded"
)]

mod conduct;
mod embed;
mod network;
mod policy;
mod restart;
mod session;
mod trace;
