//! The message key of a member of a live session, prepared for the checks of its many signatures.

use motet_core_crypto::PublicKey;
use motet_core_crypto::schnorr::PreparedKey;

/// A message key and its multiples.
#[derive(Debug)]
pub(super) struct MemberKey {
    sender: PublicKey,
    prepared: PreparedKey,
}

impl MemberKey {
    /// Memory of one, in bytes, with the two counters of its [`std::sync::Arc`].
    pub(super) const BYTES: usize = size_of::<PublicKey>() + PreparedKey::BYTES + 2 * size_of::<usize>();

    /// Computes the multiples, for about the time of a check.
    pub(super) fn new(sender: PublicKey) -> Self {
        Self { sender, prepared: PreparedKey::new(&sender.x_only()) }
    }

    /// The key.
    pub(super) const fn sender(&self) -> &PublicKey {
        &self.sender
    }

    /// Its multiples.
    pub(super) const fn prepared(&self) -> &PreparedKey {
        &self.prepared
    }
}
