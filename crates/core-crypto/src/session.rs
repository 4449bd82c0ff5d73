//! One signature in the making: session values, partial signatures, their verification and aggregation (BIP-327).

use alloc::vec::Vec;

use k256::Scalar;
use k256::elliptic_curve::subtle::{Choice, ConditionallySelectable};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::challenge::challenge;
use crate::declassify::{Site, declassify};
use crate::hash::{Tag, TaggedHash};
use crate::hex::{hex_value, ordered_by_bytes};
use crate::key_agg::KeyAggContext;
use crate::multiscalar::Coefficient;
use crate::nonce::{AggregateNonce, PublicNonce, SecretNonce};
use crate::point::PublicKey;
use crate::scalar::{SecretKey, parse_scalar, reduce};
use crate::schnorr::{Signature, random_weight, verify};
use crate::signing_task::SigningTask;
use crate::vartime::{PublicPoint, combine_vartime, sum_vartime};

static NONCE_COEFFICIENT: Tag = Tag::new("MuSig/noncecoef");

/// From this many signers on, `b * sum(w_i R_2i)` is cheaper than `sum((w_i b) R_2i)`: the weights have half the digits.
const SUM_SECONDS_FROM: usize = 9;

/// Below this many signers, checking that the nonces add up is cheaper than the terms of the signer that it saves.
const IMPLY_BELOW: usize = 40;

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

    pub(crate) const fn scalar(&self) -> Scalar {
        self.0
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
    /// The indices of the signers whose partial signature is missing or fails, in ascending order; empty where it is
    /// nobody's fault that there is no signature.
    pub culprits: Vec<usize>,
}

/// Partial signatures of all signers that have been verified, and the signature that they add up to.
#[derive(Debug, Clone)]
pub struct VerifiedPartials {
    /// The challenge of the session in which they were verified.
    e: Scalar,
    sum: Scalar,
    /// The final signature, where its equation was part of what was verified.
    signature: Option<Signature>,
}

impl VerifiedPartials {
    /// The sum of the partial signatures, where the equation of the result was part of what was verified.
    pub(crate) const fn complete_sum(&self) -> Option<Scalar> {
        match self.signature {
            Some(_) => Some(self.sum),
            None => None,
        }
    }
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
    /// The final nonce R: R_1 + b R_2, and the adaptor point if there is one.
    nonce: PublicPoint,
    /// R_1 and R_2.
    aggregate_nonce: AggregateNonce,
    /// Whether R was infinity, and is G instead (BIP-327).
    replaced: bool,
    /// What the partial signatures leave out of R, for adaptor signatures.
    adaptor: Option<PublicPoint>,
}

impl SigningSession {
    /// Computes the session values (BIP-327 GetSessionValues).
    pub fn new(context: &KeyAggContext, nonce: &AggregateNonce, message: &[u8]) -> Self {
        Self::with_adaptor(context, nonce, None, message)
    }

    /// The same with an adaptor point, to which the nonce coefficient commits as to any nonce.
    pub(crate) fn with_adaptor(
        context: &KeyAggContext,
        nonce: &AggregateNonce,
        adaptor: Option<PublicPoint>,
        message: &[u8],
    ) -> Self {
        let adapted = adaptor.map_or(*nonce, |adaptor| nonce.plus_first(adaptor));
        let key = context.aggregate_key().to_bytes();
        let hash = TaggedHash::new(&NONCE_COEFFICIENT).chain(&adapted.to_bytes()).chain(&key).chain(message);
        let b = reduce(&hash.finish());
        let coefficients = [Coefficient::One, Coefficient::from_scalar_vartime(&b)];
        let finite = coefficients.into_iter().zip(adapted.points).filter_map(|(b, point)| Some((b, point?)));
        let sum = combine_vartime(None, finite).to_point_vartime();
        let point = sum.unwrap_or_else(PublicPoint::generator);
        let e = challenge(&point.x_bytes(), &key, message);
        let (context, message) = (context.clone(), message.to_vec());
        Self { context, message, b, e, nonce: point, aggregate_nonce: *nonce, replaced: sum.is_none(), adaptor }
    }

