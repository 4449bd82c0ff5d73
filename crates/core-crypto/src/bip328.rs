//! Extended keys of aggregate keys (BIP-328): children of an aggregate key without any secret.
//!
//! The aggregate key gets a fixed chain code, SHA-256 of `MuSig2MuSig2MuSig2`, depth 0 and no parent; below it BIP-32's
//! public derivation goes on as with any other extended key. [`KeyAggContext::with_bip328_path`] derives; the text form
//! here is what wallets exchange.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::child::step;
use crate::hash::checksum;
use crate::key_agg::{KeyAggContext, TweakError};
use crate::point::PublicKey;

/// The chain code that BIP-328 gives every aggregate key.
const CHAIN_CODE: [u8; 32] = [
    0x86, 0x80, 0x87, 0xca, 0x02, 0xa6, 0xf9, 0x74, 0xc4, 0x59, 0x89, 0x24, 0xc3, 0x6b, 0x57, 0x76, 0x2d, 0x32, 0xcb,
    0x45, 0x71, 0x71, 0x67, 0xe3, 0x00, 0x62, 0x2c, 0x71, 0x67, 0xe3, 0x89, 0x65,
];

/// The version bytes of an extended public key on the main network and on test networks (BIP-32).
const VERSION_MAIN: [u8; 4] = [0x04, 0x88, 0xb2, 0x1e];
const VERSION_TEST: [u8; 4] = [0x04, 0x35, 0x87, 0xcf];

/// Which chain a text form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Bitcoin's main network: `xpub`.
    Main,
    /// Its test networks: `tpub`.
    Test,
}

/// The synthetic extended public key of an aggregate key: 78 bytes, displayed as `xpub...` (Base58Check).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticXpub {
    key: PublicKey,
    chain: Chain,
}

impl SyntheticXpub {
    /// The same key for another chain.
    #[must_use]
    pub const fn on(self, chain: Chain) -> Self {
        Self { chain, ..self }
    }

    /// The aggregate key.
    pub const fn public_key(&self) -> PublicKey {
        self.key
    }

    /// BIP-32's serialization: version, depth 0, no parent, child 0, chain code, key.
    pub fn to_bytes(&self) -> [u8; 78] {
        let version = match self.chain {
            Chain::Main => VERSION_MAIN,
            Chain::Test => VERSION_TEST,
        };
        let mut bytes = [0; 78];
        let parts = [&version[..], &[0; 9], &CHAIN_CODE, &self.key.to_bytes()];
        for (out, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *out = *byte;
        }
        bytes
    }
}

impl fmt::Display for SyntheticXpub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base58check(&self.to_bytes()))
    }
}

impl KeyAggContext {
    /// The synthetic extended key of the aggregate key as it is now (BIP-328), for the main network.
    ///
    /// BIP-328 means the key before any tweak.
    pub const fn synthetic_xpub(&self) -> SyntheticXpub {
        SyntheticXpub { key: self.aggregate_plain(), chain: Chain::Main }
    }

    /// The key at a path below the aggregate key's extended key (BIP-328, BIP-32 public derivation).
    ///
    /// # Errors
    ///
    /// [`TweakError`]; [`TweakError::Hardened`] for steps of 2^31 or more.
    pub fn with_bip328_path(self, path: &[u32]) -> Result<Self, TweakError> {
        AggregateChild::root(self).descendant(path).map(AggregateChild::into_context)
    }
}

/// An aggregate key, or a key below it, from which further steps lead on (BIP-328).
///
/// Many addresses share all steps of their paths but the last one: these are derived once, and kept here.
#[derive(Debug, Clone)]
pub struct AggregateChild {
    context: KeyAggContext,
    chain_code: [u8; 32],
}

impl AggregateChild {
    /// The aggregate key itself. BIP-328 means the key before any tweak.
    pub const fn root(context: KeyAggContext) -> Self {
        Self { context, chain_code: CHAIN_CODE }
    }

    /// The key at a path below this one (BIP-32 public derivation).
    ///
    /// # Errors
    ///
    /// [`TweakError`]; [`TweakError::Hardened`] for steps of 2^31 or more.
    pub fn descendant(self, path: &[u32]) -> Result<Self, TweakError> {
        path.iter().try_fold(self, |Self { context, chain_code }, number| {
            let step = step(&context.aggregate_plain(), &chain_code, *number)?;
            Ok(Self { context: context.with_plain_tweak(&step.tweak)?, chain_code: step.chain_code })
        })
    }

    /// The context under which this key signs.
    pub fn into_context(self) -> KeyAggContext {
        self.context
    }
}

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Base58 of the bytes and the first four bytes of their double SHA-256.
fn base58check(bytes: &[u8]) -> String {
    let bytes: Vec<u8> = bytes.iter().copied().chain(checksum(bytes)).collect();
    let mut least_first: Vec<u8> = Vec::new();
    for byte in &bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut least_first {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            least_first.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).map(|_| 0);
    zeros
        .chain(least_first.iter().rev().copied())
        .filter_map(|digit| ALPHABET.get(usize::from(digit)).copied().map(char::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn base58check_writes_leading_zeros_as_ones() {
        // The address of the public key hash zero, as seen on the chain.
        assert_eq!(base58check(&[0; 21]), "1111111111111111111114oLvT2");
    }

    #[test]
    fn a_test_network_has_its_own_prefix() {
        let key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798".parse().unwrap();
        let xpub = SyntheticXpub { key, chain: Chain::Main };
        assert!(xpub.to_string().starts_with("xpub661MyMwAqRbcF"));
        assert!(xpub.on(Chain::Test).to_string().starts_with("tpub"));
    }
}
