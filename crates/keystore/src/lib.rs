//! Signer keys and seeds in one encrypted file.
//!
//! - [`Keystore`]: the entries of a file. [`Keystore::seal`] makes its bytes, [`Keystore::open`] reads them.
//! - [`Entry`]: a [`KeyName`], the time at which the entry was made, and a [`Secret`]: a signer's key, or the words of a seed.
//! - [`Passphrase`]: the text that opens the file, and [`Cost`]: the work of argon2id for each guess at it.
//!
//! - [`backup`]: bytes of the caller, encrypted in the same way.
//!
//! The key of the file is argon2id's of the passphrase, and everything but the header is encrypted with XChaCha20-Poly1305; the
//! header is authenticated with it. Salt and nonce are fresh at every write. The layout is in [`header`] and [`Keystore::seal`].
//!
//! Secrets are overwritten when they are dropped, and can neither be cloned nor printed. The crate reads no clock, owns no
//! randomness and does no I/O: bytes, time and randomness are arguments and results. So is the file: write it
//! under another name, sync it, and rename it.

pub mod backup;
mod content;
mod cost;
mod entry;
pub mod header;
mod keystore;
pub mod limits;
mod open_error;
mod passphrase;
mod seal;

pub use cost::{Cost, CostError};
pub use entry::{Entry, KeyName, NameError, Secret, SeedWords, SeedWordsError, UnknownSecret};
pub use keystore::{AddError, Keystore};
pub use open_error::OpenError;
pub use passphrase::{Passphrase, PassphraseError};
pub use seal::SealError;

/// The program in the README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
