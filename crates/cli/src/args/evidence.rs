//! The arguments of `motet evidence`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use motet_wire::NetworkId;

use super::text;

#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    #[command(subcommand)]
    pub(crate) command: EvidenceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// List the proofs that a node has stored
    List(EvidenceListArgs),
    /// Check a proof that somebody has handed on
    Verify(EvidenceVerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceListArgs {
    /// The node's data folder [default: that of the key]
    #[arg(value_name = "DIR", required_unless_present = "key")]
    pub(crate) data: Option<PathBuf>,
    /// The signer's key, whose data folder is beside it: its name in the keystore, or its key file
    #[arg(long, value_name = "KEY", env = "MOTET_KEY")]
    pub(crate) key: Option<PathBuf>,
    /// The keystore beside which the data folder is; it is not opened [default: motet/keystore in the user's folder for data]
    #[arg(long, value_name = "FILE", env = "MOTET_KEYSTORE")]
    pub(crate) keystore: Option<PathBuf>,
    /// The network that the node is on
    #[arg(long, value_name = "NETWORK", env = "MOTET_NETWORK", default_value = "main", value_parser = text::network)]
    pub(crate) network: NetworkId,
    /// Write each proof to a file of its own in this directory, to be handed on
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceVerifyArgs {
    /// The file with the proof, as `list --save` writes it
    pub(crate) file: PathBuf,
    /// The network that it is of
    #[arg(long, value_name = "NETWORK", env = "MOTET_NETWORK", default_value = "main", value_parser = text::network)]
    pub(crate) network: NetworkId,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
