//! One request and its attempts, as this node sees them: slots that each take one statement, and who fills them.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use motet_core_crypto::tagged_hash;
use motet_core_crypto::{NonceCommitment, PublicKey, PublicNonce, Signature};
use motet_wire::{
    Attempt, AttemptId, Channel, Commitments, Election, Have, Holding, Item, ItemError, MonotonicMs, NetworkId,
    NonceShare, Now, PartialSigShare, ParticipantJoined, PeerId, RequestId, SignerIndex, SigningRequest,
    TranscriptHash, Validated, peek, transcript,
};

use super::input::SessionStatus;
use super::trace::Trace;
use crate::event::{Completed, Phase, SignedItem};
use crate::proposal::{Proposal, ProposalDigest};
use crate::signer::{NonceId, SigningItem};

/// A statement that somebody signed.
#[derive(Debug, Clone)]
pub(crate) struct SignedStatement<T> {
    pub(crate) body: T,
    pub(crate) frame: Arc<[u8]>,
    /// How it came.
    pub(crate) channel: Channel,
}

impl<T> SignedStatement<T> {
    /// Something that a message says.
    pub(crate) fn part_of<M>(message: &Validated<M>, body: T) -> Self {
        Self { body, frame: Arc::clone(message.frame()), channel: message.channel() }
    }
}

impl<T: Clone> SignedStatement<T> {
    /// All that a message says.
    pub(crate) fn of(message: &Validated<T>) -> Self {
        Self::part_of(message, message.message().clone())
    }
}

/// What became of a statement that was put into its slot.
#[derive(Debug)]
pub(crate) enum Placed {
    /// It is the first.
    New,
    /// It says what is known already.
    Duplicate,
    /// It contradicts what the same author said before: this frame.
    Conflict(Arc<[u8]>),
}

/// One slot for each signer.
#[derive(Debug, Clone)]
pub(crate) struct Slots<T>(Vec<Option<SignedStatement<T>>>);

impl<T: PartialEq> Slots<T> {
    pub(crate) fn empty(signers: usize) -> Self {
        Self((0..signers).map(|_| None).collect())
    }

    pub(crate) fn place(&mut self, index: SignerIndex, held: SignedStatement<T>) -> Option<Placed> {
        let slot = self.0.get_mut(index.as_usize())?;
        Some(match slot {
            None => {
                *slot = Some(held);
                Placed::New
            }
            Some(known) if known.body == held.body => Placed::Duplicate,
            Some(known) => Placed::Conflict(Arc::clone(&known.frame)),
        })
    }

    /// Takes a newer statement than the one that is there.
    pub(crate) fn replace(&mut self, index: SignerIndex, held: SignedStatement<T>) {
        if let Some(slot) = self.0.get_mut(index.as_usize()) {
            *slot = Some(held);
        }
    }

    pub(crate) fn at(&self, index: SignerIndex) -> Option<&SignedStatement<T>> {
        self.0.get(index.as_usize())?.as_ref()
    }

    pub(crate) fn missing(&self) -> Vec<SignerIndex> {
        self.indexed().filter(|(_, slot)| slot.is_none()).map(|(index, _)| index).collect()
    }

    /// Those whose statement is missing or does not pass.
    pub(crate) fn lacking(&self, passes: impl Fn(&T) -> bool) -> Vec<SignerIndex> {
        let lacks = |slot: &Option<SignedStatement<T>>| !slot.as_ref().is_some_and(|held| passes(&held.body));
        self.indexed().filter(|(_, slot)| lacks(slot)).map(|(index, _)| index).collect()
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = (SignerIndex, &SignedStatement<T>)> {
        self.indexed().filter_map(|(index, slot)| Some((index, slot.as_ref()?)))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    fn indexed(&self) -> impl Iterator<Item = (SignerIndex, &Option<SignedStatement<T>>)> {
        (0u16..).map(SignerIndex).zip(&self.0)
    }
}

/// What a signer of this node has said to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing yet: the user has been asked.
    Asked,
    /// Yes, to exactly this.
    Approved(ProposalDigest),
    /// No.
    Declined,
}

/// Where the nonces of a signer of this node are, in the current attempt.
#[derive(Debug, Clone)]
pub(crate) enum Nonces {
    /// Not made.
    None,
    /// The signer has been asked for them.
    Making,
    /// Made, issued, and committed to if that is wanted.
    Made { publics: Vec<PublicNonce>, at: Now },
    /// Revealed.
    Revealed { made: Now },
    /// Used, or being used: they do not exist any more.
    Used,
    /// Given up; this attempt is dead for this signer.
    Lost,
}

/// A signer of this node that takes part.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) signer: PublicKey,
    pub(crate) answer: Answer,
    pub(crate) nonces: Nonces,
}

