//! What a transaction asks for, computed by libsecp256k1, the bitcoin crate and the psbt-v2 crate, and by no code of ours.

use std::collections::BTreeMap;

use bitcoin::bip32::{ChainCode, ChildNumber, DerivationPath, Fingerprint, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::key::TapTweak as _;
use bitcoin::opcodes::all::{OP_CHECKSIGVERIFY, OP_CSV};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::{
    NetworkKind, OutPoint, ScriptBuf, Sequence, TapLeafHash, TapNodeHash, TapSighashType, Transaction, TxIn, TxOut,
    Witness, script,
};
use motet_core_crypto::PublicKey;
use motet_wire::{Item, RequestMetadata};

use super::group::Deriving;
use crate::sim::judge;

/// The chain code of aggregate keys (BIP-328).
const CHAIN_CODE: &str = "868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965";
/// The chain code of each member's key in the groups of these worlds.
pub const MEMBERS_CHAIN_CODE: [u8; 32] = [7; 32];
/// The timelock of the leaf, in blocks.
const BLOCKS: i64 = 144;

/// An own script: the keys that can spend it.
#[derive(Debug, Clone)]
pub struct Own {
    /// The output key.
    output: [u8; 32],
    /// The key and the hash of the leaf, if there is one.
    leaf: Option<([u8; 32], TapLeafHash)>,
}

/// The child of an aggregate key at a path, and that key with the tweak of a script tree if it is asked for. None for paths that
/// have no such child.
pub fn derived(aggregate: &[u8; 33], path: &[u32], tree: Option<Option<[u8; 32]>>) -> Option<[u8; 32]> {
    Some(with_tree(child(aggregate, CHAIN_CODE.parse().ok()?, path)?, tree))
}

/// The aggregate of the children of these keys at a path, each derived with its chain code if it has one, and that key with the tweak of a
/// script tree if it is asked for.
pub fn derived_by_members(
    keys: &[PublicKey],
    chain_codes: &[Option<[u8; 32]>],
    path: &[u32],
    tree: Option<Option<[u8; 32]>>,
) -> Option<[u8; 32]> {
    let derived = keys.iter().zip(chain_codes).map(|(key, chain_code)| match chain_code {
        Some(chain_code) => Some(child(&key.to_bytes(), ChainCode::from(*chain_code), path)?.serialize()),
        None => Some(key.to_bytes()),
    });
    let mut derived: Vec<[u8; 33]> = derived.collect::<Option<_>>()?;
    // KeySort (BIP-327).
    derived.sort_unstable();
    let derived = derived.iter().map(PublicKey::from_bytes).collect::<Result<Vec<_>, _>>().ok()?;
    let aggregate = bitcoin::secp256k1::PublicKey::from_slice(&judge::aggregate(&derived)?).ok()?;
    Some(with_tree(aggregate, tree))
}

fn child(key: &[u8; 33], chain_code: ChainCode, path: &[u32]) -> Option<bitcoin::secp256k1::PublicKey> {
    let root = Xpub {
        network: NetworkKind::Main,
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::from(0),
        public_key: bitcoin::secp256k1::PublicKey::from_slice(key).ok()?,
        chain_code,
    };
    let path: DerivationPath = path.iter().map(|step| ChildNumber::from(*step)).collect();
    Some(root.derive_pub(&Secp256k1::verification_only(), &path).ok()?.public_key)
}

fn with_tree(key: bitcoin::secp256k1::PublicKey, tree: Option<Option<[u8; 32]>>) -> [u8; 32] {
    let key = key.x_only_public_key().0;
    match tree {
        None => key.serialize(),
        Some(root) => tweaked(key, root.map(TapNodeHash::assume_hidden)),
    }
}

fn tweaked(key: bitcoin::XOnlyPublicKey, root: Option<TapNodeHash>) -> [u8; 32] {
    let (output, _) = key.tap_tweak(&Secp256k1::verification_only(), root);
    output.to_x_only_public_key().serialize()
}

/// The first addresses of both branches of a group: `tr(musig(..)/<0;1>/*)`, or the same with the leaf
/// `and_v(v:pk(musig(..)/<2;3>/*),older(144))`, with the paths behind the members' keys if these are derived. The keys are sorted.
pub fn addresses(
    keys: &[PublicKey],
    deriving: Deriving,
    has_tree: bool,
    indexes: u32,
) -> Option<BTreeMap<ScriptBuf, Own>> {
    let aggregate = judge::aggregate(keys)?;
    let chain_codes = vec![Some(MEMBERS_CHAIN_CODE); keys.len()];
    let key = |path: &[u32], tree| match deriving {
        Deriving::Aggregate => derived(&aggregate, path, tree),
        Deriving::Members => derived_by_members(keys, &chain_codes, path, tree),
    };
    let places = (0..2).flat_map(|branch| (0..indexes).map(move |index| (branch, index)));
    let address = |(branch, index)| {
        let leaf_key = has_tree.then(|| key(&[branch + 2, index], None));
        let leaf = match leaf_key {
            Some(key) => {
                let key = bitcoin::XOnlyPublicKey::from_slice(&key?).ok()?;
                let built = script::Builder::new().push_x_only_key(&key).push_opcode(OP_CHECKSIGVERIFY);
                let script = built.push_int(BLOCKS).push_opcode(OP_CSV).into_script();
                Some((key.serialize(), TapLeafHash::from_script(&script, LeafVersion::TapScript)))
            }
            None => None,
        };
        let root = leaf.map(|(_, hash)| TapNodeHash::from(hash).to_byte_array());
        let output = key(&[branch, index], Some(root))?;
        let script = ScriptBuf::from_bytes([&[0x51, 0x20][..], &output].concat());
        Some((script, Own { output, leaf }))
    };
    places.map(address).collect()
}

/// The keys and messages of a request, which must be those that its transaction needs.
///
/// # Errors
///
/// The first difference.
pub fn check(
    own: &BTreeMap<ScriptBuf, Own>,
    by_leaf: bool,
    items: &[Item],
    keys: &[[u8; 32]],
    metadata: &RequestMetadata,
) -> Result<(), String> {
    let psbt = psbt_v2::v2::Psbt::deserialize(&metadata.transaction).map_err(|error| error.to_string())?;
    let prevouts: Option<Vec<TxOut>> = psbt.inputs.iter().map(|input| input.witness_utxo.clone()).collect();
    let prevouts = prevouts.ok_or("a spent output is missing")?;
    let input = |input: &psbt_v2::v2::Input| TxIn {
        previous_output: OutPoint { txid: input.previous_txid, vout: input.spent_output_index },
        script_sig: ScriptBuf::new(),
        sequence: input.sequence.unwrap_or(Sequence::MAX),
        witness: Witness::new(),
    };
    let output =
        |output: &psbt_v2::v2::Output| TxOut { value: output.amount, script_pubkey: output.script_pubkey.clone() };
    let transaction = Transaction {
        version: psbt.global.tx_version,
        lock_time: psbt.global.fallback_lock_time.unwrap_or(bitcoin::absolute::LockTime::ZERO),
        input: psbt.inputs.iter().map(input).collect(),
        output: psbt.outputs.iter().map(output).collect(),
    };
    let mut needed: Vec<([u8; 32], Vec<u8>)> = Vec::new();
    let mut cache = SighashCache::new(&transaction);
    for (index, (input, prevout)) in psbt.inputs.iter().zip(&prevouts).enumerate() {
        let Some(own) = own.get(&prevout.script_pubkey) else { continue };
        let sighash = input.sighash_type.map_or(Ok(TapSighashType::Default), |kind| kind.taproot_hash_ty());
        let sighash = sighash.map_err(|error| error.to_string())?;
        let all = Prevouts::All(&prevouts);
        let (key, hash) = match own.leaf.filter(|_| by_leaf) {
            Some((key, leaf)) => (key, cache.taproot_script_spend_signature_hash(index, &all, leaf, sighash)),
            None => (own.output, cache.taproot_key_spend_signature_hash(index, &all, sighash)),
        };
        let hash = hash.map_err(|error| error.to_string())?;
        needed.push((key, AsRef::<[u8]>::as_ref(&hash).to_vec()));
    }
    let asked: Vec<([u8; 32], Vec<u8>)> =
        keys.iter().copied().zip(items.iter().map(|item| item.message.clone())).collect();
    if asked != needed || keys.len() != items.len() {
        return Err(format!("{} items are asked for, and the transaction needs {} others", asked.len(), needed.len()));
    }
    let of_group = |outputs: &[TxOut]| {
        let own = outputs.iter().filter(|output| own.contains_key(&output.script_pubkey));
        own.map(|output| output.value.to_sat()).sum::<u64>()
    };
    let outflow = of_group(&prevouts).checked_sub(of_group(&transaction.output));
    if outflow != metadata.amount {
        return Err(format!("{:?} satoshi are said to leave the group, and {outflow:?} do", metadata.amount));
    }
    Ok(())
}
