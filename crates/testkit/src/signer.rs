//! Signers for tests: one that is honest, and one that signs another message.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use motet_coordinator::{NonceId, Pace, Signer, SignerError, SigningItem, UnusedNonces};
use motet_core_crypto::device::{Device as _, MemoryDevice};
use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce, Signature};

use crate::entropy::Entropy;

/// A signer whose key, nonces and randomness are in memory. The arithmetic is real; a wallet signs with `motet-node`'s
/// `LocalSigner` or with a device instead.
pub struct KeySigner {
    public_key: PublicKey,
    state: Mutex<State>,
}

struct State {
    device: MemoryDevice<Entropy>,
    nonces: UnusedNonces<SecretNonce>,
}

impl KeySigner {
    /// The signer with this key.
    pub fn new(key: SecretKey, entropy: Entropy) -> Self {
        let public_key = key.public_key();
        let state = State { device: MemoryDevice::new(key, entropy), nonces: UnusedNonces::new() };
        Self { public_key, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signer for KeySigner {
    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn pace(&self) -> Pace {
        Pace::Computes
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.state().device.sign_alone(digest).map_err(|_| SignerError::Randomness)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        let State { device, nonces } = &mut *self.state();
        nonces.make(nonce_id, items, |purpose| device.generate_nonce(purpose).map_err(|_| SignerError::Randomness))
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        let State { device, nonces: unused } = &mut *self.state();
        let tasks = unused.take(nonce_id, items, nonces)?.into_iter();
        tasks.map(|(nonce, _, task)| device.sign(nonce, &task).map_err(|_| SignerError::Faulty)).collect()
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.state().nonces.forget(nonce_id);
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySigner").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

/// A signer that signs another message than the one it is asked for. Its partial signatures convict it.
#[derive(Debug)]
pub struct Forger<S>(pub S);

impl<S: Signer> Signer for Forger<S> {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn pace(&self) -> Pace {
        self.0.pace()
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.0.delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        self.0.generate_nonces(nonce_id, items)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        let other = |item: &SigningItem| SigningItem { message: b"another".as_slice().into(), ..item.clone() };
        self.0.sign(nonce_id, &items.iter().map(other).collect::<Vec<_>>(), nonces)
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.0.forget(nonce_id);
    }
}
