//! The keys of a keystore that a running signer may serve beside its first one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use motet_core_crypto::PublicKey;
use motet_daemon::KeyRing;
use motet_keystore::KeyName;
use motet_node::{LocalSigner, OsEntropy, Signer};

use crate::args::KeystoreArgs;
use crate::data_folder::{self, DataFolder};
use crate::exit::Failed;
use crate::passphrase;
use crate::signer_key::{self, SignerKey};

/// The keystore of a running signer.
#[derive(Debug)]
pub(crate) struct KeystoreRing {
    keystore: KeystoreArgs,
    /// The data folders of the keys that are served. They are held open, so that no other process serves the same key.
    held: Arc<Mutex<BTreeMap<PublicKey, DataFolder>>>,
}

impl KeystoreRing {
    pub(crate) fn new(keystore: KeystoreArgs) -> Self {
        Self { keystore, held: Arc::default() }
    }
}

#[async_trait]
impl KeyRing for KeystoreRing {
    async fn signer(&self, name: &str) -> Result<Arc<dyn Signer>, String> {
        // A caller names an entry, and no path.
        let name: KeyName = name.parse().map_err(|_| format!("{name:?} is no name of a key"))?;
        if !passphrase::is_there(&self.keystore) {
            return Err(
                "the passphrase of the keystore was typed; start with --passphrase-file or a credential".to_owned()
            );
        }
        let (keystore, held) = (self.keystore.clone(), Arc::clone(&self.held));
        // Opening a keystore takes a fifth of a second of work.
        let opened = tokio::task::spawn_blocking(move || open(&name, &keystore, &held));
        let opened = opened.await.map_err(|error| error.to_string())?;
        opened.map_err(|failed| failed.what)
    }

    fn release(&self, signer: &PublicKey) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(signer);
    }
}

fn open(
    name: &KeyName,
    keystore: &KeystoreArgs,
    held: &Mutex<BTreeMap<PublicKey, DataFolder>>,
) -> Result<Arc<dyn Signer>, Failed> {
    let SignerKey { secret, beside } = signer_key::load_named(name, keystore)?;
    let signer = secret.public_key();
    let folder: PathBuf = data_folder::beside(&beside, &signer)?;
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if let Entry::Vacant(place) = held.entry(signer) {
        place.insert(DataFolder::open(&folder, &signer)?);
    }
    Ok(Arc::new(LocalSigner::new(secret, OsEntropy)))
}
