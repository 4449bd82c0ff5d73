//! Secrets in files: readable by their owner only, never overwritten, complete or not there at all.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use motet_coordinator::OsEntropy;
use motet_core_crypto::SecretKey;
use rand_core::TryRng as _;
use zeroize::Zeroizing;

use crate::exit::Failed;

/// Linux' `O_NOFOLLOW`: a link in the place of a key is somebody else's idea.
const NO_FOLLOW: i32 = 0o400_000;

/// Writes 32 secret bytes to a file that must not exist.
pub(crate) fn write(path: &Path, secret: &[u8; 32]) -> Result<(), Failed> {
    let failed = |error: std::io::Error| Failed::here(format!("cannot write {}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(secret))));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// Reads 32 secret bytes.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<[u8; 32]>, Failed> {
    let failed = |error: std::io::Error| Failed::here(format!("cannot read {}: {error}", path.display()));
    let file: File = OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let what = format!("{} can be read by others than its owner", path.display());
        return Err(Failed::here(what).hint(format!("make it private: chmod 600 {}", path.display())));
    }
    let mut text = Zeroizing::new(String::new());
    (&file).take(128).read_to_string(&mut text).map_err(failed)?;
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_end(), secret.as_mut_slice())
        .map_err(|_| Failed::here(format!("{} is not a key file", path.display())))?;
    Ok(secret)
}

/// Reads a signer's key.
pub(crate) fn read_key(path: &Path) -> Result<SecretKey, Failed> {
    SecretKey::from_bytes(&*read(path)?).map_err(|error| Failed::here(format!("{}: {error}", path.display())))
}

/// Reads 32 secret bytes, or makes them if the file is not there.
pub(crate) fn read_or_make(path: &Path) -> Result<Zeroizing<[u8; 32]>, Failed> {
    if !path.exists() {
        let mut secret = Zeroizing::new([0; 32]);
        let mut rng = OsEntropy;
        rng.try_fill_bytes(secret.as_mut_slice()).map_err(Failed::here)?;
        write(path, &secret)?;
    }
    read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, &[7; 32]).unwrap();
        assert_eq!(*read(&path).unwrap(), [7; 32]);
        assert!(write(&path, &[8; 32]).is_err());
        assert_eq!(*read(&path).unwrap(), [7; 32]);
    }

    #[test]
    fn a_file_that_others_can_read_or_a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, &[7; 32]).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&link).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).unwrap_err().next.unwrap().contains("chmod 600"));
    }
}
