//! The arguments of `motet backup` and `motet restore`.

use std::path::PathBuf;

use clap::Args;

use super::group::GroupsArgs;
use super::key::KeystoreArgs;

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The signer: its name in the keystore, or its key file
    #[arg(long, env = "MOTET_KEY", value_name = "KEY")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// The signer's data folder [default: the key's name with .motet, beside the keystore or the key file]
    #[arg(long, env = "MOTET_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The file of rules that the signer follows
    #[arg(long, env = "MOTET_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The place for the key file, if the backup has one [default: its name, in this folder]
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// The place for the signer's data folder [default: the key's name with .motet, beside the keystore or the key file]
    #[arg(long, env = "MOTET_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
