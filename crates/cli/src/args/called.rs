//! The running signer that a command speaks to, and the words that it hands on.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use motet_wire::limits::REASON;

/// Options that say the same in two ways: a configured one has no place beside one that is typed, or is in a variable.
pub(crate) const ALTERNATIVES: &str = "alternatives";

/// The running signer that a command speaks to.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new(ALTERNATIVES).multiple(true)))]
pub(crate) struct CalledArgs {
    /// The data folder of the running signer
    #[arg(long, value_name = "DIR", env = "MOTET_DATA", group = ALTERNATIVES)]
    pub(crate) data: Option<PathBuf>,
    /// The key of the running signer, whose data folder is beside it: its name in the keystore, or its key file
    #[arg(long, value_name = "KEY", env = "MOTET_KEY", group = ALTERNATIVES)]
    pub(crate) key: Option<PathBuf>,
    /// The keystore beside which the data folder is; it is not opened [default: motet/keystore in the user's folder for data]
    #[arg(long, value_name = "FILE", env = "MOTET_KEYSTORE")]
    pub(crate) keystore: Option<PathBuf>,
    /// Call this address of loopback in place of the Unix socket, with the token in the data folder
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) api: Option<SocketAddr>,
    /// The body of each answer as JSON, one object a line (docs/api.md)
    #[arg(long)]
    pub(crate) json: bool,
}

/// A reason that the protocol carries to the other signers.
pub(super) fn reason(text: &str) -> Result<String, String> {
    if text.len() > REASON {
        return Err(format!("a reason has {REASON} bytes at most, and this one has {}", text.len()));
    }
    Ok(text.to_owned())
}
