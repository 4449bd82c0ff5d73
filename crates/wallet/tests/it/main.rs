//! Tests of the crate's public API.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what is unexpected fails the test"
)]

mod files;
mod flips;
mod keys;
mod liars;
mod people;
mod proposals;
mod registries;
mod screens;
mod sessions;
mod spends;
