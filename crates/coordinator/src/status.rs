//! How a session is: what a node answers when its user asks (`docs/protocol.md` §12).

use motet_core_crypto::{PublicKey, Signature, XOnlyPublicKey};
use motet_wire::{Attempt, AttemptId, Election, RequestId, SignerIndex};

use crate::event::Phase;

/// Where a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatus {
    /// The request.
    pub request: RequestId,
    /// The current attempt.
    pub attempt: Attempt,
    /// Its session id.
    pub session: AttemptId,
    /// What is being collected.
    pub phase: Phase,
    /// The signers, in their order.
    pub signers: Vec<PublicKey>,
    /// Whose contribution is missing.
    pub awaiting: Vec<SignerIndex>,
    /// How the coordinator is chosen.
    pub election: Election,
    /// Who it is.
    pub coordinator: SignerIndex,
    /// If it has ended here without signatures: the signers that may still complete it, since this node's partial
    /// signatures have left and theirs have not come.
    pub may_complete: Vec<PublicKey>,
    /// What is signed: each message, and the key that its signature verifies under.
    pub messages: Vec<(XOnlyPublicKey, Vec<u8>)>,
    /// The signatures, when there are any.
    pub signatures: Option<Vec<Signature>>,
}
