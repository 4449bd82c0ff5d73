//! Where the key is: the operations that need it, as a trait.
//!
//! Everything else (aggregating keys and nonces, computing session values, verifying, aggregating signatures) works
//! without the key. What stands behind the trait may be memory ([`MemoryDevice`]), a hardware wallet or an enclave. It gets
//! a [`SigningTask`], which has the inputs of signing and nothing derived from them: a device computes the challenge itself,
//! from what it shows to its owner.

pub use crate::signing_task::SigningTask;

use rand_core::TryCryptoRng;

use crate::child::ChildPath;
use crate::key_agg::TweakError;
use crate::nonce::{NonceGenError, NonceInputs, PublicNonce, SecretNonce, generate_nonce};
use crate::point::{PublicKey, XOnlyPublicKey};
use crate::scalar::SecretKey;
use crate::schnorr::{self, Signature, SignatureError};
use crate::session::{PartialSignature, SignError, SigningSession};

/// What a nonce is for; see [`NonceInputs`]. The signer adds its own key.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoncePurpose<'a> {
    /// The aggregate key that the signature will verify under.
    pub aggregate_key: Option<&'a XOnlyPublicKey>,
    /// The message.
    pub message: Option<&'a [u8]>,
    /// Anything else that tells this use from others.
    pub extra: Option<&'a [u8]>,
    /// The descendant of the key that will sign; none for the key itself.
    pub child: Option<ChildPath<'a>>,
}

/// A holder of a secret key that signs with it: a hardware wallet, an enclave, or memory.
pub trait Device {
    /// A secret nonce, or a handle to one that stays in the device. It is given back once, by value.
    type Nonce;
    /// Why it did not.
    type Error;

    /// The public key of the secret key.
    fn public_key(&self) -> PublicKey;

    /// Signs a message alone (BIP-340). Motet asks for it once a day, to certify the key that signs a node's messages.
    ///
    /// # Errors
    ///
    /// Its own.
    fn sign_alone(&mut self, message: &[u8]) -> Result<Signature, Self::Error>;

    /// Generates a nonce for one signature (BIP-327 NonceGen), by the key or by the descendant that the purpose names.
    ///
    /// # Errors
    ///
    /// Its own.
    fn generate_nonce(&mut self, purpose: &NoncePurpose<'_>) -> Result<(Self::Nonce, PublicNonce), Self::Error>;

    /// Makes the partial signature with this nonce (BIP-327 Sign), by the key or by the descendant that the task names. The nonce is gone in any case.
    ///
    /// # Errors
    ///
    /// Its own.
    fn sign(&mut self, nonce: Self::Nonce, task: &SigningTask<'_>) -> Result<PartialSignature, Self::Error>;
}

/// A key in this process's memory.
#[derive(Debug)]
pub struct MemoryDevice<R> {
    key: SecretKey,
    rng: R,
}

impl<R: TryCryptoRng> MemoryDevice<R> {
    /// Takes the key, and where its nonces get their randomness from.
    pub const fn new(key: SecretKey, rng: R) -> Self {
        Self { key, rng }
    }
}

/// A key in memory did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryDeviceError {
    /// The source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
    /// No nonce was generated.
    #[error(transparent)]
    Nonce(#[from] NonceGenError),
    /// The key has no such descendant.
    #[error(transparent)]
    Child(#[from] TweakError),
    /// No signature was made alone.
    #[error(transparent)]
    Alone(#[from] SignatureError),
    /// No partial signature was made.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl<R> MemoryDevice<R> {
    /// The descendant of the key that signs; none for the key itself.
    fn child(&self, path: Option<ChildPath<'_>>) -> Result<Option<SecretKey>, TweakError> {
        Ok(path.map(|path| self.key.child(path)).transpose()?.flatten())
    }
}

impl<R: TryCryptoRng> Device for MemoryDevice<R> {
    type Nonce = SecretNonce;
    type Error = MemoryDeviceError;

    fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn sign_alone(&mut self, message: &[u8]) -> Result<Signature, MemoryDeviceError> {
        let mut aux = [0; 32];
        self.rng.try_fill_bytes(&mut aux).map_err(|_| MemoryDeviceError::Randomness)?;
        Ok(schnorr::sign(&self.key, message, &aux)?)
    }

    fn generate_nonce(&mut self, purpose: &NoncePurpose<'_>) -> Result<(SecretNonce, PublicNonce), MemoryDeviceError> {
        let child = self.child(purpose.child)?;
        let key = child.as_ref().unwrap_or(&self.key);
        let inputs = NonceInputs {
            public_key: &key.public_key(),
            secret_key: Some(key),
            aggregate_key: purpose.aggregate_key,
            message: purpose.message,
            extra: purpose.extra,
        };
        Ok(generate_nonce(&mut self.rng, &inputs)?)
    }

    fn sign(&mut self, nonce: SecretNonce, task: &SigningTask<'_>) -> Result<PartialSignature, MemoryDeviceError> {
        let adaptor = task.adaptor.map(|adaptor| adaptor.point());
        let session = SigningSession::with_adaptor(task.context, &task.aggregate_nonce, adaptor, task.message);
        let child = self.child(task.child)?;
        Ok(session.sign(nonce, child.as_ref().unwrap_or(&self.key))?)
    }
}
