//! The command line. Each value is parsed into its type before anything starts, so that a mistake is reported at once.

mod address;
mod daemon;
mod group;
mod hexadecimal;
mod key;
mod message;
mod network;
mod number;
mod program;
mod psbt;
mod refusal;
mod signed_message;
mod signers;
mod text;
mod time;

use core::fmt::Display;
use core::time::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use motet_core_crypto::{PublicKey, Signature, XOnlyPublicKey};
use motet_node::Config;
use motet_wire::{NetworkId, limits};

use crate::config;
use crate::exit::Failed;
pub(crate) use daemon::{
    AbortArgs, ApiArgs, ApproveArgs, CalledArgs, DaemonCommand, DeclineArgs, LogArgs, RequestArgs, ResultArgs,
    RetryArgs, WatchArgs,
};
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
pub(crate) use program::{
    CompletionsArgs, ConfigArgs, ConfigCommand, ManArgs, ServiceArgs, ServiceCommand, ServiceInstallArgs,
};
pub(crate) use psbt::{
    CombineArgs, ExportArgs, ExtractArgs, FinalizeArgs, Form, InspectArgs, MissingArgs, OutputArgs, PlanArgs, PsbtArgs,
    PsbtCommand, PsbtRequestArgs, PsbtSignArgs, SignerArgs,
};
use refusal::{configured, shortened};
pub(crate) use signed_message::{MessageArgs, MessageCommand, MessageSignArgs, MessageVerifyArgs};
pub(crate) use signers::Named;
pub(crate) use time::{duration, words};

/// Find signers, agree on what to sign, and make one BIP-340 signature together: MuSig2 without a server.
#[derive(Debug, Parser)]
#[command(name = "motet", version, about, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// The file with the configuration [default: motet/config.toml in the user's folder for configuration]
    #[arg(long, global = true, value_name = "FILE", env = "MOTET_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 this machine failed, 2 wrong command line, 3 signer not found, \
4 signature not valid, 5 session failed (the message names whom it waited for or whose fault it is), 6 declined or \
cancelled here, 7 a PSBT or a group is refused, 8 nonces or signatures are missing, 9 a keystore does not open.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let several nodes in this process find each other and sign together, over real sockets on loopback
    Demo(DemoArgs),
    /// Make a signer key and write it to a file that is not encrypted; see `motet key`
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

