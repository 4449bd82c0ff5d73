//! Tagged hashes (BIP-340): `SHA-256(SHA-256(tag) | SHA-256(tag) | message)`. The only user of sha2.

use sha2::{Digest, Sha256};

/// A tagged hash in the making: the tag is in, the message follows piece by piece.
#[derive(Clone)]
pub(crate) struct TaggedHash(Sha256);

impl TaggedHash {
    /// Starts a hash under this tag.
    pub(crate) fn new(tag: &[u8]) -> Self {
        let tag = Sha256::digest(tag);
        Self(Sha256::new_with_prefix(tag).chain_update(tag))
    }

    /// Appends bytes to the message.
    #[must_use]
    pub(crate) fn chain(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// The hash.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The BIP-340 tagged hash of the concatenation of `parts`.
///
/// Nothing separates the parts: whoever hashes several of variable length writes their lengths too.
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(TaggedHash::new(tag.as_bytes()), |hash, part| hash.chain(part)).finish()
}

/// HMAC-SHA512 (RFC 2104) with a key of 32 bytes, as BIP-32 derivation wants it.
pub(crate) fn hmac_sha512(key: &[u8; 32], message: &[&[u8]]) -> [u8; 64] {
    let pad = |byte: u8| -> [u8; 128] { core::array::from_fn(|index| byte ^ key.get(index).copied().unwrap_or(0)) };
    let inner = message.iter().fold(sha2::Sha512::new_with_prefix(pad(0x36)), |hash, part| hash.chain_update(part));
    sha2::Sha512::new_with_prefix(pad(0x5c)).chain_update(inner.finalize()).finalize().into()
}
