//! The node of a command.

use core::time::Duration;
use std::path::PathBuf;

use clap::Args;
use motet_wire::NetworkId;

use super::group::GroupsArgs;
use super::key::KeystoreArgs;
use super::network::NetArgs;
use super::{signers, text, time};

/// Arguments of a node.
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
    /// The name that others see; with --dev it is that NAME
    #[arg(long, env = "MOTET_NICKNAME", value_name = "NICKNAME", conflicts_with = "dev", value_parser = signers::nickname)]
    pub(crate) nickname: Option<String>,
    /// Where this node keeps what must outlive it [default: the key's name with .motet, beside the keystore or the key file]
    #[arg(long, env = "MOTET_DATA", value_name = "DIR", conflicts_with = "dev")]
    pub(crate) data: Option<PathBuf>,
    /// The network
    #[arg(long, env = "MOTET_NETWORK", value_name = "NETWORK", default_value = NodeArgs::NETWORK, conflicts_with = "dev", value_parser = text::network)]
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

impl NodeArgs {
    /// The network of a command that names none.
    pub(crate) const NETWORK: &'static str = "main";
}
