//! A signer key in a device: what makes a [`Device`] a [`Signer`].

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use motet_coordinator::{NonceId, Signer, SignerError, SigningItem, aggregate_nonce};
use motet_core_crypto::device::{Device, NoncePurpose, SigningTask};
use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, Signature, SigningSession};

/// Nonces that one device keeps at a time. The engine forgets those that it no longer needs; this is the last line.
const HANDLES: usize = 4096;

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
    nonces: BTreeMap<NonceId, Vec<(D::Nonce, PublicNonce)>>,
}

impl<D: Device> DeviceSigner<D> {
    /// The signer whose key is in this device.
    pub fn new(device: D) -> Self {
        let state = State { device, nonces: BTreeMap::new() };
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
        let mut state = self.state();
        if state.nonces.contains_key(nonce_id) || state.nonces.len() >= HANDLES {
            return Err(SignerError::NoNonces);
        }
        let made = (0u32..).zip(items).map(|(position, item)| {
            let (session, attempt) = (nonce_id.session.to_bytes(), nonce_id.attempt.0.to_be_bytes());
            let extra = [session.as_slice(), &attempt, &position.to_be_bytes()].concat();
            let key = item.context.aggregate_key();
            let purpose = NoncePurpose { aggregate_key: Some(&key), message: Some(&item.message), extra: Some(&extra) };
            state.device.generate_nonce(&purpose).map_err(Into::into)
        });
        let made = made.collect::<Result<Vec<(D::Nonce, PublicNonce)>, SignerError>>()?;
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
        // Whatever comes of this: there is no second time.
        let own = state.nonces.remove(nonce_id).ok_or(SignerError::NoNonces)?;
        let place = nonce_id.index.as_usize();
        // Where another process speaks for this signer, its nonces may stand in this signer's place.
        let publics = nonces.get(place).ok_or(SignerError::NoNonces)?;
        if own.len() != items.len() || !own.iter().map(|(_, public)| public).eq(publics) {
            return Err(SignerError::NoNonces);
        }
        own.into_iter()
            .zip(items)
            .enumerate()
            .map(|(position, ((nonce, public), item))| {
                let aggregate_nonce = aggregate_nonce(nonces, position)?;
                let task =
                    SigningTask { context: &item.context, aggregate_nonce, adaptor: None, message: &item.message };
                let partial = state.device.sign(nonce, &task).map_err(Into::<SignerError>::into)?;
                let session = SigningSession::new(&item.context, &aggregate_nonce, &item.message);
                session.verify_partial(place, &public, &partial).map_err(|_| SignerError::Faulty)?;
                Ok(partial)
            })
            .collect()
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.state().nonces.remove(nonce_id);
    }
}

impl<D: Device> fmt::Debug for DeviceSigner<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSigner").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}
