//! Frames as an attacker makes them: byte by byte, signed or not, by the description in `docs/wire-format.md` and
//! without the code under test.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a forger for tests: cutting outside of a frame is a failed test"
)]

use std::ops::Range;
use std::sync::Arc;

use motet_core_crypto::{SecretKey, schnorr, tagged_hash};
use motet_wire::{NetworkId, Sealed};

/// Offsets of a frame.
pub const KIND: usize = 1;
/// Where the sender stands.
pub const SENDER: usize = 2;
/// Where the sequence stands.
pub const SEQUENCE: usize = 35;
/// Where the timestamp stands.
pub const TIMESTAMP: usize = 43;
/// Where the length of the body stands.
pub const BODY_LENGTH: usize = 51;
/// Where the body begins.
pub const BODY: usize = 55;
/// Bytes of a delegation with a peer id of 38 bytes.
pub const DELEGATION: usize = 33 + 33 + 4 + 38 + 8 + 64;

/// A frame in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forged {
    bytes: Vec<u8>,
}

impl Forged {
    /// Starts from a sound frame.
    pub fn from(sealed: &Sealed) -> Self {
        Self { bytes: sealed.frame.to_vec() }
    }

    /// Starts from any bytes that are at least as long as an empty message.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec() }
    }

    /// A frame around a body.
    pub fn around(kind: u8, key: &SecretKey, sequence: u64, timestamp: u64, body: &[u8]) -> Self {
        let mut bytes = vec![1, kind];
        bytes.extend_from_slice(&key.public_key().to_bytes());
        bytes.extend_from_slice(&sequence.to_le_bytes());
        bytes.extend_from_slice(&timestamp.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(body.len()).expect("a short body").to_le_bytes());
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(&[0; 64]);
        Self { bytes }
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.bytes[BODY..self.bytes.len() - 64]
    }

    /// Overwrites bytes of the frame.
    #[must_use]
    pub fn set(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Overwrites bytes of the body.
    #[must_use]
    pub fn set_body(self, offset: usize, bytes: &[u8]) -> Self {
        self.set(BODY + offset, bytes)
    }

    /// Replaces a range of the body, and corrects the body's length.
    #[must_use]
    pub fn splice_body(mut self, range: Range<usize>, bytes: &[u8]) -> Self {
        self.bytes.splice(BODY + range.start..BODY + range.end, bytes.iter().copied());
        let length = u32::try_from(self.body().len()).expect("a short body");
        self.set(BODY_LENGTH, &length.to_le_bytes())
    }

    /// Adds bytes to the end of the body, and corrects its length.
    #[must_use]
    pub fn append_body(self, bytes: &[u8]) -> Self {
        let end = self.body().len();
        self.splice_body(end..end, bytes)
    }

    /// Signs what there is, and makes the key the sender.
    #[must_use]
    pub fn sign(self, network: &NetworkId, key: &SecretKey) -> Self {
        let mut forged = self.set(SENDER, &key.public_key().to_bytes());
        let signed = forged.bytes.len() - 64;
        let name = network.as_str().as_bytes();
        let length = [u8::try_from(name.len()).expect("at most 32 bytes")];
        let digest = tagged_hash("motet/envelope/v1", &[&length, name, &forged.bytes[..signed]]);
        let signature = schnorr::sign(key, &digest, &[3; 32]).expect("signing works");
        forged.bytes[signed..].copy_from_slice(&signature.to_bytes());
        forged
    }

    /// The bytes.
    pub fn frame(&self) -> Arc<[u8]> {
        self.bytes.as_slice().into()
    }
}
