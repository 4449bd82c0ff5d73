//! The signers that this node serves, their message keys and the delegations between the two (`docs/protocol.md` §1).

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::schnorr::SigningKey;
use motet_core_crypto::{PublicKey, SecretKey, Signature, tagged_hash};
use motet_wire::limits as wire;
use motet_wire::{
    Author, Delegation, Message, MonotonicMs, ParticipantDeclined, RequestId, Sealed, SignerIndex, SigningRequest,
    TimestampMs, Validated, VerifiedDelegation,
};
use zeroize::Zeroizing;

use super::ctx::Ctx;
use super::input::{CommandId, Reply};
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::event::Event;
use crate::limits;
use crate::record::{Record, Snapshot};
use crate::signer::{SignerError, SignerTask};

/// A signer of this node, and the key that speaks for it.
struct LocalIdentity {
    message_key: SigningKey,
    delegation: Option<VerifiedDelegation>,
    /// Time at which the delegation is renewed.
    renew_at: Option<MonotonicMs>,
    /// The command that waits for the first delegation.
    waiting: Option<CommandId>,
    /// Requests that have come before the first delegation: nothing can be said to them yet.
    early_requests: Vec<Validated<SigningRequest>>,
    /// True if the signer has left this node, and stays only for what others may still complete.
    leaves: bool,
    /// Since when this process serves it.
    since: TimestampMs,
    /// Time at which the user was told that another process speaks for it.
    rival_told: Option<MonotonicMs>,
}

impl core::fmt::Debug for LocalIdentity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LocalIdentity").field("delegation", &self.delegation).finish_non_exhaustive()
    }
}

/// A message key that no earlier process had, even where the machine's randomness starts again from the same state: two
/// processes with one key would contradict each other, which is equivocation.
fn fresh_message_key(owner: &[u8], epoch: u64, ctx: &mut Ctx<'_>) -> Result<SigningKey, EntropyError> {
    let mut random = Zeroizing::new([0; 32]);
    ctx.rng.try_fill_bytes(random.as_mut_slice())?;
    let (wall, mono) = (ctx.now.wall.0.to_be_bytes(), ctx.now.mono.0.to_be_bytes());
    let parts: [&[u8]; 5] = [random.as_slice(), owner, &epoch.to_be_bytes(), &wall, &mono];
    let hash = Zeroizing::new(tagged_hash("motet/message-key/v1", &parts));
    // One hash in 2^128 is no scalar.
    SecretKey::from_bytes(&hash).map(SigningKey::new).map_err(|_| EntropyError)
}

/// The signers of this node, and the number of the newest message that one of them has signed.
pub(super) struct Identities {
    served: BTreeMap<PublicKey, LocalIdentity>,
    /// The message key of a node without signers, which signs questions and answers about the directory and nothing else. No
    /// signer has certified it. It is made when it is needed first, and ends with the process.
    courier: Option<SigningKey>,
    /// Until when each signer's newest message key is certified, by this process or an earlier one.
    delegated: BTreeMap<PublicKey, TimestampMs>,
    /// Number of times that the store had been opened before.
    epoch: u64,
    sequence: u64,
}

