//! Command line of `motet group`: the groups that this user has registered.

use std::path::PathBuf;

use bitcoin::Network;
use clap::{Args, Subcommand};
use motet_psbt::Profile;
use motet_psbt::descriptor::SingleKey;

use super::key::KeystoreArgs;
use super::text::chain;

#[derive(Debug, Args)]
pub(crate) struct GroupCommandArgs {
    #[command(subcommand)]
    pub(crate) command: GroupCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Make a seed of 24 words, from which the keys of all groups of this user follow
    Seed(GroupSeedArgs),
    /// Print the key expression of a key file or of a seed's account, for the maker of a group
    Key(GroupKeyArgs),
    /// Make a group of its members' key expressions
    New(GroupNewArgs),
    /// Register a group that another member or program has made
    Import(GroupImportArgs),
    /// Show the twelve words of a group, or confirm it by the words that another member has read out
    Words(GroupWordsArgs),
    /// Print addresses of a group
    Address(GroupAddressArgs),
    /// Show the registered groups, or one of them with its members and spend paths
    #[command(visible_alias = "list")]
    Show(GroupShowArgs),
    /// Write the file of a group for its other members, or its descriptor for another program
    Export(GroupExportArgs),
    /// Write all that is known of a group to a file, without secrets
    Backup(GroupBackupArgs),
    /// Register a group from its backup
    Restore(GroupRestoreArgs),
}

/// The folder of the registered groups.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupsArgs {
    /// The folder of the registered groups [default: motet/groups in the user's folder for data]
    #[arg(long, value_name = "DIR", env = "MOTET_GROUPS")]
    pub(crate) groups: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct GroupSeedArgs {
    /// Write the words to this file, which must not exist [default: show them once, on the terminal]
    #[arg(long, value_name = "FILE", required_if_eq("json", "true"))]
    pub(crate) words_file: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupKeyArgs {
    /// A key for this group alone, or a seed: its name in the keystore, or a key file
    #[arg(long, value_name = "KEY", required_unless_present = "words_file", conflicts_with = "words_file")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    #[command(flatten)]
    pub(crate) seed: SeedArgs,
    /// The chain of the group: main, test, testnet4, signet or regtest
    #[arg(long, value_name = "CHAIN", default_value = "main", value_parser = chain)]
    pub(crate) chain: Network,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// An account of a seed (BIP-39, BIP-87).
#[derive(Debug, Args)]
pub(crate) struct SeedArgs {
    /// The 12 or 24 words of a seed, of Motet or another wallet; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keystore", "passphrase_file"])]
    pub(crate) words_file: Option<PathBuf>,
    /// The passphrase of the seed, if it has one
    #[arg(long, value_name = "FILE", requires = "words_file")]
    pub(crate) seed_passphrase_file: Option<PathBuf>,
    /// The account of the seed, another one for each group: m/87h/COINh/NUMBERh [default: 0]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..1 << 31))]
    pub(crate) account: Option<u32>,
    /// Write the account's secret key to this key file, which must not exist: the key of a signer
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// A member of a new group.
#[derive(Debug, Clone)]
pub(crate) struct NewMember {
    pub(crate) name: String,
    pub(crate) key: SingleKey,
}

#[derive(Debug, Args)]
pub(crate) struct GroupNewArgs {
    /// The name of the group here
    pub(crate) name: String,
    /// A member and its key expression; for each member once
    #[arg(long, value_name = "NAME=KEY", required = true, num_args = 1, value_parser = member)]
    pub(crate) member: Vec<NewMember>,
    /// How many of the members have to sign [default: all]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) threshold: Option<usize>,
    /// The chain: main, test, testnet4, signet or regtest [default: main for xpub keys, test for tpub keys]
    #[arg(long, value_name = "CHAIN", value_parser = chain)]
    pub(crate) chain: Option<Network>,
    /// The key of the member that this user is: its name in the keystore, or a key file
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupImportArgs {
    /// The file of another member, a file with a descriptor, or the descriptor itself; - is standard input
    pub(crate) file: String,
    /// The name of the group here [default: the one in the file]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The chain of a descriptor [default: main for xpub keys, test for tpub keys]
    #[arg(long, value_name = "CHAIN", value_parser = chain)]
    pub(crate) chain: Option<Network>,
    /// The key of the member that this user is: its name in the keystore, or a key file
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupWordsArgs {
    /// The name of the group
    pub(crate) name: String,
    /// The twelve words as another member has read them out: the group is confirmed if they are the same
    #[arg(long, value_name = "WORDS")]
    pub(crate) confirm: Option<String>,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupAddressArgs {
    /// The name of the group
    pub(crate) name: String,
    /// The index of the first address
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..1 << 31))]
    pub(crate) index: u32,
    /// How many addresses
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) count: u32,
    /// Addresses for change, which are not for payers
    #[arg(long)]
    pub(crate) change: bool,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupShowArgs {
    /// The name of the group [default: a line for each]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupExportArgs {
    /// The name of the group
    pub(crate) name: String,
    /// The descriptor alone, as this program writes it: core, ledger or coldcard
    #[arg(long = "for", value_name = "PROGRAM", value_parser = profile)]
    pub(crate) profile: Option<Profile>,
    /// Write to this file, which must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupBackupArgs {
    /// The name of the group
    pub(crate) name: String,
    /// Write to this file, which must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GroupRestoreArgs {
    /// The backup; - is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

fn member(text: &str) -> Result<NewMember, String> {
    let form = "write NAME=KEY, with the key expression that the member's `motet group key` prints";
    let (name, key) = text.split_once('=').ok_or(form)?;
    let key = SingleKey::parse(key).map_err(|error| format!("{error}; {form}"))?;
    Ok(NewMember { name: name.to_owned(), key })
}

pub(super) fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "core" => Ok(Profile::Core),
        "ledger" => Ok(Profile::Ledger),
        "coldcard" => Ok(Profile::Coldcard),
        _ => Err("write core, ledger or coldcard; other programs that follow BIP-373 need no --for".to_owned()),
    }
}
