//! The secret that `--key` names: a key file, or an entry of the keystore.
//!
//! What exists as a file is a file. A name without a file (letters, digits, - and _) is an entry of the keystore, and everything
//! else is a path.

use std::fs;
use std::path::{Path, PathBuf};

use motet_core_crypto::SecretKey;
use motet_keystore::{Entry, KeyName, Keystore, Passphrase, Secret, SeedWords};

use crate::args::KeystoreArgs;
use crate::exit::Failed;
use crate::keystore::{self, KeystoreFile};
use crate::secret_file;

/// The key of a signer.
pub(crate) struct SignerKey {
    pub(crate) secret: SecretKey,
    /// The path beside which the data directory of the signer's node is by default, under the same name and an ending.
    pub(crate) beside: PathBuf,
}

/// The secret of a file or an entry.
pub(crate) enum KeyOrSeed {
    Key(SignerKey),
    Seed(SeedWords),
}

/// The key of a signer.
pub(crate) fn load(key: &Path, keystore: &KeystoreArgs) -> Result<SignerKey, Failed> {
    load_with(key, keystore, None)
}

/// The key of a signer, whose keystore is opened with this passphrase if it is given.
pub(crate) fn load_with(
    key: &Path,
    keystore: &KeystoreArgs,
    passphrase: Option<&Passphrase>,
) -> Result<SignerKey, Failed> {
    only_key(load_any_with(key, keystore, passphrase)?, &key.display())
}

fn only_key(found: KeyOrSeed, name: &dyn core::fmt::Display) -> Result<SignerKey, Failed> {
    match found {
        KeyOrSeed::Key(key) => Ok(key),
        KeyOrSeed::Seed(_) => {
            let what = format!("{name} is a seed, and a signer has the key of one of its accounts");
            Err(Failed::here(what)
                .hint(format!("make the key of an account: motet key new NAME --of {name} --account NUMBER")))
        }
    }
}

/// The path beside which the data directory of a signer's node is by default. Nothing is opened.
pub(crate) fn beside(key: &Path, keystore: Option<&Path>) -> Result<PathBuf, Failed> {
    name(key).map_or_else(|| Ok(key.to_owned()), |name| Ok(keystore::path(keystore)?.with_file_name(name.as_str())))
}

/// The key of a signer in a keystore.
pub(crate) fn load_named(name: &KeyName, keystore: &KeystoreArgs) -> Result<SignerKey, Failed> {
    only_key(of_keystore(name, keystore, None)?, name)
}

/// The key of a signer, or a seed.
pub(crate) fn load_any(key: &Path, args: &KeystoreArgs) -> Result<KeyOrSeed, Failed> {
    load_any_with(key, args, None)
}

fn load_any_with(key: &Path, args: &KeystoreArgs, passphrase: Option<&Passphrase>) -> Result<KeyOrSeed, Failed> {
    match name(key) {
        Some(name) => of_keystore(&name, args, passphrase),
        None => Ok(KeyOrSeed::Key(SignerKey { secret: secret_file::read_key(key)?, beside: key.to_owned() })),
    }
}

fn of_keystore(name: &KeyName, args: &KeystoreArgs, passphrase: Option<&Passphrase>) -> Result<KeyOrSeed, Failed> {
    let file = KeystoreFile::of(args)?;
    let place = file.path().display();
    if !file.is_there() {
        let what = format!("there is neither a key file {name} here nor a keystore {place}");
        return Err(Failed::here(what).hint(format!(
            "make a key with `motet key new {name}`, or name the path of a key file that `motet key new --key-file FILE` has written"
        )));
    }
    let mut keystore = match passphrase {
        Some(passphrase) => file.open_with(passphrase)?,
        None => file.open()?,
    };
    match take(&mut keystore, name, file.path())?.secret {
        Secret::SignerKey(secret) => {
            let beside = file.path().with_file_name(name.as_str());
            Ok(KeyOrSeed::Key(SignerKey { secret, beside }))
        }
        Secret::Seed(seed) => Ok(KeyOrSeed::Seed(seed)),
        Secret::Unknown(_) | _ => {
            Err(Failed::here(format!("{name} in the keystore {place} is of a kind that this version does not know"))
                .hint("use a newer version"))
        }
    }
}

/// Takes an entry out of an open keystore, whose file stays as it is.
pub(crate) fn take(keystore: &mut Keystore, name: &KeyName, place: &Path) -> Result<Entry, Failed> {
    keystore.remove(name).ok_or_else(|| {
        let names: Vec<_> = keystore.entries().iter().map(|entry| entry.name.as_str()).collect();
        let failed = Failed::here(format!("there is no key {name} in the keystore {}", place.display()));
        failed.hint(if names.is_empty() { "it is empty".to_owned() } else { format!("it has {}", names.join(", ")) })
    })
}

/// True if a key is an entry of the keystore, and no key file.
pub(crate) fn is_in_keystore(key: &Path) -> bool {
    name(key).is_some()
}

/// The name of an entry, if that is meant.
fn name(key: &Path) -> Option<KeyName> {
    let name = key.to_str()?.parse().ok()?;
    fs::symlink_metadata(key).is_err().then_some(name)
}