impl Identities {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let delegated = snapshot.delegated.iter().copied().collect();
        Self { served: BTreeMap::new(), courier: None, delegated, epoch: snapshot.epoch, sequence: 0 }
    }

    /// True if this node serves a signer.
    pub(super) fn contains_key(&self, signer: &PublicKey) -> bool {
        self.served.contains_key(signer)
    }

    /// True if this node serves a signer: one that has left it does not.
    pub(super) fn serves(&self, signer: &PublicKey) -> bool {
        self.served.get(signer).is_some_and(|identity| !identity.leaves)
    }

    /// The signers that this node serves.
    pub(super) fn served(&self) -> impl Iterator<Item = PublicKey> {
        self.served.iter().filter(|(_, identity)| !identity.leaves).map(|(signer, _)| *signer)
    }

    /// The message key of a signer of this node.
    pub(super) fn message_key_of(&self, signer: &PublicKey) -> Option<PublicKey> {
        self.served.get(signer).map(|identity| identity.message_key.public_key())
    }

    /// The command: serves a signer from now on. It is answered when the signer can speak.
    pub(super) fn add(&mut self, command: CommandId, signer: PublicKey, ctx: &mut Ctx<'_>) {
        let limit = usize::try_from(wire::KEYS_PER_PEER).unwrap_or(usize::MAX);
        if let Some(known) = self.served.get_mut(&signer) {
            let returns = core::mem::take(&mut known.leaves);
            if returns {
                self.ask_for_delegation(&signer, ctx);
            }
            return ctx.reply(command, Ok(Reply::Done));
        }
        if self.served.len() >= limit {
            return ctx.reply(command, Err(CommandError::TooManySigners { limit }));
        }
        let Ok(message_key) = fresh_message_key(&signer.to_bytes(), self.epoch, ctx) else {
            return ctx.reply(command, Err(CommandError::Entropy(EntropyError)));
        };
        let identity = LocalIdentity {
            message_key,
            delegation: None,
            renew_at: None,
            waiting: Some(command),
            early_requests: Vec::new(),
            leaves: false,
            since: ctx.now.wall,
            rival_told: None,
        };
        self.served.insert(signer, identity);
        self.ask_for_delegation(&signer, ctx);
    }

    /// Asks the signer to certify its message key, anew if it is due.
    fn ask_for_delegation(&mut self, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        let Some(identity) = self.served.get_mut(signer) else { return };
        let lifetime = ctx.config.delegation_lifetime;
        identity.renew_at = Some(ctx.now.mono.saturating_add(lifetime / 2));
        let message_key = identity.message_key.public_key();
        // Later than any before, though the clock may have gone back since.
        let last = self.delegated.get(signer).map_or(0, |last| last.0.saturating_add(1));
        let not_after = ctx.now.wall.saturating_add(lifetime).max(TimestampMs(last));
        let digest = Delegation::digest(ctx.network, signer, &message_key, &ctx.here, not_after);
        ctx.ask_signer(SignerTask::Delegate { signer: *signer, message_key, not_after, digest });
    }

    /// Asks for the delegations that are to be renewed.
    pub(super) fn renew(&mut self, ctx: &mut Ctx<'_>) {
        let is_due = |identity: &LocalIdentity| identity.renew_at.is_some_and(|at| at <= ctx.now.mono);
        let due: Vec<PublicKey> =
            self.served.iter().filter(|(_, identity)| is_due(identity)).map(|(signer, _)| *signer).collect();
        for signer in due {
            self.ask_for_delegation(&signer, ctx);
        }
    }

    /// A signer has certified its message key, or has not. True if it can speak from now on.
    pub(super) fn on_delegated(
        &mut self,
        signer: PublicKey,
        message_key: PublicKey,
        not_after: TimestampMs,
        result: Result<Signature, SignerError>,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let Some(identity) = self.served.get_mut(&signer) else { return false };
        let peer = ctx.here;
        let delegation = result.ok().map(|signature| Delegation { signer, message_key, peer, not_after, signature });
        let delegation = delegation
            .filter(|_| identity.message_key.public_key() == message_key)
            .and_then(|delegation| VerifiedDelegation::new(delegation, ctx.network).ok());
        match delegation {
            Some(delegation) => {
                identity.delegation = Some(delegation);
                self.delegated.insert(signer, not_after);
                ctx.persist(Record::Delegated { signer, not_after });
                let Some(command) = identity.waiting.take() else { return false };
                ctx.reply(command, Ok(Reply::Done));
                true
            }
            None => {
                if let Some(command) = identity.waiting.take() {
                    self.served.remove(&signer);
                    ctx.reply(command, Err(CommandError::UnknownSigner(signer)));
                }
                false
            }
        }
    }

    /// Keeps a request until its signer here can speak. False if none has to be waited for.
    pub(super) fn keep_early(&mut self, message: &Validated<SigningRequest>) -> bool {
        let mute = self.mute(&message.message().keys);
        let Some(identity) = mute.and_then(|signer| self.served.get_mut(&signer)) else { return false };
        if identity.early_requests.len() < limits::EARLY_PER_SENDER {
            identity.early_requests.push(message.clone());
        }
        true
    }

    /// The requests that have waited for a signer.
    pub(super) fn take_early(&mut self, signer: &PublicKey) -> Vec<Validated<SigningRequest>> {
        let identity = self.served.get_mut(signer);
        identity.map(|identity| core::mem::take(&mut identity.early_requests)).unwrap_or_default()
    }

    /// A signer leaves this node. It stays for as long as it is needed.
    pub(super) fn leave(&mut self, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        if let Some(identity) = self.served.get_mut(signer) {
            identity.leaves = true;
            identity.renew_at = None;
            identity.early_requests.clear();
            if let Some(waiting) = identity.waiting.take() {
                ctx.reply(waiting, Err(CommandError::UnknownSigner(*signer)));
            }
        }
    }

    /// Forgets the signers that have left and that are not needed. False if none has left.
    pub(super) fn drop_leavers(&mut self, is_needed: impl Fn(&PublicKey) -> bool) -> bool {
        let some_leave = self.served.values().any(|identity| identity.leaves);
        if some_leave {
            self.served.retain(|signer, identity| !identity.leaves || is_needed(signer));
        }
        some_leave
    }

    /// The first time at which something has to be done for one of them.
    pub(super) fn next_deadline(&self) -> Option<MonotonicMs> {
        self.served.values().filter_map(|identity| identity.renew_at).min()
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

    /// True if this node can ask and answer about the directory. A node whose signers have no certificates yet waits for them.
    pub(super) fn can_exchange(&self) -> bool {
        self.served.is_empty() || self.speaker().is_some()
    }

    /// Signs a question or an answer about the directory: with the message key of a signer of this node, or with the courier's if it
    /// serves none. Returns the frame; `None` if no key can sign it.
    pub(super) fn seal_exchange(&mut self, message: impl Into<Message>, ctx: &mut Ctx<'_>) -> Option<Arc<[u8]>> {
        if let Some(signer) = self.speaker() {
            return self.seal(&signer, message, ctx).ok().map(|sealed| sealed.frame);
        }
        if !self.served.is_empty() {
            return None;
        }
        if self.courier.is_none() {
            let here = ctx.here;
            self.courier = fresh_message_key(here.as_bytes(), self.epoch, ctx).ok();
        }
        self.sequence = ctx.now.wall.0.max(self.sequence.saturating_add(1));
        let key = self.courier.as_ref()?;
        let author = Author { network: ctx.network, key, peer: ctx.here, delegation: None };
        let own = author.seal(self.sequence, ctx.now, message.into(), &ctx.aux()).ok()?;
        Some(Arc::clone(own.frame()))
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
            network: ctx.network,
            key: &identity.message_key,
            peer: ctx.here,
            delegation: identity.delegation.as_ref(),
        };
        Ok(author.seal(self.sequence, ctx.now, message.into(), &ctx.aux())?)
    }

    /// The refusal of a signer of this node to take part in a request.
    pub(super) fn seal_decline(
        &mut self,
        request: &RequestId,
        index: SignerIndex,
        signer: &PublicKey,
        reason: String,
        ctx: &mut Ctx<'_>,
    ) -> Result<Arc<[u8]>, CommandError> {
        let delegation = self.delegation(signer)?;
        let declined = ParticipantDeclined { request: *request, index, delegation, reason };
        Ok(self.seal(signer, declined, ctx)?.frame)
    }

    /// True if a certificate that others hand on is of another process that speaks for a signer of this node, and the user has not been
    /// told of it lately: it is told. `said` is when the message was made that it came with.
    ///
    /// An earlier process of this node is no other process, and what it has said still goes around: its certificate is older,
    /// and it has said nothing since this process has begun.
    pub(super) fn meets_rival(
        &mut self,
        delegation: &Delegation,
        said: Option<TimestampMs>,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let now = ctx.now.mono;
        let Some(identity) = self.served.get_mut(&delegation.signer) else { return false };
        let Some(own) = identity.delegation.as_ref().map(VerifiedDelegation::delegation) else { return false };
        let is_own = own.message_key == delegation.message_key;
        let is_later = is_newer(delegation, own) || said.is_some_and(|said| said > identity.since);
        let is_told = identity.rival_told.is_some_and(|told| now.since(told) < limits::TOLD_AGAIN);
        if is_own || !is_later || is_told {
            return false;
        }
        identity.rival_told = Some(now);
        ctx.emit(Event::IdentityConflict { signer: delegation.signer, peer: delegation.peer });
        true
    }

    /// The number of the newest message.
    pub(super) const fn newest(&self) -> u64 {
        self.sequence
    }

    /// True if a message key is of this node: of one of its signers, or the courier's.
    pub(super) fn is_own(&self, sender: &PublicKey) -> bool {
        let keys = self.served.values().map(|identity| &identity.message_key).chain(&self.courier);
        keys.into_iter().any(|key| key.public_key() == *sender)
    }
}

impl core::fmt::Debug for Identities {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identities")
            .field("served", &self.served)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

/// True if one certificate of a signer supersedes another. Equal times are told apart by the keys, the same everywhere.
pub(super) fn is_newer(delegation: &Delegation, known: &Delegation) -> bool {
    (delegation.not_after, delegation.message_key) > (known.not_after, known.message_key)
}
