//! An entry of a keystore: a name, a time, and a secret.

use core::fmt;
use core::str::FromStr;

use motet_core_crypto::SecretKey;
use zeroize::Zeroizing;

use crate::limits::{NAME_BYTES, PASSPHRASE_BYTES, WORDS_BYTES};

/// A text is no name of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name is empty, or too long.
    #[error("the name of a key has 1 to {NAME_BYTES} characters, and this one has {found} bytes")]
    Length {
        /// The number of bytes.
        found: usize,
    },
    /// The name has a character that is not allowed.
    #[error("the name of a key has letters from a to z, digits, - and _, begins with a letter or digit, and has no {:?}", .character)]
    Character {
        /// The character.
        character: char,
    },
}

/// The name of an entry: 1 to [`NAME_BYTES`] ASCII letters, digits, `-` and `_`, the first of them a letter or digit. So a name is
/// never taken for a path or an option, and looks like no other name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let found = text.len();
        if found == 0 || found > NAME_BYTES {
            return Err(NameError::Length { found });
        }
        let allowed = |(place, character): (usize, char)| {
            character.is_ascii_alphanumeric() || (place > 0 && matches!(character, '-' | '_'))
        };
        match text.chars().enumerate().find(|one| !allowed(*one)) {
            Some((_, character)) => Err(NameError::Character { character }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is not the words of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedWordsError {
    /// The words are not 12 or 24 of small letters.
    #[error("a seed has 12 or 24 words of small letters from a to z")]
    Words,
    /// The passphrase is too long.
    #[error("the passphrase of the seed has more than {PASSPHRASE_BYTES} bytes")]
    Passphrase,
}

/// The 12 or 24 words of a seed (BIP-39), and its passphrase, which may be empty. That the words are in the list and fit together
/// is not checked here. They cannot be cloned or printed, and are overwritten when dropped.
pub struct SeedWords {
    words: Zeroizing<String>,
    passphrase: Zeroizing<String>,
}

impl SeedWords {
    /// Takes words, with any white space between them, and the passphrase of the seed.
    ///
    /// # Errors
    ///
    /// [`SeedWordsError`].
    pub fn new(words: &str, passphrase: &str) -> Result<Self, SeedWordsError> {
        let mut normal = Zeroizing::new(String::with_capacity(WORDS_BYTES));
        let mut count = 0_usize;
        for word in words.split_ascii_whitespace() {
            let room = normal.len() + word.len() < WORDS_BYTES + usize::from(count == 0);
            if !room || !word.bytes().all(|letter| letter.is_ascii_lowercase()) {
                return Err(SeedWordsError::Words);
            }
            if count > 0 {
                normal.push(' ');
            }
            normal.push_str(word);
            count += 1;
        }
        if count != 12 && count != 24 {
            return Err(SeedWordsError::Words);
        }
        if passphrase.len() > PASSPHRASE_BYTES {
            return Err(SeedWordsError::Passphrase);
        }
        Ok(Self { words: normal, passphrase: Zeroizing::new(passphrase.to_owned()) })
    }

    /// The words, with one space between them.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// The passphrase of the seed, or an empty text.
    #[must_use]
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }
}

/// A secret of a kind that a later version has made. It is kept as it is. It cannot be cloned or printed, and is overwritten when dropped.
pub struct UnknownSecret {
    kind: u8,
    bytes: Zeroizing<Vec<u8>>,
}

impl UnknownSecret {
    pub(crate) const fn new(kind: u8, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { kind, bytes }
    }

    /// The number of the kind.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The secret of an entry.
#[non_exhaustive]
pub enum Secret {
    /// Kind 1: the key of a signer.
    SignerKey(SecretKey),
    /// Kind 2: the words of a seed.
    Seed(SeedWords),
    /// A kind that this version does not know.
    Unknown(UnknownSecret),
}

/// An entry of a keystore.
pub struct Entry {
    /// The name, which no other entry of the keystore has.
    pub name: KeyName,
    /// The time at which the secret was made or imported, in seconds since 1970.
    pub created: u64,
    /// The secret.
    pub secret: Secret,
}

impl fmt::Debug for SeedWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedWords").finish_non_exhaustive()
    }
}

impl fmt::Debug for UnknownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownSecret").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignerKey(_) => f.write_str("SignerKey(..)"),
            Self::Seed(_) => f.write_str("Seed(..)"),
            Self::Unknown(unknown) => unknown.fmt(f),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, created, secret } = self;
        f.debug_struct("Entry").field("name", name).field("created", created).field("secret", secret).finish()
    }
}
