//! The command line. Each value is parsed into its type before anything starts, so that a mistake is reported at once.

mod address;
mod advertise;
mod backup;
mod called;
mod contact;
mod daemon;
mod distinct;
mod evidence;
mod first;
mod group;
mod hexadecimal;
#[cfg(test)]
mod hostile;
mod key;
mod message;
mod network;
mod node;
mod number;
mod program;
mod psbt;
#[cfg(test)]
mod reference;
mod refusal;
mod sign;
mod signed_message;
mod signers;
mod text;
mod time;

use core::time::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use motet_core_crypto::{Signature, XOnlyPublicKey};
use motet_wire::limits;

use crate::config;
pub(crate) use address::NamedNode;
pub(crate) use advertise::{AdvertiseArgs, WithdrawArgs};
pub(crate) use backup::{BackupArgs, RestoreArgs};
pub(crate) use called::{ALTERNATIVES, CalledArgs};
pub(crate) use contact::{ContactAddArgs, ContactArgs, ContactCommand, ContactRemoveArgs, ContactShowArgs, Whom};
pub(crate) use daemon::{
    AbortArgs, ApiArgs, ApproveArgs, DaemonCommand, DeclineArgs, LogArgs, RequestArgs, ResultArgs, RetryArgs, Seat,
    UnlockArgs, WatchArgs,
};
use distinct::distinct;
pub(crate) use evidence::{EvidenceArgs, EvidenceCommand, EvidenceListArgs, EvidenceVerifyArgs};
pub(crate) use first::{DoctorArgs, InitArgs};
pub(crate) use group::{
    GroupAddressArgs, GroupCommand, GroupCommandArgs, GroupExportArgs, GroupImportArgs, GroupKeyArgs, GroupNewArgs,
    GroupRestoreArgs, GroupSeedArgs, GroupShowArgs, GroupWordsArgs, GroupsArgs, SeedArgs,
};
pub(crate) use key::{
    KeyArgs, KeyCommand, KeyExportArgs, KeyImportArgs, KeyListArgs, KeyNewArgs, KeyPassphraseArgs, KeyRemoveArgs,
    KeystoreArgs,
};
pub(crate) use message::{Message, message};
pub(crate) use network::{KeylessArgs, NetArgs};
pub(crate) use node::NodeArgs;
pub(crate) use program::{
    CompletionsArgs, ConfigArgs, ConfigCommand, ManArgs, ServiceArgs, ServiceCommand, ServiceInstallArgs,
};
pub(crate) use psbt::{
    CombineArgs, ExportArgs, ExtractArgs, FinalizeArgs, Form, InspectArgs, MissingArgs, OutputArgs, PlanArgs, PsbtArgs,
    PsbtCommand, PsbtRequestArgs, PsbtSignArgs, SignerArgs,
};
use refusal::{brief, configured, shortened};
pub(crate) use sign::SignArgs;
pub(crate) use signed_message::{MessageArgs, MessageCommand, MessageSignArgs, MessageVerifyArgs};
pub(crate) use signers::{Named, nickname};
pub(crate) use text::network as network_name;
pub(crate) use time::{duration, words};

/// Find signers, agree on what to sign, and make one BIP-340 signature together: MuSig2 without a server.
#[derive(Debug, Parser)]
#[command(name = "motet", version, about, max_term_width = 80, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The file with the configuration [default: motet/config.toml in the user's folder for configuration]
    #[arg(long, global = true, value_name = "FILE", env = "MOTET_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
First steps:
  motet demo    three signers meet and make one signature, on this machine
  motet init    make a signer of your own
  motet doctor  look whether everything is in place
  motet run     be a signer: show requests, and sign what you approve

