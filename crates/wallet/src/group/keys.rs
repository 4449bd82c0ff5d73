//! Keys that a spend path has on the network: one list for all addresses, in the order of KeySort (BIP-327).

use motet_core_crypto::PublicKey;
use motet_psbt::descriptor::{KeyExpr, Wildcard};
use motet_psbt::{Group, SpendPath};

use super::FIRST;

/// The reason why a spend path cannot be signed over the network, and only in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotOnNetwork {
    /// The participants are derived before they are aggregated, so that each address has other keys.
    #[error(
        "the descriptor derives the members' keys before it aggregates them, which requests over the network cannot express yet; sign it in files"
    )]
    DerivesFirst,
    /// Single keys sign, too.
    #[error("single keys sign this spend path besides the group's; sign it in files")]
    SingleKeys,
    /// The path after `musig()` is too long for a request.
    #[error(
        "the path after musig() has more than 8 steps, which requests over the network cannot express; sign it in files"
    )]
    DeepPath,
    /// Two sets of members sign.
    #[error("two sets of members must sign this spend path, and a request has one; sign it in files")]
    SeveralSets,
    /// The script has a choice.
    #[error("the script of this leaf has a choice between signers; sign it in files")]
    Choice,
    /// The keys cannot be computed.
    #[error("the keys of this spend path cannot be computed")]
    NoKeys,
}

/// The keys that sign a spend path at every address, sorted.
///
/// # Errors
///
/// [`NotOnNetwork`].
pub(crate) fn signing_keys(group: &Group, path: &SpendPath) -> Result<Vec<PublicKey>, NotOnNetwork> {
    if !path.needs_all {
        return Err(NotOnNetwork::Choice);
    }
    let descriptor = group.descriptor();
    let output = group.output(FIRST).map_err(|_| NotOnNetwork::NoKeys)?;
    let mut found: Option<&[PublicKey]> = None;
    for number in &path.keys {
        let Some(KeyExpr::Musig(musig)) = descriptor.keys().get(*number) else { return Err(NotOnNetwork::SingleKeys) };
        let varies = |key: &motet_psbt::descriptor::SingleKey| {
            key.path.wildcard() != Wildcard::None || key.path.branches().is_some()
        };
        if musig.participants.iter().any(varies) {
            return Err(NotOnNetwork::DerivesFirst);
        }
        if musig.path.at(0, 0).is_none_or(|steps| steps.len() > motet_wire::limits::PATH_MAX) {
            return Err(NotOnNetwork::DeepPath);
        }
        let resolved = output.keys.get(*number).and_then(|key| key.musig.as_ref()).ok_or(NotOnNetwork::NoKeys)?;
        let keys = resolved.context.keys();
        if *found.get_or_insert(keys) != keys {
            return Err(NotOnNetwork::SeveralSets);
        }
    }
    found.map(<[PublicKey]>::to_vec).ok_or(NotOnNetwork::NoKeys)
}
