//! A signer key in this process's memory.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use motet_coordinator::{EntropyError, NonceId, Pace, Signer, SignerError, SigningItem, UnusedNonces};
use motet_core_crypto::device::SigningTask;
use motet_core_crypto::{
    ChildPath, NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce, Signature,
    SigningSession, generate_nonce, schnorr,
};
use rand_core::TryCryptoRng;

/// A secret key and the secret nonces that wait for their one use.
pub struct LocalSigner<R> {
    key: SecretKey,
    process: u32,
    state: Mutex<State<R>>,
}

struct State<R> {
    rng: R,
    nonces: UnusedNonces<SecretNonce>,
}

impl<R: TryCryptoRng<Error = EntropyError> + Send> LocalSigner<R> {
    /// A signer with this key and this source of randomness; the daemon's is [`crate::OsEntropy`].
    pub fn new(key: SecretKey, rng: R) -> Self {
        Self { key, process: std::process::id(), state: Mutex::new(State { rng, nonces: UnusedNonces::new() }) }
    }

    /// The descendant of the key that signs; none for the key itself.
    fn child(&self, path: Option<ChildPath<'_>>) -> Result<Option<SecretKey>, SignerError> {
        let child = path.map(|path| self.key.child(path)).transpose();
        child.map(Option::flatten).map_err(|_| SignerError::Faulty)
    }

    /// The state; a fork of the process finds no nonces in it.
    fn state(&self) -> MutexGuard<'_, State<R>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::process::id() != self.process {
            state.nonces.clear();
        }
        state
    }
}

impl<R: TryCryptoRng<Error = EntropyError> + Send> Signer for LocalSigner<R> {
    fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn pace(&self) -> Pace {
        Pace::Computes
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        let mut aux = [0; 32];
        self.state().rng.try_fill_bytes(&mut aux).map_err(|EntropyError| SignerError::Randomness)?;
        schnorr::sign(&self.key, digest, &aux).map_err(|_| SignerError::Faulty)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        let State { rng, nonces } = &mut *self.state();
        nonces.make(nonce_id, items, |purpose| {
            let child = self.child(purpose.child)?;
            let key = child.as_ref().unwrap_or(&self.key);
            let inputs = NonceInputs {
                public_key: &key.public_key(),
                secret_key: Some(key),
                aggregate_key: purpose.aggregate_key,
                message: purpose.message,
                extra: purpose.extra,
            };
            generate_nonce(rng, &inputs).map_err(|_| SignerError::Randomness)
        })
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        let tasks = self.state().nonces.take(nonce_id, items, nonces)?;
        let sign = |(nonce, _, task): (SecretNonce, PublicNonce, SigningTask<'_>)| {
            let session = SigningSession::new(task.context, &task.aggregate_nonce, task.message);
            let child = self.child(task.child)?;
            session.sign(nonce, child.as_ref().unwrap_or(&self.key)).map_err(|_| SignerError::Faulty)
        };
        tasks.into_iter().map(sign).collect()
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.state().nonces.forget(nonce_id);
    }
}

impl<R> fmt::Debug for LocalSigner<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSigner").field("public_key", &self.key.public_key()).finish_non_exhaustive()
    }
}