/// Which rounds may start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ManualRounds {
    pub(crate) commit: bool,
    pub(crate) reveal: bool,
    pub(crate) sign: bool,
}

/// One attempt.
#[derive(Debug)]
pub(crate) struct AttemptState {
    pub(crate) attempt: Attempt,
    pub(crate) session: AttemptId,
    pub(crate) commits: Slots<NonceCommitment>,
    pub(crate) nonces: Slots<NonceShare>,
    pub(crate) partials: Slots<PartialSigShare>,
    pub(crate) computing: bool,
    /// The signers of this node whose partial signatures have left.
    pub(crate) signed: BTreeSet<SignerIndex>,
    /// Whether this node has told the others which commitments or nonces it holds, because theirs differ.
    pub(crate) disputed: bool,
    /// The hashes of all commitments and of all nonces: what is in a slot stays, so that they never change, and every
    /// message that comes afterwards is held against them.
    commitments_hash: OnceLock<TranscriptHash>,
    nonces_hash: OnceLock<TranscriptHash>,
}

impl AttemptState {
    pub(crate) fn new(request: &RequestId, attempt: Attempt, signers: usize) -> Self {
        Self {
            attempt,
            session: AttemptId::derive(request, attempt),
            commits: Slots::empty(signers),
            nonces: Slots::empty(signers),
            partials: Slots::empty(signers),
            computing: false,
            signed: BTreeSet::new(),
            disputed: false,
            commitments_hash: OnceLock::new(),
            nonces_hash: OnceLock::new(),
        }
    }

    /// The hash of all commitments, once all are known.
    pub(crate) fn commitments_hash(&self, commitments: Commitments) -> Option<TranscriptHash> {
        match commitments {
            Commitments::Off => Some(transcript::NO_COMMITMENTS),
            Commitments::On if self.commits.is_full() => Some(*self.commitments_hash.get_or_init(|| {
                let all: Vec<NonceCommitment> = self.commits.held().map(|(_, held)| held.body).collect();
                transcript::commitments(&self.session, &all)
            })),
            Commitments::On => None,
        }
    }

    /// Everybody's nonces, once all are known: a list for each signer, a nonce in it for each item.
    pub(crate) fn all_nonces(&self) -> Option<Vec<Vec<PublicNonce>>> {
        self.nonces.is_full().then(|| self.nonces.held().map(|(_, held)| held.body.nonces.clone()).collect())
    }

    /// The hash of all nonces, once all are known.
    pub(crate) fn nonces_hash(&self) -> Option<TranscriptHash> {
        if let Some(known) = self.nonces_hash.get() {
            return Some(*known);
        }
        let hash = transcript::nonces(&self.session, &self.all_nonces()?)?;
        Some(*self.nonces_hash.get_or_init(|| hash))
    }
}

/// A participant that has said that it waits no more.
#[derive(Debug)]
pub(crate) struct Departed {
    pub(crate) index: SignerIndex,
    /// What it has said, in words and signed.
    pub(crate) detail: String,
    pub(crate) frame: Arc<[u8]>,
}

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
    /// Whether the coordinator has said what the signatures are; when the next takes over if it does not.
    pub(crate) announced: bool,
    pub(crate) failover_at: Option<MonotonicMs>,
    /// The newest join of each signer.
    pub(crate) joins: Slots<ParticipantJoined>,
    /// All joins, by the message keys that they certify: a signer that has been restarted has several, and what it said
    /// before stays its word.
    pub(crate) message_keys: BTreeMap<PublicKey, (SignerIndex, SignedStatement<ParticipantJoined>)>,
    pub(crate) locals: BTreeMap<SignerIndex, Local>,
    pub(crate) run: AttemptState,
    /// How many attempts there may be.
    pub(crate) attempts: u32,
    pub(crate) gates: ManualRounds,
    pub(crate) phase: Phase,
    /// How long the others had to join.
    pub(crate) lifetime: Duration,
    /// When the whole session ends.
    pub(crate) ends: MonotonicMs,
    /// When what is being collected is given up.
    pub(crate) deadline: MonotonicMs,
    /// When the others are asked for what is missing, and how often they have been.
    pub(crate) sync_at: MonotonicMs,
    pub(crate) syncs: u32,
    pub(crate) signatures: Option<Vec<Signature>>,
    /// Of which attempt they are: an earlier one's may still come.
    pub(crate) signed_in: Option<AttemptId>,
    /// What is told to whoever asks how it ended.
    pub(crate) outcome: Option<Arc<[u8]>>,
    /// What is told to whoever still waits for this node in an attempt to which it has not signed, and never will.
    pub(crate) timeout_notice: Option<Arc<[u8]>>,
    /// The timeout_notice of another, which may have signed in an earlier attempt: the current one is the last.
    pub(crate) left: Option<Departed>,
    pub(crate) ended: Option<MonotonicMs>,
    /// The signers that may still complete it: this node's partial signatures of an attempt have left, and theirs of the
    /// same attempt have not come (`docs/protocol.md` §7.5).
    pub(crate) may_complete: BTreeSet<SignerIndex>,
    /// What this node says of it when nothing else is to be done.
    pub(crate) deferred_broadcast: Option<DeferredBroadcast>,
    /// Whether its signatures have come after it had been given up here.
    pub(crate) late: bool,
    /// Whether the store has refused something of it.
    pub(crate) unstored: bool,
    /// What it is in the logs.
    pub(crate) trace: Trace,
}

