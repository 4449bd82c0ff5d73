//! Secrets in files: a signer's key and a node's network identity (`docs/adr/0009`).

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use motet_core_crypto::SecretKey;
use motet_keystore::header;
use motet_keystore::limits::FILE_BYTES;
use motet_node::OsEntropy;
use rand_core::TryRng as _;
use zeroize::Zeroizing;

use crate::exit::Failed;
use crate::files::{self, OpenError};

/// Bytes of a secret's file: 24 words of eight letters, and some spare.
const TEXT: usize = 1024;
/// The path that stands for standard input.
const INPUT: &str = "-";

/// The variable that names the folder of secrets that a service manager hands over.
pub(crate) const HANDED_OVER: &str = "CREDENTIALS_DIRECTORY";

/// The use of a file's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secret {
    SignerKey,
    NodeIdentity,
    Words,
    Passphrase,
    Keystore,
    KeystorePassphrase,
}

impl Secret {
    const fn name(self) -> &'static str {
        match self {
            Self::SignerKey => "the signer key",
            Self::NodeIdentity => "the node's network identity",
            Self::Words => "the words of a seed",
            Self::Passphrase => "the passphrase of a seed",
            Self::Keystore => "the keystore",
            Self::KeystorePassphrase => "the passphrase of the keystore",
        }
    }

    /// The advice when the file does not hold the secret.
    const fn remedy(self) -> &'static str {
        match self {
            Self::SignerKey => {
                "name a file that `motet key new --key-file` has written; only a copy can restore a key whose file is damaged"
            }
            Self::NodeIdentity => {
                "restore this file from a copy, or remove it: the node then makes a new identity, \
and everybody with its peer id in a --peer address needs the new one"
            }
            Self::Words => "write the words of the seed into it, 12 or 24 with spaces between them",
            Self::Passphrase | Self::KeystorePassphrase => "write the passphrase into it, in one line",
            Self::Keystore => "name a file that `motet key new` has made, or restore it from a copy",
        }
    }
}

/// Writes a new signer's key to a file that must not exist.
pub(crate) fn write_key(path: &Path, key: &SecretKey) -> Result<(), Failed> {
    if let Ok(there) = fs::symlink_metadata(path) {
        return Err(taken(path, &there));
    }
    write(path, &key.dangerous_to_bytes()).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists
            && let Ok(there) = fs::symlink_metadata(path)
        {
            return taken(path, &there);
        }
        let what = format!("cannot write {} to {}: {error}", Secret::SignerKey.name(), path.display());
        Failed::here(what).hint("no key was made; mend that, or choose another place")
    })
}

/// Something has the name that a key's file should get.
fn taken(path: &Path, there: &Metadata) -> Failed {
    let name = path.display();
    let failed = match files::kind(there.file_type()) {
        _ if there.is_dir() => Failed::here(format!("{name} is a directory, perhaps the data folder of a node")),
        Some(kind) => Failed::here(format!("{name} exists already: it is {kind}")),
        None => Failed::here(format!("{name} exists already, and no key file is ever overwritten")),
    };
    failed.hint("choose another name")
}

fn write(path: &Path, secret: &[u8; 32]) -> io::Result<()> {
    let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(secret))));
    files::create(path, text.as_bytes())
}

/// Reads a signer's key.
pub(crate) fn read_key(path: &Path) -> Result<SecretKey, Failed> {
    let bytes = read_bytes(path, Secret::SignerKey, TEXT)?;
    if header::is_keystore(&bytes) {
        let name = path.display();
        return Err(Failed::here(format!("{name} is a keystore, which may have many keys"))
            .hint(format!("name one of them: --keystore {name} --key NAME; `motet key list` lists them")));
    }
    let bytes = digits(path, &bytes, Secret::SignerKey)?;
    SecretKey::from_bytes(&bytes).map_err(|error| unusable(path, Secret::SignerKey, &error.to_string()))
}

/// Writes the words of a seed to a file that must not exist.
pub(crate) fn write_words(path: &Path, words: &str) -> Result<(), Failed> {
    write_line(path, words, Secret::Words)
}

