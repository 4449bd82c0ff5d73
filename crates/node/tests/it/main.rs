//! Nodes through their public interface: real sockets on loopback, real arithmetic.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what is unexpected fails the test, and randomness is seeded"
)]

mod applications;
mod builder;
mod channels;
mod consumer;
mod contacts;
mod decisions;
mod device;
mod embed;
mod inside;
mod members;
mod order;
mod policy;
mod results;
mod retries;
mod signers;
mod spends;
mod transactions;
