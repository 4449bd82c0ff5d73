//! The reasons why a file does not open.

use crate::cost::CostError;
use crate::limits::FILE_BYTES;

/// The reason why bytes do not become a keystore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The bytes do not begin as a keystore does.
    #[error("it is no keystore")]
    NoKeystore,
    /// The bytes end too early.
    #[error("the keystore is damaged: its end is missing")]
    Truncated,
    /// The bytes are too many.
    #[error("the keystore is damaged: it has more than {FILE_BYTES} bytes")]
    TooLong,
    /// Another version has written it.
    #[error("the keystore has version {found}, which this program does not read")]
    Version {
        /// Its version.
        found: u8,
    },
    /// The cost is outside the bounds: to open it would take too much memory, or it is too weak.
    #[error("the keystore is refused: {0}")]
    Cost(CostError),
    /// The passphrase is wrong, or a byte is. The two cannot be told apart.
    #[error("wrong passphrase, or the file is damaged")]
    Locked,
    /// The passphrase is right, and the entries are not as this version writes them.
    #[error("the keystore opens, and its content is wrong: {0}")]
    Content(&'static str),
    /// There is not enough memory for argon2id.
    #[error("there is not enough memory to open the keystore")]
    Memory,
}