    /// Makes this signer's partial signature, and verifies it before it leaves (BIP-327 Sign).
    ///
    /// # Errors
    ///
    /// [`SignError`].
    pub fn sign(&self, nonce: SecretNonce, key: &SecretKey) -> Result<PartialSignature, SignError> {
        if nonce.public_key() != key.public_key() {
            return Err(SignError::WrongNonce);
        }
        let index = self.context.index_of(&key.public_key()).ok_or(SignError::NotASigner)?;
        let a = self.context.coefficient(index).ok_or(SignError::NotASigner)?;
        let [first, second] = nonce.expose();
        let mut k = Zeroizing::new(self.b * second);
        *k += first;
        *k = Scalar::conditional_select(&k, &-*k, Choice::from(u8::from(self.nonce.is_odd())));
        // Everything but the key is public here, and multiplied first: one product touches the secret.
        let mut s = Zeroizing::new(self.key_factor() * a * key.scalar());
        *s += *k;
        let partial = PartialSignature(declassify(Site::PartialSignature, *s));
        if self.verifies(index, &nonce.public_nonce(), &partial) == Some(true) {
            Ok(partial)
        } else {
            Err(SignError::Faulty)
        }
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
        if self.verifies(index, nonce, partial) == Some(true) {
            Ok(())
        } else {
            Err(PartialFault { culprits: Vec::from([index]) })
        }
    }

    /// Whether `s G -+ b R_2 - e a g P = +-R_1`; none if there is no such signer. Variable time: all of it is public.
    fn verifies(&self, index: usize, nonce: &PublicNonce, partial: &PartialSignature) -> Option<bool> {
        let key = self.context.keys().get(index)?;
        let [first, second] = nonce.points.map(|point| point.negate_if(self.nonce.is_odd()));
        let key_factor = self.key_factor() * self.context.coefficient(index)?;
        let terms = [(-self.b, second), (-key_factor, key.point())];
        let terms = terms.map(|(factor, point)| (Coefficient::from_scalar_vartime(&factor), point));
        Some(combine_vartime(Some(&partial.0), terms).equals_vartime(&first))
    }

    /// `e * g` of BIP-327: what every `a_i P_i` is multiplied by.
    fn key_factor(&self) -> Scalar {
        self.e * self.context.key_sign()
    }

