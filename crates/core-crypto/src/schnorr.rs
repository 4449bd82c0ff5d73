//! BIP-340 signatures.

use alloc::vec::Vec;

use k256::Scalar;
use k256::elliptic_curve::subtle::{Choice, ConditionallySelectable};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::challenge::challenge;
use crate::comb::public_points;
use crate::declassify::{Site, declassify};
use crate::hash::{Tag, TaggedHash};
use crate::hex::{hex_value, ordered_by_bytes};
use crate::multiscalar::{Coefficient, Weight};
use crate::point::{PublicKey, XOnlyPublicKey, lift_x};
use crate::scalar::{SecretKey, parse_scalar, reduce};
use crate::secret::masked;
use crate::vartime::{PreparedPoint, PublicSum, combine_vartime};

static AUX: Tag = Tag::new("BIP0340/aux");
static NONCE: Tag = Tag::new("BIP0340/nonce");

/// A BIP-340 signature: 64 bytes, x of the nonce point and s.
///
/// Any 64 bytes are a value of this type; whether they are a signature of anything is what [`verify`] says.
#[derive(Clone, Copy)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Wraps 64 bytes.
    pub const fn from_bytes(bytes: &[u8; 64]) -> Self {
        Self(*bytes)
    }

    /// The 64 bytes.
    pub const fn to_bytes(&self) -> [u8; 64] {
        self.0
    }

    pub(crate) fn from_parts(nonce_x: &[u8; 32], s: &Scalar) -> Self {
        let mut bytes = [0; 64];
        let (left, right) = bytes.split_at_mut(32);
        left.copy_from_slice(nonce_x);
        right.copy_from_slice(&s.to_bytes());
        Self(bytes)
    }

    pub(crate) fn nonce_x(&self) -> [u8; 32] {
        core::array::from_fn(|index| self.0.get(index).copied().unwrap_or_default())
    }

    pub(crate) fn s(&self) -> [u8; 32] {
        core::array::from_fn(|index| self.0.get(32 + index).copied().unwrap_or_default())
    }
}

ordered_by_bytes!(Signature);
hex_value!(Signature, 64, |bytes| Some(Self::from_bytes(bytes)));

/// Signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the nonce came out as zero, or the signature does not verify: broken hardware")]
pub struct SignatureError;

/// The signature does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct VerifyError;

/// Some signatures of a batch do not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signatures that do not verify, by index: {culprits:?}")]
pub struct BatchError {
    /// The indices of the entries that do not verify by themselves.
    pub culprits: Vec<usize>,
}

/// Signs a message of any length (BIP-340 "Default Signing"). `aux` are 32 bytes, random if at all possible.
///
/// # Errors
///
/// [`SignatureError`], which needs a fault of the machine or a hash of probability 2^-256.
pub fn sign(key: &SecretKey, message: &[u8], aux: &[u8; 32]) -> Result<Signature, SignatureError> {
    let signature = sign_unchecked(key, message, aux)?;
    verify(&key.public_key().x_only(), message, &signature).map_err(|_| SignatureError)?;
    Ok(signature)
}

/// Signs; the caller verifies the signature, and gives it to nobody before.
fn sign_unchecked(key: &SecretKey, message: &[u8], aux: &[u8; 32]) -> Result<Signature, SignatureError> {
    let key_x = key.public_key().x_only().to_bytes();
    let d = even_y_scalar(key);
    let mut hash = masked_hash(&NONCE, &d, aux);
    hash.update(&key_x);
    hash.update(message);
    let mut k = nonce_scalar(hash);
    let [point] = public_points([&k], Site::SignatureNonce);
    let point = point.ok_or(SignatureError)?;
    let nonce_x = point.x_bytes();
    *k = Scalar::conditional_select(&k, &-*k, Choice::from(u8::from(point.is_odd())));
    let mut s = Zeroizing::new(challenge(&nonce_x, &key_x, message) * *d);
    *s += *k;
    Ok(Signature::from_parts(&nonce_x, &declassify(Site::SignatureScalar, *s)))
}

/// The secret scalar of the point with an even y that the x-only key stands for.
pub(crate) fn even_y_scalar(key: &SecretKey) -> Zeroizing<Scalar> {
    let negative = u8::from(key.public_key().is_odd()).into();
    Zeroizing::new(Scalar::conditional_select(key.scalar(), &-key.scalar(), negative))
}

/// A nonce hash that begins with a secret scalar under the mask of BIP-340.
pub(crate) fn masked_hash(tag: &Tag, d: &Scalar, aux: &[u8; 32]) -> TaggedHash {
    let mut hash = TaggedHash::new(tag);
    let d = Zeroizing::new(<[u8; 32]>::from(d.to_bytes()));
    hash.update(masked(&d, &TaggedHash::new(&AUX).chain(aux).finish_secret()).as_slice());
    hash
}

/// The hash as a nonce.
pub(crate) fn nonce_scalar(hash: TaggedHash) -> Zeroizing<Scalar> {
    Zeroizing::new(reduce(&hash.finish_secret()))
}

