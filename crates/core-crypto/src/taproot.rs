//! Taproot output keys (BIP-341): a key that commits to a tree of scripts, or to there being none.
//!
//! `Q = P + H_TapTweak(P.x | root) G` for the point P with an even y, be P an aggregate key or the key of one person.

use k256::Scalar;
use zeroize::Zeroizing;

use crate::hash::{Tag, TaggedHash};
use crate::key_agg::{KeyAggContext, TweakError};
use crate::multiscalar::Coefficient;
use crate::point::{PublicKey, XOnlyPublicKey};
use crate::scalar::{SecretKey, parse_scalar};
use crate::schnorr::even_y_scalar;
use crate::vartime::combine_vartime;

static TAG: Tag = Tag::new("TapTweak");

/// `H_TapTweak(P.x | root)`: 32 bytes. Without a root the output commits to there being no script path (BIP-86).
fn tweak(internal: &XOnlyPublicKey, merkle_root: Option<&[u8; 32]>) -> [u8; 32] {
    let hash = TaggedHash::new(&TAG).chain(&internal.to_bytes());
    merkle_root.map_or_else(|| hash.clone(), |root| hash.clone().chain(root)).finish()
}

impl KeyAggContext {
    /// The Taproot output key with the aggregate key as internal key (BIP-341); without a root, it commits to there
    /// being no script path, as BIP-86 does.
    ///
    /// # Errors
    ///
    /// [`TweakError`].
    pub fn with_taproot(self, merkle_root: Option<&[u8; 32]>) -> Result<Self, TweakError> {
        let tweak = tweak(&self.aggregate_key(), merkle_root);
        self.with_xonly_tweak(&tweak)
    }
}

impl XOnlyPublicKey {
    /// The output key that has this one as internal key, with the parity that a control block states.
    ///
    /// # Errors
    ///
    /// [`TweakError`], with probability 2^-128.
    pub fn taproot_output(&self, merkle_root: Option<&[u8; 32]>) -> Result<PublicKey, TweakError> {
        let tweak = parse_scalar(&tweak(self, merkle_root)).ok_or(TweakError::OutOfRange)?;
        let sum = combine_vartime(Some(&tweak), [(Coefficient::One, self.point())]);
        PublicKey::from_sum_vartime(sum).ok_or(TweakError::Infinity)
    }
}

impl SecretKey {
    /// The secret key of [`XOnlyPublicKey::taproot_output`], for spending by the key path.
    ///
    /// # Errors
    ///
    /// [`TweakError`], with probability 2^-128.
    pub fn into_taproot_output(self, merkle_root: Option<&[u8; 32]>) -> Result<Self, TweakError> {
        let tweak = parse_scalar(&tweak(&self.public_key().x_only(), merkle_root)).ok_or(TweakError::OutOfRange)?;
        let mut sum: Zeroizing<Scalar> = even_y_scalar(&self);
        *sum += tweak;
        Self::from_scalar(&mut sum).ok_or(TweakError::Infinity)
    }
}
