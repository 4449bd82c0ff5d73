//! The signers that this node is to serve: each has its message key certified before it can speak (`docs/protocol.md` §1).

use motet_core_crypto::{PublicKey, Signature};
use motet_wire::{Delegation, SigningRequest, TimestampMs, Validated, VerifiedDelegation, limits};

use super::Engine;
use super::ctx::Ctx;
use super::identities::{LocalIdentity, fresh_message_key};
use super::input::{CommandId, Reply};
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::record::Record;
use crate::signer::{SignerError, SignerTask};

impl Engine {
    pub(super) fn add_signer(&mut self, id: CommandId, signer: PublicKey, ctx: &mut Ctx<'_>) {
        let limit = usize::try_from(limits::KEYS_PER_PEER).unwrap_or(usize::MAX);
        if let Some(known) = self.identities.get_mut(&signer) {
            let returns = core::mem::take(&mut known.leaves);
            if returns {
                self.ask_for_delegation(&signer, ctx);
            }
            return ctx.reply(id, Ok(Reply::Done));
        }
        if self.identities.len() >= limit {
            return ctx.reply(id, Err(CommandError::TooManySigners { limit }));
        }
        let Ok(message_key) = fresh_message_key(&signer, self.epoch, ctx) else {
            return ctx.reply(id, Err(CommandError::Entropy(EntropyError)));
        };
        let identity = LocalIdentity {
            message_key,
            delegation: None,
            renew_at: None,
            waiting: Some(id),
            early_requests: Vec::new(),
            leaves: false,
            since: ctx.now.wall,
            rival_told: None,
        };
        self.identities.insert(signer, identity);
        self.ask_for_delegation(&signer, ctx);
    }

    /// Asks the signer to certify its message key, anew if it is due.
    pub(super) fn ask_for_delegation(&mut self, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        let Some(identity) = self.identities.get_mut(signer) else { return };
        identity.renew_at = Some(ctx.now.mono.saturating_add(self.config.delegation_lifetime / 2));
        let message_key = identity.message_key.public_key();
        // Later than any before, though the clock may have gone back since.
        let last = self.delegated.get(signer).map_or(0, |last| last.0.saturating_add(1));
        let not_after = ctx.now.wall.saturating_add(self.config.delegation_lifetime).max(TimestampMs(last));
        let digest = Delegation::digest(&self.network, signer, &message_key, &self.peer, not_after);
        ctx.ask_signer(SignerTask::Delegate { signer: *signer, message_key, not_after, digest });
    }

    pub(super) fn on_delegated(
        &mut self,
        signer: PublicKey,
        message_key: PublicKey,
        not_after: TimestampMs,
        result: Result<Signature, SignerError>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(identity) = self.identities.get_mut(&signer) else { return };
        let delegation =
            result.ok().map(|signature| Delegation { signer, message_key, peer: self.peer, not_after, signature });
        let delegation = delegation
            .filter(|_| identity.message_key.public_key() == message_key)
            .and_then(|delegation| VerifiedDelegation::new(delegation, &self.network).ok());
        match delegation {
            Some(delegation) => {
                identity.delegation = Some(delegation);
                self.delegated.insert(signer, not_after);
                ctx.persist(Record::Delegated { signer, not_after });
                if let Some(id) = identity.waiting.take() {
                    ctx.reply(id, Ok(Reply::Done));
                    self.results.tell_restored(ctx);
                    self.restored.hand_in(&signer, ctx);
                    self.catch_up.ask_whom_we_met(&mut self.identities, ctx);
                    self.take_early_requests(&signer, ctx);
                }
            }
            None => {
                if let Some(id) = identity.waiting.take() {
                    self.identities.remove(&signer);
                    ctx.reply(id, Err(CommandError::UnknownSigner(signer)));
                }
            }
        }
    }

    /// Keeps a request until its signer here can speak. False if nobody has to be waited for.
    pub(super) fn keeps_for_later(&mut self, message: &Validated<SigningRequest>) -> bool {
        let mute = self.identities.mute(&message.message().keys);
        let Some(identity) = mute.and_then(|signer| self.identities.get_mut(&signer)) else { return false };
        if identity.early_requests.len() < crate::limits::EARLY_PER_SENDER {
            identity.early_requests.push(message.clone());
        }
        true
    }

    fn take_early_requests(&mut self, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        let identity = self.identities.get_mut(signer);
        for request in identity.map(|identity| core::mem::take(&mut identity.early_requests)).unwrap_or_default() {
            self.on_request(request, ctx);
        }
    }
}
