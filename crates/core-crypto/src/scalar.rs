//! Secret keys, and scalars from bytes and hashes.

use core::fmt;

use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::Reduce;
use k256::{FieldBytes, ProjectivePoint, Scalar};
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::point::PublicKey;

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
/// It cannot be cloned, compared or printed, and it is overwritten when dropped.
pub struct SecretKey {
    scalar: Scalar,
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
        let scalar = parse_scalar(bytes).ok_or(InvalidSecretKey)?;
        let public = PublicKey::from_point(&ProjectivePoint::mul_by_generator(&scalar)).ok_or(InvalidSecretKey)?;
        Ok(Self { scalar, public })
    }

    /// The public key.
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The 32 bytes of the key, for a key store. Whoever reads them can spend.
    pub fn dangerous_to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.scalar.to_bytes().into())
    }

    pub(crate) const fn scalar(&self) -> &Scalar {
        &self.scalar
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A scalar below the group order.
pub(crate) fn parse_scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_repr(FieldBytes::from(*bytes)).into()
}

/// A hash as a scalar, modulo the group order.
pub(crate) fn reduce(bytes: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(*bytes))
}

/// 1 or -1.
pub(crate) fn sign(negative: bool) -> Scalar {
    if negative { -Scalar::ONE } else { Scalar::ONE }
}
