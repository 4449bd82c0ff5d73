//! The text that opens a keystore.

use core::fmt;

use zeroize::Zeroizing;

use crate::limits::PASSPHRASE_BYTES;

/// A text is no passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// The text is empty: anybody with the file would have its keys.
    #[error("the passphrase is empty")]
    Empty,
    /// The text is too long.
    #[error("the passphrase has more than {PASSPHRASE_BYTES} bytes")]
    TooLong,
}

/// A passphrase of 1 to [`PASSPHRASE_BYTES`] bytes, as they were typed. It cannot be cloned or printed, and is overwritten when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a text.
    ///
    /// # Errors
    ///
    /// [`PassphraseError`].
    pub fn new(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        match text.len() {
            0 => Err(PassphraseError::Empty),
            1..=PASSPHRASE_BYTES => Ok(Self(text)),
            _ => Err(PassphraseError::TooLong),
        }
    }

    /// True if the texts are the same: the second typing of a new passphrase is the first one's. The time depends on where they differ.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").finish_non_exhaustive()
    }
}
