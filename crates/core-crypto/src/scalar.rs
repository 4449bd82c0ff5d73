//! Secret keys, and scalars from bytes and hashes.

use core::fmt;

use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::subtle::{Choice, CtOption};
use k256::{FieldBytes, Scalar};
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::comb::public_points;
use crate::declassify::{Site, declassify};
use crate::point::PublicKey;
use crate::secret::Secret;

/// Bytes that are no secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret key is a number from 1 to the group order less 1")]
pub struct InvalidSecretKey;

/// A secret key could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct RandomnessError;

/// A secret key, with its public key.
///
/// It cannot be cloned, compared or printed, and it is overwritten when dropped. What it cannot do is in
/// `tests/compile_fail`.
pub struct SecretKey {
    scalar: Secret<Scalar>,
    public: PublicKey,
}

impl SecretKey {
    /// A fresh key.
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the generator fails, or returns what a working one never does.
    pub fn generate<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self, RandomnessError> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(&mut *bytes).map_err(|_| RandomnessError)?;
        Self::from_bytes(&bytes).map_err(|_| RandomnessError)
    }

    /// From 32 bytes, big endian.
    ///
    /// # Errors
    ///
    /// [`InvalidSecretKey`] for zero and for numbers not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidSecretKey> {
        let mut scalar = parse_secret_scalar(bytes).ok_or(InvalidSecretKey)?;
        Self::from_scalar(&mut scalar).ok_or(InvalidSecretKey)
    }

    /// The key plus a tweak, modulo the group order: how BIP-32 makes a child key of its parent's. In constant time.
    ///
    /// # Errors
    ///
    /// [`InvalidSecretKey`] if the tweak is zero or not below the group order, or if the sum is zero. Of a tweak that is a hash,
    /// that happens in fewer than 1 of 2^127 cases.
    pub fn plus(&self, tweak: &[u8; 32]) -> Result<Self, InvalidSecretKey> {
        let mut tweak = parse_secret_scalar(tweak).ok_or(InvalidSecretKey)?;
        let mut sum = *self.scalar() + tweak;
        tweak.zeroize();
        Self::from_scalar(&mut sum).ok_or(InvalidSecretKey)
    }

    /// Takes a scalar in, and overwrites where it was; none if it is zero.
    pub(crate) fn from_scalar(scalar: &mut Scalar) -> Option<Self> {
        let public = public_point(scalar, Site::PublicKey);
        let scalar = Secret::take(scalar);
        Some(Self { scalar, public: public? })
    }

    /// The public key.
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The 32 bytes of the key, for a key store. Whoever reads them can spend.
    pub fn dangerous_to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.scalar().to_bytes().into())
    }

    pub(crate) const fn scalar(&self) -> &Scalar {
        self.scalar.expose()
    }
}

impl ZeroizeOnDrop for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A public scalar below the group order.
pub(crate) fn parse_scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_repr(FieldBytes::from(*bytes)).into()
}

/// A secret scalar from 1 to the group order less 1, in constant time but for whether it is one.
pub(crate) fn parse_secret_scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    let mut repr = FieldBytes::from(*bytes);
    let option: CtOption<Scalar> = Scalar::from_repr(repr);
    repr.zeroize();
    let in_range = option.is_some();
    let scalar = option.unwrap_or(Scalar::ZERO);
    public_choice(Site::SecretInRange, in_range & !scalar.is_zero()).then_some(scalar)
}

/// The public point of a secret scalar that is not zero, in constant time.
pub(crate) fn public_point(scalar: &Scalar, site: Site) -> Option<PublicKey> {
    let [point] = public_points([scalar], site);
    point.map(PublicKey::from_public_point)
}

/// A choice that everybody may know.
pub(crate) fn public_choice(site: Site, choice: Choice) -> bool {
    declassify(site, choice.unwrap_u8()) == 1
}

/// A hash as a scalar, modulo the group order.
pub(crate) fn reduce(bytes: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(*bytes))
}

/// 1 or -1.
pub(crate) fn sign(negative: bool) -> Scalar {
    if negative { -Scalar::ONE } else { Scalar::ONE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tweak_is_added_modulo_the_group_order() {
        let small = |number: u8| {
            let mut bytes = [0; 32];
            bytes[31] = number;
            bytes
        };
        // The group order less so much.
        let below_order = |less: u8| {
            let mut bytes = [0xff; 32];
            bytes[15] = 0xfe;
            bytes[16..].copy_from_slice(&0xbaae_dce6_af48_a03b_bfd2_5e8c_d036_4141_u128.to_be_bytes());
            bytes[31] -= less;
            bytes
        };
        let two = SecretKey::from_bytes(&small(2)).unwrap();
        let sum = |tweak: &[u8; 32]| two.plus(tweak).map(|key| *key.dangerous_to_bytes());
        assert_eq!(sum(&small(3)), Ok(small(5)));
        assert_eq!(sum(&below_order(1)), Ok(small(1)));
        assert_eq!(two.plus(&small(3)).unwrap().public_key(), SecretKey::from_bytes(&small(5)).unwrap().public_key());
        for tweak in [below_order(2), below_order(0), small(0), [0xff; 32]] {
            assert_eq!(sum(&tweak), Err(InvalidSecretKey));
        }
    }
}
