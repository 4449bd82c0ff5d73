//! The cluster through its public interface.

#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "what is unexpected fails the test")]

mod hostile;
mod network;
mod store;
mod story;
