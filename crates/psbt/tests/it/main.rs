//! Tests of the crate's public API.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what is unexpected fails the test"
)]

mod bip174;
mod bip322_vectors;
mod bip370;
mod bip371;
mod bip373;
mod combine;
mod descriptors;
mod differential;
mod groups;
mod hostile;
mod hostile_texts;
mod interop;
mod messages;
mod peers;
mod policies;
mod roles;
mod signers;
mod vectors;
mod views;
