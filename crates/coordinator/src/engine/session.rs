//! One request and its attempts, as this node sees them.
//!
//! [`State`] says what the session is doing; what is in [`Session`] beside it is valid in every state.

mod aborting;
mod accusing;
mod advancing;
mod attempt;
mod collecting;
mod contributing;
mod ending;
mod failover;
mod joining;
mod local;
mod members;
mod nonces;
mod open_end;
mod returning;
mod rounds;
mod slots;
mod span;
mod state;
mod sync;
mod timing;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::{PublicKey, tagged_hash};
use motet_wire::{
    Attempt, Channel, Election, Have, Holding, Item, ItemContexts, ItemError, NetworkId, ParticipantJoined, PeerId,
    RequestId, SignerIndex, SigningRequest, peek,
};

pub(crate) use attempt::AttemptState;
pub(crate) use local::{Answer, Local, Nonces};
pub(crate) use slots::{Placed, SignedStatement, Slots};
pub(crate) use span::Trace;
pub(crate) use state::{
    Aborted, Active, Collecting, Completion, Departed, Dispute, EndStored, Outcome, Over, Signed, SigningRound, Source,
    StartedRounds, State, SyncTimer,
};
pub(crate) use timing::Due;

use crate::event::{Completed, Phase, Requested, SignedItem};
use crate::proposal::Proposal;
use crate::signer::SigningItem;

/// A request that this node takes part in.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: RequestId,
    pub(crate) request: Arc<SigningRequest>,
    pub(crate) frame: Arc<[u8]>,
    pub(crate) items: Arc<[SigningItem]>,
    /// In which order signers take the coordinator's part, and whose turn it is.
    pub(crate) order: Vec<SignerIndex>,
    pub(crate) turn: usize,
    /// The newest join of each signer.
    pub(crate) joins: Slots<ParticipantJoined>,
    /// All joins, by the message keys that they certify: a signer that has been restarted has several, and what it said
    /// before stays its word.
    pub(crate) message_keys: BTreeMap<PublicKey, (SignerIndex, SignedStatement<ParticipantJoined>)>,
    /// Message keys that have joined since [`super::sessions::Sessions`] has last listed them.
    pub(crate) unlisted: Vec<(PublicKey, SignerIndex)>,
    pub(crate) locals: BTreeMap<SignerIndex, Local>,
    /// The current attempt; when the session is over, the last.
    pub(crate) attempt: AttemptState,
    /// Number of attempts that there may be.
    pub(crate) attempts: u32,
    /// Time that the others had to join.
    pub(crate) lifetime: Duration,
    /// The request in whose place this node has asked this one.
    pub(crate) retry_of: Option<RequestId>,
    pub(crate) origin: Origin,
    pub(crate) state: State,
    /// Messages of this node from before all had joined, for members whose peers become known later: the joins of its signers, and
    /// nonces that wait for no commitments.
    pub(crate) said: Vec<Arc<[u8]>>,
    /// The signers that have asked this node, the creator's, for joins: they do not know the peers of all others.
    pub(crate) askers: BTreeSet<SignerIndex>,
    /// Its span in the logs.
    pub(crate) trace: Trace,
}

/// The way in which this process has come to know a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process has announced it.
    Announced,
    /// It has come from a peer, or from the store.
    Received,
    /// It has ended in signatures before, and is taken up to tell them: the application has heard all of it.
    Kept,
}

impl Session {
    pub(crate) fn signers(&self) -> usize {
        self.request.keys.len()
    }

    pub(crate) fn key(&self, index: SignerIndex) -> Option<&PublicKey> {
        self.request.keys.get(index.as_usize())
    }

    pub(crate) fn keys_of(&self, indices: &[SignerIndex]) -> Vec<PublicKey> {
        indices.iter().filter_map(|index| self.key(*index).copied()).collect()
    }

    /// The signers that are not of this node.
    pub(crate) fn others(&self) -> Vec<SignerIndex> {
        let all = (0u16..).map(SignerIndex).zip(&self.request.keys).map(|(index, _)| index);
        all.filter(|index| !self.locals.contains_key(index)).collect()
    }

    /// Its phase, as the user is told.
    pub(crate) const fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// Its state, if it goes on.
    pub(crate) const fn active(&self) -> Option<&Active> {
        match &self.state {
            State::Active(active) => Some(active),
            State::Over(_) => None,
        }
    }