/// Writes the passphrase of a seed to a file that must not exist.
pub(crate) fn write_passphrase(path: &Path, passphrase: &str) -> Result<(), Failed> {
    write_line(path, passphrase, Secret::Passphrase)
}

fn write_line(path: &Path, line: &str, secret: Secret) -> Result<(), Failed> {
    let text = Zeroizing::new(format!("{line}\n"));
    files::create(path, text.as_bytes()).map_err(|error| {
        let what = format!("cannot write {} to {}: {error}", secret.name(), path.display());
        Failed::here(what).hint("nothing was made; name another file, which does not exist yet")
    })
}

/// Reads the words of a seed, from standard input if the path is `-`.
pub(crate) fn read_words(path: &Path) -> Result<Zeroizing<String>, Failed> {
    read_line(path, Secret::Words)
}

/// Reads the passphrase of a seed: the first line without its end.
pub(crate) fn read_passphrase(path: &Path) -> Result<Zeroizing<String>, Failed> {
    read_line(path, Secret::Passphrase)
}

/// Reads the passphrase of a keystore, from standard input if the path is `-`.
pub(crate) fn read_keystore_passphrase(path: &Path) -> Result<Zeroizing<String>, Failed> {
    read_line(path, Secret::KeystorePassphrase)
}

/// Reads the bytes of a keystore, of any length up to one more than it may have.
pub(crate) fn read_keystore(path: &Path) -> Result<Vec<u8>, Failed> {
    let mut bytes = read_bytes(path, Secret::Keystore, FILE_BYTES + 1)?;
    Ok(core::mem::take(&mut *bytes))
}

