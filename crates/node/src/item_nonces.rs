//! The public nonces of one item, out of those of a whole attempt.

use motet_coordinator::SignerError;
use motet_core_crypto::{AggregateNonce, PublicNonce};

/// The sum of all signers' nonces for the item at a position. `nonces` has a list for each signer, with one nonce for each item.
///
/// # Errors
///
/// [`SignerError::NoNonces`] if a signer has no nonce for the item.
pub(crate) fn aggregate_nonce(nonces: &[Vec<PublicNonce>], position: usize) -> Result<AggregateNonce, SignerError> {
    let of_item: Option<Vec<PublicNonce>> = nonces.iter().map(|signer| signer.get(position).copied()).collect();
    Ok(AggregateNonce::sum(&of_item.ok_or(SignerError::NoNonces)?))
}
