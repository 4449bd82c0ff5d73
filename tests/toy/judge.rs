//! The judge of toy signatures: libsecp256k1 knows nothing of them, so that our own code judges itself here.

use motet_core_crypto::{PublicKey, Signature, XOnlyPublicKey, schnorr};
use motet_wire::Item;

/// Whether secrets can be told from what is public: here they are the same.
pub const SECRETS_ARE_HIDDEN: bool = false;

/// True if keys are points of Bitcoin's curve, so that groups of wallets can be made of them: here they are numbers.
pub const HAS_BITCOIN_KEYS: bool = false;

/// The aggregate key of these keys, by nobody else's word.
pub fn aggregate(_: &[PublicKey]) -> Option<[u8; 33]> {
    None
}

/// The key that an item must verify under, by nobody else's word.
pub fn key_of(_: &[PublicKey], _: &Item) -> Option<[u8; 32]> {
    None
}

/// Whether a signature verifies.
pub fn verifies(key: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
    XOnlyPublicKey::from_bytes(key).is_ok_and(|key| schnorr::verify(&key, message, signature).is_ok())
}
