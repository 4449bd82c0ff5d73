//! The signers that this node serves, their message keys and the delegations between the two (`docs/protocol.md` §1).

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, Signature, tagged_hash};
use motet_wire::{
    Address, Delegation, Message, MonotonicMs, PeerId, RequestId, SealError, Sealed, SignerIndex, SigningRequest,
    TimestampMs, Validated, limits,
};
use zeroize::Zeroizing;

use super::Engine;
use super::announce::Advertised;
use super::input::{CommandId, Reply};
use super::session::Session;
use super::step::Step;
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::record::Record;
use crate::signer::{SignerError, SignerTask};

/// A signer of this node, and the key that speaks for it.
pub(super) struct Hosted {
    pub(super) message_key: SecretKey,
    pub(super) delegation: Option<Delegation>,
    /// When the delegation is renewed.
    pub(super) renew_at: Option<MonotonicMs>,
    /// Whoever waits for the first delegation.
    waiting: Option<CommandId>,
    /// Requests that have come before the first delegation: nothing can be said to them yet.
    pub(super) early_requests: Vec<Validated<SigningRequest>>,
    pub(super) advertised: Option<Advertised>,
    /// Since when this process serves it.
    pub(super) since: TimestampMs,
    /// When the user was told that another process speaks for it.
    pub(super) rival_told: Option<MonotonicMs>,
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

/// A message key that no earlier process had, even where the machine's randomness starts again from the same state: two
/// processes with one key would contradict each other, which is equivocation.
fn fresh_message_key(signer: &PublicKey, epoch: u64, step: &mut Step<'_>) -> Result<SecretKey, EntropyError> {
    let mut random = Zeroizing::new([0; 32]);
    step.rng.try_fill_bytes(random.as_mut_slice())?;
    let (wall, mono) = (step.now.wall.0.to_be_bytes(), step.now.mono.0.to_be_bytes());
    let parts: [&[u8]; 5] = [random.as_slice(), &signer.to_bytes(), &epoch.to_be_bytes(), &wall, &mono];
    let hash = Zeroizing::new(tagged_hash("motet/message-key/v1", &parts));
    // One hash in 2^128 is no scalar.
    SecretKey::from_bytes(&hash).map_err(|_| EntropyError)
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
        let Ok(message_key) = fresh_message_key(&signer, self.epoch, step) else {
            return step.reply(id, Err(CommandError::Entropy(EntropyError)));
        };
        let hosted = Hosted {
            message_key,
            delegation: None,
            renew_at: None,
            waiting: Some(id),
            early_requests: Vec::new(),
            advertised: None,
            since: step.now.wall,
            rival_told: None,
        };
        self.hosted.insert(signer, hosted);
        self.ask_for_delegation(&signer, step);
    }

    /// Asks the signer to certify its message key, anew if it is due.
    pub(super) fn ask_for_delegation(&mut self, signer: &PublicKey, step: &mut Step<'_>) {
        let Some(hosted) = self.hosted.get_mut(signer) else { return };
        hosted.renew_at = Some(step.now.mono.saturating_add(self.config.delegation_lifetime / 2));
        let message_key = hosted.message_key.public_key();
        // Later than any before, though the clock may have gone back since.
        let last = self.delegated.get(signer).map_or(0, |last| last.0.saturating_add(1));
        let not_after = step.now.wall.saturating_add(self.config.delegation_lifetime).max(TimestampMs(last));
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
                self.delegated.insert(signer, not_after);
                step.persist(Record::Delegated { signer, not_after });
                if let Some(id) = hosted.waiting.take() {
                    step.reply(id, Ok(Reply::Done));
                    self.look_at_left(&signer, step);
                    self.ask_whom_we_met(step);
                    self.take_early_requests(&signer, step);
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

    /// Keeps a request until its signer here can speak. False if nobody has to be waited for.
    pub(super) fn keeps_for_later(&mut self, message: &Validated<SigningRequest>) -> bool {
        let keys = &message.message().keys;
        let mute = self.hosted.iter_mut().find(|(key, hosted)| hosted.delegation.is_none() && keys.contains(key));
        let Some((_, hosted)) = mute else { return false };
        if hosted.early_requests.len() < crate::limits::EARLY_PER_SENDER {
            hosted.early_requests.push(message.clone());
        }
        true
    }

    fn take_early_requests(&mut self, signer: &PublicKey, step: &mut Step<'_>) {
        let hosted = self.hosted.get_mut(signer);
        for request in hosted.map(|hosted| core::mem::take(&mut hosted.early_requests)).unwrap_or_default() {
            self.on_request(request, step);
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

    /// The peers that serve the signers of a session, each once, this node's included, and where they may be reached.
    pub(super) fn peers_of(&self, session: &Session) -> BTreeMap<PeerId, Vec<Address>> {
        let mut peers = BTreeMap::new();
        for index in (0u16..).map(SignerIndex).take(session.request.keys.len()) {
            if let Some((peer, addresses)) = self.route_to(session, index) {
                peers.entry(peer).or_insert(addresses);
            }
        }
        peers
    }

    /// The peer that serves a signer of a session, and where it may be reached, as far as anybody has said.
    pub(super) fn route_to(&self, session: &Session, index: SignerIndex) -> Option<(PeerId, Vec<Address>)> {
        let known = self.directory.of_signer(session.key(index)?).map(|known| &known.advertisement);
        let peer = *session.peer_of(index).or_else(|| known.map(|known| &known.delegation.peer))?;
        let addresses = known.filter(|known| known.delegation.peer == peer).map(|known| known.addresses.clone());
        Some((peer, addresses.unwrap_or_default()))
    }

    /// Sends a round message to every participant of a session, this node included.
    pub(super) fn send_to_session(&self, request: &RequestId, frame: &Arc<[u8]>, step: &mut Step<'_>) {
        let Some(session) = self.sessions.get(request) else { return };
        for (peer, addresses) in self.peers_of(session) {
            step.send(peer, addresses, frame);
        }
    }
}
