//! The updater: adds what a group knows about its inputs and outputs (BIP-371, BIP-373).

use std::collections::BTreeMap;

use bitcoin::bip32::{ChildNumber, Fingerprint};
use bitcoin::hashes::{Hash as _, hash160};
use bitcoin::taproot::TapLeafHash;
use motet_core_crypto::{PublicKey, XOnlyPublicKey};

use super::plan::SpendPlan;
use crate::descriptor::{DescriptorKind, KeyExpr, KeyMaterial, Output, PathExpr, SingleKey};
use crate::fields::{KeyOrigin, LeafScript, MusigParticipants, TapOrigin, TapTree, TreeLeaf};
use crate::form::{input, output};
use crate::group::{Group, Location};
use crate::map::{Key, MapId};
use crate::raw::{EditError, RawPsbt};

impl SpendPlan {
    /// Adds internal keys, script trees, leaf scripts, participants and origins of keys to the group's inputs and outputs.
    ///
    /// Nothing that is there is replaced: origins of keys that the PSBT has already stay as they are.
    ///
    /// # Errors
    ///
    /// [`EditError::Different`] if the PSBT states something else about an own input or output; it is wrong then.
    pub fn update(&self, psbt: &mut RawPsbt, group: &Group) -> Result<(), EditError> {
        for own in &self.inputs {
            let map = MapId::Input(own.input);
            let mut entries = common(group, &own.output, own.location, &INPUT);
            if let Some(root) = own.output.merkle_root {
                entries.push((Key::new(input::TAP_MERKLE_ROOT, &[]), root.to_byte_array().to_vec()));
            }
            for leaf in &own.output.leaves {
                let control_block = leaf.control_block.serialize();
                let version = leaf.control_block.leaf_version.to_consensus();
                let leaf = LeafScript { control_block, script: leaf.script.clone(), version };
                entries.push((Key::new(input::TAP_LEAF_SCRIPT, &leaf.key_data()), leaf.value()));
            }
            add_all(psbt, map, entries, INPUT.origin)?;
        }
        for (index, location) in &self.change {
            let Ok(own) = group.output(*location) else { continue };
            let mut entries = common(group, &own, *location, &OUTPUT);
            let leaf = |leaf: &crate::descriptor::LeafOutput| TreeLeaf {
                depth: leaf.depth,
                version: leaf.control_block.leaf_version.to_consensus(),
                script: leaf.script.clone(),
            };
            if let Ok(tree) = TapTree::new(own.leaves.iter().map(leaf).collect()) {
                entries.push((Key::new(output::TAP_TREE, &[]), tree.value()));
            }
            add_all(psbt, MapId::Output(*index), entries, OUTPUT.origin)?;
        }
        Ok(())
    }
}

/// Numbers of the fields that inputs and outputs have in common.
struct Fields {
    internal_key: u64,
    origin: u64,
    participants: u64,
}

const INPUT: Fields = Fields {
    internal_key: input::TAP_INTERNAL_KEY,
    origin: input::TAP_BIP32_DERIVATION,
    participants: input::MUSIG2_PARTICIPANT_PUBKEYS,
};
const OUTPUT: Fields = Fields {
    internal_key: output::TAP_INTERNAL_KEY,
    origin: output::TAP_BIP32_DERIVATION,
    participants: output::MUSIG2_PARTICIPANT_PUBKEYS,
};

fn add_all(psbt: &mut RawPsbt, map: MapId, entries: Vec<(Key, Vec<u8>)>, origin: u64) -> Result<(), EditError> {
    for (key, value) in entries {
        let is_there = psbt.map(map).is_some_and(|found| found.value(&key).is_some());
        if key.kind() != origin || !is_there {
            psbt.add(map, key, value)?;
        }
    }
    Ok(())
}

fn common(group: &Group, output: &Output, location: Location, fields: &Fields) -> Vec<(Key, Vec<u8>)> {
    let mut entries = Vec::new();
    if let Some(internal) = output.keys.first()
        && group.descriptor().kind() == DescriptorKind::Taproot
    {
        entries.push((Key::new(fields.internal_key, &[]), internal.key.x_only().to_bytes().to_vec()));
    }
    for musig in output.keys.iter().filter_map(|key| key.musig.as_ref()) {
        let list = MusigParticipants { aggregate: musig.aggregate, participants: musig.context.keys().to_vec() };
        entries.push((Key::new(fields.participants, &list.key_data()), list.value()));
    }
    for origin in origins(group, output, location) {
        entries.push((Key::new(fields.origin, &origin.key_data()), origin.value()));
    }
    entries
}

/// Origins of all keys at a location, with the leaves that each stands in.
fn origins(group: &Group, output: &Output, location: Location) -> Vec<TapOrigin> {
    let mut all: BTreeMap<XOnlyPublicKey, TapOrigin> = BTreeMap::new();
    let mut add = |key: &PublicKey, leaves: &[TapLeafHash], origin: KeyOrigin| {
        let key = key.x_only();
        let entry = all.entry(key).or_insert(TapOrigin { key, leaves: Vec::new(), origin });
        entry.leaves.extend(leaves);
        entry.leaves.sort();
        entry.leaves.dedup();
    };
    for (number, (resolved, expr)) in output.keys.iter().zip(group.descriptor().keys()).enumerate() {
        let leaves: Vec<_> =
            output.leaves.iter().filter(|leaf| leaf.keys.contains(&number)).map(|leaf| leaf.hash).collect();
        match (expr, &resolved.musig) {
            (KeyExpr::Musig(expr), Some(musig)) => {
                let fingerprint = fingerprint(&musig.aggregate);
                add(&resolved.key, &leaves, KeyOrigin { fingerprint, path: steps(&expr.path, location).into() });
                for (key, place) in musig.context.keys().iter().zip(&musig.order) {
                    if let Some(single) = expr.participants.get(*place) {
                        add(key, &leaves, single_origin(single, key, location));
                    }
                }
            }
            (KeyExpr::Single(single), _) => add(&resolved.key, &leaves, single_origin(single, &resolved.key, location)),
            (KeyExpr::Musig(_), None) => {}
        }
    }
    all.into_values().collect()
}

fn single_origin(single: &SingleKey, key: &PublicKey, location: Location) -> KeyOrigin {
    let own = match &single.key {
        KeyMaterial::Xpub(xpub) => KeyOrigin { fingerprint: xpub.fingerprint(), path: Vec::new().into() },
        KeyMaterial::Compressed(_) | KeyMaterial::Uncompressed(_) | KeyMaterial::XOnly(_) => {
            KeyOrigin { fingerprint: fingerprint(key), path: Vec::new().into() }
        }
    };
    let origin = single.origin.clone().unwrap_or(own);
    KeyOrigin { path: origin.path.extend(steps(&single.path, location)), ..origin }
}

/// The first four bytes of the hash160 of a key.
fn fingerprint(key: &PublicKey) -> Fingerprint {
    let hash = hash160::Hash::hash(&key.to_bytes()).to_byte_array();
    Fingerprint::from(*hash.first_chunk::<4>().unwrap_or(&[0; 4]))
}

fn steps(path: &PathExpr, location: Location) -> Vec<ChildNumber> {
    path.at(location.keychain.branch(), location.index).unwrap_or_default()
}
