//! Who takes the coordinator's part when it falls silent (`docs/protocol.md` §8).
//!
//! Nobody waits for a coordinator: every participant hands on joins and makes the signature by itself. What is at stake is who
//! tells the others, and whom an application lets broadcast the transaction.

use core::time::Duration;

use motet_wire::{MonotonicMs, RequestId, SignatureFinalized, SignerIndex, Validated};

use super::Engine;
use super::ctx::Ctx;
use super::session::Session;
use crate::event::Event;

impl Session {
    /// Who has the coordinator's part now.
    pub(crate) fn coordinator(&self) -> SignerIndex {
        self.order.get(self.turn).or_else(|| self.order.first()).copied().unwrap_or(SignerIndex(0))
    }
}

impl Session {
    /// Waits so long for the coordinator's word on the signatures, unless it is this node's to say.
    pub(crate) fn expect_coordinator(&mut self, failover_after: Duration, now: MonotonicMs) {
        let here = self.locals.contains_key(&self.coordinator());
        let has_next = self.turn + 1 < self.order.len();
        if let Some(signed) = self.signed_mut() {
            let waits = !here && !signed.announced && has_next;
            signed.failover_at = waits.then(|| now.saturating_add(failover_after));
        }
    }
}

impl Engine {
    /// Somebody has said what the signatures are, which this node has. If it was the coordinator, nobody has to take over.
    pub(super) fn on_told(&mut self, message: Validated<SignatureFinalized>) {
        let SignatureFinalized { session: attempt, signatures } = message.message();
        let Some(id) = self.sessions.request_of(attempt) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.slot_of(message.sender()) == Some(session.coordinator())
            && session.signed().is_some_and(|signed| signed.signatures == *signatures)
            && let Some(signed) = session.signed_mut()
        {
            signed.announced = true;
            signed.failover_at = None;
        }
    }

    /// Lets the next in the order take over.
    pub(super) fn fail_over(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if let Some(signed) = session.signed_mut() {
            signed.failover_at = None;
        }
        if session.turn + 1 >= session.order.len() {
            return;
        }
        let from = session.coordinator();
        session.turn += 1;
        let to = session.coordinator();
        let here = session.locals.contains_key(&to);
        let told = session.over().filter(|_| session.signed().is_some()).map(|over| over.notice.clone());
        ctx.emit(Event::CoordinatorFailover { request: *id, from, to });
        match told {
            Some(Some(frame)) if here => {
                self.send_to_session(id, &frame, ctx);
            }
            Some(_) => session.expect_coordinator(self.config.failover_after, ctx.now.mono),
            // There are no signatures yet: the next coordinator tells them, when there are.
            None => {}
        }
    }
}
