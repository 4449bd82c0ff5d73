//! The arguments of `motet sign`.

use core::time::Duration;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use motet_core_crypto::PublicKey;
use motet_node::Config;
use motet_wire::{Derivation, Election, limits};

use super::distinct::distinct;
use super::message::Message;
use super::node::NodeArgs;
use super::signers::Named;
use super::{number, signers, text, time};
use crate::exit::Failed;

/// The first hardened step of a derivation.
const HARDENED: u32 = 1 << 31;

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The other signers, by nickname or by key, with commas between them. Nicknames prove nothing: a key does
    #[arg(long, value_name = "SIGNERS", value_delimiter = ',', required = true, value_parser = signers::named)]
    pub(crate) with: Vec<Named>,
    /// A message to sign, as text; may be repeated, so that all are signed at once, or none
    #[arg(long, value_parser = Message::to_sign)]
    pub(crate) message: Vec<Message>,
    /// A message to sign, as hexadecimal digits; may be repeated
    #[arg(long, value_name = "HEX", required_unless_present_any = ["message", "message_file"], value_parser = Message::to_sign_hex)]
    pub(crate) message_hex: Vec<Message>,
    /// A file whose bytes are a message to sign; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) message_file: Vec<PathBuf>,
    /// Sign 32 bytes of --message-hex or --message-file although they may be the hash of anything, of a payment, too
    #[arg(long)]
    pub(crate) blind: bool,
    /// Sign for the Taproot output key of the aggregate key (BIP-341, no script path)
    #[arg(long)]
    pub(crate) taproot: bool,
    /// Sign for a child of the aggregate key (BIP-328): 1 to 8 unhardened steps with / between them, such as 0/7
    #[arg(long, value_name = "PATH", value_parser = child_path)]
    pub(crate) path: Option<ChildPath>,
    /// The kind of what is signed, a word on which the signers have agreed; nothing ties it to what is signed
    #[arg(long = "type", value_name = "TYPE", value_parser = text::transaction_type)]
    pub(crate) transaction_type: Option<String>,
    /// The amount at stake, in the smallest unit of the coin; nothing ties it to what is signed
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = number::amount)]
    pub(crate) amount: Option<u64>,
    /// A text for the other signers, 1024 bytes at most; nothing ties it to what is signed
    #[arg(long, value_name = "TEXT", value_parser = text::request_description)]
    pub(crate) description: Option<String>,
    /// How the coordinator is chosen
    #[arg(long, value_name = "RULE", value_enum, default_value = "lexicographic")]
    pub(crate) election: ElectionRule,
    /// Reveal nonces without commitments to them: a session has one round less
    #[arg(long)]
    pub(crate) no_commitments: bool,
    /// Ask the nodes of the signers alone, and not in public; each of them has this signer as a contact
    #[arg(long)]
    pub(crate) private: bool,
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

/// The refusal of a raw hash.
const BLIND: &str = "--message-hex: 32 bytes may be the hash of a payment, and nobody sees of what; sign a transaction with `motet psbt`, \
or say --blind to sign the hash all the same";

/// The steps from the aggregate key to one of its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChildPath(pub(crate) Vec<u32>);

/// The rule by which the coordinator is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ElectionRule {
    /// The signer that asks
    Creator,
    /// The smallest key
    Lexicographic,
    /// By the hash of the request and each key
    HashBased,
    /// The first key of the request
    First,
    /// The last key of the request
    Last,
}

impl From<ElectionRule> for Election {
    fn from(rule: ElectionRule) -> Self {
        match rule {
            ElectionRule::Creator => Self::Creator,
            ElectionRule::Lexicographic => Self::Lexicographic,
            ElectionRule::HashBased => Self::HashBased,
            ElectionRule::First => Self::First,
            ElectionRule::Last => Self::Last,
        }
    }
}

fn child_path(text: &str) -> Result<ChildPath, String> {
    let step = |step: &str| step.parse().ok().filter(|step| *step < HARDENED);
    let steps: Option<Vec<u32>> = text.split('/').map(step).collect();
    let steps = steps.filter(|steps| steps.len() <= limits::PATH_MAX);
    steps.map(ChildPath).ok_or_else(|| {
        format!("write 1 to {} numbers below 2147483648 with / between them, such as 0/7", limits::PATH_MAX)
    })
}

impl SignArgs {
    /// Checks the rules that hold between several values.
    pub(super) fn check(&self) -> Result<(), String> {
        distinct("--with", &self.with, Config::default().max_signers.saturating_sub(1))?;
        if self.message_hex.iter().any(Message::may_be_hash) && !self.blind {
            return Err(BLIND.to_owned());
        }
        if self.blind && self.message_hex.is_empty() && self.message_file.is_empty() {
            return Err("--blind is for --message-hex and --message-file: a text is seen by its signers".to_owned());
        }
        let count = self.message.len() + self.message_hex.len() + self.message_file.len();
        if count > limits::ITEMS_MAX {
            return Err(format!("these are {count} messages, and a request has 1 to {}", limits::ITEMS_MAX));
        }
        let own = self.node.dev.as_ref().or(self.node.nickname.as_ref());
        let oneself = self.with.iter().find(|named| matches!(named, Named::Nickname(name) if Some(name) == own));
        let hint = "this signer signs anyway; name another of that nickname by its key";
        oneself.map_or(Ok(()), |name| Err(format!("--with: {name} is what this signer calls itself; {hint}")))
    }

    /// The way from the aggregate key to the key of the signatures.
    pub(crate) fn derivation(&self) -> Derivation {
        match (&self.path, self.taproot) {
            (None, false) => Derivation::None,
            (None, true) => Derivation::Taproot { merkle_root: None },
            (Some(ChildPath(path)), false) => Derivation::Bip328 { path: path.clone() },
            (Some(ChildPath(path)), true) => Derivation::Bip328Taproot { path: path.clone(), merkle_root: None },
        }
    }

    /// Refuses a list that names the signer that asks.
    pub(crate) fn check_others(with: &[Named], own: &PublicKey) -> Result<(), Failed> {
        if with.contains(&Named::Key(*own)) {
            let failed = Failed::usage(format!("--with: {own} is the key of this signer itself"));
            return Err(failed.hint("this signer signs anyway; name the others only"));
        }
        Ok(())
    }
}
