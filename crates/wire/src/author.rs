//! Messages of this node itself: sealed here, and by that a message like one that has passed the pipeline.
//!
//! They take no way through the pipeline, since there is nothing to find out: the bytes were made of the message, the
//! signature was made of the bytes, and [`crate::seal`] has made the checks of structure. A type keeps that apart from the
//! bytes of others: [`Author::seal`] takes a message and the key that signs it, and never a frame.

use motet_core_crypto::schnorr::SigningKey;

use crate::delegation::VerifiedDelegation;
use crate::envelope::{SealError, Signed, sign};
use crate::id::{NetworkId, PeerId};
use crate::message::Message;
use crate::time::{Now, TimestampMs};
use crate::validate::{Arrival, Channel, Validated, fresh};

/// A message key of this node, and all that its messages have in common.
#[derive(Debug)]
pub struct Author<'a> {
    /// The network.
    pub network: &'a NetworkId,
    /// The message key.
    pub key: &'a SigningKey,
    /// This node's own peer.
    pub peer: PeerId,
    /// The delegation of the key, if it has been verified before: it is not verified again.
    pub delegation: Option<&'a VerifiedDelegation>,
}

impl Author<'_> {
    /// Signs a message. The result is what every other node makes of the frame, except that it has come on
    /// [`Channel::Own`].
    ///
    /// # Errors
    ///
    /// As [`crate::seal`]; besides, [`SealError::Delegation`] if the message holds a delegation that is not signed by its
    /// signer.
    pub fn seal(&self, sequence: u64, now: Now, message: Message, aux: &[u8; 32]) -> Result<Validated, SealError> {
        if let Some(delegation) = message.delegation()
            && !self.delegation.is_some_and(|known| known.proves(delegation, self.network))
        {
            delegation.verify(self.network)?;
        }
        let sender = self.key.public_key();
        let signed = sign(self.network, &sender, (sequence, now.wall), &message, |digest| self.key.sign(digest, aux))?;
        let Signed { kind, head, body, id, frame } = signed;
        let expires = body.lifetime().map(|(_, expires)| TimestampMs(expires));
        let deadline = fresh::deadline(kind, &body, now);
        let arrival = Arrival::new(frame, Channel::Own, self.peer);
        Ok(Validated::new(message, sender, head, id.to_bytes(), arrival, expires, deadline))
    }
}
