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
    /// The node's data directory
    #[arg(value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The network that the node is on
    #[arg(long, value_name = "NETWORK", default_value = "main", value_parser = text::network)]
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
    #[arg(long, value_name = "NETWORK", default_value = "main", value_parser = text::network)]
    pub(crate) network: NetworkId,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