    pub(crate) const fn active_mut(&mut self) -> Option<&mut Active> {
        match &mut self.state {
            State::Active(active) => Some(active),
            State::Over(_) => None,
        }
    }

    /// Its end, if it has ended.
    pub(crate) const fn over(&self) -> Option<&Over> {
        match &self.state {
            State::Active(_) => None,
            State::Over(over) => Some(over),
        }
    }

    /// The current collection, if it goes on.
    pub(crate) fn collecting(&self) -> Option<Collecting> {
        self.active().map(|active| active.collecting)
    }

    /// The signatures, if there are any.
    pub(crate) fn signed(&self) -> Option<&Signed> {
        match &self.over()?.outcome {
            Outcome::Signed(signed) => Some(signed),
            Outcome::Aborted(_) => None,
        }
    }

    pub(crate) const fn signed_mut(&mut self) -> Option<&mut Signed> {
        match &mut self.state {
            State::Over(Over { outcome: Outcome::Signed(signed), .. }) => Some(signed),
            State::Over(_) | State::Active(_) => None,
        }
    }

    pub(crate) const fn aborted_mut(&mut self) -> Option<&mut Aborted> {
        match &mut self.state {
            State::Over(Over { outcome: Outcome::Aborted(aborted), .. }) => Some(aborted),
            State::Over(_) | State::Active(_) => None,
        }
    }

    /// True if the others have been asked for missing messages of it, or after an open end whether they have completed it.
    pub(crate) const fn has_asked(&self) -> bool {
        match &self.state {
            State::Active(active) => active.sync.asked > 0,
            State::Over(Over { outcome: Outcome::Aborted(aborted), .. }) => aborted.sync.asked > 0,
            State::Over(Over { outcome: Outcome::Signed(_), .. }) => false,
        }
    }

    /// True if this node has something to say of it when nothing else is to be done.
    pub(crate) fn has_unsaid(&self) -> bool {
        match &self.state {
            State::Active(active) => active.unsaid_ready.is_some(),
            State::Over(_) => self.signed().is_some_and(|signed| signed.unsaid.is_some()),
        }
    }

    /// True while messages about it still count: it goes on, or others may complete it.
    pub(crate) fn listens(&self) -> bool {
        match &self.state {
            State::Active(_) => true,
            State::Over(over) => matches!(&over.outcome, Outcome::Aborted(aborted) if aborted.is_open()),
        }
    }

    /// True if nobody but its members may hear of it. Its request has no proof of work then: no other node takes it, hands it on or stores
    /// it.
    pub(crate) fn is_private(&self) -> bool {
        self.request.work.is_none()
    }

    /// The request and the keys that its items will verify under, for the user.
    pub(crate) fn requested(&self, channel: Channel) -> Requested {
        let keys = self.items.iter().map(|item| item.context.aggregate_key()).collect();
        Requested { id: self.id, request: Box::new(self.request.as_ref().clone()), keys, channel }
    }

    /// True if a signer of this node has approved it.
    pub(crate) fn is_approved(&self) -> bool {
        self.locals.values().any(|local| matches!(local.answer, Answer::Approved(_)))
    }

    /// Whose slot a message key speaks for: the index comes from the signature, never from the message.
    pub(crate) fn slot_of(&self, sender: &PublicKey) -> Option<SignerIndex> {
        self.message_keys.get(sender).map(|(index, _)| *index)
    }

    /// True for a message key that a join of a member certifies, and for any key in a message from the peer of another member, whose newest
    /// join may not have come yet. The peer proves nothing: it only makes a message worth a check.
    pub(crate) fn is_from_member(&self, sender: &PublicKey, from: &PeerId) -> bool {
        self.slot_of(sender).is_some() || self.others().into_iter().any(|index| self.peer_of(index) == Some(from))
    }

    /// All joins of a slot: more than one, if its signer has been restarted.
    pub(crate) fn joins_of(&self, index: SignerIndex) -> impl Iterator<Item = &SignedStatement<ParticipantJoined>> {
        self.message_keys.values().filter(move |(slot, _)| *slot == index).map(|(_, join)| join)
    }

    /// The join that certifies the key under which a statement was made.
    pub(crate) fn join_of(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let sender = PublicKey::from_bytes(&peek(frame)?.sender).ok()?;
        self.message_keys.get(&sender).map(|(_, join)| join.frame.to_vec())
    }

