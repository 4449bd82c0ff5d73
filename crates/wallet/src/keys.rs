//! Keys of a wallet: a seed of words (BIP-39), and below it one account for each group (BIP-32, paths of BIP-87).
//!
//! The public key of an account is the member's key in a group's descriptor, and its secret key is the key of a signer. An account
//! serves one group: whoever knows the keys of a group knows all its addresses.

mod extended;

use core::fmt;

use bip39::{Language, Mnemonic};
use bitcoin::bip32::{ChildNumber, Fingerprint, Xpub};
use bitcoin::{Network, NetworkKind};
use motet_core_crypto::{PublicKey, SecretKey};
use motet_psbt::SecretKeys;
use motet_psbt::descriptor::{KeyMaterial, PathExpr, SingleKey};
use motet_psbt::fields::KeyOrigin;
use zeroize::Zeroizing;

use extended::ExtendedSecret;

/// The purpose of account keys of multisig wallets (BIP-87).
const PURPOSE: u32 = 87;

/// The reason why there is no seed or account. No error repeats a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// More or fewer words.
    #[error("{found} words; a seed has 12 or 24")]
    WordCount {
        /// The number of words.
        found: usize,
    },
    /// A word that is not in the list.
    #[error("word {number} is not in the English list of BIP-39")]
    Word {
        /// The position of the word, from 1.
        number: usize,
    },
    /// The words do not fit together.
    #[error("the words are each in the list, but not together a seed: one is wrong, or their order is")]
    Checksum,
    /// Entropy of another length.
    #[error("{found} bytes of entropy; 16 make 12 words and 32 make 24")]
    Entropy {
        /// The number of bytes.
        found: usize,
    },
    /// A seed of another length than BIP-32 allows.
    #[error("a seed of {found} bytes; 16 to 64 are allowed")]
    SeedLength {
        /// The number of bytes.
        found: usize,
    },
    /// The number of an account is 2^31 or more.
    #[error("accounts have numbers below 2147483648")]
    AccountNumber,
    /// The seed has no key at this place. That happens by chance in 1 of 2^127 cases.
    #[error("the seed has no key at this place; take the next account")]
    NoKey,
}

/// The root of a wallet's keys. It cannot be cloned or printed, and is overwritten when dropped.
///
/// ```compile_fail
/// fn twice(seed: motet_wallet::keys::Seed) -> [motet_wallet::keys::Seed; 2] {
///     [seed.clone(), seed]
/// }
/// ```
pub struct Seed {
    root: ExtendedSecret,
}

