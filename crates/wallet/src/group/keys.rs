//! Keys that a spend path has on the network: one list for all addresses, sorted.

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_psbt::descriptor::{KeyExpr, KeyMaterial, Musig, PathExpr, ResolvedMusig, SingleKey, Wildcard};
use motet_psbt::{Group, SpendPath};

use super::FIRST;

/// The reason why a spend path cannot be signed over the network, and only in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotOnNetwork {
    /// The participants are derived by paths that differ before they are aggregated.
    #[error(
        "the descriptor derives the members' keys by paths that differ, which requests over the network cannot express; sign it in files"
    )]
    DifferentPaths,
    /// Single keys sign, too.
    #[error("single keys sign this spend path besides the group's; sign it in files")]
    SingleKeys,
    /// The path of a key is too long for a request.
    #[error(
        "the path of a key has more than 8 steps, which requests over the network cannot express; sign it in files"
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

/// The signers of a spend path, as a request names them for every address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SigningSet {
    /// Their keys, sorted.
    pub(crate) keys: Vec<PublicKey>,
    /// Their numbers in [`Group::participants`], in the order of the keys.
    pub(crate) members: Vec<usize>,
    /// The chain codes of the keys, if the descriptor derives them before it aggregates them. None for a key that is fixed.
    pub(crate) chain_codes: Option<Arc<[Option<[u8; 32]>]>>,
}

impl SigningSet {
    /// The signers of a spend path.
    ///
    /// # Errors
    ///
    /// [`NotOnNetwork`].
    pub(crate) fn new(group: &Group, path: &SpendPath) -> Result<Self, NotOnNetwork> {
        if !path.needs_all {
            return Err(NotOnNetwork::Choice);
        }
        let output = group.output(FIRST).map_err(|_| NotOnNetwork::NoKeys)?;
        let mut found: Option<Self> = None;
        for number in &path.keys {
            let Some(KeyExpr::Musig(musig)) = group.descriptor().keys().get(*number) else {
                return Err(NotOnNetwork::SingleKeys);
            };
            if address_path(musig).at(0, 0).is_none_or(|steps| steps.len() > motet_wire::limits::PATH_MAX) {
                return Err(NotOnNetwork::DeepPath);
            }
            let resolved = output.keys.get(*number).and_then(|key| key.musig.as_ref()).ok_or(NotOnNetwork::NoKeys)?;
            let set = Self::of_musig(group, musig, resolved)?;
            if *found.get_or_insert_with(|| set.clone()) != set {
                return Err(NotOnNetwork::SeveralSets);
            }
        }
        found.ok_or(NotOnNetwork::NoKeys)
    }

    fn of_musig(group: &Group, musig: &Musig, resolved: &ResolvedMusig) -> Result<Self, NotOnNetwork> {
        let path = derives_first(musig).then(|| address_path(musig));
        let mut signers = Vec::with_capacity(musig.participants.len());
        for (key, place) in resolved.context.keys().iter().zip(&resolved.order) {
            let single = musig.participants.get(*place).ok_or(NotOnNetwork::NoKeys)?;
            let member = group.participants().iter().position(|listed| listed.key == single.key);
            let member = member.ok_or(NotOnNetwork::NoKeys)?;
            signers.push(match (&single.key, path) {
                (KeyMaterial::Xpub(xpub), Some(path)) if varies(single) => {
                    if single.path != *path {
                        return Err(NotOnNetwork::DifferentPaths);
                    }
                    let key = PublicKey::from_bytes(&xpub.public_key.serialize()).map_err(|_| NotOnNetwork::NoKeys)?;
                    (key, member, Some(xpub.chain_code.to_bytes()))
                }
                _ => (*key, member, None),
            });
        }
        signers.sort();
        let keys: Vec<_> = signers.iter().map(|(key, ..)| *key).collect();
        if !keys.is_sorted_by(|one, next| one < next) {
            return Err(NotOnNetwork::NoKeys);
        }
        let members = signers.iter().map(|(_, member, _)| *member).collect();
        let chain_codes = path.map(|_| signers.iter().map(|(.., chain_code)| *chain_code).collect());
        Ok(Self { keys, members, chain_codes })
    }
}

/// The path that leads to the key of an address: below the aggregate key, or below the participants that are derived before they are
/// aggregated.
pub(crate) fn address_path(musig: &Musig) -> &PathExpr {
    musig.participants.iter().find(|single| varies(single)).map_or(&musig.path, |single| &single.path)
}

/// True if participants are derived before they are aggregated, so that each address has other keys.
pub(crate) fn derives_first(musig: &Musig) -> bool {
    musig.participants.iter().any(varies)
}

fn varies(key: &SingleKey) -> bool {
    key.path.wildcard() != Wildcard::None || key.path.branches().is_some()
}
