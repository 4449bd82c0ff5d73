//! The command line.

use core::time::Duration;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Find signers, agree on what to sign, and make one BIP-340 signature together: MuSig2 without a server.
#[derive(Debug, Parser)]
#[command(name = "motet", version, about, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 this machine failed, 2 wrong command line, 3 signer not found, \
4 signature not valid, 5 session failed (the message names whom it waited for or whose fault it is), 6 declined or \
cancelled here.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let several nodes in this process find each other and sign together, over real sockets on loopback
    Demo(DemoArgs),
    /// Make a signer key and write it to a file
    Keygen(KeygenArgs),
    /// Be a signer: advertise, and sign what is approved
    Run(RunArgs),
    /// Look for signers
    Find(FindArgs),
    /// Ask other signers for a signature
    Sign(SignArgs),
    /// Verify a signature
    Verify(VerifyArgs),
    /// Look at the rules that `run --policy` follows
    Policy(PolicyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many nodes, each with one signer
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=15))]
    pub(crate) signers: u8,
    /// How many messages are signed at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) items: u8,
    /// What to sign
    #[arg(long, default_value = "several voices, one piece of music")]
    pub(crate) message: String,
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
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    pub(crate) dev: Option<String>,
    /// The signer's key file, made by `motet keygen`
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// What others see this signer as; with --dev it is NAME
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) nickname: String,
    /// Where this node keeps what must outlive it [default: the key file's name with .motet]
    #[arg(long, value_name = "DIR", conflicts_with = "dev")]
    pub(crate) data: Option<PathBuf>,
    /// The network
    #[arg(long, value_name = "NETWORK", default_value = "main", conflicts_with = "dev")]
    pub(crate) network: String,
    /// Listen on this multiaddr; may be repeated [default: loopback with --dev, else /ip4/0.0.0.0 on TCP and QUIC]
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) listen: Vec<String>,
    /// Connect to this node; may be repeated. It ends in `/p2p/PEER_ID`
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) peer: Vec<String>,
    /// Be reachable through this node as well; may be repeated. It ends in `/p2p/PEER_ID`
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) relay: Vec<String>,
    /// Be reachable through relays alone, and connect to nobody else: only they learn this machine's address
    #[arg(long, requires = "relay", conflicts_with_all = ["listen", "dev"])]
    pub(crate) relay_only: bool,
    /// Let others be reached through this node
    #[arg(long, conflicts_with = "relay_only")]
    pub(crate) be_relay: bool,
    /// Hold back what is sent by a random time up to this, 5s at most: hides when somebody decided
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) delay: Option<Duration>,
    /// Send a frame of no meaning to some signer's node this often on average, 1s at least: hides whether sessions go on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) cover: Option<Duration>,
    /// How long one round may take [default: 120s; 10s with --dev]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) round_timeout: Option<Duration>,
    /// How often a session is tried, each time with fresh nonces [default: 3; 1 with --dev]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) attempts: Option<u32>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Sign whatever is asked for: for scripts and tests, on keys that hold nothing
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Decide by the rules in this file, and ask where they say so; see `motet policy`
    #[arg(long, value_name = "FILE", conflicts_with = "auto_approve")]
    pub(crate) policy: Option<PathBuf>,
    /// Stop after the first session, with its exit code
    #[arg(long)]
    pub(crate) once: bool,
    /// Advertise for this transaction type; may be repeated [default: any]
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Only signers for this transaction type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) transaction_type: Option<String>,
    /// Only signers for this amount
    #[arg(long)]
    pub(crate) amount: Option<u64>,
    /// How many are enough
    #[arg(long, default_value_t = 1)]
    pub(crate) count: usize,
    /// How long to look
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "15s")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The other signers, by nickname or key
    #[arg(long, value_name = "SIGNERS", value_delimiter = ',', required = true)]
    pub(crate) with: Vec<String>,
    /// What to sign, as text
    #[arg(long, conflicts_with = "message_hex")]
    pub(crate) message: Option<String>,
    /// What to sign, as hexadecimal digits
    #[arg(long, value_name = "HEX", required_unless_present = "message")]
    pub(crate) message_hex: Option<String>,
    /// Sign for the Taproot output key of the aggregate key (BIP-341, no script path)
    #[arg(long)]
    pub(crate) taproot: bool,
    /// How long to look for the others
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) find_timeout: Duration,
    /// How long the others have to join [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(crate) join_timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The key, 32 bytes as hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pub(crate) key: String,
    /// The signature, 64 bytes as hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pub(crate) signature: String,
    /// The message as text
    #[arg(long, conflicts_with = "message_hex")]
    pub(crate) message: Option<String>,
    /// The message as hexadecimal digits
    #[arg(long, value_name = "HEX", required_unless_present = "message")]
    pub(crate) message_hex: Option<String>,
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
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A duration such as `500ms`, `10s` or `2m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: u64 =
        digits.parse().map_err(|_| "a duration is a number with ms, s, m or h, such as 10s".to_owned())?;
    let unit = text.get(digits.len()..).unwrap_or_default();
    let milliseconds = match unit {
        "ms" => Some(number),
        "s" | "" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err("the units are ms, s, m and h".to_owned()),
    };
    milliseconds.map(Duration::from_millis).ok_or_else(|| "too long".to_owned())
}

/// A message that is given as text or as hexadecimal digits.
pub(crate) fn message(text: Option<&String>, digits: Option<&String>) -> Result<Vec<u8>, String> {
    match (text, digits) {
        (Some(text), _) => Ok(text.clone().into_bytes()),
        (None, Some(digits)) => hex::decode(digits).map_err(|error| format!("--message-hex: {error}")),
        (None, None) => Err("a message is needed: --message or --message-hex".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

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

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("soon").is_err());
        assert!(duration("3x").is_err());
    }
}
