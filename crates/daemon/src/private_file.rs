//! Small secrets in files of the data folder that their owner alone can read, such as the token of callers over TCP.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Most bytes of such a file.
const LONGEST: u64 = 256;
/// Rights of others than the owner.
const OTHERS: u32 = 0o077;

/// A file of the data folder does not hold the secret that it should.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}", path = .path.display())]
pub struct SecretFileError {
    /// The file.
    pub path: PathBuf,
    /// The fault, for people.
    pub what: String,
}

/// Writes a line into a new file, as a whole. False if a file is there already: it stays as it is.
pub(crate) fn make(path: &Path, line: &str) -> Result<bool, SecretFileError> {
    let fault = |error: io::Error| SecretFileError { path: path.to_owned(), what: error.to_string() };
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    // Its mode is 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fault)?;
    file.write_all(format!("{line}\n").as_bytes()).map_err(fault)?;
    file.as_file().sync_all().map_err(fault)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(fault(refused.error)),
    }
}

/// Reads the text of a file, without the white space at its end.
pub(crate) fn read(path: &Path) -> Result<String, SecretFileError> {
    let fault = |what: String| SecretFileError { path: path.to_owned(), what };
    let opened = OpenOptions::new().read(true).custom_flags(flags()).open(path);
    let mut file = opened.map_err(|error| fault(error.to_string()))?;
    let known = file.metadata().map_err(|error| fault(error.to_string()))?;
    if !known.is_file() {
        return Err(fault("this is no file".to_owned()));
    }
    if known.mode() & OTHERS != 0 {
        return Err(fault("others than its owner can use it; remove it, and start anew for another one".to_owned()));
    }
    let mut text = String::new();
    let read = io::Read::by_ref(&mut file).take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| fault(error.to_string()))?;
    Ok(text.trim_end().to_owned())
}

/// A link is no file of this kind, and a pipe is not waited for.
fn flags() -> i32 {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    i32::try_from(flags.bits()).unwrap_or(0)
}