    /// Verifies all signers' partial signatures in one equation with fresh random weights, and one by one if it fails.
    ///
    /// The weights must not be predictable when the last partial signature arrives: b and e do not commit to single
    /// nonces, so two cheaters who knew them could cancel each other out.
    ///
    /// # Errors
    ///
    /// [`PartialFault`] naming every signer whose partial signature is missing or fails; nobody where all are right but
    /// there are more of them, or of nonces, than signers.
    pub fn verify_partials<R: TryCryptoRng + ?Sized>(
        &self,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Result<VerifiedPartials, PartialFault> {
        self.verify_all_but(None, nonces, partials, rng)
    }

    /// As [`verify_partials`](Self::verify_partials), for a signer whose own partial signature stands at `own` and comes
    /// out of [`sign`](Self::sign), which has verified it.
    ///
    /// The equation of the final signature covers it once more, so that a wrong one is found here all the same.
    ///
    /// # Errors
    ///
    /// [`PartialFault`] naming every signer whose partial signature is missing or fails.
    pub fn verify_other_partials<R: TryCryptoRng + ?Sized>(
        &self,
        own: usize,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Result<VerifiedPartials, PartialFault> {
        self.verify_all_but(Some(own), nonces, partials, rng)
    }

    fn verify_all_but<R: TryCryptoRng + ?Sized>(
        &self,
        skipped: Option<usize>,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Result<VerifiedPartials, PartialFault> {
        let signers = self.context.keys().len();
        let complete = nonces.len() == signers && partials.len() == signers;
        let together = complete && self.verify_together(skipped, nonces, partials, rng) == Some(true);
        if !together {
            let culprits: Vec<usize> = (0..signers)
                .filter(|index| match (nonces.get(*index), partials.get(*index)) {
                    (Some(nonce), Some(partial)) => self.verifies(*index, nonce, partial) != Some(true),
                    _ => true,
                })
                .collect();
            if !culprits.is_empty() || !complete {
                return Err(PartialFault { culprits });
            }
            // Everybody signed what they should, but these are not the nonces that the aggregate nonce is made of:
            // nobody here is to blame, and aggregation will find out.
        }
        let sum = partials.iter().map(|partial| partial.0).sum();
        Ok(VerifiedPartials { e: self.e, sum, signature: together.then(|| self.signature(sum)) })
    }

    /// Whether `sum(w_i (+-(R_1i + b R_2i) + e a_i g P_i)) = sum(w_i s_i) G` for fresh weights w_i, and, with weight
    /// one in the same equation, `R + e Q = s G` for the final signature; none where no weights could be drawn.
    ///
    /// Variable time: all of it is public.
    fn verify_together<R: TryCryptoRng + ?Sized>(
        &self,
        skipped: Option<usize>,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Option<bool> {
        // Where the nonces add up to the session's, so do the equations: that of one signer follows from the others.
        let implied = (0..nonces.len())
            .find(|index| skipped != Some(*index))
            .filter(|_| nonces.len() < IMPLY_BELOW && self.is_made_of(nonces));
        let mut s = self.final_s(partials.iter().map(|partial| partial.0).sum());
        let mut terms = Vec::with_capacity(3 * nonces.len() + 3);
        let mut seconds = Vec::with_capacity(nonces.len());
        let key_factor = self.key_factor();
        let signers = nonces.iter().zip(partials).zip(self.context.keys()).zip(self.context.coefficients());
        for (index, (((nonce, partial), key), a)) in signers.enumerate() {
            if skipped == Some(index) || implied == Some(index) {
                continue;
            }
            let weight = random_weight(rng)?;
            let w = weight.to_scalar();
            s += w * partial.0;
            let [first, second] = nonce.points.map(|point| point.negate_if(self.nonce.is_odd()));
            terms.push((Coefficient::Weight(weight), first));
            terms.push((Coefficient::Scalar(w * a * key_factor), key.point()));
            if nonces.len() < SUM_SECONDS_FROM {
                terms.push((Coefficient::Scalar(w * self.b), second));
            } else {
                seconds.push((Coefficient::Weight(weight), second));
            }
        }
        if let Some(sum) = combine_vartime(None, seconds).to_point_vartime() {
            terms.push((Coefficient::Scalar(self.b), sum));
        }
        terms.push((Coefficient::One, self.nonce.with_even_y()));
        terms.extend(self.signed_adaptor().map(|adaptor| (Coefficient::One, adaptor.negate_if(true))));
        terms.push((Coefficient::Scalar(self.e), self.context.aggregate_key().point()));
        Some(combine_vartime(Some(&-s), terms).is_infinity())
    }

    /// Whether the session's aggregate nonce is the sum of these nonces.
    fn is_made_of(&self, nonces: &[PublicNonce]) -> bool {
        let halves = self.aggregate_nonce.points.into_iter().enumerate();
        !self.replaced
            && halves.into_iter().all(|(half, expected)| {
                let sum =
                    sum_vartime(nonces.iter().map(|nonce| if half == 0 { nonce.points[0] } else { nonce.points[1] }));
                expected.map_or_else(|| sum.is_infinity(), |expected| sum.equals_vartime(&expected))
            })
    }

    /// Aggregates partial signatures (BIP-327 PartialSigAgg), and verifies the result before it is handed out.
    ///
    /// # Errors
    ///
    /// [`AggregateError`] if it does not verify; [`SigningSession::verify_partials`] finds out whose fault that is.
    pub fn aggregate(&self, partials: &[PartialSignature]) -> Result<Signature, AggregateError> {
        self.finished(partials.iter().map(|partial| partial.0).sum())
    }

    /// Aggregates without verifying the partial signatures, and looks for culprits only if the result does not verify.
    ///
    /// One verification instead of n where everybody is honest. The difference to verifying first is when blame comes:
    /// only with the last partial signature, and not for a share that is wrong by itself but made up for by another.
    ///
    /// # Errors
    ///
    /// [`PartialFault`] naming every signer whose partial signature is missing or fails; nobody if all verify and still
    /// do not make a signature, which takes an aggregate nonce that is not the sum of these nonces.
    pub fn aggregate_optimistically<R: TryCryptoRng + ?Sized>(
        &self,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Result<Signature, PartialFault> {
        self.aggregate(partials).or_else(|AggregateError| {
            let verified = self.verify_partials(nonces, partials, rng)?;
            self.aggregate_verified(&verified).map_err(|AggregateError| PartialFault { culprits: Vec::new() })
        })
    }

    /// Aggregates partial signatures that have been verified.
    ///
    /// # Errors
    ///
    /// [`AggregateError`] if they were verified in another session, or with nonces that the aggregate nonce is not made
    /// of.
    pub fn aggregate_verified(&self, partials: &VerifiedPartials) -> Result<Signature, AggregateError> {
        match partials.signature {
            // The challenge commits to nonce, key and message: this very signature was part of the verified equation.
            Some(signature) if partials.e == self.e => {
                debug_assert!(verify(&self.context.aggregate_key(), &self.message, &signature).is_ok());
                Ok(signature)
            }
            Some(_) | None => self.finished(partials.sum),
        }
    }

    fn finished(&self, sum: Scalar) -> Result<Signature, AggregateError> {
        self.finished_s(sum).map(|s| Signature::from_parts(&self.nonce.x_bytes(), &s))
    }

    /// s of the final signature, verified; of the adaptor signature, where there is an adaptor point.
    pub(crate) fn finished_s(&self, sum: Scalar) -> Result<Scalar, AggregateError> {
        // BIP-340 verification without hashing and lifting again what this session holds: s G - e Q = R.
        let s = self.final_s(sum);
        let key = (Coefficient::from_scalar_vartime(&-self.e), self.context.aggregate_key().point());
        let adaptor = self.signed_adaptor().map(|adaptor| (Coefficient::One, adaptor));
        let nonce = combine_vartime(Some(&s), core::iter::once(key).chain(adaptor));
        if nonce.equals_vartime(&self.nonce.with_even_y()) { Ok(s) } else { Err(AggregateError) }
    }

    /// The adaptor point with the sign that it has in the R with an even y.
    fn signed_adaptor(&self) -> Option<PublicPoint> {
        self.adaptor.map(|adaptor| adaptor.negate_if(self.nonce.is_odd()))
    }

    /// s of the final signature: the sum of the partial signatures and what the tweaks add.
    pub(crate) fn final_s(&self, sum: Scalar) -> Scalar {
        sum + self.e * self.context.tweak_share()
    }

    fn signature(&self, sum: Scalar) -> Signature {
        Signature::from_parts(&self.nonce.x_bytes(), &self.final_s(sum))
    }

    /// The final nonce R.
    pub(crate) const fn nonce(&self) -> PublicPoint {
        self.nonce
    }

    /// The final nonce R, compressed; for tests against the vectors.
    pub fn nonce_bytes(&self) -> [u8; 33] {
        self.nonce.to_bytes()
    }

    /// What a signer has to know to sign, also one that keeps its key elsewhere.
    pub fn task(&self) -> SigningTask<'_> {
        SigningTask {
            context: &self.context,
            aggregate_nonce: self.aggregate_nonce,
            adaptor: self.adaptor.map(PublicKey::from_public_point),
            message: &self.message,
            child: None,
        }
    }
}
