//! The inputs of one partial signature, for a signer that may keep its key elsewhere.

use crate::child::ChildPath;
use crate::key_agg::KeyAggContext;
use crate::nonce::AggregateNonce;
use crate::point::PublicKey;

/// Task of a signer: the message and the other signers, all that it needs besides its key and its nonce.
#[derive(Debug, Clone, Copy)]
pub struct SigningTask<'a> {
    /// The signers' keys, in order, with all tweaks.
    pub context: &'a KeyAggContext,
    /// The sum of all signers' nonces, without the adaptor point.
    pub aggregate_nonce: AggregateNonce,
    /// The adaptor point, where the result is to be an adaptor signature.
    pub adaptor: Option<PublicKey>,
    /// The message.
    pub message: &'a [u8],
    /// The descendant of the signer's key that signs; none for the key itself. Its public key is among those of the context.
    pub child: Option<ChildPath<'a>>,
}
