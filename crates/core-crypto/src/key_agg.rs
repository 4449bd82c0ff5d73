//! Key aggregation and tweaks (BIP-327 KeyAgg, ApplyTweak).

use alloc::collections::BTreeSet;
use alloc::sync::Arc;

use k256::Scalar;

use crate::hash::{Tag, TaggedHash};
use crate::multiscalar::Coefficient;
use crate::point::{PublicKey, XOnlyPublicKey};
use crate::scalar::{parse_scalar, reduce, sign};
use crate::vartime::combine_vartime;

static KEY_LIST: Tag = Tag::new("KeyAgg list");
/// The first number of a hardened step (BIP-32).
pub(crate) const HARDENED: u32 = 1 << 31;

static COEFFICIENT: Tag = Tag::new("KeyAgg coefficient");

/// Keys that do not aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyAggError {
    /// No keys at all.
    #[error("no keys")]
    Empty,
    /// One key stands twice in the list. That blames nobody: either holder may have copied the other's key.
    #[error("keys {first} and {second} are equal")]
    Duplicate {
        /// The index of the first of the two.
        first: usize,
        /// The index of the second.
        second: usize,
    },
    /// The aggregate is the point at infinity, which needs keys chosen to cancel each other out.
    #[error("the aggregate key is the point at infinity")]
    Infinity,
}

/// A tweak that has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TweakError {
    /// The tweak is not below the group order.
    #[error("the tweak is not below the group order")]
    OutOfRange,
    /// The tweaked key is the point at infinity.
    #[error("the tweaked key is the point at infinity")]
    Infinity,
    /// A derivation step of 2^31 or more: hardened steps need the secret key.
    #[error("hardened steps cannot be derived from a public key")]
    Hardened,
}

/// The aggregate of a list of keys, with the tweaks applied so far (BIP-327 KeyAgg Context).
///
/// Clones share the list, so that the keys of many addresses take little room.
#[derive(Debug, Clone)]
pub struct KeyAggContext {
    keys: Arc<[PublicKey]>,
    coefficients: Arc<[Scalar]>,
    aggregate: PublicKey,
    /// `gacc` of BIP-327: whether the tweaks so far negated the untweaked key.
    negated: bool,
    /// `tacc` of BIP-327.
    tweak: Scalar,
}

impl KeyAggContext {
    /// Aggregates distinct keys in the order given.
    ///
    /// # Errors
    ///
    /// [`KeyAggError`].
    pub fn new(keys: &[PublicKey]) -> Result<Self, KeyAggError> {
        let mut seen = BTreeSet::new();
        if let Some(second) = keys.iter().position(|key| !seen.insert(key)) {
            let repeated = keys.get(second);
            let first = keys.iter().position(|key| Some(key) == repeated).unwrap_or_default();
            return Err(KeyAggError::Duplicate { first, second });
        }
        Self::with_duplicates(keys)
    }

    /// Aggregates distinct keys in ascending order (BIP-327 KeySort).
    ///
    /// # Errors
    ///
    /// [`KeyAggError`].
    pub fn sorted(keys: &[PublicKey]) -> Result<Self, KeyAggError> {
        let mut keys = keys.to_vec();
        keys.sort();
        Self::new(&keys)
    }

    /// Aggregates distinct keys in ascending order (BIP-327 KeySort), and still counts the signers in the order given.
    ///
    /// So the signers keep their places where their keys are derived anew for each message: the order of the derived keys
    /// differs from message to message.
    ///
    /// # Errors
    ///
    /// [`KeyAggError`].
    pub fn sorted_in_place(keys: &[PublicKey]) -> Result<Self, KeyAggError> {
        let sorted = Self::sorted(keys)?;
        let coefficient = |key| sorted.keys.binary_search(key).ok().and_then(|place| sorted.coefficients.get(place));
        let coefficients = keys.iter().filter_map(coefficient).copied().collect();
        Ok(Self { keys: keys.into(), coefficients, ..sorted })
    }

