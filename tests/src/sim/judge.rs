//! The judge: signatures are what was asked for, by libsecp256k1 and not by the code that made them.

use motet_core_crypto::{PublicKey, Signature};
use motet_wire::{Derivation, Item};
use secp256k1::musig::KeyAggCache;
use secp256k1::{XOnlyPublicKey, schnorr};

use super::transactions::truth;

/// Whether secrets can be told from what is public.
pub const SECRETS_ARE_HIDDEN: bool = true;

/// True if keys are points of Bitcoin's curve, so that groups of wallets can be made of them.
pub const HAS_BITCOIN_KEYS: bool = true;

/// The aggregate key of these keys, by libsecp256k1.
pub fn aggregate(keys: &[PublicKey]) -> Option<[u8; 33]> {
    let keys: Vec<secp256k1::PublicKey> =
        keys.iter().map(|key| secp256k1::PublicKey::from_slice(&key.to_bytes())).collect::<Result<_, _>>().ok()?;
    Some(KeyAggCache::new(&keys.iter().collect::<Vec<_>>()).agg_pk_full().serialize())
}

/// The key that an item must verify under; `None` for derivations that the bitcoin crate does not know.
pub fn key_of(keys: &[PublicKey], item: &Item) -> Option<[u8; 32]> {
    let aggregate = aggregate(keys)?;
    match &item.derivation {
        Derivation::None => truth::derived(&aggregate, &[], None),
        Derivation::Taproot { merkle_root } => truth::derived(&aggregate, &[], Some(*merkle_root)),
        Derivation::Bip328 { path } => truth::derived(&aggregate, path, None),
        Derivation::Bip328Taproot { path, merkle_root } => truth::derived(&aggregate, path, Some(*merkle_root)),
        Derivation::Members { paths, taproot } => {
            truth::derived_by_members(keys, &paths.chain_codes, &paths.path, *taproot)
        }
        _ => None,
    }
}

/// Whether a signature verifies under BIP-340.
pub fn verifies(key: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
    let signature = schnorr::Signature::from_byte_array(signature.to_bytes());
    XOnlyPublicKey::from_byte_array(*key).is_ok_and(|key| schnorr::verify(&signature, message, &key).is_ok())
}
