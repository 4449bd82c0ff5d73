//! The checker: every signer recomputes a request from its transaction and its own registry, before anything is shown or decided.

mod mismatch;
mod verified;

use motet_core_crypto::PublicKey;
use motet_psbt::{PathId, RawPsbt, SpendPlan, Version};
use motet_wire::{Derivation, Item, MemberPaths, RequestMetadata, SigningRequest};

pub use mismatch::Mismatch;
pub use verified::VerifiedTransaction;

use crate::canonical::{LEAF_SCRIPT, TRANSACTION_TYPE, canonical};
use crate::group::{RegisteredGroup, SigningSet};
use crate::items::items;
use crate::locate::marked;
use crate::registry::Registry;

/// Checks a request of a transaction against the registry of one signer.
///
/// The group is found by the keys that are asked to sign, never by a text in the request. Inputs, change, sighashes, derivations,
/// items and amount are computed from the transaction, and must be those of the request.
///
/// # Errors
///
/// [`Mismatch`]: the request is to be declined with [`Mismatch::code`], and nobody is asked.
pub fn check(request: &SigningRequest, registry: &Registry) -> Result<VerifiedTransaction, Mismatch> {
    let verified = check_terms(&request.keys, &request.items, &request.metadata, registry)?;
    Ok(verified.asked_by(request.creator.signer, &request.metadata.description))
}

/// Checks the terms of a request that is not sent yet; [`check`] with the parts that a creator decides.
///
/// # Errors
///
/// As [`check`].
pub fn check_terms(
    keys: &[PublicKey],
    items: &[Item],
    metadata: &RequestMetadata,
    registry: &Registry,
) -> Result<VerifiedTransaction, Mismatch> {
    if metadata.transaction_type != TRANSACTION_TYPE {
        return Err(Mismatch::Type);
    }
    let mut sorted = keys.to_vec();
    sorted.sort();
    let mut first: Option<Failed> = None;
    for (group, path) in registry.by_keys(&sorted) {
        let checked = verify_staged(keys, items, metadata, group, path).and_then(|(verified, amount)| {
            if amount == metadata.amount {
                Ok(verified)
            } else {
                Err(Failed::late(Mismatch::Amount { stated: metadata.amount, computed: amount }))
            }
        });
        match checked {
            Ok(verified) => return Ok(verified),
            // Several groups may have these keys. The one that owns inputs knows best what is wrong.
            Err(failed) if first.as_ref().is_none_or(|first| failed.is_late && !first.is_late) => first = Some(failed),
            Err(_) => {}
        }
    }
    Err(first.map_or(Mismatch::GroupUnknown, |failed| failed.mismatch))
}

/// Recomputes a request of one spend path, but for its amount, which is returned.
pub(crate) fn verify(
    keys: &[PublicKey],
    items: &[Item],
    metadata: &RequestMetadata,
    group: &RegisteredGroup,
    path: PathId,
) -> Result<(VerifiedTransaction, Option<u64>), Mismatch> {
    verify_staged(keys, items, metadata, group, path).map_err(|failed| failed.mismatch)
}

/// A mismatch, and how far the check came.
struct Failed {
    mismatch: Mismatch,
    /// True if the transaction spends coins of the group.
    is_late: bool,
}

impl Failed {
    const fn late(mismatch: Mismatch) -> Self {
        Self { mismatch, is_late: true }
    }
}

impl From<Mismatch> for Failed {
    fn from(mismatch: Mismatch) -> Self {
        Self { mismatch, is_late: false }
    }
}

