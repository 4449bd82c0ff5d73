//! Deterministic counter-signing (BIP-327 DeterministicSign): the one signer who comes last needs no randomness.
//!
//! Everybody else has sent a public nonce. The last signer derives its nonce from its key, the others' aggregate nonce,
//! the aggregate key and the message, signs at once, and sends public nonce and partial signature together. It keeps no
//! state between rounds, so there is no secret nonce to lose or to use twice: the same inputs give the same signature,
//! other inputs another nonce.
//!
//! **One signer of a session at most.** Two who sign like this would each wait for the other's nonce.

use crate::hash::{Tag, TaggedHash};
use crate::key_agg::KeyAggContext;
use crate::nonce::{AggregateNonce, PublicNonce, from_hash, masked_key};
use crate::scalar::SecretKey;
use crate::session::{PartialSignature, SignError, SigningSession};

static NONCE: Tag = Tag::new("MuSig/deterministic/nonce");

/// Deterministic signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeterministicSignError {
    /// A half of the others' aggregate nonce is the point at infinity, which nobody honest produces.
    #[error("the aggregate nonce of the others is the point at infinity")]
    InfiniteNonce,
    /// The message is longer than its length field.
    #[error("the message is too long")]
    TooLong,
    /// The nonce came out as zero, which a hash never does.
    #[error("the nonce came out as zero")]
    Zero,
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// What the last signer sends to everybody, and the session in which it has signed.
#[derive(Debug, Clone)]
pub struct CounterSignature {
    /// Its public nonce.
    pub nonce: PublicNonce,
    /// Its partial signature, already verified.
    pub partial: PartialSignature,
    /// The session, whose aggregate nonce includes this signer's.
    pub session: SigningSession,
}

/// Signs as the last signer: `others` is the sum of all other signers' nonces ([`AggregateNonce::sum`]).
///
/// `aux` are 32 random bytes, which make side channels and fault attacks harder; without them the result depends on
/// key, nonces, tweaked aggregate key and message alone.
///
/// # Errors
///
/// [`DeterministicSignError`].
pub fn sign(
    key: &SecretKey,
    context: &KeyAggContext,
    others: &AggregateNonce,
    message: &[u8],
    aux: Option<&[u8; 32]>,
) -> Result<CounterSignature, DeterministicSignError> {
    if others.points.iter().any(Option::is_none) {
        return Err(DeterministicSignError::InfiniteNonce);
    }
    let length = u64::try_from(message.len()).map_err(|_| DeterministicSignError::TooLong)?;
    let mut hash = TaggedHash::new(&NONCE);
    match aux {
        Some(aux) => hash.update(masked_key(key, aux).as_slice()),
        None => hash.update(key.dangerous_to_bytes().as_slice()),
    }
    hash.update(&others.to_bytes());
    hash.update(&context.aggregate_key().to_bytes());
    hash.update(&length.to_be_bytes());
    hash.update(message);
    let secret = from_hash(&hash, &key.public_key()).ok_or(DeterministicSignError::Zero)?;
    let nonce = secret.public_nonce();
    let session = SigningSession::new(context, &others.with(&nonce), message);
    let partial = session.sign(secret, key)?;
    Ok(CounterSignature { nonce, partial, session })
}