/// Reads a secret text without the end of its last line.
fn read_line(path: &Path, secret: Secret) -> Result<Zeroizing<String>, Failed> {
    let bytes = if path == Path::new(INPUT) {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * TEXT));
        let failed = |error| cannot_read(path, secret, &error);
        io::stdin().lock().take(TEXT as u64).read_to_end(&mut bytes).map_err(failed)?;
        bytes
    } else {
        read_bytes(path, secret, TEXT)?
    };
    let text = core::str::from_utf8(&bytes).map_err(|_| unusable(path, secret, "it is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// Reads a node's network identity, or makes it if it is not there.
pub(crate) fn read_or_make_identity(path: &Path) -> Result<Zeroizing<[u8; 32]>, Failed> {
    if fs::symlink_metadata(path).is_err() {
        let mut secret = Zeroizing::new([0; 32]);
        let mut rng = OsEntropy;
        rng.try_fill_bytes(secret.as_mut_slice()).map_err(Failed::here)?;
        write(path, &secret).map_err(|error| {
            let what = format!("cannot write {} to {}: {error}", Secret::NodeIdentity.name(), path.display());
            Failed::here(what).hint("mend that, or choose another folder with --data DIR")
        })?;
    }
    read(path, Secret::NodeIdentity)
}

/// Reads the content of a secret's file, up to that many bytes.
fn read_bytes(path: &Path, secret: Secret, most: usize) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let file = files::open(path).map_err(|error| match error {
        OpenError::NoFile(kind) => no_file(path, secret, kind),
        OpenError::Io(error) => cannot_read(path, secret, &error),
    })?;
    check(path, &file, secret)?;
    // Never moved to a larger place, which would leave a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(most + TEXT));
    (&file).take(most as u64).read_to_end(&mut text).map_err(|error| cannot_read(path, secret, &error))?;
    Ok(text)
}

/// Reads 32 secret bytes.
fn read(path: &Path, secret: Secret) -> Result<Zeroizing<[u8; 32]>, Failed> {
    digits(path, &read_bytes(path, secret, TEXT)?, secret)
}

/// The 32 secret bytes of 64 hexadecimal digits.
fn digits(path: &Path, text: &[u8], secret: Secret) -> Result<Zeroizing<[u8; 32]>, Failed> {
    let mut bytes = Zeroizing::new([0; 32]);
    let digits = text.trim_ascii_end();
    let problem = if digits.is_empty() { "it is empty" } else { "it does not hold 64 hexadecimal digits" };
    hex::decode_to_slice(digits, bytes.as_mut_slice()).map_err(|_| unusable(path, secret, problem))?;
    Ok(bytes)
}

/// Refuses a file that another user may have made or may know. The rule is that of `docs/adr/0009`.
fn check(path: &Path, file: &File, secret: Secret) -> Result<(), Failed> {
    let failed = |error| cannot_read(path, secret, &error);
    let (link, found) = (fs::symlink_metadata(path).map_err(failed)?, file.metadata().map_err(failed)?);
    let name = path.display();
    let mode = found.permissions().mode();
    let private = || format!("make it private: chmod 600 {name}");
    if mode & 0o022 != 0 {
        return Err(Failed::here(format!("{name} can be changed by others than its owner")).hint(private()));
    }
    if link.is_symlink() && !(trusted(&link) && trusted(&found)) {
        let what = format!("{name} is a link, and it or its file belongs neither to this user nor to root");
        return Err(Failed::here(what).hint("name the file itself, or make the link and its file your own"));
    }
    if mode & 0o077 != 0 && !(trusted(&found) && handed_over(path)) {
        let hint = format!(
            "{}; if a service manager has put it there, let {HANDED_OVER} name its folder (docs/operations.md, \"Files\")",
            private()
        );
        return Err(Failed::here(format!("{name} can be read by others than its owner")).hint(hint));
    }
    Ok(())
}

/// Root can do everything anyway.
fn trusted(found: &Metadata) -> bool {
    found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw()
}

/// True if a file is below the folder of secrets that a service manager hands over.
fn handed_over(path: &Path) -> bool {
    let folder = std::env::var_os(HANDED_OVER).filter(|folder| Path::new(folder).is_absolute());
    let Some(Ok(folder)) = folder.map(fs::canonicalize) else { return false };
    fs::canonicalize(path).is_ok_and(|path| path.starts_with(folder))
}

fn no_file(path: &Path, secret: Secret, kind: &str) -> Failed {
    let failed = Failed::here(format!("{} is {kind}, not a file with {}", path.display(), secret.name()));
    failed.hint(match secret {
        Secret::SignerKey => "name a file with mode 600 that `motet key new --key-file` has written",
        Secret::NodeIdentity => "move it away: the node then makes this file anew",
        Secret::Words | Secret::Passphrase | Secret::KeystorePassphrase => "name a file with mode 600",
        Secret::Keystore => "name a file that `motet key new` has made",
    })
}

fn cannot_read(path: &Path, secret: Secret, error: &io::Error) -> Failed {
    let failed = Failed::here(format!("cannot read {} from {}: {error}", secret.name(), path.display()));
    match secret {
        Secret::SignerKey if error.kind() == io::ErrorKind::NotFound => {
            failed.hint("make a key with `motet key new`, or a key file with `motet key new --key-file FILE`")
        }
        Secret::Keystore if error.kind() == io::ErrorKind::NotFound => {
            failed.hint("make a key in it with `motet key new`, or name another file with --keystore FILE")
        }
        Secret::SignerKey
        | Secret::NodeIdentity
        | Secret::Words
        | Secret::Passphrase
        | Secret::Keystore
        | Secret::KeystorePassphrase => failed,
    }
}

fn unusable(path: &Path, secret: Secret, problem: &str) -> Failed {
    let failed = Failed::here(format!("{} does not hold {}: {problem}", path.display(), secret.name()));
    failed.hint(secret.remedy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, &[7; 32]).unwrap();
        assert_eq!(*read(&path, Secret::SignerKey).unwrap(), [7; 32]);
        assert!(write(&path, &[8; 32]).is_err());
        assert_eq!(*read(&path, Secret::SignerKey).unwrap(), [7; 32]);
    }

    #[test]
    fn a_file_that_others_can_read_or_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, &[7; 32]).unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = read(&path, Secret::SignerKey).unwrap_err();
            assert!(refused.next.unwrap().contains("chmod 600"), "{mode:o}");
        }
        for mode in [0o600, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            read(&path, Secret::SignerKey).unwrap();
        }
    }
}