Exit codes: 0 done, 1 this machine failed, 2 wrong command line, 3 signer not found, \
4 signature not valid, 5 session failed (the message names whom it waited for or whose fault it is), 6 declined or \
given up here, 7 a PSBT or a group is refused, 8 nonces or signatures are missing, 9 keys are locked, 10 the rules of \
this node declined, 11 no node is reached, 12 two processes speak for one signer, 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let several nodes in this process find each other and sign together, over real sockets on loopback
    Demo(DemoArgs),
    /// Make a signer key in a file: another name of `motet key new --key-file FILE`
    #[command(hide = true)]
    Keygen(KeygenArgs),
    /// Make, import and list keys and seeds in an encrypted keystore
    Key(KeyArgs),
    /// Be a signer: advertise, and sign what is approved
    Run(RunArgs),
    /// Be a node without a signer: others begin at it, are reached through it, and store in its part of the DHT
    Node(KeylessArgs),
    /// Look for signers
    Find(FindArgs),
    /// Ask other signers for a signature
    Sign(SignArgs),
    /// Verify a signature
    Verify(VerifyArgs),
    /// Look at the rules that `run --policy` follows
    Policy(PolicyArgs),
    /// List the proofs that signers broke the protocol, or check one
    Evidence(EvidenceArgs),
    /// Make a first signer: keystore, data folder, configuration
    Init(InitArgs),
    /// Check that everything is in place, and say what is to be done
    Doctor(Box<DoctorArgs>),
    /// Save a signer in one encrypted file
    Backup(BackupArgs),
    /// Make a signer of a backup, where there is none
    Restore(RestoreArgs),
    /// Keep names for signers, and hand on links with QR codes
    Contact(ContactArgs),
    /// Make groups, compare them with their other members, and show their addresses
    Group(GroupCommandArgs),
    /// Look at Bitcoin transactions of a group (PSBT), and sign them: by files, or with the other members over the network
    Psbt(PsbtArgs),
    /// Sign messages under an address of a group, or verify them (BIP-322)
    Message(MessageArgs),
    #[command(flatten)]
    Daemon(DaemonCommand),
    /// Show the configuration
    Config(ConfigArgs),
    /// Let systemd run a signer
    Service(ServiceArgs),
    /// Print what a shell needs to complete command lines
    Completions(CompletionsArgs),
    /// Print the page of the manual, or write the pages of all commands
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many nodes, each with one signer
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=15))]
    pub(crate) signers: u8,
    /// How many messages are signed at once
    #[arg(long, default_value_t = 1, conflicts_with = "bitcoin", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) items: u8,
    /// What to sign
    #[arg(long, default_value = "several voices, one piece of music", conflicts_with = "bitcoin", value_parser = message::for_demo)]
    pub(crate) message: String,
    /// Make a group of the signers, and let it spend a made-up coin to two outputs; nothing is broadcast
    #[arg(long)]
    pub(crate) bitcoin: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
    /// Sign whatever is asked for: for scripts and tests, on keys that hold nothing
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Decide by the rules in this file, and ask where they say so; see `motet policy`
    #[arg(long, env = "MOTET_POLICY", value_name = "FILE", conflicts_with = "auto_approve")]
    pub(crate) policy: Option<PathBuf>,
    /// Stop after the first session, with its exit code
    #[arg(long)]
    pub(crate) once: bool,
    /// Advertise for this transaction type; may be repeated [default: any]
    #[arg(long = "type", env = "MOTET_TYPE", value_name = "TYPE", value_parser = text::transaction_type)]
    pub(crate) types: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Only signers for this transaction type
    #[arg(long = "type", value_name = "TYPE", value_parser = text::transaction_type)]
    pub(crate) transaction_type: Option<String>,
    /// Only signers for this amount
    #[arg(long, allow_negative_numbers = true, value_parser = number::amount)]
    pub(crate) amount: Option<u64>,
    /// How many are enough
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = number::count)]
    pub(crate) count: usize,
    /// How long to look
    #[arg(long, value_name = "TIME", value_parser = time::searching, default_value = "15s")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The key, 32 bytes as hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hexadecimal::x_only)]
    pub(crate) key: XOnlyPublicKey,
    /// The signature, 64 bytes as hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hexadecimal::signature)]
    pub(crate) signature: Signature,
    /// The message as text
    #[arg(long, conflicts_with = "message_hex", value_parser = Message::to_verify)]
    pub(crate) message: Option<Message>,
    /// The message as hexadecimal digits
    #[arg(long, value_name = "HEX", required_unless_present = "message", value_parser = Message::to_verify_hex)]
    pub(crate) message_hex: Option<Message>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check a file of rules, and point out what is perhaps not meant
    Check(PolicyCheckArgs),
    /// Say which rule would decide on a request, and why those before it would not
    Explain(PolicyExplainArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PolicyCheckArgs {
    /// The rules, as JSON; - is standard input
    pub(crate) file: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyExplainArgs {
    /// The rules, as JSON
    pub(crate) file: PathBuf,
    /// The request, as JSON such as {"signer": "me", "requester": "alice", "amount": 100}; - is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "psbt", conflicts_with = "psbt")]
    pub(crate) request: Option<PathBuf>,
    /// A transaction of a group, whose verified facts the rules decide on; - is standard input
    #[arg(long, value_name = "FILE", requires = "group")]
    pub(crate) psbt: Option<PathBuf>,
    /// The name of the registered group that spends
    #[arg(long, value_name = "NAME", requires = "psbt")]
    pub(crate) group: Option<String>,
    #[command(flatten)]
    pub(crate) spend: ExplainedSpendArgs,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The request that would be made of a PSBT.
#[derive(Debug, Args)]
pub(crate) struct ExplainedSpendArgs {
    /// Spend by this leaf of the group's script tree, from 0 [default: the key path]
    #[arg(long, value_name = "NUMBER", requires = "psbt")]
    pub(crate) leaf: Option<usize>,
    /// Look for the group's coins among so many addresses of each branch
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) addresses: u32,
    /// The member that decides, by its number from 1, its name or its fingerprint [default: the first one of this wallet]
    #[arg(long, value_name = "MEMBER", requires = "psbt")]
    pub(crate) signer: Option<String>,
    /// The member that asks, in the same way [default: the first other one]
    #[arg(long, value_name = "MEMBER", requires = "psbt")]
    pub(crate) requester: Option<String>,
}

/// Reads a command line.
///
/// # Errors
///
/// The error of a wrong command line; or the text of help or of the version, if the user has asked for it.
pub(crate) fn parse<W: Into<OsString> + Clone>(words: impl IntoIterator<Item = W>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let program = Cli::command();
    let completed = config::words::complete(&program, words.clone())
        .map_err(|what| Cli::command().error(ErrorKind::ValueValidation, brief(what)))?;
    let cli = match config::words::without_variables(program).try_get_matches_from(&completed.words) {
        Ok(matches) => Cli::from_arg_matches(&matches).map_err(shortened)?,
        // Help names the variables.
        Err(error) if !error.use_stderr() => Cli::try_parse_from(words)?,
        Err(error) => return Err(shortened(configured(error, &completed))),
    };
    cli.command.check().map_err(|what| Cli::command().error(ErrorKind::ValueValidation, what))?;
    Ok(cli)
}

impl Command {
    /// Checks the rules that hold between several values.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Run(args) => distinct("--type", &args.types, limits::TRANSACTION_TYPES_MAX),
            Self::Sign(args) => args.check(),
            Self::Find(_)
            | Self::Node(_)
            | Self::Demo(_)
            | Self::Keygen(_)
            | Self::Key(_)
            | Self::Verify(_)
            | Self::Policy(_)
            | Self::Evidence(_)
            | Self::Init(_)
            | Self::Doctor(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Contact(_)
            | Self::Group(_)
            | Self::Psbt(_)
            | Self::Message(_)
            | Self::Daemon(_)
            | Self::Config(_)
            | Self::Service(_)
            | Self::Completions(_)
            | Self::Man(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_node_that_only_relays_know_names_one_and_listens_nowhere_else() {
        let run = |options: &[&str]| {
            let words = ["motet", "run", "--key", "alice.key"].into_iter().chain(options.iter().copied());
            Cli::try_parse_from(words).is_ok()
        };
        let relay = "--relay=/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj";
        assert!(run(&[relay, "--relay-only"]) && run(&[relay]) && run(&["--be-relay"]));
        assert!(!run(&["--relay-only"]));
        assert!(!run(&[relay, "--relay-only", "--listen=/ip4/0.0.0.0/tcp/4001"]));
        assert!(!run(&[relay, "--relay-only", "--be-relay"]));
    }
}