/// Which node to be.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// For trying things out on one machine: a throw-away key, loopback only, nothing kept
    #[arg(long, value_name = "NAME", conflicts_with = "key", value_parser = signers::nickname)]
    pub(crate) dev: Option<String>,
    /// The signer's key: its name in the keystore, or a key file
    #[arg(long, env = "MOTET_KEY", value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// What others see this signer as; with --dev it is that NAME
    #[arg(long, env = "MOTET_NICKNAME", value_name = "NICKNAME", conflicts_with = "dev", value_parser = signers::nickname)]
    pub(crate) nickname: Option<String>,
    /// Where this node keeps what must outlive it [default: the key's name with .motet, beside the keystore or the key file]
    #[arg(long, env = "MOTET_DATA", value_name = "DIR", conflicts_with = "dev")]
    pub(crate) data: Option<PathBuf>,
    /// The network
    #[arg(long, env = "MOTET_NETWORK", value_name = "NETWORK", default_value = "main", conflicts_with = "dev", value_parser = text::network)]
    pub(crate) network: NetworkId,
    #[command(flatten)]
    pub(crate) groups: GroupsArgs,
    #[command(flatten)]
    pub(crate) net: NetArgs,
    /// Be reachable through relays alone, and connect to nobody else: only they learn this machine's address
    #[arg(long, env = "MOTET_RELAY_ONLY", requires = "relay", conflicts_with_all = ["listen", "dev"])]
    pub(crate) relay_only: bool,
    /// Let others be reached through this node
    #[arg(long, env = "MOTET_BE_RELAY", conflicts_with = "relay_only")]
    pub(crate) be_relay: bool,
    /// Hold back what is sent by a random time up to this, 5s at most: hides when somebody decided
    #[arg(long, env = "MOTET_DELAY", value_name = "TIME", value_parser = time::delay)]
    pub(crate) delay: Option<Duration>,
    /// Send a frame of no meaning to some signer's node this often on average, 1s at least: hides whether sessions go on
    #[arg(long, env = "MOTET_COVER", value_name = "TIME", value_parser = time::cover)]
    pub(crate) cover: Option<Duration>,
    /// How long one round may take, 2h at most [default: 120s; 10s with --dev]
    #[arg(long, env = "MOTET_ROUND_TIMEOUT", value_name = "TIME", value_parser = time::round)]
    pub(crate) round_timeout: Option<Duration>,
    /// How often a session is tried, each time with fresh nonces [default: 3; 1 with --dev]
    #[arg(long, env = "MOTET_ATTEMPTS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) attempts: Option<u32>,
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
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The other signers, by nickname or by key, with commas between them. Nicknames prove nothing: a key does
    #[arg(long, value_name = "SIGNERS", value_delimiter = ',', required = true, value_parser = signers::named)]
    pub(crate) with: Vec<Named>,
    /// What to sign, as text
    #[arg(long, conflicts_with = "message_hex", value_parser = Message::to_sign)]
    pub(crate) message: Option<Message>,
    /// What to sign, as hexadecimal digits
    #[arg(long, value_name = "HEX", required_unless_present = "message", value_parser = Message::to_sign_hex)]
    pub(crate) message_hex: Option<Message>,
    /// Sign 32 bytes of --message-hex although they may be the hash of anything, of a payment, too
    #[arg(long, conflicts_with = "message")]
    pub(crate) blind: bool,
    /// Sign for the Taproot output key of the aggregate key (BIP-341, no script path)
    #[arg(long)]
    pub(crate) taproot: bool,
    /// Ask even if an earlier request under the same key may still be completed by others
    #[arg(long)]
    pub(crate) despite_open: bool,
    /// How long to look for the others
    #[arg(long, value_name = "TIME", value_parser = time::searching, default_value = "30s")]
    pub(crate) find_timeout: Duration,
    /// How long the others have to join, 2h at most
    #[arg(long, value_name = "TIME", value_parser = time::joining, default_value = "60s")]
    pub(crate) join_timeout: Duration,
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
        .map_err(|what| Cli::command().error(ErrorKind::ValueValidation, what))?;
    let cli = match config::words::without_variables(program).try_get_matches_from(&completed.words) {
        Ok(matches) => Cli::from_arg_matches(&matches).map_err(shortened)?,
        // Help names the variables.
        Err(error) if !error.use_stderr() => Cli::try_parse_from(words)?,
        Err(error) => return Err(shortened(configured(error, &completed))),
    };
    cli.command.check().map_err(|what| Cli::command().error(ErrorKind::ValueValidation, what))?;
    Ok(cli)
}

/// The refusal of a raw hash.
const BLIND: &str = "--message-hex: 32 bytes may be the hash of a payment, and nobody sees of what; sign a transaction with `motet psbt`, \
or say --blind to sign the hash all the same";

impl SignArgs {
    /// Refuses a list that names the signer that asks.
    pub(crate) fn check_others(&self, own: &PublicKey) -> Result<(), Failed> {
        if self.with.contains(&Named::Key(*own)) {
            let failed = Failed::usage(format!("--with: {own} is the key of this signer itself"));
            return Err(failed.hint("this signer signs anyway; name the others only"));
        }
        Ok(())
    }
}

impl Command {
    /// Checks the rules that hold between several values.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Run(args) => distinct("--type", &args.types, limits::TRANSACTION_TYPES_MAX),
            Self::Sign(args) => {
                distinct("--with", &args.with, Config::default().max_signers.saturating_sub(1))?;
                if args.message_hex.as_ref().is_some_and(Message::may_be_hash) && !args.blind {
                    return Err(BLIND.to_owned());
                }
                let own = args.node.dev.as_ref().or(args.node.nickname.as_ref());
                let oneself =
                    args.with.iter().find(|named| matches!(named, Named::Nickname(name) if Some(name) == own));
                let hint = "this signer signs anyway; name another of that nickname by its key";
                oneself.map_or(Ok(()), |name| Err(format!("--with: {name} is what this signer calls itself; {hint}")))
            }
            Self::Find(_)
            | Self::Node(_)
            | Self::Demo(_)
            | Self::Keygen(_)
            | Self::Key(_)
            | Self::Verify(_)
            | Self::Policy(_)
            | Self::Evidence(_)
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

/// Checks that nothing stands in a list twice, and that there are not more than so many.
fn distinct<T: Display + PartialEq>(option: &str, values: &[T], most: usize) -> Result<(), String> {
    if values.len() > most {
        return Err(format!("{option}: these are {}, and at most {most} are possible", values.len()));
    }
    let mut before = values.iter().enumerate();
    let again = before.find(|(index, value)| values.iter().take(*index).any(|earlier| earlier == *value));
    again.map_or(Ok(()), |(_, value)| Err(format!("{option}: {value} stands there twice; name each once")))
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