    /// The peer that serves a signer, as far as the request and the joins tell.
    pub(crate) fn peer_of(&self, index: SignerIndex) -> Option<&PeerId> {
        let creator = &self.request.creator;
        match self.joins.at(index) {
            Some(join) => Some(&join.body.delegation.peer),
            None => (self.key(index) == Some(&creator.signer)).then_some(&creator.peer),
        }
    }

    /// Whose contribution to the current phase is missing, or says that something else came before.
    pub(crate) fn awaiting(&self) -> Vec<SignerIndex> {
        match self.collecting() {
            Some(Collecting::Joins) => self.joins.missing(),
            Some(Collecting::Commitments) => self.attempt.commits.missing(),
            Some(Collecting::Nonces) => {
                let ours = self.attempt.commitments_hash(self.request.options.commitments);
                self.attempt.nonces.lacking(|share| Some(share.commitments) == ours)
            }
            Some(Collecting::Partials | Collecting::Aggregating) => self.attempt.lacks_partials_of(),
            None => Vec::new(),
        }
    }

    pub(crate) fn proposal(&self, signer: &PublicKey) -> Proposal {
        Proposal {
            request: self.id,
            signer: *signer,
            terms: Box::new(self.request.as_ref().clone()),
            keys: self.items.iter().map(|item| item.context.aggregate_key()).collect(),
        }
    }

    /// The signed items, if there are signatures.
    pub(crate) fn completed(&self) -> Option<Completed> {
        let signed = self.signed()?;
        let items = self.items.iter().zip(&signed.signatures).map(|(item, signature)| SignedItem {
            aggregate_key: item.context.aggregate_key(),
            message: item.message.to_vec(),
            signature: *signature,
        });
        Some(Completed { request: self.id, session: signed.attempt, items: items.collect() })
    }

    /// The attempt that follows, if there may be one and everybody is still there.
    pub(crate) fn following_attempt(&self) -> Option<Attempt> {
        let everybody_is_there = self.active()?.departed.is_none();
        self.attempt.number.next().filter(|next| next.0 < self.attempts && everybody_is_there)
    }

    /// The frame that says how it ended, for a participant that is in this attempt.
    pub(crate) fn end_for(&self, attempt: Attempt) -> Option<&Arc<[u8]>> {
        let over = self.over()?;
        let timeout_notice = || over.timeout_notice.as_ref().filter(|_| attempt >= self.attempt.number);
        over.notice.as_ref().or_else(timeout_notice)
    }

    pub(crate) fn have(&self) -> Have {
        Have {
            request: Holding::Held,
            joins: self.joins.held().map(|(index, _)| index).collect(),
            commitments: self.attempt.commits.held().map(|(index, _)| index).collect(),
            nonces: self.attempt.nonces.held().map(|(index, _)| index).collect(),
            partials: self.attempt.partials.held().map(|(index, _)| index).collect(),
            outcome: if self.listens() { Holding::Missing } else { Holding::Held },
        }
    }
}

/// The items with their keys.
pub(crate) fn signing_items(keys: &[PublicKey], items: &[Item]) -> Result<Arc<[SigningItem]>, ItemError> {
    let mut contexts = ItemContexts::new(keys);
    let item = |item: &Item| {
        let (message, members) = (item.message.as_slice().into(), item.derivation.members().cloned());
        Ok(SigningItem { context: contexts.of(item)?, message, members })
    };
    items.iter().map(item).collect()
}

/// The order in which signers take the coordinator's part: a pure function of the request (`docs/protocol.md` §8).
pub(crate) fn coordinator_order(network: &NetworkId, id: &RequestId, request: &SigningRequest) -> Vec<SignerIndex> {
    let mut order: Vec<(SignerIndex, &PublicKey)> = (0u16..).map(SignerIndex).zip(&request.keys).collect();
    match request.options.election {
        Election::Creator => order.sort_by_key(|(index, key)| (**key != request.creator.signer, *index)),
        Election::Lexicographic => order.sort_by_key(|(_, key)| **key),
        Election::HashBased => order.sort_by_key(|(_, key)| {
            tagged_hash("motet/election/v1", &[network.as_str().as_bytes(), id.as_bytes(), &key.to_bytes()])
        }),
        Election::First => {}
        Election::Last => order.reverse(),
    }
    order.into_iter().map(|(index, _)| index).collect()
}
