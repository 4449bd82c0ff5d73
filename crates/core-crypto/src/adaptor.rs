//! Adaptor signatures: signatures that become valid when a secret is added, and give the secret away when they are used.
//!
//! Whoever has an adaptor signature under the point T = tG and learns t completes it to a BIP-340 signature
//! ([`AdaptorSignature::adapt`]); whoever has it and sees the completed signature learns t
//! ([`AdaptorSignature::extract`]). Two of them under one point, on two chains, are an atomic swap.
//!
//! For one signer: R = kG + T, and s' = k + e d with the challenge of R; k is negated where R has an odd y, and so is t
//! when it is added. For MuSig2 the adaptor point is added to the first half of the aggregate nonce *before* the nonce
//! coefficient is computed, so that b commits to it, as in libsecp256k1-zkp (`secp256k1_musig_nonce_process` and
//! `secp256k1_musig_adapt` in `src/modules/musig`). The `musig2` crate adds it to the final nonce instead; there, one who
//! chooses T after the nonces are known varies the challenge under a fixed nonce, which many concurrent sessions turn into
//! a forgery (ROS). Here a changed T changes b, as a changed nonce of another signer would.

use alloc::vec::Vec;

use k256::Scalar;
use k256::elliptic_curve::subtle::{Choice, ConditionallySelectable};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::challenge::challenge;
use crate::comb::public_points;
use crate::declassify::{Site, declassify};
use crate::hash::Tag;
use crate::hex::{hex_value, ordered_by_bytes};
use crate::key_agg::KeyAggContext;
use crate::multiscalar::Coefficient;
use crate::nonce::{AggregateNonce, PublicNonce, SecretNonce};
use crate::point::{PublicKey, XOnlyPublicKey, parse_compressed};
use crate::scalar::{SecretKey, parse_scalar, sign as sign_of};
use crate::schnorr::{Signature, SignatureError, VerifyError, even_y_scalar, masked_hash, nonce_scalar};
use crate::session::{AggregateError, PartialFault, PartialSignature, SignError, SigningSession};
use crate::signing_task::SigningTask;
use crate::vartime::{PublicPoint, combine_vartime, sum_vartime};

static NONCE: Tag = Tag::new("motet/adaptor-nonce/v1");

/// A signature that lacks the adaptor secret: 65 bytes, R compressed and s'.
#[derive(Clone, Copy)]
pub struct AdaptorSignature {
    nonce: PublicPoint,
    s: Scalar,
}

/// Bytes that are no adaptor signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an adaptor signature is a compressed point and a number below the group order")]
pub struct InvalidAdaptorSignature;

/// The signature is not this adaptor signature with the adaptor secret added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not complete the adaptor signature")]
pub struct ExtractError;

impl AdaptorSignature {
    /// Parses 65 bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidAdaptorSignature`].
    pub fn from_bytes(bytes: &[u8; 65]) -> Result<Self, InvalidAdaptorSignature> {
        let (nonce, s) = bytes.split_at(33);
        let nonce = nonce.try_into().ok().and_then(|nonce| parse_compressed(nonce).ok());
        let s = s.try_into().ok().and_then(parse_scalar);
        Ok(Self { nonce: nonce.ok_or(InvalidAdaptorSignature)?, s: s.ok_or(InvalidAdaptorSignature)? })
    }

    /// The 65 bytes.
    pub fn to_bytes(&self) -> [u8; 65] {
        let mut bytes = [0; 65];
        let (nonce, s) = bytes.split_at_mut(33);
        nonce.copy_from_slice(&self.nonce.to_bytes());
        s.copy_from_slice(&self.s.to_bytes());
        bytes
    }

    /// Completes it with the adaptor secret, in constant time.
    ///
    /// The result is a signature if this is a verified adaptor signature under the secret's point.
    pub fn adapt(&self, secret: &SecretKey) -> Signature {
        let t = secret.scalar();
        let mut s = Zeroizing::new(Scalar::conditional_select(t, &-t, Choice::from(u8::from(self.nonce.is_odd()))));
        *s += self.s;
        Signature::from_parts(&self.nonce.x_bytes(), &declassify(Site::AdaptedScalar, *s))
    }

    /// The adaptor secret, from the completed signature.
    ///
    /// # Errors
    ///
    /// [`ExtractError`] unless the difference is the secret of this adaptor point.
    pub fn extract(&self, signature: &Signature, adaptor: &PublicKey) -> Result<SecretKey, ExtractError> {
        if signature.nonce_x() != self.nonce.x_bytes() {
            return Err(ExtractError);
        }
        let s = parse_scalar(&signature.s()).ok_or(ExtractError)?;
        let mut t = Zeroizing::new((s - self.s) * sign_of(self.nonce.is_odd()));
        SecretKey::from_scalar(&mut t).filter(|secret| secret.public_key() == *adaptor).ok_or(ExtractError)
    }
}

ordered_by_bytes!(AdaptorSignature);
hex_value!(AdaptorSignature, 65, |bytes| Self::from_bytes(bytes).ok());

