//! Transcript hashes: of the commitments and the nonces that a signer has seen of a round (`docs/protocol.md` §7.2).
//!
//! A signer that reveals a nonce signs the hash of the commitments that it saw; a signer that signs, the hash of the
//! nonces that it used. If the hashes of two signers differ, a signer has equivocated, and the signed envelopes that
//! prove it are exchanged. A partial signature that fails under nonces for which its author did not sign blames no
//! signer.
//!
//! The hash of nonces has two levels, one hash an item, so that evidence about one item of 64 need not carry the nonces
//! of all.

use motet_core_crypto::{NonceCommitment, PublicNonce, Tag};

use crate::id::{AttemptId, TranscriptHash};

static COMMITMENTS: Tag = Tag::new("motet/commitments/v1");
static ITEM_NONCES: Tag = Tag::new("motet/item-nonces/v1");
static NONCES: Tag = Tag::new("motet/nonces/v1");

/// The hash for a request that switches commitments off.
pub const NO_COMMITMENTS: TranscriptHash = TranscriptHash::from_bytes([0; 32]);

/// The hash of all commitments, in the order of the signers:
/// `tagged_hash("motet/commitments/v1", session id | count BE u32 | commitments)`.
pub fn commitments(session: &AttemptId, commitments: &[NonceCommitment]) -> TranscriptHash {
    let mut hashed = Vec::with_capacity(36 + 32 * commitments.len());
    hashed.extend_from_slice(session.as_bytes());
    hashed.extend_from_slice(&count(commitments.len()));
    for commitment in commitments {
        hashed.extend_from_slice(&commitment.to_bytes());
    }
    TranscriptHash::from_bytes(COMMITMENTS.hash(&[&hashed]))
}

/// The hash of all nonces. `shares` holds one slice for each signer, in the order of the signers, each with one nonce
/// for each item.
///
/// `tagged_hash("motet/nonces/v1", session id | item count BE u32 | item hashes)`; see [`item_nonces`]. `None` if the
/// signers do not all have the same number of nonces.
pub fn nonces<S: AsRef<[PublicNonce]>>(session: &AttemptId, shares: &[S]) -> Option<TranscriptHash> {
    let items = shares.first()?.as_ref().len();
    if shares.iter().any(|share| share.as_ref().len() != items) {
        return None;
    }
    let hashes: Option<Vec<[u8; 32]>> = (0..items)
        .map(|item| {
            let nonces: Option<Vec<[u8; 66]>> =
                shares.iter().map(|share| share.as_ref().get(item).map(PublicNonce::to_bytes)).collect();
            Some(item_nonces(session, item, &nonces?))
        })
        .collect();
    Some(nonces_of_items(session, &hashes?))
}

/// The hash of all signers' nonces of one item:
/// `tagged_hash("motet/item-nonces/v1", session id | item BE u32 | count BE u32 | nonces)`.
pub fn item_nonces(session: &AttemptId, item: usize, nonces: &[[u8; 66]]) -> [u8; 32] {
    let mut hashed = Vec::with_capacity(40 + 66 * nonces.len());
    hashed.extend_from_slice(session.as_bytes());
    hashed.extend_from_slice(&count(item));
    hashed.extend_from_slice(&count(nonces.len()));
    for nonce in nonces {
        hashed.extend_from_slice(nonce);
    }
    ITEM_NONCES.hash(&[&hashed])
}

/// The hash of all nonces, from the hashes of the items in order.
pub fn nonces_of_items(session: &AttemptId, items: &[[u8; 32]]) -> TranscriptHash {
    let mut hashed = Vec::with_capacity(36 + 32 * items.len());
    hashed.extend_from_slice(session.as_bytes());
    hashed.extend_from_slice(&count(items.len()));
    for item in items {
        hashed.extend_from_slice(item);
    }
    TranscriptHash::from_bytes(NONCES.hash(&[&hashed]))
}

/// Numbers in digests are big endian and 4 bytes wide; the lists that are counted here have at most 100 elements.
fn count(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}
