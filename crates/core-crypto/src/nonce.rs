//! Nonces (BIP-327 NonceGen, NonceAgg) and commitments to them (`docs/protocol.md` §7).

use alloc::vec::Vec;

use k256::Scalar;
use k256::elliptic_curve::subtle::ConstantTimeEq;
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::comb::public_points;
use crate::declassify::Site;
use crate::hash::{Tag, TaggedHash};
use crate::hex::{hex_value, ordered_by_bytes};
use crate::point::{InvalidPoint, InvalidPointAt, PublicKey, XOnlyPublicKey, compress, first_invalid, parse_extended};
use crate::scalar::{SecretKey, reduce};
use crate::secret::{Secret, masked};
use crate::vartime::{PublicPoint, PublicSum, sum_vartime};

static AUX: Tag = Tag::new("MuSig/aux");
static NONCE: Tag = Tag::new("MuSig/nonce");
static COMMITMENT: Tag = Tag::new("motet/nonce-commitment/v1");

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
/// It cannot be cloned, compared, printed or stored; signing consumes it, and dropping it overwrites it. What it cannot do
/// is in `tests/compile_fail`.
#[expect(missing_debug_implementations, reason = "a secret nonce in a log is a secret key in a log")]
pub struct SecretNonce {
    k: Secret<[Scalar; 2]>,
    public_key: PublicKey,
    public: PublicNonce,
}

impl SecretNonce {
    /// Takes the two scalars in, and overwrites where they were; none if one of them is zero.
    pub(crate) fn take(k: &mut [Scalar; 2], public_key: PublicKey) -> Option<Self> {
        let public = PublicNonce::of(k);
        let k = Secret::take(k);
        Some(Self { k, public_key, public: public? })
    }

    /// The two scalars.
    pub(crate) const fn expose(&self) -> &[Scalar; 2] {
        self.k.expose()
    }

    /// The key that it was made for.
    pub const fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// Its public half.
    pub const fn public_nonce(&self) -> PublicNonce {
        self.public
    }
}

impl ZeroizeOnDrop for SecretNonce {}

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
    /// [`InvalidPointAt`] naming the first that is no public nonce.
    pub fn from_bytes_all(bytes: &[[u8; 66]]) -> Result<Vec<Self>, InvalidPointAt> {
        let halves: Vec<([u8; 33], [u8; 33])> = bytes.iter().map(halves).collect();
        let encodings: Vec<&[u8; 33]> = halves.iter().flat_map(|(first, second)| [first, second]).collect();
        let points = PublicPoint::parse_all_vartime(&encodings)
            .ok_or_else(|| first_invalid(bytes, |bytes| Self::from_bytes(bytes).is_err()))?;
        let (pairs, _) = points.as_chunks::<2>();
        Ok(pairs.iter().zip(bytes).map(|(points, bytes)| Self { points: *points, bytes: *bytes }).collect())
    }

    /// The public nonces of secret ones, in constant time; none if one of them is zero.
    fn of(k: &[Scalar; 2]) -> Option<Self> {
        let [first, second] = public_points(k.each_ref(), Site::PublicNonce);
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

    /// The sum of these nonces and one more.
    #[must_use]
    pub fn with(&self, nonce: &PublicNonce) -> Self {
        let [first, second] = self.points;
        let sums = [plus(first, nonce.points[0]), plus(second, nonce.points[1])];
        Self { points: PublicSum::to_points_vartime(sums) }
    }

    /// With a point added to the first half.
    pub(crate) fn plus_first(&self, point: PublicPoint) -> Self {
        let [first, second] = self.points;
        Self { points: [plus(first, point).to_point_vartime(), second] }
    }
}

fn plus(sum: Option<PublicPoint>, point: PublicPoint) -> PublicSum {
    sum.map_or_else(|| point.into(), |sum| sum_vartime([sum, point].into_iter()))
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
    let mut hash = TaggedHash::new(&NONCE);
    match inputs.secret_key {
        Some(key) if key.public_key() != *inputs.public_key => return Err(NonceGenError::WrongKey),
        Some(key) => hash.update(masked_key(key, random).as_slice()),
        None => hash.update(random),
    }
    hash.update(&[33]);
    hash.update(&inputs.public_key.to_bytes());
    match inputs.aggregate_key {
        Some(key) => {
            hash.update(&[32]);
            hash.update(&key.to_bytes());
        }
        None => hash.update(&[0]),
    }
    match inputs.message {
        Some(message) => {
            hash.update(&[1]);
            hash.update(&u64::try_from(message.len()).map_err(|_| NonceGenError::TooLong)?.to_be_bytes());
            hash.update(message);
        }
        None => hash.update(&[0]),
    }
    let extra = inputs.extra.unwrap_or_default();
    hash.update(&u32::try_from(extra.len()).map_err(|_| NonceGenError::TooLong)?.to_be_bytes());
    hash.update(extra);
    let nonce = from_hash(&hash, inputs.public_key).ok_or(NonceGenError::Zero)?;
    let public = nonce.public;
    Ok((nonce, public))
}

/// The secret key under a mask that depends on `aux` alone (BIP-327 NonceGen and DeterministicSign).
pub(crate) fn masked_key(key: &SecretKey, aux: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    masked(&key.dangerous_to_bytes(), &TaggedHash::new(&AUX).chain(aux).finish_secret())
}

/// The two nonces from one hash, which is continued with 0 for the one and 1 for the other.
pub(crate) fn from_hash(hash: &TaggedHash, public_key: &PublicKey) -> Option<SecretNonce> {
    let mut k = [0u8, 1].map(|half| {
        let mut hash = hash.clone();
        hash.update(&[half]);
        reduce(&hash.finish_secret())
    });
    let nonce = SecretNonce::take(&mut k, *public_key);
    k.zeroize();
    nonce
}

/// A commitment to one signer's public nonces: 32 bytes (`docs/protocol.md` §7, round 0).
#[derive(Clone, Copy)]
pub struct NonceCommitment([u8; 32]);

impl NonceCommitment {
    /// Commits: `tagged_hash("motet/nonce-commitment/v1", session | signer index BE u32 | nonces)`.
    pub fn new(session: &[u8; 32], signer_index: u32, nonces: &[PublicNonce]) -> Self {
        let start = TaggedHash::new(&COMMITMENT).chain(session).chain(&signer_index.to_be_bytes());
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
