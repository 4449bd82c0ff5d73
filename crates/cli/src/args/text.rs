//! Short texts on the command line: transaction types, the network's name, and the chain's.

use bitcoin::Network;
use motet_wire::{NetworkId, limits};

/// The name of a transaction type.
pub(crate) fn transaction_type(text: &str) -> Result<String, String> {
    let most = limits::TRANSACTION_TYPE;
    match text.len() {
        0 => Err(format!("it is empty; the name of a type has 1 to {most} bytes")),
        length if length <= most => Ok(text.to_owned()),
        length => Err(format!("these are {length} bytes, and the name of a type has 1 to {most}")),
    }
}

/// The description of a request.
pub(crate) fn request_description(text: &str) -> Result<String, String> {
    let most = limits::REQUEST_DESCRIPTION;
    match text.len() {
        length if length <= most => Ok(text.to_owned()),
        length => Err(format!("these are {length} bytes, and a description has {most} at most")),
    }
}

/// The description of a signer.
pub(crate) fn signer_description(text: &str) -> Result<String, String> {
    let most = limits::SIGNER_DESCRIPTION;
    match text.len() {
        length if length <= most => Ok(text.to_owned()),
        length => Err(format!("these are {length} bytes, and a description has {most} at most")),
    }
}

/// The name of a network.
pub(crate) fn network(text: &str) -> Result<NetworkId, String> {
    let most = limits::NETWORK_ID;
    NetworkId::new(text).map_err(|_| format!("a network's name is 1 to {most} visible ASCII characters without spaces"))
}

/// A chain of Bitcoin, by the names that Bitcoin Core has for them.
pub(super) fn chain(text: &str) -> Result<Network, String> {
    Network::from_core_arg(text).map_err(|_| "write main, test, testnet4, signet or regtest".to_owned())
}
