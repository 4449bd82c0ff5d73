//! The items of a request: one for each signature that a planned spend needs, in the order of its inputs.

use bitcoin::hashes::Hash as _;
use motet_psbt::descriptor::DescriptorKind;
use motet_psbt::{Group, OwnInput, PathId, SigningTarget, SpendPlan};
use motet_wire::{Derivation, Item, MemberPaths};

use crate::canonical::steps;
use crate::group::SigningSet;

/// The items of a planned spend. None if a key has no place in the group, which a plan never has.
pub(crate) fn items(plan: &SpendPlan, group: &Group, set: &SigningSet) -> Option<Vec<Item>> {
    let targets = plan.inputs.iter().flat_map(|own| own.targets.iter().map(move |target| (own, target)));
    targets.map(|(own, target)| item(plan.path, group, set, own, target)).collect()
}

fn item(path: PathId, group: &Group, set: &SigningSet, own: &OwnInput, target: &SigningTarget) -> Option<Item> {
    let path_of_key: Vec<u32> = steps(group, target.key, own.location)?.into_iter().map(u32::from).collect();
    let is_tweaked = path == PathId::Key && group.descriptor().kind() == DescriptorKind::Taproot;
    let merkle_root = own.output.merkle_root.map(|root| root.to_byte_array());
    if let Some(chain_codes) = set.chain_codes.clone() {
        let paths = MemberPaths { chain_codes, path: path_of_key };
        let derivation = Derivation::Members { paths, taproot: is_tweaked.then_some(merkle_root) };
        return Some(Item { message: own.message.to_vec(), derivation });
    }
    let derivation = match (is_tweaked, path_of_key.is_empty()) {
        (true, true) => Derivation::Taproot { merkle_root },
        (true, false) => Derivation::Bip328Taproot { path: path_of_key, merkle_root },
        (false, true) => Derivation::None,
        (false, false) => Derivation::Bip328 { path: path_of_key },
    };
    Some(Item { message: own.message.to_vec(), derivation })
}
