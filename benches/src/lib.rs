//! The same MuSig2 work through five libraries, timed side by side.
//!
//! A [`peer::Peer`] holds one library's state for a session of n signers, seen by the first signer; [`peer::Operation`]
//! says what is timed. What exactly each operation covers is defined there, and in `docs/performance.md`.

#[cfg(feature = "sessions")]
pub mod network;
pub mod peer;
pub mod sample;
#[cfg(feature = "sessions")]
pub mod session;