/// What others seldom wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeferredBroadcast {
    /// That all have joined, by the coordinator: the id of the first attempt.
    Ready(AttemptId),
    /// What the signatures are.
    Signatures,
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

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Complete | Phase::Aborted)
    }

    /// True while messages about it still count: it goes on, or others may complete it.
    pub(crate) fn listens(&self) -> bool {
        !self.is_over() || self.is_open_ended()
    }

    /// Whether a signer of this node has approved it.
    pub(crate) fn is_approved(&self) -> bool {
        self.locals.values().any(|local| matches!(local.answer, Answer::Approved(_)))
    }

    /// Whose slot a message key speaks for: the index comes from the signature, never from the message.
    pub(crate) fn slot_of(&self, sender: &PublicKey) -> Option<SignerIndex> {
        self.message_keys.get(sender).map(|(index, _)| *index)
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
        match self.phase {
            Phase::Joining => self.joins.missing(),
            Phase::Commitments => self.run.commits.missing(),
            Phase::Nonces => {
                let ours = self.run.commitments_hash(self.request.options.commitments);
                self.run.nonces.lacking(|share| Some(share.commitments) == ours)
            }
            Phase::Partials => {
                let ours = self.run.nonces_hash();
                self.run.partials.lacking(|share| Some(share.nonces) == ours)
            }
            Phase::Complete | Phase::Aborted => Vec::new(),
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

    pub(crate) fn nonce_id(&self, index: SignerIndex, signer: &PublicKey) -> NonceId {
        NonceId { session: self.run.session, request: self.id, attempt: self.run.attempt, signer: *signer, index }
    }

    /// The signed items, if there are signatures.
    pub(crate) fn completed(&self) -> Option<Completed> {
        let items = self.items.iter().zip(self.signatures.as_ref()?).map(|(item, signature)| SignedItem {
            aggregate_key: item.context.aggregate_key(),
            message: item.message.clone(),
            signature: *signature,
        });
        Some(Completed { request: self.id, session: self.signed_in?, items: items.collect() })
    }

    /// The attempt that follows, if there may be one and everybody is still there.
    pub(crate) fn next_attempt(&self) -> Option<Attempt> {
        self.run.attempt.next().filter(|next| next.0 < self.attempts && self.left.is_none())
    }

    /// How it ended, for somebody who is in this attempt.
    pub(crate) fn end_for(&self, attempt: Attempt) -> Option<&Arc<[u8]>> {
        let timeout_notice = || self.timeout_notice.as_ref().filter(|_| attempt >= self.run.attempt);
        self.outcome.as_ref().or_else(timeout_notice)
    }

    pub(crate) fn have(&self) -> Have {
        Have {
            request: Holding::Held,
            joins: self.joins.held().map(|(index, _)| index).collect(),
            commitments: self.run.commits.held().map(|(index, _)| index).collect(),
            nonces: self.run.nonces.held().map(|(index, _)| index).collect(),
            partials: self.run.partials.held().map(|(index, _)| index).collect(),
            outcome: if self.is_over() && !self.is_open_ended() { Holding::Held } else { Holding::Missing },
        }
    }

    pub(crate) fn status(&self) -> SessionStatus {
        SessionStatus {
            request: self.id,
            attempt: self.run.attempt,
            session: self.run.session,
            phase: self.phase,
            signers: self.request.keys.clone(),
            awaiting: self.awaiting(),
            election: self.request.options.election,
            coordinator: self.coordinator(),
            may_complete: self.completers(),
            messages: self.items.iter().map(|item| (item.context.aggregate_key(), item.message.clone())).collect(),
            signatures: self.signatures.clone(),
        }
    }
}

/// The items with their keys: one aggregation for all items of the same derivation.
pub(crate) fn signing_items(keys: &[PublicKey], items: &[Item]) -> Result<Arc<[SigningItem]>, ItemError> {
    items
        .iter()
        .map(|item| Ok(SigningItem { context: item.key_context(keys)?, message: item.message.clone() }))
        .collect()
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
