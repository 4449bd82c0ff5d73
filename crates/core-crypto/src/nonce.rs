//! Nonces (BIP-327 NonceGen, NonceAgg) and commitments to them (`docs/protocol.md` §7).

use alloc::vec::Vec;

use k256::elliptic_curve::BatchNormalize;
use k256::elliptic_curve::subtle::ConstantTimeEq;
use k256::{ProjectivePoint, Scalar};
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::hash::TaggedHash;
use crate::hex::{hex_value, ordered_by_bytes};
use crate::point::{InvalidPoint, PublicKey, XOnlyPublicKey, compress, parse_extended};
use crate::scalar::{SecretKey, reduce};
use crate::vartime::{PublicPoint, PublicSum, sum_vartime};

/// What a nonce is bound to. More inputs are more defence against a weak random source; none replaces it.
#[derive(Debug, Clone, Copy)]
pub struct NonceInputs<'a> {
    /// The key that will sign.
    pub public_key: &'a PublicKey,
    /// Its secret key.
    pub secret_key: Option<&'a SecretKey>,
    /// The aggregate key that the signature will verify under.
    pub aggregate_key: Option<&'a XOnlyPublicKey>,
    /// The message.
    pub message: Option<&'a [u8]>,
    /// Anything else that tells this use from others, up to 2^32 - 1 bytes.
    pub extra: Option<&'a [u8]>,
}

/// A nonce could not be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NonceGenError {
    /// The source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
    /// The secret key is not that of the public key.
    #[error("the secret key does not belong to the public key")]
    WrongKey,
    /// An input is longer than its length field.
    #[error("an input is too long")]
    TooLong,
    /// The nonce came out as zero, which a hash never does.
    #[error("the nonce came out as zero")]
    Zero,
}

/// The two secret nonces of one signature that will be made at most once.
///
/// It cannot be cloned, compared, printed or stored; signing consumes it, and dropping it overwrites it.
#[expect(missing_debug_implementations, reason = "a secret nonce is not printed")]
pub struct SecretNonce {
    pub(crate) k: [Scalar; 2],
    pub(crate) public_key: PublicKey,
    pub(crate) public: PublicNonce,
}

impl Drop for SecretNonce {
    fn drop(&mut self) {
        self.k.zeroize();
    }
}

/// The two public nonces of one signature: 66 bytes.
#[derive(Clone, Copy)]
pub struct PublicNonce {
    pub(crate) points: [PublicPoint; 2],
    bytes: [u8; 66],
}

impl PublicNonce {
    /// Parses 66 bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidPoint`] unless both halves are points of the curve other than infinity.
    pub fn from_bytes(bytes: &[u8; 66]) -> Result<Self, InvalidPoint> {
        let (first, second) = halves(bytes);
        let [first, second] = PublicPoint::parse_vartime([&first, &second]);
        Ok(Self { points: [first.ok_or(InvalidPoint)?, second.ok_or(InvalidPoint)?], bytes: *bytes })
    }

    /// The 66 bytes.
    pub const fn to_bytes(&self) -> [u8; 66] {
        self.bytes
    }

    /// Parses many public nonces at once, which is a little faster than one by one: their square roots are interleaved.
    ///
    /// # Errors
    ///
    /// [`InvalidPoint`] if any of them is no public nonce.
    pub fn from_bytes_all(bytes: &[[u8; 66]]) -> Result<Vec<Self>, InvalidPoint> {
        let halves: Vec<([u8; 33], [u8; 33])> = bytes.iter().map(halves).collect();
        let encodings: Vec<&[u8; 33]> = halves.iter().flat_map(|(first, second)| [first, second]).collect();
        let points = PublicPoint::parse_all_vartime(&encodings).ok_or(InvalidPoint)?;
        let (pairs, _) = points.as_chunks::<2>();
        Ok(pairs.iter().zip(bytes).map(|(points, bytes)| Self { points: *points, bytes: *bytes }).collect())
    }

    /// The public nonces of secret ones, in constant time; none if one of them is zero.
    pub(crate) fn of(k: &[Scalar; 2]) -> Option<Self> {
        let [first, second] = k.each_ref().map(ProjectivePoint::mul_by_generator);
        let points = <ProjectivePoint as BatchNormalize<[ProjectivePoint; 2]>>::batch_normalize(&[first, second]);
        let [first, second] = points.each_ref().map(PublicPoint::from_k256);
        let points = [first?, second?];
        Some(Self { points, bytes: joined(points.map(Some)) })
    }
}

ordered_by_bytes!(PublicNonce);
hex_value!(PublicNonce, 66, |bytes| Self::from_bytes(bytes).ok());

/// The sum of all signers' public nonces: 66 bytes, 33 zero bytes for a half that is the point at infinity.
#[derive(Clone, Copy)]
pub struct AggregateNonce {
    pub(crate) points: [Option<PublicPoint>; 2],
}

