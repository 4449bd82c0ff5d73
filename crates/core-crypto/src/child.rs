//! Unhardened children of keys (BIP-32): the same child of a public key and of its secret key.
//!
//! Wallets that derive the keys of a group's members before they aggregate them sign with such children. Children of an
//! *aggregate* key are [`crate::bip328`].

use crate::hash::hmac_sha512;
use crate::key_agg::{HARDENED, TweakError};
use crate::multiscalar::Coefficient;
use crate::point::PublicKey;
use crate::scalar::{SecretKey, parse_scalar};
use crate::vartime::combine_vartime;

/// The way from a key to one of its descendants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildPath<'a> {
    /// The chain code of the key: 32 bytes of its extended key.
    pub chain_code: &'a [u8; 32],
    /// The steps, each below 2^31.
    pub steps: &'a [u32],
}

impl PublicKey {
    /// The descendant at a path (BIP-32, public derivation).
    ///
    /// # Errors
    ///
    /// [`TweakError`]; [`TweakError::Hardened`] for steps of 2^31 or more.
    pub fn child(&self, path: ChildPath<'_>) -> Result<Self, TweakError> {
        let mut key = *self;
        let mut chain_code = *path.chain_code;
        for number in path.steps {
            let step = step(&key, &chain_code, *number)?;
            let tweak = parse_scalar(&step.tweak).ok_or(TweakError::OutOfRange)?;
            let sum = combine_vartime(Some(&tweak), [(Coefficient::One, key.point())]);
            key = Self::from_sum_vartime(sum).ok_or(TweakError::Infinity)?;
            chain_code = step.chain_code;
        }
        Ok(key)
    }
}

impl SecretKey {
    /// The descendant at a path (BIP-32, private derivation). In constant time but for the path; none if the path is empty.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::child`].
    pub fn child(&self, path: ChildPath<'_>) -> Result<Option<Self>, TweakError> {
        let mut found: Option<Self> = None;
        let mut chain_code = *path.chain_code;
        for number in path.steps {
            let key = found.as_ref().unwrap_or(self);
            let step = step(&key.public_key(), &chain_code, *number)?;
            // A tweak is public: it follows from the public key.
            found = Some(key.plus(&step.tweak).map_err(|_| TweakError::OutOfRange)?);
            chain_code = step.chain_code;
        }
        Ok(found)
    }
}

/// A step from a key to a child.
pub(crate) struct Step {
    /// The scalar whose multiple of the generator is added to the key.
    pub(crate) tweak: [u8; 32],
    /// The chain code of the child.
    pub(crate) chain_code: [u8; 32],
}

/// The step to the child of a public key with this number (BIP-32, CKDpub).
pub(crate) fn step(key: &PublicKey, chain_code: &[u8; 32], number: u32) -> Result<Step, TweakError> {
    if number >= HARDENED {
        return Err(TweakError::Hardened);
    }
    let hash = hmac_sha512(chain_code, &[&key.to_bytes(), &number.to_be_bytes()]);
    let (tweak, chain_code) = hash.split_at(32);
    let half = |bytes: &[u8]| bytes.try_into().map_err(|_| TweakError::OutOfRange);
    Ok(Step { tweak: half(tweak)?, chain_code: half(chain_code)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        let digits = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
        core::array::from_fn(digits)
    }

    #[test]
    fn children_are_those_of_bip_32() {
        // Test vector 2 of BIP-32: the key `m`, and its child `m/0`.
        let chain_code = bytes("60499f801b896d83179a4374aeb7822aaeaceaa0db1f85ee3e904c4defbd9689");
        let root = SecretKey::from_bytes(&bytes("4b03d6fc340455b363f51020ad3ecca4f0850280cf436c70c727923f6db46c3e"));
        let root = root.unwrap();
        let path = |steps| ChildPath { chain_code: &chain_code, steps };
        let child = root.child(path(&[0])).unwrap().unwrap();
        assert_eq!(
            *child.dangerous_to_bytes(),
            bytes("abe74a98f6c7eabee0428f53798f0ab8aa1bd37873999041703c742f15ac7e1e")
        );
        let public = root.public_key().child(path(&[0])).unwrap();
        assert_eq!(public.to_string(), "02fc9e5af0ac8d9b3cecfe2a888e2117ba3d089d8585886c9c826b6b22a98d12ea");
        assert!(root.child(path(&[])).unwrap().is_none());
        assert_eq!(root.public_key().child(path(&[])), Ok(root.public_key()));
    }

    #[test]
    fn both_halves_of_a_key_have_the_same_descendants() {
        let root = SecretKey::from_bytes(&[7; 32]).unwrap();
        for steps in [&[0][..], &[1, 5], &[HARDENED - 1, 0, 3]] {
            let path = ChildPath { chain_code: &[9; 32], steps };
            let child = root.child(path).unwrap().unwrap();
            assert_eq!(child.public_key(), root.public_key().child(path).unwrap());
        }
        let path = ChildPath { chain_code: &[9; 32], steps: &[0, HARDENED] };
        assert_eq!(root.public_key().child(path), Err(TweakError::Hardened));
        assert_eq!(root.child(path).unwrap_err(), TweakError::Hardened);
    }
}
