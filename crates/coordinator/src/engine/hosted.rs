//! The signers that this node serves, their message keys and the delegations between the two (`docs/protocol.md` §1).

use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, Signature};
use motet_wire::{Delegation, Message, MonotonicMs, SealError, Sealed, TimestampMs, limits};

use super::Engine;
use super::announce::Advertised;
use super::input::{CommandId, Reply};
use super::step::Step;
use crate::error::CommandError;
use crate::signer::{SignerError, SignerTask};

/// A signer of this node, and the key that speaks for it.
pub(super) struct Hosted {
    pub(super) message_key: SecretKey,
    pub(super) delegation: Option<Delegation>,
    /// When the delegation is renewed.
    pub(super) renew_at: Option<MonotonicMs>,
    /// Whoever waits for the first delegation.
    waiting: Option<CommandId>,
    pub(super) advertised: Option<Advertised>,
}

impl Hosted {
    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        let advertise = self.advertised.as_ref().map(|advertised| advertised.renew_at);
        self.renew_at.into_iter().chain(advertise).min()
    }
}

impl core::fmt::Debug for Hosted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Hosted").field("delegation", &self.delegation).finish_non_exhaustive()
    }
}

impl Engine {
    pub(super) fn add_signer(&mut self, id: CommandId, signer: PublicKey, step: &mut Step<'_>) {
        let limit = usize::try_from(limits::KEYS_PER_PEER).unwrap_or(usize::MAX);
        if self.hosted.contains_key(&signer) {
            return step.reply(id, Ok(Reply::Done));
        }
        if self.hosted.len() >= limit {
            return step.reply(id, Err(CommandError::TooManySigners { limit }));
        }
        let Ok(message_key) = SecretKey::generate(step.rng) else {
            return step.reply(id, Err(CommandError::Entropy(crate::entropy::EntropyError)));
        };
        let hosted = Hosted { message_key, delegation: None, renew_at: None, waiting: Some(id), advertised: None };
        self.hosted.insert(signer, hosted);
        self.ask_for_delegation(&signer, step);
    }

    /// Asks the signer to certify its message key, anew if it is due.
    pub(super) fn ask_for_delegation(&mut self, signer: &PublicKey, step: &mut Step<'_>) {
        let Some(hosted) = self.hosted.get_mut(signer) else { return };
        hosted.renew_at = Some(step.now.mono.saturating_add(self.config.delegation_lifetime / 2));
        let message_key = hosted.message_key.public_key();
        let not_after = step.now.wall.saturating_add(self.config.delegation_lifetime);
        let digest = Delegation::digest(&self.network, signer, &message_key, &self.peer, not_after);
        step.ask_signer(SignerTask::Delegate { signer: *signer, message_key, not_after, digest });
    }

    pub(super) fn on_delegated(
        &mut self,
        signer: PublicKey,
        message_key: PublicKey,
        not_after: TimestampMs,
        result: Result<Signature, SignerError>,
        step: &mut Step<'_>,
    ) {
        let Some(hosted) = self.hosted.get_mut(&signer) else { return };
        let delegation =
            result.ok().map(|signature| Delegation { signer, message_key, peer: self.peer, not_after, signature });
        let delegation = delegation.filter(|delegation| {
            hosted.message_key.public_key() == message_key && delegation.verify(&self.network).is_ok()
        });
        match delegation {
            Some(delegation) => {
                hosted.delegation = Some(delegation);
                if let Some(id) = hosted.waiting.take() {
                    step.reply(id, Ok(Reply::Done));
                }
            }
            None => {
                if let Some(id) = hosted.waiting.take() {
                    self.hosted.remove(&signer);
                    step.reply(id, Err(CommandError::UnknownSigner(signer)));
                }
            }
        }
    }

    /// The delegation of a signer of this node.
    pub(super) fn delegation(&self, signer: &PublicKey) -> Result<Delegation, CommandError> {
        let hosted = self.hosted.get(signer).and_then(|hosted| hosted.delegation.clone());
        hosted.ok_or(CommandError::UnknownSigner(*signer))
    }

    /// Signs a message with the message key of a signer of this node.
    pub(super) fn seal(
        &mut self,
        signer: &PublicKey,
        message: impl Into<Message>,
        step: &mut Step<'_>,
    ) -> Result<Sealed, CommandError> {
        let sequence = self.next_sequence(step.now);
        let hosted = self.hosted.get(signer).ok_or(CommandError::UnknownSigner(*signer))?;
        let aux = step.aux();
        let sealed: Result<Sealed, SealError> =
            motet_wire::seal(&self.network, &hosted.message_key, sequence, step.now.wall, &message.into(), &aux);
        Ok(sealed?)
    }

    /// Whether a message key is of a signer of this node.
    pub(super) fn is_own(&self, sender: &PublicKey) -> bool {
        self.hosted.values().any(|hosted| hosted.message_key.public_key() == *sender)
    }

    /// Sends a round message to every participant of a session, this node included.
    pub(super) fn send_to_session(&self, request: &motet_wire::RequestId, frame: &Arc<[u8]>, step: &mut Step<'_>) {
        let Some(session) = self.sessions.get(request) else { return };
        let mut sent = std::collections::BTreeSet::new();
        for (index, key) in (0u16..).map(motet_wire::SignerIndex).zip(&session.request.keys) {
            let known = self.directory.of_signer(key);
            let peer = session.peer_of(index).or_else(|| known.map(|known| &known.advertisement.delegation.peer));
            let Some(peer) = peer else { continue };
            if sent.insert(*peer) {
                let addresses = known.filter(|known| known.advertisement.delegation.peer == *peer);
                let addresses = addresses.map(|known| known.advertisement.addresses.clone()).unwrap_or_default();
                step.send(*peer, addresses, frame);
            }
        }
    }
}
