//! Sessions that have ended here without signatures and that others may still complete (`docs/protocol.md` §7.5).
//!
//! A partial signature that has left cannot be called back. A signer that has those of all others can make the signature at
//! any time, hours later too, so a node that has given up goes on listening and asking: what comes late is verified, stored,
//! told to the user and handed on to all members.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    Attempt, Commitments, MonotonicMs, PartialSigShare, RequestId, SignerIndex, SigningRequest, Validated,
};

use super::Engine;
use super::ctx::Ctx;
use super::restored::Restored;
use super::session::{Answer, AttemptState, Local, Nonces, Placed, Session, SignedStatement};
use crate::event::Phase;
use crate::limits;
use crate::record::Record;
use crate::signer::SigningItem;

/// How long the outcome of a session is remembered, for nodes that have missed it.
const REMEMBER: Duration = Duration::from_secs(10 * 60);
/// How often the pause between two questions about a late completion is doubled, at most.
const DOUBLINGS: u32 = 12;

impl Session {
    /// Whether it has ended here without signatures, and others may still complete it.
    pub(crate) fn is_open_ended(&self) -> bool {
        self.phase == Phase::Aborted && !self.may_complete.is_empty()
    }

    /// The signers that may still complete it, by key.
    pub(crate) fn completers(&self) -> Vec<PublicKey> {
        self.keys_of(&self.may_complete.iter().copied().collect::<Vec<_>>())
    }

    /// Notes which signers may still complete the current attempt, before it is given up. `culprit` has sent a partial
    /// signature that does not verify, and can make one that does.
    pub(crate) fn note_exposure(&mut self, culprit: Option<&PublicKey>) {
        // Without all partial signatures of this node there is no signature.
        if self.locals.is_empty() || !self.locals.keys().all(|index| self.run.signed.contains(index)) {
            return;
        }
        let ours = self.run.nonces_hash();
        let mut open = self.run.partials.lacking(|share| Some(share.nonces) == ours);
        open.extend(culprit.and_then(|culprit| self.request.index_of(culprit)));
        open.retain(|index| !self.locals.contains_key(index));
        if open.is_empty() {
            // All have said their part: each of them, this node included, may be about to make the signature.
            open = self.others();
        }
        self.may_complete.extend(open);
    }

    /// When it is forgotten, if it has ended.
    pub(crate) fn forgotten_at(&self) -> Option<MonotonicMs> {
        let remembered = if self.is_open_ended() { limits::OPEN_END } else { REMEMBER };
        self.ended.map(|ended| ended.saturating_add(remembered))
    }

    /// When the others are asked whether they have completed it, if it is worth asking.
    pub(crate) fn asks_at(&self) -> Option<MonotonicMs> {
        self.is_open_ended().then_some(self.sync_at)
    }
}

impl Engine {
    /// Goes on listening after the end.
    pub(super) fn wait_for_completion(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let sync_after = self.config.sync_after;
        self.unpublished.remove(id);
        ctx.persist(Record::GivenUp { request: *id });
        if let Some(session) = self.sessions.get_mut(id) {
            session.syncs = 0;
            session.sync_at = ctx.now.mono.saturating_add(sync_after);
        }
    }

    /// Asks the others whether they have completed what this node has given up.
    pub(super) fn ask_for_completion(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let sync_after = self.config.sync_after;
        let Some(session) = self.sessions.get_mut(id) else { return };
        let pause = sync_after.saturating_mul(1 << session.syncs.min(DOUBLINGS));
        session.syncs = session.syncs.saturating_add(1);
        session.sync_at = ctx.now.mono.saturating_add(pause);
        self.ask_for_missing(id, ctx);
    }

    /// True if an earlier process has stored partial signatures of all signers of this node for an attempt before this one.
    /// Which of the others' had come then is not known any more: each of them may complete that attempt.
    pub(super) fn has_signed_before(&self, id: &RequestId, attempt: Attempt) -> bool {
        let Some(session) = self.sessions.get(id) else { return false };
        let Some(spent) = self.spent.get(id) else { return false };
        let all = |earlier: Attempt| session.locals.values().all(|local| spent.contains_key(&(earlier, local.signer)));
        spent.keys().map(|(earlier, _)| *earlier).any(|earlier| earlier < attempt && all(earlier))
    }

    /// Takes a partial signature that comes after the end. With those of all others it is a signature.
    pub(super) fn on_late_partial(&mut self, message: &Validated<PartialSigShare>, ctx: &mut Ctx<'_>) {
        let (session, attempt) = (message.message().session, message.message().attempt);
        let Some(id) = self.sessions.request_of(&session) else { return };
        let Some(known) = self.sessions.get_mut(&id).filter(|known| known.is_open_ended()) else { return };
        let Some(index) = known.slot_of(message.sender()) else { return };
        let fits = known.run.session == session
            && known.run.attempt == attempt
            && message.message().partials.len() == known.items.len();
        if !fits || !matches!(known.run.partials.place(index, SignedStatement::of(message)), Some(Placed::New)) {
            return;
        }
        let ours = known.run.nonces_hash();
        let complete = ours.is_some() && known.run.partials.lacking(|share| Some(share.nonces) == ours).is_empty();
        if complete && !known.run.computing {
            self.aggregate(&id, ctx);
        }
    }

    /// Takes up what an earlier process had given up: nothing is signed any more, and the others are asked how it ended.
    pub(super) fn reopen(
        &mut self,
        message: &Validated<SigningRequest>,
        id: RequestId,
        items: Arc<[SigningItem]>,
        locals: BTreeMap<SignerIndex, Local>,
        left: &Restored,
        ctx: &mut Ctx<'_>,
    ) {
        let mut session = self.open(id, message, items, locals, ctx);
        session.may_complete = session.others().into_iter().collect();
        let spent = self.spent.get(&id).into_iter().flat_map(BTreeMap::keys);
        let ours = spent.filter(|(_, signer)| left.approvals.contains_key(signer));
        let last = ours.map(|(attempt, _)| *attempt).max().unwrap_or(Attempt::FIRST);
        session.run = AttemptState::new(&id, last, session.signers());
        session.phase = Phase::Aborted;
        session.ended = Some(ctx.now.mono);
        session.sync_at = ctx.now.mono;
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
