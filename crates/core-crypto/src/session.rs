//! One signature in the making: session values, partial signatures, their verification and aggregation (BIP-327).

use alloc::vec::Vec;

use k256::elliptic_curve::group::Group;
use k256::elliptic_curve::ops::LinearCombination;
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::subtle::ConditionallySelectable;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::TryCryptoRng;
use zeroize::Zeroize;

use crate::challenge::challenge;
use crate::hash::TaggedHash;
use crate::hex::{hex_value, ordered_by_bytes};
use crate::key_agg::KeyAggContext;
use crate::nonce::{AggregateNonce, PublicNonce, SecretNonce};
use crate::point::{compress, x_bytes};
use crate::scalar::{SecretKey, parse_scalar, reduce};
use crate::schnorr::{Signature, random_weight, verify};

/// One signer's share of a signature: 32 bytes, a number below the group order.
#[derive(Clone, Copy)]
pub struct PartialSignature(Scalar);

/// Bytes that are no partial signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a partial signature is a number below the group order")]
pub struct InvalidPartialSignature;

impl PartialSignature {
    /// Parses 32 bytes, big endian.
    ///
    /// # Errors
    ///
    /// [`InvalidPartialSignature`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidPartialSignature> {
        parse_scalar(bytes).map(Self).ok_or(InvalidPartialSignature)
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }
}

ordered_by_bytes!(PartialSignature);
hex_value!(PartialSignature, 32, |bytes| Self::from_bytes(bytes).ok());

/// Signing failed. The nonce is gone in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The nonce was made for another key.
    #[error("the nonce was made for another key")]
    WrongNonce,
    /// The key is not among the aggregated keys.
    #[error("the key is not among the signers")]
    NotASigner,
    /// The partial signature does not verify: broken hardware, or an attack on it.
    #[error("the partial signature does not verify: broken hardware")]
    Faulty,
}

/// Partial signatures that do not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("partial signatures that do not verify, by signer: {culprits:?}")]
pub struct PartialFault {
    /// The indices of the signers whose partial signature is missing or fails, in ascending order.
    pub culprits: Vec<usize>,
}

/// Partial signatures of all signers that have been verified; aggregating them cannot fail.
#[derive(Debug, Clone)]
pub struct VerifiedPartials {
    sum: Scalar,
}

/// The aggregated signature does not verify: a partial signature is wrong or missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the aggregated signature does not verify")]
pub struct AggregateError;

/// The session values of BIP-327 for one message under one aggregate key with one aggregate nonce.
#[derive(Debug, Clone)]
pub struct SigningSession {
    context: KeyAggContext,
    message: Vec<u8>,
    /// The nonce coefficient b.
    b: Scalar,
    /// The challenge e.
    e: Scalar,
    /// The final nonce R.
    nonce: AffinePoint,
}

impl SigningSession {
    /// Computes the session values (BIP-327 GetSessionValues).
    pub fn new(context: &KeyAggContext, nonce: &AggregateNonce, message: &[u8]) -> Self {
        let key = context.aggregate_key().to_bytes();
        let hash = TaggedHash::new(b"MuSig/noncecoef").chain(&nonce.to_bytes()).chain(&key).chain(message);
        let b = reduce(&hash.finish());
        let [first, second] = nonce.points.map(ProjectivePoint::from);
        let point = first + ProjectivePoint::lincomb_vartime(&[(second, b)]);
        let point = if bool::from(point.is_identity()) { ProjectivePoint::GENERATOR } else { point }.to_affine();
        let e = challenge(&x_bytes(&point), &key, message);
        Self { context: context.clone(), message: message.to_vec(), b, e, nonce: point }
    }

    /// Makes this signer's partial signature, and verifies it before it leaves (BIP-327 Sign).
    ///
    /// # Errors
    ///
    /// [`SignError`].
    pub fn sign(&self, nonce: SecretNonce, key: &SecretKey) -> Result<PartialSignature, SignError> {
        if nonce.public_key != key.public_key() {
            return Err(SignError::WrongNonce);
        }
        let index = self.context.index_of(&key.public_key()).ok_or(SignError::NotASigner)?;
        let a = self.context.coefficient(index).ok_or(SignError::NotASigner)?;
        let [first, second] = &nonce.k;
        let mut k = first + self.b * second;
        k = Scalar::conditional_select(&k, &-k, self.nonce.y_is_odd());
        let mut d = self.context.key_sign() * key.scalar();
        let partial = PartialSignature(k + self.e * a * d);
        k.zeroize();
        d.zeroize();
        let public = PublicNonce::of(&nonce.k);
        self.verify_partial(index, &public, &partial).map_err(|_| SignError::Faulty)?;
        Ok(partial)
    }

