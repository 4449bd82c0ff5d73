//! The key of a running signer, which its user locks and unlocks: while it is locked, it is not in memory.

use core::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, SecretKey, Signature};
use motet_daemon::{Keys, KeysError, LOCKED};
use motet_keystore::Passphrase;
use motet_node::event::AbortCause;
use motet_node::policy::Policy;
use motet_node::{
    Decision, LocalSigner, NonceId, OsEntropy, Pace, Proposal, Signer, SignerError, SigningItem, VerifiedTransaction,
};
use motet_wire::RequestId;
use zeroize::Zeroizing;

use crate::args::KeystoreArgs;
use crate::exit::Exit;
use crate::signer_key;

/// The key of a signer, while it is unlocked.
pub(crate) struct LockedKeys {
    public_key: PublicKey,
    /// Locked: none. A key that is loaded again has none of the nonces from before.
    signer: RwLock<Option<LocalSigner<OsEntropy>>>,
    /// The file or entry that it is loaded from; none of a key that is in memory alone.
    source: Option<(PathBuf, KeystoreArgs)>,
}

impl LockedKeys {
    /// A key that is in memory.
    pub(crate) fn new(key: SecretKey, source: Option<(PathBuf, KeystoreArgs)>) -> Arc<Self> {
        let public_key = key.public_key();
        let signer = RwLock::new(Some(LocalSigner::new(key, OsEntropy)));
        Arc::new(Self { public_key, signer, source })
    }

    fn with<T>(&self, work: impl FnOnce(&LocalSigner<OsEntropy>) -> Result<T, SignerError>) -> Result<T, SignerError> {
        let signer = self.signer.read().unwrap_or_else(PoisonError::into_inner);
        signer.as_ref().map_or(Err(SignerError::Locked), work)
    }

    fn put(&self, signer: Option<LocalSigner<OsEntropy>>) {
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = signer;
    }
}

impl Keys for LockedKeys {
    fn have(&self, signer: &PublicKey) -> bool {
        *signer == self.public_key
    }

    fn are_locked(&self) -> bool {
        self.signer.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn lock(&self) -> Result<(), KeysError> {
        if self.source.is_none() {
            return Err(KeysError::ThrowAway);
        }
        // The key and its nonces are overwritten when they are dropped.
        self.put(None);
        Ok(())
    }

    fn unlock(&self, passphrase: Option<Zeroizing<String>>) -> Result<(), KeysError> {
        let (key, keystore) = self.source.as_ref().ok_or(KeysError::ThrowAway)?;
        let passphrase = passphrase.map(Passphrase::new).transpose();
        let passphrase = passphrase.map_err(|error| KeysError::WrongPassphrase(error.to_string()))?;
        if passphrase.is_none() && signer_key::is_in_keystore(key) {
            return Err(KeysError::PassphraseNeeded);
        }
        let loaded = signer_key::load_with(key, keystore, passphrase.as_ref()).map_err(|failed| {
            let wrong = failed.exit == Exit::Locked;
            let what = failed.what;
            if wrong { KeysError::WrongPassphrase(what) } else { KeysError::Unusable(what) }
        })?;
        if loaded.secret.public_key() != self.public_key {
            let what = format!("{} is another key now than the one that this signer started with", key.display());
            return Err(KeysError::Unusable(what));
        }
        self.put(Some(LocalSigner::new(loaded.secret, OsEntropy)));
        Ok(())
    }
}

impl Signer for LockedKeys {
    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn pace(&self) -> Pace {
        Pace::Computes
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.with(|signer| signer.delegate(digest))
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        self.with(|signer| signer.generate_nonces(nonce_id, items))
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        self.with(|signer| signer.sign(nonce_id, items, nonces))
    }

    fn forget(&self, nonce_id: &NonceId) {
        // A locked signer has no nonces.
        drop(self.with(|signer| {
            signer.forget(nonce_id);
            Ok(())
        }));
    }
}

impl fmt::Debug for LockedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedKeys").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

/// A policy that is asked while the key is unlocked; else requests are declined.
#[derive(Debug)]
pub(crate) struct WhileUnlocked {
    pub(crate) keys: Arc<LockedKeys>,
    pub(crate) policy: Arc<dyn Policy>,
}

impl WhileUnlocked {
    fn refusal(&self) -> Option<Decision> {
        self.keys.are_locked().then(|| Decision::Decline { reason: LOCKED.to_owned() })
    }
}

#[async_trait]
impl Policy for WhileUnlocked {
    async fn decide(&self, proposal: Proposal) -> Decision {
        match self.refusal() {
            Some(refusal) => refusal,
            None => self.policy.decide(proposal).await,
        }
    }

    async fn decide_verified(&self, proposal: Proposal, transaction: VerifiedTransaction) -> Decision {
        match self.refusal() {
            Some(refusal) => refusal,
            None => self.policy.decide_verified(proposal, transaction).await,
        }
    }

    fn over(&self, request: &RequestId, signer: &PublicKey, cause: Option<&AbortCause>) {
        self.policy.over(request, signer, cause);
    }
}
