//! The signers that this node serves, their message keys and the delegations between the two (`docs/protocol.md` §1).

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, tagged_hash};
use motet_wire::{
    Author, Delegation, Message, MonotonicMs, NetworkId, ParticipantDeclined, PeerId, RequestId, Sealed, SignerIndex,
    SigningRequest, TimestampMs, Validated, VerifiedDelegation,
};
use zeroize::Zeroizing;

use super::ctx::Ctx;
use super::input::CommandId;
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::event::Event;

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
    /// True if the signer has left this node, and stays only for what others may still complete.
    pub(super) leaves: bool,
    /// Since when this process serves it.
    pub(super) since: TimestampMs,
    /// When the user was told that another process speaks for it.
    pub(super) rival_told: Option<MonotonicMs>,
}

impl core::fmt::Debug for LocalIdentity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LocalIdentity").field("delegation", &self.delegation).finish_non_exhaustive()
    }
}

/// A message key that no earlier process had, even where the machine's randomness starts again from the same state: two
/// processes with one key would contradict each other, which is equivocation.
pub(super) fn fresh_message_key(signer: &PublicKey, epoch: u64, ctx: &mut Ctx<'_>) -> Result<SecretKey, EntropyError> {
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

    /// Serves a signer from now on.
    pub(super) fn insert(&mut self, signer: PublicKey, identity: LocalIdentity) {
        self.served.insert(signer, identity);
    }

    pub(super) fn remove(&mut self, signer: &PublicKey) {
        self.served.remove(signer);
    }

    pub(super) fn len(&self) -> usize {
        self.served.len()
    }

    pub(super) fn get_mut(&mut self, signer: &PublicKey) -> Option<&mut LocalIdentity> {
        self.served.get_mut(signer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PublicKey, &LocalIdentity)> {
        self.served.iter()
    }

    /// Keeps only the signers that pass.
    pub(super) fn retain(&mut self, passes: impl FnMut(&PublicKey, &mut LocalIdentity) -> bool) {
        self.served.retain(passes);
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
        let is_told = identity.rival_told.is_some_and(|told| now.since(told) < crate::limits::TOLD_AGAIN);
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

    /// True if a message key is of a signer of this node.
    pub(super) fn is_own(&self, sender: &PublicKey) -> bool {
        self.served.values().any(|identity| identity.message_key.public_key() == *sender)
    }
}

/// Whether one certificate of a signer supersedes another. Equal times are told apart by the keys, the same everywhere.
pub(super) fn is_newer(delegation: &Delegation, known: &Delegation) -> bool {
    (delegation.not_after, delegation.message_key) > (known.not_after, known.message_key)
}