impl Seed {
    /// The seed of 12 or 24 English words, with a passphrase that may be empty. Case and spaces between words make no difference.
    ///
    /// # Errors
    ///
    /// [`SeedError`].
    pub fn from_words(words: &str, passphrase: &str) -> Result<Self, SeedError> {
        let mut normal = Zeroizing::new(String::with_capacity(words.len()));
        let mut found = 0;
        for word in words.split_whitespace() {
            if found > 0 {
                normal.push(' ');
            }
            normal.extend(word.chars().map(|character| character.to_ascii_lowercase()));
            found += 1;
        }
        if ![12, 24].contains(&found) {
            return Err(SeedError::WordCount { found });
        }
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &normal).map_err(|error| match error {
            bip39::Error::UnknownWord(place) => SeedError::Word { number: place + 1 },
            bip39::Error::BadWordCount(found) => SeedError::WordCount { found },
            bip39::Error::BadEntropyBitCount(_)
            | bip39::Error::InvalidChecksum
            | bip39::Error::AmbiguousLanguages(_) => SeedError::Checksum,
        })?;
        Self::from_bytes(&*Zeroizing::new(mnemonic.to_seed(passphrase)))
    }

    /// The seed of 16 to 64 bytes, as another program made them (BIP-32).
    ///
    /// # Errors
    ///
    /// [`SeedError`].
    pub fn from_bytes(seed: &[u8]) -> Result<Self, SeedError> {
        if !(16..=64).contains(&seed.len()) {
            return Err(SeedError::SeedLength { found: seed.len() });
        }
        Ok(Self { root: ExtendedSecret::root(seed).map_err(|_| SeedError::NoKey)? })
    }

    /// The fingerprint of the root key, by which wallets recognise their keys in descriptors.
    pub fn fingerprint(&self) -> Fingerprint {
        self.root.fingerprint()
    }

    /// The extended public key at a path.
    ///
    /// # Errors
    ///
    /// [`SeedError::NoKey`].
    pub fn xpub(&self, path: &[ChildNumber], network: Network) -> Result<Xpub, SeedError> {
        let found = self.root.descendant(path).map_err(|_| SeedError::NoKey)?;
        found.as_ref().unwrap_or(&self.root).public(NetworkKind::from(network)).ok_or(SeedError::NoKey)
    }

    /// The account with a number: `m/87h/0h/NUMBERh` on the main network, and `m/87h/1h/NUMBERh` on test networks.
    ///
    /// # Errors
    ///
    /// [`SeedError`].
    pub fn account(&self, network: Network, number: u32) -> Result<Account, SeedError> {
        let kind = NetworkKind::from(network);
        let coin = if kind == NetworkKind::Main { 0 } else { 1 };
        let hardened = |index| ChildNumber::from_hardened_idx(index).map_err(|_| SeedError::AccountNumber);
        let path = vec![hardened(PURPOSE)?, hardened(coin)?, hardened(number)?];
        let secret = self.root.descendant(&path).ok().flatten().ok_or(SeedError::NoKey)?;
        let xpub = secret.public(kind).ok_or(SeedError::NoKey)?;
        let origin = KeyOrigin { fingerprint: self.fingerprint(), path: path.into() };
        let key = SingleKey { origin: Some(origin), key: KeyMaterial::Xpub(xpub), path: PathExpr::EMPTY };
        Ok(Account { key, secret })
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

/// The English words of 16 or 32 random bytes: the words that a person writes down. They are the wallet.
///
/// # Errors
///
/// [`SeedError::Entropy`].
pub fn words_of(entropy: &[u8]) -> Result<Zeroizing<String>, SeedError> {
    if ![16, 32].contains(&entropy.len()) {
        return Err(SeedError::Entropy { found: entropy.len() });
    }
    let mnemonic = Mnemonic::from_entropy_in(Language::English, entropy);
    let mnemonic = mnemonic.map_err(|_| SeedError::Entropy { found: entropy.len() })?;
    // No word is longer than eight letters, so that the text never moves.
    let mut words = Zeroizing::new(String::with_capacity(24 * 9));
    for (place, word) in mnemonic.words().enumerate() {
        if place > 0 {
            words.push(' ');
        }
        words.push_str(word);
    }
    Ok(words)
}

/// The keys of one member in one group. They cannot be cloned or printed, and are overwritten when dropped.
pub struct Account {
    key: SingleKey,
    secret: ExtendedSecret,
}

impl Account {
    /// The member's key for the group's descriptor: `[fingerprint/87h/coin/account]xpub`, as text by its `Display`.
    pub const fn key_expression(&self) -> &SingleKey {
        &self.key
    }

    /// The public key of the account. Requests over the network name the member by it.
    pub const fn public_key(&self) -> PublicKey {
        self.secret.key().public_key()
    }

    /// The secret key, for a signer of the network. It serves descriptors that derive the aggregate key, or nothing.
    pub fn into_secret_key(self) -> SecretKey {
        self.secret.into_key()
    }
}

/// The account's key itself, and its children where a descriptor derives members' keys before it aggregates them.
impl SecretKeys for Account {
    fn secret_key(&self, key: &PublicKey, participant: &SingleKey, path: &[ChildNumber]) -> Option<SecretKey> {
        if participant.key != self.key.key {
            return None;
        }
        let found = match self.secret.descendant(path).ok()? {
            Some(child) => child.into_key(),
            None => SecretKey::from_bytes(&self.secret.key().dangerous_to_bytes()).ok()?,
        };
        (found.public_key() == *key).then_some(found)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("key", &self.key.to_string()).finish_non_exhaustive()
    }
}
