//! What the wire format allocates, counted: a test binary of its own, since it replaces the allocator.
//!
//! The counts are exact and per thread: every byte that is ever asked for while a closure runs, and the most that is
//! held at once. No resident set size is read, so the figures are the same on every machine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: what is not there is a failed test"
)]

mod frames;
mod pipeline;
mod senders;
