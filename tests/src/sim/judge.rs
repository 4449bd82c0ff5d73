//! The judge: whether signatures are what was asked for, by libsecp256k1 and not by the code that made them.

use motet_core_crypto::{PublicKey, Signature, tagged_hash};
use motet_wire::{Derivation, Item};
use secp256k1::musig::KeyAggCache;
use secp256k1::{Scalar, XOnlyPublicKey, schnorr};

/// Whether secrets can be told from what is public.
pub const SECRETS_ARE_HIDDEN: bool = true;

/// The key that an item must verify under; `None` for derivations that libsecp256k1 does not know.
pub fn key_of(keys: &[PublicKey], item: &Item) -> Option<[u8; 32]> {
    let keys: Vec<secp256k1::PublicKey> =
        keys.iter().map(|key| secp256k1::PublicKey::from_slice(&key.to_bytes())).collect::<Result<_, _>>().ok()?;
    let mut cache = KeyAggCache::new(&keys.iter().collect::<Vec<_>>());
    match &item.derivation {
        Derivation::None => {}
        Derivation::Taproot { merkle_root } => {
            let internal = cache.agg_pk().to_byte_array();
            let root: &[u8] = merkle_root.as_ref().map_or(&[], |root| root.as_slice());
            let tweak = Scalar::from_be_bytes(tagged_hash("TapTweak", &[&internal, root])).ok()?;
            cache.pubkey_xonly_tweak_add(&tweak).ok()?;
        }
        _ => return None,
    }
    Some(cache.agg_pk().to_byte_array())
}

/// Whether a signature verifies under BIP-340.
pub fn verifies(key: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
    let signature = schnorr::Signature::from_byte_array(signature.to_bytes());
    XOnlyPublicKey::from_byte_array(*key).is_ok_and(|key| schnorr::verify(&signature, message, &key).is_ok())
}
