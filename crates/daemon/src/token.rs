//! The token that callers over TCP show: 32 random bytes in a file of the data folder that its owner alone can read.

use std::path::Path;

use subtle::ConstantTimeEq as _;

use crate::private_file::{self, SecretFileError};

/// The name of the file in the data folder.
pub(crate) const FILE: &str = "api.token";
/// Bytes of randomness.
const BYTES: usize = 32;

/// A token: 64 hexadecimal digits.
#[derive(Clone)]
pub struct Token(String);

impl core::fmt::Debug for Token {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// The token of a data folder, which is made at the first call.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`] if the file cannot be made or read, or if others than its owner can read it.
    pub fn read_or_make(folder: &Path) -> Result<Self, SecretFileError> {
        let path = folder.join(FILE);
        let mut bytes = [0; BYTES];
        let drawn = getrandom::fill(&mut bytes);
        drawn.map_err(|error| SecretFileError { path: path.clone(), what: error.to_string() })?;
        private_file::make(&path, &hex::encode(bytes))?;
        Self::read(folder)
    }

    /// The token of a data folder, which a daemon has made.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`].
    pub fn read(folder: &Path) -> Result<Self, SecretFileError> {
        let path = folder.join(FILE);
        let text = private_file::read(&path)?;
        if text.len() != BYTES * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let what = "this is no token; remove it, and start anew for another one".to_owned();
            return Err(SecretFileError { path, what });
        }
        Ok(Self(text))
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

#[cfg(test)]
mod tests {
    use std::fs;
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
