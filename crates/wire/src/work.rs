//! Proof of work: what it costs to be heard by strangers (`docs/protocol.md` §10).
//!
//! A stamp is bound to a network, an author, a payload and a 10-minute epoch, so that it cannot be reused, handed on or
//! stocked. It prices spam; it does not make strangers trustworthy.

use crate::codec::{Decode, Encode};

/// A stamp: 12 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Work {
    /// The 10-minute epoch of wall time that the stamp was minted for.
    pub epoch: u32,
    /// The number that was searched for.
    pub nonce: u64,
}
