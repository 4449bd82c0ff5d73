//! Command line of `motet key`: the keys and seeds in the keystore of this user.

use std::path::PathBuf;

use bitcoin::Network;
use clap::{Args, Subcommand};
use motet_keystore::KeyName;

use super::text::chain;

/// The keystore, and its passphrase.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeystoreArgs {
    /// The file with encrypted keys [default: motet/keystore in the user's folder for data]
    #[arg(long, value_name = "FILE", env = "MOTET_KEYSTORE")]
    pub(crate) keystore: Option<PathBuf>,
    /// The file with the keystore's passphrase; - is standard input [default: the credential motet-passphrase, or the terminal]
    #[arg(long, value_name = "FILE", env = "MOTET_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a signer key or a seed in the keystore, or a signer key in a file that is not encrypted
    New(KeyNewArgs),
    /// Take a key file or the words of a seed into the keystore
    Import(KeyImportArgs),
    /// List the keys and seeds
    List(KeyListArgs),
    /// Write a key or a seed to a file that is not encrypted
    Export(KeyExportArgs),
    /// Remove a key or a seed for ever
    Remove(KeyRemoveArgs),
    /// Change the passphrase of the keystore
    Passphrase(KeyPassphraseArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KeyNewArgs {
    /// The name of the key: letters, digits, - and _
    #[arg(default_value = "signer")]
    pub(crate) name: KeyName,
    /// Make a seed of 24 words (BIP-39), from which the keys of all groups of this user follow
    #[arg(long, conflicts_with = "of")]
    pub(crate) seed: bool,
    /// Take the key of an account of this seed in the keystore
    #[arg(long, value_name = "NAME")]
    pub(crate) of: Option<KeyName>,
    /// The account of the seed, another one for each group: m/87h/COINh/NUMBERh
    #[arg(long, value_name = "NUMBER", requires = "of", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..1 << 31))]
    pub(crate) account: u32,
    /// The chain of the account: main, test, testnet4, signet or regtest
    #[arg(long, value_name = "CHAIN", requires = "of", default_value = "main", value_parser = chain)]
    pub(crate) chain: Network,
    /// Write the key to this file, which is not encrypted, in place of the keystore; it must not exist
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "seed", "of", "keystore", "passphrase_file"])]
    pub(crate) key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyImportArgs {
    /// The name of the key: letters, digits, - and _
    pub(crate) name: KeyName,
    /// The key file, made by `motet key new --key-file`
    #[arg(long, value_name = "FILE", required_unless_present = "words_file", conflicts_with = "words_file")]
    pub(crate) key_file: Option<PathBuf>,
    /// The 12 or 24 words of a seed, of Motet or another wallet
    #[arg(long, value_name = "FILE")]
    pub(crate) words_file: Option<PathBuf>,
    /// The passphrase of the seed, if it has one
    #[arg(long, value_name = "FILE", requires = "words_file")]
    pub(crate) seed_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyListArgs {
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyExportArgs {
    /// The name of the key or seed
    pub(crate) name: KeyName,
    /// The file to write, which must not exist: a key file, or the words of a seed. The passphrase of a seed goes to FILE.passphrase
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRemoveArgs {
    /// The name of the key or seed
    pub(crate) name: KeyName,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyPassphraseArgs {
    /// The file with the new passphrase [default: the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
