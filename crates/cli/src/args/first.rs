//! The arguments of `motet init` and `motet doctor`.

use core::time::Duration;

use clap::Args;
use motet_keystore::KeyName;
use motet_wire::NetworkId;

use super::contact::{Whom, whom};
use super::key::KeystoreArgs;
use super::node::NodeArgs;
use super::{signers, text, time};

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The name of the signer's key in the keystore [default: asked on the terminal, else signer]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<KeyName>,
    #[command(flatten)]
    pub(crate) keystore: KeystoreArgs,
    /// The network [default: asked on the terminal, else main]
    #[arg(long, value_name = "NETWORK", value_parser = text::network)]
    pub(crate) network: Option<NetworkId>,
    /// The name that others see [default: asked on the terminal, else nothing]
    #[arg(long, value_name = "NICKNAME", value_parser = signers::nickname)]
    pub(crate) nickname: Option<String>,
    /// Keep this contact: its link, with a name in it; may be repeated
    #[arg(long, value_name = "LINK", value_parser = whom)]
    pub(crate) contact: Vec<Whom>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// How long to look at the network, if no signer runs
    #[arg(long, value_name = "TIME", value_parser = time::searching, default_value = "10s")]
    pub(crate) timeout: Duration,
}
