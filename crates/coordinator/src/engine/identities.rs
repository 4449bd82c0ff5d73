//! The signers that this node serves, their message keys and the delegations between the two (`docs/protocol.md` §1).

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, Signature, tagged_hash};
use motet_wire::{
    Author, Delegation, Message, MonotonicMs, NetworkId, PeerId, Sealed, SigningRequest, TimestampMs, Validated,
    VerifiedDelegation, limits,
};
use zeroize::Zeroizing;

use super::Engine;
use super::announce::Advertised;
use super::ctx::Ctx;
use super::input::{CommandId, Reply};
use super::own_rate::OwnRate;
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::record::Record;
use crate::signer::{SignerError, SignerTask};

/// A signer of this node, and the key that speaks for it.
pub(super) struct LocalIdentity {
    pub(super) message_key: SecretKey,
    pub(super) delegation: Option<VerifiedDelegation>,
    /// When the delegation is renewed.
    pub(super) renew_at: Option<MonotonicMs>,
    /// Whoever waits for the first delegation.
    pub(super) waiting: Option<CommandId>,
    /// Requests that have come before the first delegation: nothing can be said to them yet.
    pub(super) early_requests: Vec<Validated<SigningRequest>>,
    pub(super) advertised: Option<Advertised>,
    /// How often it has been advertised.
    pub(super) offered: OwnRate,
    /// True if the signer has left this node, and stays only for what others may still complete.
    pub(super) leaves: bool,
    /// Since when this process serves it.
    pub(super) since: TimestampMs,
    /// When the user was told that another process speaks for it.
    pub(super) rival_told: Option<MonotonicMs>,
}

impl LocalIdentity {
    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        let advertise = self.advertised.as_ref().map(|advertised| advertised.renew_at);
        self.renew_at.into_iter().chain(advertise).min()
    }
}

impl core::fmt::Debug for LocalIdentity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LocalIdentity").field("delegation", &self.delegation).finish_non_exhaustive()
    }
}

/// A message key that no earlier process had, even where the machine's randomness starts again from the same state: two
/// processes with one key would contradict each other, which is equivocation.
fn fresh_message_key(signer: &PublicKey, epoch: u64, ctx: &mut Ctx<'_>) -> Result<SecretKey, EntropyError> {
    let mut random = Zeroizing::new([0; 32]);
    ctx.rng.try_fill_bytes(random.as_mut_slice())?;
    let (wall, mono) = (ctx.now.wall.0.to_be_bytes(), ctx.now.mono.0.to_be_bytes());
    let parts: [&[u8]; 5] = [random.as_slice(), &signer.to_bytes(), &epoch.to_be_bytes(), &wall, &mono];
    let hash = Zeroizing::new(tagged_hash("motet/message-key/v1", &parts));
    // One hash in 2^128 is no scalar.
    SecretKey::from_bytes(&hash).map_err(|_| EntropyError)
}

/// The signers of this node, and the number of the newest message that one of them has signed.
#[derive(Debug)]
pub(super) struct Identities {
    network: NetworkId,
    peer: PeerId,
    served: BTreeMap<PublicKey, LocalIdentity>,
    sequence: u64,
}

impl Identities {
    pub(super) const fn new(network: NetworkId, peer: PeerId) -> Self {
        Self { network, peer, served: BTreeMap::new(), sequence: 0 }
    }

    /// True if this node serves a signer.
    pub(super) fn contains_key(&self, signer: &PublicKey) -> bool {
        self.served.contains_key(signer)
    }

    pub(super) fn get(&self, signer: &PublicKey) -> Option<&LocalIdentity> {
        self.served.get(signer)
    }

    pub(super) fn get_mut(&mut self, signer: &PublicKey) -> Option<&mut LocalIdentity> {
        self.served.get_mut(signer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PublicKey, &LocalIdentity)> {
        self.served.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&PublicKey, &mut LocalIdentity)> {
        self.served.iter_mut()
    }

    /// Keeps only the signers that pass.
    pub(super) fn retain(&mut self, passes: impl FnMut(&PublicKey, &mut LocalIdentity) -> bool) {
        self.served.retain(passes);
    }

    /// The first time at which something has to be done for one of them.
    pub(super) fn next_deadline(&self) -> Option<MonotonicMs> {
        self.served.values().filter_map(LocalIdentity::deadline).min()
    }

    /// The delegation of a signer of this node.
    pub(super) fn delegation(&self, signer: &PublicKey) -> Result<Delegation, CommandError> {
        let identity = self.served.get(signer).filter(|identity| !identity.leaves);
        let delegation = identity.and_then(|identity| identity.delegation.as_ref());
        delegation.map(|verified| verified.delegation().clone()).ok_or(CommandError::UnknownSigner(*signer))
    }

    /// A signer of this node that can speak.
    pub(super) fn speaker(&self) -> Option<PublicKey> {
        self.served.keys().find(|signer| self.delegation(signer).is_ok()).copied()
    }

    /// A signer of this node, among these, that cannot speak yet.
    pub(super) fn mute(&self, keys: &[PublicKey]) -> Option<PublicKey> {
        let is_mute = |identity: &LocalIdentity| identity.delegation.is_none() && !identity.leaves;
        self.served.iter().find(|(key, identity)| is_mute(identity) && keys.contains(key)).map(|(key, _)| *key)
    }

    /// Signs a message with the message key of a signer of this node. The step handles the message here, too, if it
    /// concerns its author.
    pub(super) fn seal(
        &mut self,
        signer: &PublicKey,
        message: impl Into<Message>,
        ctx: &mut Ctx<'_>,
    ) -> Result<Sealed, CommandError> {
        let own = self.seal_own(signer, message, ctx)?;
        let sealed = Sealed { id: own.id(), kind: own.kind(), frame: Arc::clone(own.frame()) };
        ctx.sealed(own);
        Ok(sealed)
    }

    /// The same for a message that its caller handles itself.
    pub(super) fn seal_own(
        &mut self,
        signer: &PublicKey,
        message: impl Into<Message>,
        ctx: &mut Ctx<'_>,
    ) -> Result<Validated, CommandError> {
        // Each message of this node has a higher number than the one before, though the clock may have gone back since.
        self.sequence = ctx.now.wall.0.max(self.sequence.saturating_add(1));
        let identity = self.served.get(signer).ok_or(CommandError::UnknownSigner(*signer))?;
        let author = Author {
            network: &self.network,
            key: &identity.message_key,
            peer: self.peer,
            delegation: identity.delegation.as_ref(),
        };
        Ok(author.seal(self.sequence, ctx.now, message.into(), &ctx.aux())?)
    }

    /// The number of the newest message.
    pub(super) const fn newest(&self) -> u64 {
        self.sequence
    }

    /// True if a message key is of a signer of this node.
    pub(super) fn is_own(&self, sender: &PublicKey) -> bool {
        self.served.values().any(|identity| identity.message_key.public_key() == *sender)
    }
}

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
        if self.identities.served.len() >= limit {
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
            advertised: None,
            offered: OwnRate::default(),
            leaves: false,
            since: ctx.now.wall,
            rival_told: None,
        };
        self.identities.served.insert(signer, identity);
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
                    self.identities.served.remove(&signer);
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