fn verify_staged(
    keys: &[PublicKey],
    claimed: &[Item],
    metadata: &RequestMetadata,
    group: &RegisteredGroup,
    path: PathId,
) -> Result<(VerifiedTransaction, Option<u64>), Failed> {
    if !group.is_confirmed() {
        return Err(Mismatch::GroupUnconfirmed { name: group.name().to_owned() }.into());
    }
    if !keys.is_sorted() {
        return Err(Mismatch::KeyOrder.into());
    }
    let bytes = &metadata.transaction;
    let psbt = RawPsbt::parse(bytes).map_err(|error| Mismatch::Malformed(error.to_string()))?;
    if psbt.version() != Version::V2 || psbt.to_bytes() != *bytes {
        return Err(Mismatch::Form { place: "the file".to_owned() }.into());
    }
    let paths = group.group().spend_paths();
    let set = paths.iter().find(|spend| spend.id == path).and_then(|spend| SigningSet::new(group.group(), spend).ok());
    let set = set.ok_or(Mismatch::GroupUnknown)?;
    let malformed = |error: &dyn ToString| Mismatch::Malformed(error.to_string());
    let transaction = psbt.unsigned_tx().map_err(|error| malformed(&error))?;
    let prevouts = psbt.prevouts().map_err(|error| Mismatch::Prevout(error.to_string()))?;
    let located = marked(&psbt, &prevouts, &transaction.output, group, path)?;
    if !prevouts.iter().any(|prevout| located.contains_key(&prevout.script_pubkey)) {
        return Err(Mismatch::NoOwnInput.into());
    }
    let plan = SpendPlan::located(&psbt, group.group(), path, &located);
    let plan = plan.map_err(|error| Failed::late(Mismatch::of_plan(&error)))?;
    check_form(&psbt, &plan, group).map_err(Failed::late)?;
    let computed = items(&plan, group.group(), &set).ok_or(Failed::late(Mismatch::GroupUnknown))?;
    check_items(claimed, &computed).map_err(Failed::late)?;
    let verified = VerifiedTransaction::new(group, &set, &plan, &psbt);
    if verified.is_overspent() {
        return Err(Failed::late(Mismatch::Overspent));
    }
    let amount = u64::try_from(verified.view().outflow.displayed().to_sat()).ok();
    Ok((verified, amount))
}

/// Checks that the PSBT is exactly the canonical one.
fn check_form(psbt: &RawPsbt, plan: &SpendPlan, group: &RegisteredGroup) -> Result<(), Mismatch> {
    let expected = canonical(plan, group.group()).map_err(|error| Mismatch::Malformed(error.to_string()))?;
    if *psbt == expected {
        return Ok(());
    }
    for (id, map) in psbt.maps() {
        let wanted = expected.map(id);
        let wanted: Vec<_> = wanted.into_iter().flat_map(|map| map.entries()).collect();
        let found: Vec<_> = map.entries().collect();
        if found == wanted {
            continue;
        }
        let of_leaf = |entries: &[(&motet_psbt::Key, &[u8])]| {
            let leaves = entries.iter().filter(|(key, _)| key.kind() == LEAF_SCRIPT);
            leaves.map(|(key, value)| ((*key).clone(), value.to_vec())).collect::<Vec<_>>()
        };
        if let motet_psbt::MapId::Input(input) = id
            && of_leaf(&found) != of_leaf(&wanted)
        {
            return Err(Mismatch::LeafScript { input });
        }
        return Err(Mismatch::Form { place: id.to_string() });
    }
    Err(Mismatch::Form { place: "the file".to_owned() })
}

/// Checks that the items are those of the transaction, in its order.
fn check_items(claimed: &[Item], computed: &[Item]) -> Result<(), Mismatch> {
    if claimed.len() != computed.len() {
        return Err(Mismatch::ItemCount { found: claimed.len(), expected: computed.len() });
    }
    if claimed == computed {
        return Ok(());
    }
    if claimed.iter().all(|item| computed.contains(item)) && computed.iter().all(|item| claimed.contains(item)) {
        return Err(Mismatch::ItemOrder);
    }
    for (item, (claimed, computed)) in claimed.iter().zip(computed).enumerate() {
        if chain_codes_of(&claimed.derivation) != chain_codes_of(&computed.derivation) {
            return Err(Mismatch::ChainCode { item });
        }
        if path_of(&claimed.derivation) != path_of(&computed.derivation) {
            return Err(Mismatch::Path { item });
        }
        if claimed.derivation != computed.derivation {
            return Err(Mismatch::MerkleRoot { item });
        }
        if claimed.message != computed.message {
            return Err(Mismatch::Sighash { item });
        }
    }
    Err(Mismatch::ItemOrder)
}

fn path_of(derivation: &Derivation) -> &[u32] {
    if let Derivation::Bip328 { path }
    | Derivation::Bip328Taproot { path, .. }
    | Derivation::Members { paths: MemberPaths { path, .. }, .. } = derivation
    {
        path
    } else {
        &[]
    }
}

fn chain_codes_of(derivation: &Derivation) -> &[Option<[u8; 32]>] {
    derivation.members().map_or(&[], |paths| &paths.chain_codes)
}
