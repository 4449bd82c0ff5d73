//! A signer key in this process's memory.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use motet_coordinator::{EntropyError, NonceId, Pace, Signer, SignerError, SigningItem, aggregate_nonce};
use motet_core_crypto::{
    NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce, Signature, SigningSession,
    generate_nonce, schnorr,
};
use rand_core::TryCryptoRng;

/// Nonces that one signer keeps at a time. The engine forgets those that it no longer needs; this is the last line.
const TICKETS: usize = 4096;

/// A secret key and the secret nonces that wait for their one use.
pub struct LocalSigner<R> {
    key: SecretKey,
    process: u32,
    state: Mutex<State<R>>,
}

struct State<R> {
    rng: R,
    nonces: BTreeMap<NonceId, Held>,
}

/// Nonces, one for each item.
struct Held {
    secrets: Vec<SecretNonce>,
    publics: Vec<PublicNonce>,
}

impl<R: TryCryptoRng<Error = EntropyError> + Send> LocalSigner<R> {
    /// A signer with this key and this source of randomness; the daemon's is [`crate::OsEntropy`].
    pub fn new(key: SecretKey, rng: R) -> Self {
        Self { key, process: std::process::id(), state: Mutex::new(State { rng, nonces: BTreeMap::new() }) }
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
        let mut state = self.state();
        if state.nonces.contains_key(nonce_id) || state.nonces.len() >= TICKETS {
            return Err(SignerError::NoNonces);
        }
        let mut secrets = Vec::with_capacity(items.len());
        let mut publics = Vec::with_capacity(items.len());
        for (position, item) in (0u32..).zip(items) {
            let mut extra = nonce_id.session.to_bytes().to_vec();
            extra.extend_from_slice(&nonce_id.attempt.0.to_be_bytes());
            extra.extend_from_slice(&position.to_be_bytes());
            let inputs = NonceInputs {
                public_key: &self.key.public_key(),
                secret_key: Some(&self.key),
                aggregate_key: Some(&item.context.aggregate_key()),
                message: Some(&item.message),
                extra: Some(&extra),
            };
            let (secret, public) = generate_nonce(&mut state.rng, &inputs).map_err(|_| SignerError::Randomness)?;
            secrets.push(secret);
            publics.push(public);
        }
        state.nonces.insert(*nonce_id, Held { secrets, publics: publics.clone() });
        Ok(publics)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        // Taken out before anything is computed with them: there is no second time.
        let Held { secrets, publics } = self.state().nonces.remove(nonce_id).ok_or(SignerError::NoNonces)?;
        // If another process speaks for this signer, the nonces in this signer's place may be that process's. A
        // signature under those would be wrong, and would convict this signer.
        if secrets.len() != items.len() || nonces.get(nonce_id.index.as_usize()) != Some(&publics) {
            return Err(SignerError::NoNonces);
        }
        secrets
            .into_iter()
            .zip(items)
            .enumerate()
            .map(|(position, (secret, item))| {
                let aggregate = aggregate_nonce(nonces, position)?;
                let session = SigningSession::new(&item.context, &aggregate, &item.message);
                session.sign(secret, &self.key).map_err(|_| SignerError::Faulty)
            })
            .collect()
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.state().nonces.remove(nonce_id);
    }
}

impl<R> fmt::Debug for LocalSigner<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSigner").field("public_key", &self.key.public_key()).finish_non_exhaustive()
    }
}
