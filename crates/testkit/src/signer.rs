//! Signers for tests: one that is honest, and one that signs another message.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use motet_coordinator::{NonceId, Pace, Signer, SignerError, SigningItem, aggregate_nonce};
use motet_core_crypto::device::{Device as _, MemoryDevice, NoncePurpose, SigningTask};
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
    nonces: BTreeMap<NonceId, Vec<(SecretNonce, PublicNonce)>>,
}

impl KeySigner {
    /// The signer with this key.
    pub fn new(key: SecretKey, entropy: Entropy) -> Self {
        let public_key = key.public_key();
        let state = State { device: MemoryDevice::new(key, entropy), nonces: BTreeMap::new() };
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
        let mut state = self.state();
        if state.nonces.contains_key(nonce_id) {
            return Err(SignerError::NoNonces);
        }
        let made = (0u32..).zip(items).map(|(position, item)| {
            let (session, attempt) = (nonce_id.session.to_bytes(), nonce_id.attempt.0.to_be_bytes());
            let extra = [session.as_slice(), &attempt, &position.to_be_bytes()].concat();
            let key = item.context.aggregate_key();
            let purpose = NoncePurpose { aggregate_key: Some(&key), message: Some(&item.message), extra: Some(&extra) };
            state.device.generate_nonce(&purpose).map_err(|_| SignerError::Randomness)
        });
        let made = made.collect::<Result<Vec<_>, _>>()?;
        let publics = made.iter().map(|(_, public)| *public).collect();
        state.nonces.insert(*nonce_id, made);
        Ok(publics)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        let mut state = self.state();
        let own = state.nonces.remove(nonce_id).ok_or(SignerError::NoNonces)?;
        let listed = nonces.get(nonce_id.index.as_usize()).ok_or(SignerError::NoNonces)?;
        if own.len() != items.len() || !own.iter().map(|(_, public)| public).eq(listed) {
            return Err(SignerError::NoNonces);
        }
        let partials = own.into_iter().zip(items).enumerate().map(|(position, ((nonce, _), item))| {
            let aggregate_nonce = aggregate_nonce(nonces, position)?;
            let task = SigningTask { context: &item.context, aggregate_nonce, adaptor: None, message: &item.message };
            state.device.sign(nonce, &task).map_err(|_| SignerError::Faulty)
        });
        partials.collect()
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.state().nonces.remove(nonce_id);
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
