//! The Schnorr challenge: `e = H_BIP0340/challenge(R.x | P.x | m)`.
//!
//! This and the coefficients of key aggregation are all that a second signature scheme would change.

use k256::Scalar;

use crate::hash::{Tag, TaggedHash};
use crate::scalar::reduce;

static TAG: Tag = Tag::new("BIP0340/challenge");

/// The challenge for a nonce point (32 bytes of x), a key (32 bytes of x) and a message.
pub(crate) fn challenge(nonce_x: &[u8; 32], key_x: &[u8; 32], message: &[u8]) -> Scalar {
    reduce(&TaggedHash::new(&TAG).chain(nonce_x).chain(key_x).chain(message).finish())
}