impl AggregateNonce {
    /// Parses 66 bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidPoint`].
    pub fn from_bytes(bytes: &[u8; 66]) -> Result<Self, InvalidPoint> {
        let (first, second) = halves(bytes);
        Ok(Self { points: [parse_extended(&first)?, parse_extended(&second)?] })
    }

    /// The 66 bytes.
    pub fn to_bytes(&self) -> [u8; 66] {
        joined(self.points)
    }

    /// Adds nonces up (BIP-327 NonceAgg).
    pub fn sum(nonces: &[PublicNonce]) -> Self {
        let first = sum_vartime(nonces.iter().map(|nonce| nonce.points[0]));
        let second = sum_vartime(nonces.iter().map(|nonce| nonce.points[1]));
        Self { points: PublicSum::to_points_vartime([first, second]) }
    }
}

ordered_by_bytes!(AggregateNonce);
hex_value!(AggregateNonce, 66, |bytes| Self::from_bytes(bytes).ok());

/// Generates a fresh nonce (BIP-327 NonceGen). All randomness comes from `rng`, 32 bytes a call.
///
/// # Errors
///
/// [`NonceGenError`].
pub fn generate_nonce<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    inputs: &NonceInputs<'_>,
) -> Result<(SecretNonce, PublicNonce), NonceGenError> {
    let mut random = Zeroizing::new([0; 32]);
    rng.try_fill_bytes(&mut *random).map_err(|_| NonceGenError::Randomness)?;
    from_randomness(&random, inputs)
}

pub(crate) fn from_randomness(
    random: &[u8; 32],
    inputs: &NonceInputs<'_>,
) -> Result<(SecretNonce, PublicNonce), NonceGenError> {
    let mut rand = Zeroizing::new(*random);
    if let Some(key) = inputs.secret_key {
        if key.public_key() != *inputs.public_key {
            return Err(NonceGenError::WrongKey);
        }
        let mask = Zeroizing::new(TaggedHash::new(b"MuSig/aux").chain(random).finish());
        let key = key.dangerous_to_bytes();
        for ((out, key), mask) in rand.iter_mut().zip(key.iter()).zip(mask.iter()) {
            *out = key ^ mask;
        }
    }
    let mut hash = TaggedHash::new(b"MuSig/nonce").chain(rand.as_slice()).chain(&[33]);
    hash = hash.chain(&inputs.public_key.to_bytes());
    hash = match inputs.aggregate_key {
        Some(key) => hash.chain(&[32]).chain(&key.to_bytes()),
        None => hash.chain(&[0]),
    };
    hash = match inputs.message {
        Some(message) => {
            let length = u64::try_from(message.len()).map_err(|_| NonceGenError::TooLong)?;
            hash.chain(&[1]).chain(&length.to_be_bytes()).chain(message)
        }
        None => hash.chain(&[0]),
    };
    let extra = inputs.extra.unwrap_or_default();
    let length = u32::try_from(extra.len()).map_err(|_| NonceGenError::TooLong)?;
    hash = hash.chain(&length.to_be_bytes()).chain(extra);
    let k = [0u8, 1].map(|half| {
        let digest = Zeroizing::new(hash.clone().chain(&[half]).finish());
        reduce(&digest)
    });
    let public = PublicNonce::of(&k).ok_or(NonceGenError::Zero)?;
    Ok((SecretNonce { k, public_key: *inputs.public_key, public }, public))
}

/// A commitment to one signer's public nonces: 32 bytes (`docs/protocol.md` §7, round 0).
#[derive(Clone, Copy)]
pub struct NonceCommitment([u8; 32]);

impl NonceCommitment {
    /// Commits: `tagged_hash("motet/nonce-commitment/v1", session | signer index BE u32 | nonces)`.
    pub fn new(session: &[u8; 32], signer_index: u32, nonces: &[PublicNonce]) -> Self {
        let tag = "motet/nonce-commitment/v1";
        let start = TaggedHash::new(tag.as_bytes()).chain(session).chain(&signer_index.to_be_bytes());
        Self(nonces.iter().fold(start, |hash, nonce| hash.chain(&nonce.to_bytes())).finish())
    }

    /// Whether these are the nonces that were committed to.
    pub fn opens(&self, session: &[u8; 32], signer_index: u32, nonces: &[PublicNonce]) -> bool {
        Self::new(session, signer_index, nonces).0.ct_eq(&self.0).into()
    }

    /// Wraps 32 bytes.
    pub const fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The 32 bytes.
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }
}

ordered_by_bytes!(NonceCommitment);
hex_value!(NonceCommitment, 32, |bytes| Some(Self::from_bytes(bytes)));

fn halves(bytes: &[u8; 66]) -> ([u8; 33], [u8; 33]) {
    let half = |offset: usize| core::array::from_fn(|index| bytes.get(offset + index).copied().unwrap_or_default());
    (half(0), half(33))
}

fn joined(points: [Option<PublicPoint>; 2]) -> [u8; 66] {
    let mut bytes = [0; 66];
    for (out, point) in bytes.chunks_exact_mut(33).zip(points) {
        out.copy_from_slice(&compress(point));
    }
    bytes
}
