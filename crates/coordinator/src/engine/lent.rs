//! Loans to a session while it handles one input, and its demands on the rest of the node.

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Message, RequestId, Sealed, SignerIndex, Validated};

use super::answer_time::AnswerTimes;
use super::ctx::Ctx;
use super::deferred::Awaits;
use super::directory::Directory;
use super::identities::Identities;
use super::ledger::Ledger;
use super::proofs::Proofs;
use crate::error::CommandError;
use crate::event::{AbortCause, Completed, Phase};

/// The components that a session may use. It reaches no other session.
pub(crate) struct Lent<'a, 'b> {
    pub(crate) step: &'a mut Ctx<'b>,
    pub(crate) identities: &'a mut Identities,
    pub(crate) directory: &'a Directory,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) proofs: &'a mut Proofs,
    pub(crate) answers: &'a mut AnswerTimes,
    /// In the order in which they follow, as soon as the session has handled its input.
    pub(crate) consequences: Vec<Consequence>,
}

/// A consequence for the rest of the node of what a session has decided.
#[derive(Debug)]
pub(crate) enum Consequence {
    /// All have joined: the request is on its way to nobody any more.
    AllJoined,
    /// It has its signatures.
    Completed(Completed),
    /// A participant has ended it in this phase.
    Spoiled {
        /// The participant.
        signer: PublicKey,
        /// The phase.
        phase: Phase,
    },
    /// It has ended without signatures.
    Aborted {
        /// Why.
        cause: AbortCause,
        /// True if the silent signers were asked for what they owed.
        was_asked: bool,
        /// True if others may still complete it.
        is_open_ended: bool,
    },
    /// Another process speaks for this signer of this node.
    Rival(PublicKey),
    /// A message has come before what it awaits.
    Deferred(Awaits, Box<Validated>),
    /// The time of messages that have come too early may be here.
    Replay,
}

impl Lent<'_, '_> {
    /// Signs a message with the message key of a signer of this node.
    pub(crate) fn seal(&mut self, signer: &PublicKey, message: impl Into<Message>) -> Result<Sealed, CommandError> {
        self.identities.seal(signer, message, self.step)
    }

    /// The refusal of a signer of this node to take part in a request.
    pub(crate) fn seal_decline(
        &mut self,
        request: &RequestId,
        index: SignerIndex,
        signer: &PublicKey,
        reason: String,
    ) -> Result<Arc<[u8]>, CommandError> {
        self.identities.seal_decline(request, index, signer, reason, self.step)
    }
}