/// Makes an adaptor signature of one signer under the adaptor point. `aux` are 32 bytes, random if at all possible.
///
/// # Errors
///
/// [`SignatureError`], which needs a fault of the machine, or an adaptor point made from the nonce.
pub fn sign(
    key: &SecretKey,
    message: &[u8],
    adaptor: &PublicKey,
    aux: &[u8; 32],
) -> Result<AdaptorSignature, SignatureError> {
    let public = key.public_key().x_only();
    let d = even_y_scalar(key);
    let mut hash = masked_hash(&NONCE, &d, aux);
    hash.update(&public.to_bytes());
    hash.update(&adaptor.to_bytes());
    hash.update(message);
    let mut k = nonce_scalar(hash);
    // The adaptor point is public, and so, with the signature, is the rest of R.
    let [point] = public_points([&k], Site::SignatureNonce);
    let point = point.ok_or(SignatureError)?;
    let nonce = sum_vartime([point, adaptor.point()].into_iter()).to_point_vartime().ok_or(SignatureError)?;
    *k = Scalar::conditional_select(&k, &-*k, Choice::from(u8::from(nonce.is_odd())));
    let mut s = Zeroizing::new(challenge(&nonce.x_bytes(), &public.to_bytes(), message) * *d);
    *s += *k;
    let signature = AdaptorSignature { nonce, s: declassify(Site::SignatureScalar, *s) };
    verify(&public, message, adaptor, &signature).map_err(|_| SignatureError)?;
    Ok(signature)
}

/// Verifies an adaptor signature: that adding the secret of the adaptor point makes it a signature of this key.
///
/// It does not matter whether one signer made it or many. Variable time: everything here is public.
///
/// # Errors
///
/// [`VerifyError`].
pub fn verify(
    key: &XOnlyPublicKey,
    message: &[u8],
    adaptor: &PublicKey,
    signature: &AdaptorSignature,
) -> Result<(), VerifyError> {
    let AdaptorSignature { nonce, s } = signature;
    let e = challenge(&nonce.x_bytes(), &key.to_bytes(), message);
    let adaptor = adaptor.point().negate_if(nonce.is_odd());
    let terms = [(Coefficient::from_scalar_vartime(&-e), key.point()), (Coefficient::One, adaptor)];
    let sum = combine_vartime(Some(s), terms);
    if sum.equals_vartime(&nonce.with_even_y()) { Ok(()) } else { Err(VerifyError) }
}

/// A MuSig2 session whose result is an adaptor signature: rounds and messages are those of a [`SigningSession`].
#[derive(Debug, Clone)]
pub struct AdaptorSession(SigningSession);

impl AdaptorSession {
    /// Computes the session values for the sum of all nonces, without the adaptor point, and that point.
    pub fn new(context: &KeyAggContext, nonce: &AggregateNonce, adaptor: &PublicKey, message: &[u8]) -> Self {
        Self(SigningSession::with_adaptor(context, nonce, Some(adaptor.point()), message))
    }

    /// Makes this signer's partial signature, and verifies it before it leaves.
    ///
    /// # Errors
    ///
    /// [`SignError`].
    pub fn sign(&self, nonce: SecretNonce, key: &SecretKey) -> Result<PartialSignature, SignError> {
        self.0.sign(nonce, key)
    }

    /// Verifies one signer's partial signature.
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
        self.0.verify_partial(index, nonce, partial)
    }

    /// Verifies all partial signatures in one equation with fresh random weights, and aggregates them.
    ///
    /// # Errors
    ///
    /// [`PartialFault`] naming every signer whose partial signature is missing or fails; nobody if all verify and still
    /// do not make an adaptor signature, which takes an aggregate nonce that is not the sum of these nonces.
    pub fn verify_and_aggregate<R: TryCryptoRng + ?Sized>(
        &self,
        nonces: &[PublicNonce],
        partials: &[PartialSignature],
        rng: &mut R,
    ) -> Result<AdaptorSignature, PartialFault> {
        let verified = self.0.verify_partials(nonces, partials, rng)?;
        match verified.complete_sum() {
            Some(sum) => Ok(AdaptorSignature { nonce: self.0.nonce(), s: self.0.final_s(sum) }),
            None => self.aggregate(partials).map_err(|AggregateError| PartialFault { culprits: Vec::new() }),
        }
    }

    /// Aggregates partial signatures, and verifies the result before it is handed out.
    ///
    /// # Errors
    ///
    /// [`AggregateError`] if it does not verify.
    pub fn aggregate(&self, partials: &[PartialSignature]) -> Result<AdaptorSignature, AggregateError> {
        let s = self.0.finished_s(partials.iter().map(PartialSignature::scalar).sum())?;
        Ok(AdaptorSignature { nonce: self.0.nonce(), s })
    }

    /// What a signer has to know to sign, also one that keeps its key elsewhere.
    pub fn task(&self) -> SigningTask<'_> {
        self.0.task()
    }
}
