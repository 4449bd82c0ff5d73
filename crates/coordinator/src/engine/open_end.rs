//! Sessions that have ended here without signatures and that others may still complete (`docs/protocol.md` §7.5).
//!
//! A partial signature that has left cannot be called back. A signer that has those of all others can make the signature at
//! any time, hours later too, so a node that has given up goes on listening and asking: what comes late is verified, stored,
//! told to the user and handed on to all members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, Commitments, PartialSigShare, RequestId, SignerIndex, SigningRequest, Validated};

use super::Engine;
use super::ctx::Ctx;
use super::restored::ApprovedBefore;
use super::session::{
    Aborted, Answer, AttemptState, Local, Nonces, Outcome, Over, Placed, Session, SignedStatement, State, SyncTimer,
};
use crate::record::Record;
use crate::signer::SigningItem;

/// How often the pause between two questions about a late completion is doubled, at most.
const DOUBLINGS: u32 = 12;

impl Session {
    /// Whether it has ended here without signatures, and others may still complete it.
    pub(crate) fn is_open_ended(&self) -> bool {
        matches!(self.over().map(|over| &over.outcome), Some(Outcome::Aborted(aborted)) if aborted.is_open())
    }

    /// The signers that may still complete it, by key.
    pub(crate) fn completers(&self) -> Vec<PublicKey> {
        let indices = match &self.state {
            State::Active(active) => &active.may_complete,
            State::Over(Over { outcome: Outcome::Aborted(aborted), .. }) => &aborted.may_complete,
            State::Over(Over { outcome: Outcome::Signed(_), .. }) => return Vec::new(),
        };
        self.keys_of(&indices.iter().copied().collect::<Vec<_>>())
    }

    /// The signers that may still complete the current attempt, if it is given up now. `culprit` has sent a partial
    /// signature that does not verify, and can make one that does.
    pub(crate) fn exposed_to(&self, culprit: Option<&PublicKey>) -> Vec<SignerIndex> {
        // Without all partial signatures of this node there is no signature.
        if self.locals.is_empty() || !self.locals.keys().all(|index| self.attempt.signed.contains(index)) {
            return Vec::new();
        }
        let mut open = self.attempt.lacks_partials_of();
        open.extend(culprit.and_then(|culprit| self.request.index_of(culprit)));
        open.retain(|index| !self.locals.contains_key(index));
        if open.is_empty() {
            // All have said their part: each of them, this node included, may be about to make the signature.
            open = self.others();
        }
        open
    }
}

impl Engine {
    /// Goes on listening after the end.
    pub(super) fn wait_for_completion(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let sync_after = self.config.sync_after;
        self.asking.remove(id);
        ctx.persist(Record::GivenUp { request: *id });
        if let Some(aborted) = self.sessions.get_mut(id).and_then(Session::aborted_mut) {
            aborted.sync = SyncTimer::first(ctx.now.mono.saturating_add(sync_after));
        }
    }

    /// Asks the others whether they have completed what this node has given up.
    pub(super) fn ask_for_completion(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let sync_after = self.config.sync_after;
        let Some(aborted) = self.sessions.get_mut(id).and_then(Session::aborted_mut) else { return };
        aborted.sync.ask(ctx.now.mono, sync_after, DOUBLINGS);
        self.ask_for_missing(id, ctx);
    }

    /// True if an earlier process has stored partial signatures of all signers of this node for an attempt before this one.
    /// Which of the others' had come then is not known any more: each of them may complete that attempt.
    pub(super) fn has_signed_before(&self, id: &RequestId, attempt: Attempt) -> bool {
        let Some(session) = self.sessions.get(id) else { return false };
        let has_spent = |earlier, local: &Local| self.ledger.spent_in(id, earlier, &local.signer).is_some();
        let all = |earlier| session.locals.values().all(|local| has_spent(earlier, local));
        self.ledger.spent_attempts(id).any(|earlier| earlier < attempt && all(earlier))
    }

    /// Takes a partial signature that comes after the end. With those of all others it is a signature.
    pub(super) fn on_late_partial(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        message: &Validated<PartialSigShare>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let fits = message.message().partials.len() == session.items.len();
        if !fits || !matches!(session.attempt.partials.place(index, SignedStatement::of(message)), Some(Placed::New)) {
            return;
        }
        // It was the last, so that this is asked once for each attempt.
        if session.attempt.lacks_partials_of().is_empty() {
            session.aggregate(ctx);
        }
    }

    /// Takes up what an earlier process had given up: nothing is signed any more, and the others are asked how it ended.
    pub(super) fn reopen(
        &mut self,
        message: &Validated<SigningRequest>,
        id: RequestId,
        items: Arc<[SigningItem]>,
        locals: BTreeMap<SignerIndex, Local>,
        left: &ApprovedBefore,
        ctx: &mut Ctx<'_>,
    ) {
        let aborted = Aborted { cause: None, may_complete: BTreeSet::new(), sync: SyncTimer::first(ctx.now.mono) };
        let state = State::Over(Over::new(ctx.now.mono, Outcome::Aborted(aborted)));
        let mut session = self.open(id, message, items, locals, state);
        let others: BTreeSet<SignerIndex> = session.others().into_iter().collect();
        if let Some(aborted) = session.aborted_mut() {
            aborted.may_complete = others;
        }
        let last = self.ledger.last_spent(&id, |signer| left.approvals.contains_key(signer)).unwrap_or(Attempt::FIRST);
        session.attempt = AttemptState::new(&id, last, session.signers());
        for local in session.locals.values_mut() {
            if let Some(digest) = left.approvals.get(&local.signer) {
                local.answer = Answer::Approved(*digest);
            }
            local.nonces = Nonces::Lost;
        }
        let speakers: Vec<SignerIndex> = session
            .locals
            .iter()
            .filter(|(_, local)| left.approvals.contains_key(&local.signer))
            .map(|(index, _)| *index)
            .collect();
        let on = session.request.options.commitments == Commitments::On;
        self.sessions.insert(session);
        self.know_attempts(&id);
        self.allow_attempts(&id, last.0.saturating_add(2));
        // Others know this process only by a join; the commitment in it is of no attempt.
        for index in speakers {
            let dead = on.then(|| motet_core_crypto::NonceCommitment::from_bytes(&ctx.aux()));
            self.join(&id, index, dead, ctx);
        }
    }
}
