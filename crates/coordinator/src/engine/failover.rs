//! Who takes the coordinator's part when it falls silent (`docs/protocol.md` §8).
//!
//! Nobody waits for a coordinator: every participant hands on joins and makes the signature by itself. What is at stake is who
//! tells the others, and whom an application lets broadcast the transaction.

use motet_wire::{RequestId, SignerIndex, Topic};

use super::Engine;
use super::ctx::Ctx;
use super::session::Session;
use crate::event::{Event, Phase};

impl Session {
    /// Who has the coordinator's part now.
    pub(crate) fn coordinator(&self) -> SignerIndex {
        self.order.get(self.turn).or_else(|| self.order.first()).copied().unwrap_or(SignerIndex(0))
    }
}

impl Engine {
    /// Waits for the coordinator's word on the signatures, unless it is this node's to say.
    pub(super) fn expect_coordinator(&mut self, id: &RequestId, ctx: &Ctx<'_>) {
        let failover_after = self.config.failover_after;
        let Some(session) = self.sessions.get_mut(id) else { return };
        let here = session.locals.contains_key(&session.coordinator());
        let waits = !here && !session.announced && session.turn + 1 < session.order.len();
        session.failover_at = waits.then(|| ctx.now.mono.saturating_add(failover_after));
    }

    /// The coordinator has said what the signatures are.
    pub(super) fn hear_coordinator(&mut self, id: &RequestId, by: SignerIndex) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if by == session.coordinator() {
            session.announced = true;
            session.failover_at = None;
        }
    }

    /// Lets the next in the order take over.
    pub(super) fn fail_over(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.failover_at = None;
        if session.turn + 1 >= session.order.len() {
            return;
        }
        let from = session.coordinator();
        session.turn += 1;
        let to = session.coordinator();
        let here = session.locals.contains_key(&to);
        let outcome = session.outcome.clone().filter(|_| here && session.phase == Phase::Complete);
        ctx.emit(Event::CoordinatorFailover { request: *id, from, to });
        if let Some(frame) = outcome {
            ctx.broadcast(Topic::Sessions, &frame);
            self.send_to_session(id, &frame, ctx);
        } else if self.sessions.get(id).is_some_and(|session| session.phase == Phase::Complete) {
            self.expect_coordinator(id, ctx);
        }
    }
}
