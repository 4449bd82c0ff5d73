//! Origins of keys: fingerprint of an ancestor and the path from it (BIP-174, BIP-371).

use bitcoin::bip32::{ChildNumber, DerivationPath, Fingerprint};
use bitcoin::hashes::Hash as _;
use bitcoin::taproot::TapLeafHash;
use motet_core_crypto::XOnlyPublicKey;

use crate::bytes::{Reader, put_compact_size};
use crate::malformed::Malformed;

/// Fingerprint of an ancestor of a key, and the path from it to the key.
///
/// It is a hint of 32 bits and never a proof: a signer derives its keys anew and compares them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyOrigin {
    /// The first four bytes of the ancestor's hash160.
    pub fingerprint: Fingerprint,
    /// The path below the ancestor. It is empty if the ancestor is the key itself.
    pub path: DerivationPath,
}

impl KeyOrigin {
    /// Reads a value of a derivation field: four bytes of fingerprint, and four for each step.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let found = value.len();
        let expected = "4 for the fingerprint, and 4 for each step";
        let (words, rest) = value.as_chunks::<4>();
        let (Some((fingerprint, steps)), []) = (words.split_first(), rest) else {
            return Err(Malformed::ValueLength { found, expected });
        };
        let path: Vec<ChildNumber> = steps.iter().map(|step| ChildNumber::from(u32::from_le_bytes(*step))).collect();
        Ok(Self { fingerprint: Fingerprint::from(*fingerprint), path: path.into() })
    }

    /// The value of a derivation field.
    pub fn value(&self) -> Vec<u8> {
        let steps = self.path.into_iter().flat_map(|step| u32::from(*step).to_le_bytes());
        self.fingerprint.to_bytes().into_iter().chain(steps).collect()
    }
}

/// Origin of an x-only key, and the leaves in which it stands (`PSBT_IN_TAP_BIP32_DERIVATION`, `PSBT_OUT_TAP_BIP32_DERIVATION`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapOrigin {
    /// The key.
    pub key: XOnlyPublicKey,
    /// The hashes of the leaves in whose scripts the key stands; none for an internal key alone.
    pub leaves: Vec<TapLeafHash>,
    /// The key's origin.
    pub origin: KeyOrigin,
}

impl TapOrigin {
    /// Reads the field.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(key_data: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let found = key_data.len();
        let key = key_data.try_into().map_err(|_| Malformed::KeyLength { found, expected: "32" })?;
        let key = XOnlyPublicKey::from_bytes(key).map_err(|_| Malformed::KeyPoint)?;
        let mut reader = Reader::new(value);
        let count = reader.compact_size()?;
        // Each hash takes 32 of the bytes that are there, so a large count ends the loop and allocates nothing.
        let mut leaves = Vec::new();
        for _ in 0..count {
            leaves.push(TapLeafHash::from_byte_array(reader.array()?));
        }
        Ok(Self { key, leaves, origin: KeyOrigin::parse(reader.rest())? })
    }

    /// The key of an entry, from its key data alone.
    pub(crate) fn key_of(key_data: &[u8]) -> Option<XOnlyPublicKey> {
        XOnlyPublicKey::from_bytes(key_data.try_into().ok()?).ok()
    }

    /// The key data of the entry.
    pub fn key_data(&self) -> Vec<u8> {
        self.key.to_bytes().to_vec()
    }

    /// The value of the entry.
    pub fn value(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_compact_size(&mut bytes, self.leaves.len() as u64);
        bytes.extend(self.leaves.iter().flat_map(|leaf| leaf.to_byte_array()));
        bytes.extend(self.origin.value());
        bytes
    }
}