    /// Aggregates keys in the order given, of which several may be equal.
    ///
    /// # Errors
    ///
    /// [`KeyAggError`], never [`KeyAggError::Duplicate`].
    pub fn with_duplicates(keys: &[PublicKey]) -> Result<Self, KeyAggError> {
        let first = keys.first().ok_or(KeyAggError::Empty)?;
        let second = keys.iter().find(|key| *key != first);
        let list = keys.iter().fold(TaggedHash::new(&KEY_LIST), |hash, key| hash.chain(&key.to_bytes())).finish();
        let hash = TaggedHash::new(&COEFFICIENT).chain(&list);
        let coefficients: Arc<[Scalar]> =
            keys.iter()
                .map(|key| {
                    if Some(key) == second {
                        Scalar::ONE
                    } else {
                        reduce(&hash.clone().chain(&key.to_bytes()).finish())
                    }
                })
                .collect();
        let sum = combine_vartime(
            None,
            keys.iter().zip(&*coefficients).map(|(key, a)| (Coefficient::from_scalar_vartime(a), key.point())),
        );
        let aggregate = PublicKey::from_sum_vartime(sum).ok_or(KeyAggError::Infinity)?;
        Ok(Self { keys: keys.into(), coefficients, aggregate, negated: false, tweak: Scalar::ZERO })
    }

    /// Adds `tweak * G` to the aggregate key (BIP-327 ApplyTweak, plain).
    ///
    /// # Errors
    ///
    /// [`TweakError`].
    pub fn with_plain_tweak(self, tweak: &[u8; 32]) -> Result<Self, TweakError> {
        self.tweaked(tweak, false)
    }

    /// Adds `tweak * G` to the aggregate key with even y (BIP-327 ApplyTweak, x-only).
    ///
    /// # Errors
    ///
    /// [`TweakError`].
    pub fn with_xonly_tweak(self, tweak: &[u8; 32]) -> Result<Self, TweakError> {
        let negate = self.aggregate.is_odd();
        self.tweaked(tweak, negate)
    }

    fn tweaked(self, tweak: &[u8; 32], negate: bool) -> Result<Self, TweakError> {
        let t = parse_scalar(tweak).ok_or(TweakError::OutOfRange)?;
        let key = self.aggregate.point().negate_if(negate);
        let sum = combine_vartime(Some(&t), [(Coefficient::One, key)]);
        let aggregate = PublicKey::from_sum_vartime(sum).ok_or(TweakError::Infinity)?;
        let tweak = if negate { -self.tweak } else { self.tweak } + t;
        Ok(Self { aggregate, negated: self.negated != negate, tweak, ..self })
    }

    /// The keys, in the order in which the signers are counted.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Where a key stands in the list; the first place if it stands there several times.
    pub fn index_of(&self, key: &PublicKey) -> Option<usize> {
        self.keys.iter().position(|listed| listed == key)
    }

    /// The x-only key under which the final signature verifies.
    pub fn aggregate_key(&self) -> XOnlyPublicKey {
        self.aggregate.x_only()
    }

    /// The same key with the parity of its y coordinate.
    pub const fn aggregate_plain(&self) -> PublicKey {
        self.aggregate
    }

    pub(crate) fn coefficients(&self) -> &[Scalar] {
        &self.coefficients
    }

    pub(crate) fn coefficient(&self, index: usize) -> Option<&Scalar> {
        self.coefficients.get(index)
    }

    /// `g * gacc` of BIP-327: what a signer's key is multiplied by besides coefficient and challenge.
    pub(crate) fn key_sign(&self) -> Scalar {
        sign(self.negated != self.aggregate.is_odd())
    }

    /// `g * tacc` of BIP-327: what the aggregated signature owes to the tweaks, before the challenge.
    pub(crate) fn tweak_share(&self) -> Scalar {
        sign(self.aggregate.is_odd()) * self.tweak
    }
}
