//! The token that callers over TCP show: 32 random bytes in a file of the data folder that its owner alone can read.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;

/// The name of the file in the data folder.
pub(crate) const FILE: &str = "api.token";
/// Bytes of randomness.
const BYTES: usize = 32;
/// Bytes of a file that could hold a token.
const LONGEST: u64 = 256;
/// Rights of others than the owner.
const OTHERS: u32 = 0o077;

/// A token: 64 hexadecimal digits.
#[derive(Clone)]
pub struct Token(String);

impl core::fmt::Debug for Token {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A file holds no token.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}", path = .path.display())]
pub struct TokenError {
    /// The file.
    pub path: PathBuf,
    /// The fault, for people.
    pub what: String,
}

impl Token {
    /// The token of a data folder, which is made at the first call.
    ///
    /// # Errors
    ///
    /// [`TokenError`] if the file cannot be made or read, or if others than its owner can read it.
    pub fn read_or_make(folder: &Path) -> Result<Self, TokenError> {
        let path = folder.join(FILE);
        match make(folder, &path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::read(folder),
            made => made.map_err(|error| TokenError { path, what: error.to_string() }),
        }
    }

    /// The token of a data folder, which a daemon has made.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn read(folder: &Path) -> Result<Self, TokenError> {
        let path = folder.join(FILE);
        read(&path).map_err(|what| TokenError { path, what })
    }

    /// True if a caller has shown this token. The time that it takes does not depend on where they differ.
    pub(crate) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// Its 64 digits.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Makes the file as a whole, unless there is one.
fn make(folder: &Path, path: &Path) -> io::Result<Token> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let token = Token(hex::encode(bytes));
    // Its mode is 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(format!("{}\n", token.0).as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|refused| refused.error)?;
    Ok(token)
}

fn read(path: &Path) -> Result<Token, String> {
    let opened = OpenOptions::new().read(true).custom_flags(flags()).open(path);
    let mut file = opened.map_err(|error| error.to_string())?;
    let known = file.metadata().map_err(|error| error.to_string())?;
    if !known.is_file() {
        return Err("this is no file".to_owned());
    }
    if known.mode() & OTHERS != 0 {
        return Err("others than its owner can use it; remove it, and start anew for another token".to_owned());
    }
    let mut text = String::new();
    io::Read::by_ref(&mut file).take(LONGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let text = text.trim_end();
    if text.len() != BYTES * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("this is no token; remove it, and start anew for another one".to_owned());
    }
    Ok(Token(text.to_owned()))
}

/// A link is no token file, and a pipe is not waited for.
fn flags() -> i32 {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    i32::try_from(flags.bits()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let made = Token::read_or_make(folder.path()).unwrap();
        let again = Token::read_or_make(folder.path()).unwrap();
        assert!(made.is(&again.0) && made.text().len() == 64);
        assert!(!made.is("") && !made.is(&made.0[1..]) && !made.is(&format!("{}0", made.0)));
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!format!("{made:?}").contains(&made.0));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Token::read_or_make(folder.path()).is_err());
    }

    #[test]
    fn what_is_no_token_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Token::read(folder.path()).is_err());
        let path = folder.path().join(FILE);
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(Token::read_or_make(folder.path()).is_err());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "short").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Token::read_or_make(folder.path()).unwrap_err().to_string().contains("no token"));
    }
}
