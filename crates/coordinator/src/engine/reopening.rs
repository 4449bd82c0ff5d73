//! Sessions that have ended and are taken up again, to learn how they ended elsewhere or to tell it (`docs/protocol.md` §7.4, §7.5).
//! Nothing is signed in them any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::NonceCommitment;
use motet_wire::{Attempt, AttemptId, Commitments, RequestId, SignerIndex, SigningRequest, Validated};

use super::Engine;
use super::ctx::Ctx;
use super::restored::ApprovedBefore;
use super::session::{
    Aborted, Answer, AttemptState, Local, Nonces, Origin, Outcome, Over, Session, Signed, State, SyncTimer,
    signing_items,
};
use crate::event::Completed;
use crate::signer::SigningItem;

impl Engine {
    /// Takes up what an earlier process had given up: the others are asked how it ended.
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
        for local in session.locals.values_mut() {
            if let Some(digest) = left.approvals.get(&local.signer) {
                local.answer = Answer::Approved(*digest);
            }
        }
        let last = self.ledger.last_spent(&id, |signer| left.approvals.contains_key(signer)).unwrap_or(Attempt::FIRST);
        self.enter_again(session, last, ctx);
    }

    /// Takes up a request whose signatures this node keeps, because a signer joins that has missed them.
    pub(super) fn take_up_signed(
        &mut self,
        message: &Validated<SigningRequest>,
        completed: Completed,
        locals: BTreeMap<SignerIndex, Local>,
        ctx: &mut Ctx<'_>,
    ) {
        let request = message.message();
        let Ok(items) = signing_items(&request.keys, &request.items) else { return };
        let id = completed.request;
        let signatures = completed.items.iter().map(|item| item.signature).collect();
        let signed =
            Signed { signatures, attempt: completed.session, unsaid: None, announced: true, failover_at: None };
        let state = State::Over(Over::new(ctx.now.mono, Outcome::Signed(signed)));
        let mut session = self.open(id, message, items, locals, state);
        session.origin = Origin::Kept;
        let approved: Vec<_> =
            session.locals.iter().map(|(index, local)| (*index, session.proposal(&local.signer).digest())).collect();
        for (index, digest) in approved {
            if let Some(local) = session.locals.get_mut(&index) {
                local.answer = Answer::Approved(digest);
            }
        }
        let is_signed = |attempt: &Attempt| AttemptId::derive(&id, *attempt) == completed.session;
        let last = (0..u32::from(u8::MAX)).map(Attempt).find(is_signed).unwrap_or(Attempt::FIRST);
        self.enter_again(session, last, ctx);
        self.lend(&id, ctx, Session::seal_signatures);
    }

    /// Adds the session, and joins it with the signers that had approved it: others know this process only by a join. The
    /// commitment in it is of no attempt.
    fn enter_again(&mut self, mut session: Session, last: Attempt, ctx: &mut Ctx<'_>) {
        let id = session.id;
        session.attempt = AttemptState::new(&id, last, session.signers());
        session.attempts = session.attempts.max(last.0.saturating_add(2));
        for local in session.locals.values_mut() {
            local.nonces = Nonces::Lost;
        }
        let has_approved = |local: &Local| matches!(local.answer, Answer::Approved(_));
        let speakers = session.locals.iter().filter(|(_, local)| has_approved(local));
        let speakers: Vec<SignerIndex> = speakers.map(|(index, _)| *index).collect();
        let on = session.request.options.commitments == Commitments::On;
        self.sessions.insert(session);
        self.lend(&id, ctx, |session, lent| {
            for index in speakers {
                let dead = on.then(|| NonceCommitment::from_bytes(&lent.step.aux()));
                session.join(index, dead, lent);
            }
        });
    }
}
