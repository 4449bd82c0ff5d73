//! A signer key in a device: what makes a [`Device`] a [`Signer`].

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use motet_coordinator::{NonceId, Signer, SignerError, SigningItem, UnusedNonces};
use motet_core_crypto::device::{Device, SigningTask};
use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, Signature, SigningSession};

/// A signer whose key is in a device: a hardware wallet, an enclave, another process.
///
/// The device does what needs its key ([`Device`]); everything else is done here. Each nonce is given back to the device once, and only
/// together with the public nonces of which it is one. What the device has signed is verified before it leaves: a faulty device
/// would convict its owner. Calls may take as long as a person needs to press a button.
///
/// A device says what went wrong by a [`SignerError`], such as [`SignerError::Device`], or by a type that turns into one.
pub struct DeviceSigner<D: Device> {
    public_key: PublicKey,
    process: u32,
    state: Mutex<State<D>>,
}

struct State<D: Device> {
    device: D,
    nonces: UnusedNonces<D::Nonce>,
}

impl<D: Device> DeviceSigner<D> {
    /// The signer whose key is in this device.
    pub fn new(device: D) -> Self {
        let state = State { device, nonces: UnusedNonces::new() };
        Self { public_key: state.device.public_key(), process: std::process::id(), state: Mutex::new(state) }
    }

    /// The state; a fork of the process finds no nonces in it.
    fn state(&self) -> MutexGuard<'_, State<D>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::process::id() != self.process {
            state.nonces.clear();
        }
        state
    }
}

impl<D> Signer for DeviceSigner<D>
where
    D: Device<Nonce: Send, Error: Into<SignerError>> + Send,
{
    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.state().device.sign_alone(digest).map_err(Into::into)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        let State { device, nonces } = &mut *self.state();
        nonces.make(nonce_id, items, |purpose| device.generate_nonce(purpose))
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        let mut state = self.state();
        let tasks = state.nonces.take(nonce_id, items, nonces)?;
        let sign = |(nonce, public, task): (D::Nonce, PublicNonce, SigningTask<'_>)| {
            let partial = state.device.sign(nonce, &task).map_err(Into::<SignerError>::into)?;
            let session = SigningSession::new(task.context, &task.aggregate_nonce, task.message);
            let verified = session.verify_partial(nonce_id.index.as_usize(), &public, &partial);
            verified.map_err(|_| SignerError::Faulty).map(|()| partial)
        };
        tasks.into_iter().map(sign).collect()
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.state().nonces.forget(nonce_id);
    }
}

impl<D: Device> fmt::Debug for DeviceSigner<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSigner").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}
