//! The form in which a transaction travels in a request: a PSBT of version 2 with everything that is signed, and nothing else.
//!
//! Each input has its outpoint, its sequence, the output that it spends, and a sighash type that is not the default. An own input
//! has one origin, which says the place of its aggregate key in the group, and on a leaf spend the script of the leaf. Where members'
//! keys are derived before they are aggregated, the origin has the steps from their keys. An own output
//! has the same origin. All entries are sorted, so that one transaction has one form.

use bitcoin::bip32::{ChildNumber, Fingerprint};
use bitcoin::consensus;
use bitcoin::hashes::{Hash as _, hash160};
use motet_psbt::descriptor::{KeyExpr, Output, Wildcard};
use motet_psbt::fields::{KeyOrigin, LeafScript, SighashType, TapOrigin};
use motet_psbt::{EditError, Group, Key, Keychain, Location, MapId, PathId, RawPsbt, SpendPlan, Version};

use crate::group::{address_path, derives_first};

/// The transaction type of requests that are checked: each signer recomputes everything from the transaction.
pub const TRANSACTION_TYPE: &str = "btc/psbt2";

const SIGNED_MESSAGE: u64 = 0x09;
const WITNESS_UTXO: u64 = 0x01;
const SIGHASH_TYPE: u64 = 0x03;
pub(crate) const LEAF_SCRIPT: u64 = 0x15;
const INPUT_ORIGIN: u64 = 0x16;
const OUTPUT_ORIGIN: u64 = 0x07;

/// The canonical PSBT of a planned spend.
pub(crate) fn canonical(plan: &SpendPlan, group: &Group) -> Result<RawPsbt, EditError> {
    let mut psbt = RawPsbt::new(Version::V2, &plan.transaction);
    let single = |kind| Key::new(kind, &[]);
    if let Some(message) = &plan.message {
        psbt.set(MapId::Global, single(SIGNED_MESSAGE), message.as_bytes().to_vec())?;
    }
    for (input, prevout) in plan.prevouts.iter().enumerate() {
        psbt.set(MapId::Input(input), single(WITNESS_UTXO), consensus::serialize(prevout))?;
    }
    for own in &plan.inputs {
        let map = MapId::Input(own.input);
        if own.sighash != SighashType::DEFAULT {
            let number = u32::from(own.sighash.number());
            psbt.set(map, single(SIGHASH_TYPE), number.to_le_bytes().to_vec())?;
        }
        if let Some(mark) = mark(group, plan.path, &own.output, own.location) {
            psbt.set(map, Key::new(INPUT_ORIGIN, &mark.key_data()), mark.value())?;
        }
        if let PathId::Leaf(number) = plan.path
            && let Some(leaf) = own.output.leaves.get(number)
        {
            let version = leaf.control_block.leaf_version.to_consensus();
            let control_block = leaf.control_block.serialize();
            let leaf = LeafScript { control_block, script: leaf.script.clone(), version };
            psbt.set(map, Key::new(LEAF_SCRIPT, &leaf.key_data()), leaf.value())?;
        }
    }
    for (index, location) in &plan.change {
        if let Ok(output) = group.output(*location)
            && let Some(mark) = mark(group, plan.path, &output, *location)
        {
            psbt.set(MapId::Output(*index), Key::new(OUTPUT_ORIGIN, &mark.key_data()), mark.value())?;
        }
    }
    Ok(psbt)
}

/// The origin that marks an own input or output: of the first aggregate key of the spend path.
fn mark(group: &Group, path: PathId, output: &Output, location: Location) -> Option<TapOrigin> {
    let number = match path {
        PathId::Key => 0,
        PathId::Leaf(leaf) => *output.leaves.get(leaf)?.keys.first()?,
    };
    let resolved = output.keys.get(number)?;
    let steps = steps(group, number, location)?;
    let leaves = output.leaves.iter().filter(|leaf| leaf.keys.contains(&number)).map(|leaf| leaf.hash);
    let mut leaves: Vec<_> = leaves.collect();
    leaves.sort();
    let fingerprint = fingerprint(&resolved.musig.as_ref()?.aggregate.to_bytes());
    let origin = KeyOrigin { fingerprint, path: steps.into() };
    Some(TapOrigin { key: resolved.key.x_only(), leaves, origin })
}

/// The steps to the key of a location: from an aggregate key, or from members' keys that are derived before they are aggregated.
pub(crate) fn steps(group: &Group, number: usize, location: Location) -> Option<Vec<ChildNumber>> {
    let Some(KeyExpr::Musig(musig)) = group.descriptor().keys().get(number) else { return None };
    address_path(musig).at(usize::try_from(location.keychain.0).ok()?, location.index)
}

/// The location to which these steps lead from a key; none if they lead to no address of the group. The steps of a member's key may
/// begin at its root.
pub(crate) fn location_of(group: &Group, number: usize, path: &[ChildNumber]) -> Option<Location> {
    let Some(KeyExpr::Musig(musig)) = group.descriptor().keys().get(number) else { return None };
    let index = match (address_path(musig).wildcard(), path.last()) {
        (Wildcard::None, _) => 0,
        (Wildcard::Normal | Wildcard::Hardened, Some(last)) => u32::from(*last),
        (Wildcard::Normal | Wildcard::Hardened, None) => return None,
    };
    let location = |branch| Location { keychain: Keychain(branch), index };
    let leads = |steps: &[ChildNumber]| if derives_first(musig) { path.ends_with(steps) } else { path == steps };
    (0..group.branches()).map(location).find(|place| steps(group, number, *place).is_some_and(|steps| leads(&steps)))
}

/// The first four bytes of the hash160 of a key (BIP-32).
fn fingerprint(key: &[u8; 33]) -> Fingerprint {
    let hash = hash160::Hash::hash(key).to_byte_array();
    Fingerprint::from(*hash.first_chunk::<4>().unwrap_or(&[0; 4]))
}