    /// Verifies one signer's partial signature (BIP-327 PartialSigVerify).
    ///
    /// # Errors
    ///
    /// [`PartialFault`] naming this signer.
    pub fn verify_partial(
        &self,
        index: usize,
        nonce: &PublicNonce,
        partial: &PartialSignature,
    ) -> Result<(), PartialFault> {
        let fault = || PartialFault { culprits: Vec::from([index]) };
        let terms = self.terms(index, nonce, partial, Scalar::ONE).ok_or_else(fault)?;
        let difference = ProjectivePoint::lincomb_vartime(&terms);
        if bool::from(difference.is_identity()) { Ok(()) } else { Err(fault()) }
    }

    /// Verifies all signers' partial signatures in one equation with fresh random weights, and one by one if it fails.
    ///
    /// The weights must not be predictable when the last partial signature arrives: b and e do not commit to single
    /// nonces, so two cheaters who knew them could cancel each other out.
    ///
    /// # Errors
    ///
    /// [`PartialFault`] naming every signer whose partial signature is missing or fails.
    pub fn verify_partials<R: TryCryptoRng + ?Sized>(
        &self,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Result<VerifiedPartials, PartialFault> {
        let signers = self.context.keys().len();
        let complete = nonces.len() == signers && partials.len() == signers;
        if !complete || self.all_verify(nonces, partials, rng) != Some(true) {
            let culprits: Vec<usize> = (0..signers)
                .filter(|index| match (nonces.get(*index), partials.get(*index)) {
                    (Some(nonce), Some(partial)) => self.verify_partial(*index, nonce, partial).is_err(),
                    _ => true,
                })
                .collect();
            if !culprits.is_empty() || !complete {
                return Err(PartialFault { culprits });
            }
        }
        Ok(VerifiedPartials { sum: partials.iter().map(|partial| partial.0).sum() })
    }

    fn all_verify<R: TryCryptoRng + ?Sized>(
        &self,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Option<bool> {
        let mut all = Vec::with_capacity(4 * nonces.len());
        for (index, (nonce, partial)) in nonces.iter().zip(partials).enumerate() {
            all.extend(self.terms(index, nonce, partial, random_weight(rng)?)?);
        }
        Some(ProjectivePoint::lincomb_vartime(all.as_slice()).is_identity().into())
    }

    /// The terms of `weight * (s G - R_i - e a_i g P_i)`, which add up to infinity for a valid partial signature.
    fn terms(
        &self,
        index: usize,
        nonce: &PublicNonce,
        partial: &PartialSignature,
        weight: Scalar,
    ) -> Option<[(ProjectivePoint, Scalar); 4]> {
        let key = self.context.keys().get(index)?;
        let a = self.context.coefficient(index)?;
        let [first, second] = nonce.points.map(ProjectivePoint::from);
        let nonce_weight = if bool::from(self.nonce.y_is_odd()) { weight } else { -weight };
        Some([
            (ProjectivePoint::GENERATOR, weight * partial.0),
            (first, nonce_weight),
            (second, nonce_weight * self.b),
            (ProjectivePoint::from(*key.point()), -(weight * self.e * a * self.context.key_sign())),
        ])
    }

    /// Aggregates partial signatures (BIP-327 PartialSigAgg), and verifies the result before it is handed out.
    ///
    /// # Errors
    ///
    /// [`AggregateError`] if it does not verify; [`SigningSession::verify_partials`] finds out whose fault that is.
    pub fn aggregate(&self, partials: &[PartialSignature]) -> Result<Signature, AggregateError> {
        self.finished(partials.iter().map(|partial| partial.0).sum())
    }

    /// Aggregates partial signatures that have been verified.
    ///
    /// # Errors
    ///
    /// [`AggregateError`] if they were verified in another session.
    pub fn aggregate_verified(&self, partials: &VerifiedPartials) -> Result<Signature, AggregateError> {
        self.finished(partials.sum)
    }

    fn finished(&self, sum: Scalar) -> Result<Signature, AggregateError> {
        let s = sum + self.e * self.context.tweak_share();
        let signature = Signature::from_parts(&x_bytes(&self.nonce), &s);
        verify(&self.context.aggregate_key(), &self.message, &signature).map_err(|_| AggregateError)?;
        Ok(signature)
    }

    /// The final nonce R, compressed; for tests against the vectors.
    pub fn nonce_bytes(&self) -> [u8; 33] {
        compress(&self.nonce)
    }
}