/// Verifies a signature (BIP-340 "Verification"). Variable time: everything here is public.
///
/// # Errors
///
/// [`VerifyError`].
pub fn verify(key: &XOnlyPublicKey, message: &[u8], signature: &Signature) -> Result<(), VerifyError> {
    verify_with(key, message, signature, |s, e| {
        combine_vartime(Some(s), [(Coefficient::from_scalar_vartime(e), key.point())])
    })
}

/// Verifies, given a way to compute `s * G + e * P`.
fn verify_with(
    key: &XOnlyPublicKey,
    message: &[u8],
    signature: &Signature,
    combine: impl Fn(&Scalar, &Scalar) -> PublicSum,
) -> Result<(), VerifyError> {
    let nonce_x = signature.nonce_x();
    let s = parse_scalar(&signature.s()).ok_or(VerifyError)?;
    let e = challenge(&nonce_x, &key.to_bytes(), message);
    if combine(&s, &-e).has_even_y_and_x_vartime(&nonce_x) { Ok(()) } else { Err(VerifyError) }
}

/// A key whose signatures are verified again and again: 2 KiB of its multiples halve the time of [`verify`].
///
/// It pays from the third signature on. The key is public, and so are its multiples.
#[derive(Debug)]
pub struct PreparedKey {
    key: XOnlyPublicKey,
    point: PreparedPoint,
}

impl PreparedKey {
    /// Memory of one, in bytes.
    pub const BYTES: usize = size_of::<Self>() + PreparedPoint::BYTES;

    /// Computes the multiples, which takes about the time of one [`verify`].
    pub fn new(key: &XOnlyPublicKey) -> Self {
        Self { key: *key, point: PreparedPoint::new_vartime(&key.point()) }
    }

    /// The key itself.
    pub const fn key(&self) -> &XOnlyPublicKey {
        &self.key
    }

    /// Verifies a signature, with the result of [`verify`].
    ///
    /// # Errors
    ///
    /// [`VerifyError`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), VerifyError> {
        verify_with(&self.key, message, signature, |s, e| self.point.combine_vartime(s, e))
    }
}

/// A secret key that signs again and again, beside its public key with its multiples: [`sign`] in four fifths of the time.
#[derive(Debug)]
pub struct SigningKey {
    secret: SecretKey,
    prepared: PreparedKey,
}

impl SigningKey {
    /// Computes the multiples of the public key.
    pub fn new(secret: SecretKey) -> Self {
        let prepared = PreparedKey::new(&secret.public_key().x_only());
        Self { secret, prepared }
    }

    /// The public key.
    pub const fn public_key(&self) -> PublicKey {
        self.secret.public_key()
    }

    /// Signs a message, with the result of [`sign`].
    ///
    /// # Errors
    ///
    /// As [`sign`].
    pub fn sign(&self, message: &[u8], aux: &[u8; 32]) -> Result<Signature, SignatureError> {
        let signature = sign_unchecked(&self.secret, message, aux)?;
        self.prepared.verify(message, &signature).map_err(|_| SignatureError)?;
        Ok(signature)
    }
}

/// Verifies many signatures at once (BIP-340 "Batch Verification"), with 128-bit random coefficients.
///
/// # Errors
///
/// [`BatchError`] with the culprits, found one by one.
pub fn verify_batch<R: TryCryptoRng + ?Sized>(
    entries: &[(XOnlyPublicKey, &[u8], Signature)],
    rng: &mut R,
) -> Result<(), BatchError> {
    if entries.len() > 1 && verifies_together(entries, rng) == Some(true) {
        return Ok(());
    }
    let culprits: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, (key, message, signature))| verify(key, message, signature).is_err())
        .map(|(index, _)| index)
        .collect();
    if culprits.is_empty() { Ok(()) } else { Err(BatchError { culprits }) }
}

/// `None` where the batch equation cannot even be written down.
fn verifies_together<R: TryCryptoRng + ?Sized>(
    entries: &[(XOnlyPublicKey, &[u8], Signature)],
    rng: &mut R,
) -> Option<bool> {
    let mut terms = Vec::with_capacity(2 * entries.len());
    let mut s_sum = Scalar::ZERO;
    for (key, message, signature) in entries {
        let weight = random_weight(rng)?;
        let nonce_x = signature.nonce_x();
        let w = weight.to_scalar();
        s_sum -= w * parse_scalar(&signature.s())?;
        let e = challenge(&nonce_x, &key.to_bytes(), message);
        terms.push((Coefficient::Weight(weight), lift_x(&nonce_x).ok()?));
        terms.push((Coefficient::from_scalar_vartime(&(w * e)), key.point()));
    }
    Some(combine_vartime(Some(&s_sum), terms).is_infinity())
}

/// 128 random bits.
pub(crate) fn random_weight<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Option<Weight> {
    let mut bytes = [0; 16];
    rng.try_fill_bytes(&mut bytes).ok()?;
    Some(Weight::from_bytes(bytes))
}
