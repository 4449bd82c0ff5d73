//! Tests of the crate's public API.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is unexpected fails the test")]

mod files;
mod people;
mod registries;
