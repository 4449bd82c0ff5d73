//! Tagged hashes (BIP-340): `SHA-256(SHA-256(tag) | SHA-256(tag) | message)`. The only user of sha2.
//!
//! Secrets are hashed too, so every hasher overwrites itself when dropped (sha2's feature `zeroize`).

mod midstate;

use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A tag that is known at compile time, with the state of the hash after it: hashing under it costs two blocks of SHA-256
/// less than [`tagged_hash`].
#[derive(Debug, Clone, Copy)]
pub struct Tag {
    name: &'static [u8],
    state: [u8; midstate::SERIALIZED],
}

impl Tag {
    /// A tag of at most 55 bytes.
    pub const fn new(name: &'static str) -> Self {
        Self { name: name.as_bytes(), state: midstate::after_tag(name.as_bytes()) }
    }

    /// The tagged hash of the concatenation of `parts`: [`tagged_hash`] under this tag.
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        parts.iter().fold(TaggedHash::new(self), |hash, part| hash.chain(part)).finish()
    }
}

/// A tagged hash in the making: the tag is in, the message follows piece by piece.
#[derive(Clone)]
pub(crate) struct TaggedHash(Sha256);

impl TaggedHash {
    /// Starts a hash under this tag.
    pub(crate) fn new(tag: &Tag) -> Self {
        let state = SerializedState::<Sha256>::try_from(tag.state.as_slice()).ok();
        // Another sha2 might lay its state out differently: then the tag is hashed as everybody else does it.
        state.and_then(|state| Sha256::deserialize(&state).ok()).map_or_else(|| Self::with_tag(tag.name), Self)
    }

    fn with_tag(tag: &[u8]) -> Self {
        let tag = Sha256::digest(tag);
        Self(Sha256::new_with_prefix(tag).chain_update(tag))
    }

    /// Appends bytes to the message.
    #[must_use]
    pub(crate) fn chain(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// Appends bytes to the message in place, so that no copy of a secret state stays behind.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The hash of something secret.
    pub(crate) fn finish_secret(self) -> Zeroizing<[u8; 32]> {
        let mut hash = Zeroizing::new([0; 32]);
        self.0.finalize_into((&mut *hash).into());
        hash
    }
}

/// The BIP-340 tagged hash of the concatenation of `parts`.
///
/// Nothing separates the parts: whoever hashes several of variable length writes their lengths too.
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(TaggedHash::with_tag(tag.as_bytes()), |hash, part| hash.chain(part)).finish()
}

/// HMAC-SHA512 (RFC 2104) with a key of 32 bytes, as BIP-32 derivation wants it.
pub(crate) fn hmac_sha512(key: &[u8; 32], message: &[&[u8]]) -> [u8; 64] {
    let pad = |byte: u8| -> [u8; 128] { core::array::from_fn(|index| byte ^ key.get(index).copied().unwrap_or(0)) };
    let inner = message.iter().fold(sha2::Sha512::new_with_prefix(pad(0x36)), |hash, part| hash.chain_update(part));
    sha2::Sha512::new_with_prefix(pad(0x5c)).chain_update(inner.finalize()).finalize().into()
}

/// The first four bytes of `SHA-256(SHA-256(bytes))`, the checksum of Base58Check.
pub(crate) fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [first, second, third, fourth, ..] = <[u8; 32]>::from(Sha256::digest(Sha256::digest(bytes)));
    [first, second, third, fourth]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precomputed_tag_hashes_like_the_same_tag_at_run_time() {
        for (tag, name) in [
            (Tag::new(""), ""),
            (Tag::new("BIP0340/challenge"), "BIP0340/challenge"),
            (Tag::new("motet/nonce-commitment/v1"), "motet/nonce-commitment/v1"),
            (
                Tag::new("0123456789012345678901234567890123456789012345678901234"),
                "0123456789012345678901234567890123456789012345678901234",
            ),
        ] {
            for message in [&b""[..], b"a", &[7; 200]] {
                assert_eq!(tag.hash(&[message]), tagged_hash(name, &[message]));
            }
            // And it does so by the short way: the layout of sha2's state is as expected.
            let state = SerializedState::<Sha256>::try_from(tag.state.as_slice()).unwrap();
            let expected = TaggedHash::with_tag(name.as_bytes()).0.serialize();
            assert_eq!(state, expected);
        }
    }

    #[test]
    fn hmac_sha512_is_that_of_rfc_4231() {
        // Test case 1, whose key of 20 bytes is the same key padded with zeros.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let mac = hmac_sha512(&key, &[b"Hi ", b"There"]);
        assert_eq!(mac[..8], [0x87, 0xaa, 0x7c, 0xde, 0xa5, 0xef, 0x61, 0x9d]);
        assert_eq!(mac[56..], [0x2e, 0x69, 0x6c, 0x20, 0x3a, 0x12, 0x68, 0x54]);
    }

    #[test]
    fn the_vectors_are_as_published() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors"));
        let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        for (sum, name) in sums.lines().map(|line| line.split_once("  ").unwrap()) {
            let hash: [u8; 32] = Sha256::digest(std::fs::read(folder.join(name)).unwrap()).into();
            assert_eq!(crate::hex::parse(sum), Ok(hash), "{name}");
        }
        assert_eq!(sums.lines().count(), 22);
    }
}
