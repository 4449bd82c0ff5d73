//! The keys of a daemon's signers, which its program takes out of memory and loads again.

use core::fmt;

use motet_node::PublicKey;
use zeroize::Zeroizing;

/// The words for other signers, whose requests and sessions end.
pub const LOCKED: &str = "the signer is locked";

/// The keys of the signers that a daemon serves. Calls may take a second, and run on a thread of their own.
pub trait Keys: Send + Sync + fmt::Debug {
    /// True if the key of this signer is one of them.
    fn have(&self, signer: &PublicKey) -> bool;

    /// True while the keys are not in memory.
    fn are_locked(&self) -> bool;

    /// Takes the keys out of memory, and the nonces that wait for their use with them.
    ///
    /// # Errors
    ///
    /// [`KeysError::ThrowAway`].
    fn lock(&self) -> Result<(), KeysError>;

    /// Loads the keys again.
    ///
    /// # Errors
    ///
    /// [`KeysError`].
    fn unlock(&self, passphrase: Option<Zeroizing<String>>) -> Result<(), KeysError>;
}

/// The keys are as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The key is in no file, so that it would be lost.
    #[error("the key of this signer is in its memory alone, and would be lost")]
    ThrowAway,
    /// They are in a keystore, and there is no passphrase.
    #[error("the keystore needs its passphrase")]
    PassphraseNeeded,
    /// The keystore does not open with this passphrase, or is damaged.
    #[error("{0}")]
    WrongPassphrase(String),
    /// The file is missing or wrong.
    #[error("{0}")]
    Unusable(String),
}
