//! Command line of the Bitcoin commands: PSBTs in files, and the groups that sign them.

use core::time::Duration;
use std::path::PathBuf;

use bitcoin::Network;
use clap::{Args, Subcommand};
use motet_psbt::Profile;

use super::group::{GroupsArgs, profile};
use super::key::KeystoreArgs;
use super::text::chain;
use super::{NodeArgs, time};

#[derive(Debug, Args)]
pub(crate) struct PsbtArgs {
    #[command(subcommand)]
    pub(crate) command: PsbtCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PsbtCommand {
    /// Show a transaction: which facts are proven, which are only claimed, and what is missing
    Inspect(InspectArgs),
    /// List the nonces and signatures that are missing, by member
    Missing(MissingArgs),
    /// Merge PSBTs of one transaction into one
    Combine(CombineArgs),
    /// Make a copy for a member that signs with another program or a device
    Export(ExportArgs),
    /// Sign as a member of the group: nonces first, then the merged file
    Sign(PsbtSignArgs),
    /// Ask the other members over the network: approvals, signatures, and the signed transaction at once
    Request(Box<PsbtRequestArgs>),
    /// Add up the partial signatures, and make the inputs final
    Finalize(FinalizeArgs),
    /// Print the signed transaction, or the signature of a message
    Extract(ExtractArgs),
}

/// The way in which a file holds a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The bytes themselves.
    Binary,
    /// Their base64 text, and the end of a line.
    Base64,
}

/// Which of the group's addresses and spend paths a command looks at.
#[derive(Debug, Clone, Args)]
pub(crate) struct PlanArgs {
    /// Spend by this leaf of the group's script tree, from 0 [default: the key path]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) leaf: Option<usize>,
    /// Look for the group's coins among so many addresses of each branch
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) addresses: u32,
    /// The chain whose addresses are shown: main, test, signet or regtest [default: as the group's keys say]
    #[arg(long, value_name = "CHAIN", value_parser = chain)]
    pub(crate) chain: Option<Network>,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
}

/// A group that the command needs.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupArgs {
    /// The group: its registered name, a file with its descriptor, or the descriptor itself
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: String,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
}

/// The file that a command writes.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Write the PSBT to this file [default: base64 on standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
    /// The form of the file: binary or base64 [default: that of the input]
    #[arg(long, value_name = "FORM", value_parser = form)]
    pub(crate) form: Option<Form>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The PSBT; - is standard input
    pub(crate) file: PathBuf,
    /// The group: its registered name, a file with its descriptor, or the descriptor itself. Without it, nothing is proven
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MissingArgs {
    /// The PSBT; - is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CombineArgs {
    /// The PSBTs; - is standard input
    #[arg(required = true, num_args = 1..=100)]
    pub(crate) files: Vec<PathBuf>,
    /// Verify the partial signatures of this group, and refuse a wrong one
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The PSBT; - is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    /// The program that signs: core, ledger or coldcard [default: any that follows BIP-373]
    #[arg(long = "for", value_name = "PROGRAM", value_parser = profile, requires = "member")]
    pub(crate) profile: Option<Profile>,
    /// The member that signs with it: its number in the group from 1, its name or its fingerprint
    #[arg(long, value_name = "MEMBER", requires = "profile")]
    pub(crate) member: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A member's part in the two rounds.
#[derive(Debug, Clone, Args)]
pub(crate) struct SignerArgs {
    /// The member's key: its name in the keystore, or a key file
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// Approve the transaction with this digest without a question; `motet psbt inspect` shows it
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(crate) approve: Option<String>,
    /// Wait for the merged file under this name [default: its name is typed]
    #[arg(long, value_name = "FILE")]
    pub(crate) then: Option<PathBuf>,
    /// Write NAME.nonces.psbt and NAME.partial.psbt [default: the name of the PSBT without its ending]
    #[arg(long, value_name = "NAME")]
    pub(crate) output: Option<PathBuf>,
    /// Replace these files if they are there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PsbtSignArgs {
    /// The PSBT; - is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PsbtRequestArgs {
    /// The PSBT; - is standard input
    pub(crate) file: PathBuf,
    /// The name of the registered group that spends
    #[arg(long, value_name = "NAME")]
    pub(crate) group: String,
    /// Spend by this leaf of the group's script tree, from 0 [default: the key path]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) leaf: Option<usize>,
    /// Look for the group's coins among so many addresses of each branch
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) addresses: u32,
    /// Allow inputs of others, who sign them elsewhere
    #[arg(long)]
    pub(crate) foreign_inputs: bool,
    /// A text for the other members. Nothing ties it to the transaction
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) description: String,
    /// Approve the transaction with this digest without a question; `motet psbt inspect` shows it
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(crate) approve: Option<String>,
    /// Write the signed PSBT to this file [default: the name of the PSBT with the ending .final.psbt]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace this file if it is there
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Ask even if an earlier request under the same key may still be completed by others
    #[arg(long)]
    pub(crate) despite_open: bool,
    /// How long to look for the others
    #[arg(long, value_name = "TIME", value_parser = time::searching, default_value = "30s")]
    pub(crate) find_timeout: Duration,
    /// How long the others have to approve, 2h at most
    #[arg(long, value_name = "TIME", value_parser = time::joining, default_value = "10m")]
    pub(crate) join_timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct FinalizeArgs {
    /// The PSBT; - is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// The PSBT; - is standard input
    pub(crate) file: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The digest of an approval, of 64 hexadecimal digits: a part of it could fit another transaction.
fn digest(text: &str) -> Result<String, String> {
    let digest = text.to_ascii_lowercase();
    if digest.len() == 64 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(digest);
    }
    Err("write all 64 digits of the approval that `motet psbt inspect` shows".to_owned())
}

fn form(text: &str) -> Result<Form, String> {
    match text {
        "binary" => Ok(Form::Binary),
        "base64" => Ok(Form::Base64),
        _ => Err("write binary or base64".to_owned()),
    }
}
