//! Failover: the signer that takes the coordinator's part when it falls silent (`docs/protocol.md` §8).
//!
//! A coordinator is not needed for the signature: every participant hands on joins and makes it by itself. The coordinator tells the
//! others, and is the participant that an application lets broadcast the transaction.

use core::time::Duration;

use motet_wire::{MonotonicMs, SignatureFinalized, SignerIndex, Validated};

use super::Session;
use crate::engine::lent::Lent;
use crate::event::Event;

impl Session {
    /// The signer that has the coordinator's part now.
    pub(crate) fn coordinator(&self) -> SignerIndex {
        self.order.get(self.turn).or_else(|| self.order.first()).copied().unwrap_or(SignerIndex(0))
    }

    /// Waits so long for the coordinator's word on the signatures, unless it is this node's to say.
    pub(crate) fn expect_coordinator(&mut self, failover_after: Duration, now: MonotonicMs) {
        let here = self.locals.contains_key(&self.coordinator());
        let has_next = self.turn + 1 < self.order.len();
        if let Some(signed) = self.signed_mut() {
            let waits = !here && !signed.announced && has_next;
            signed.failover_at = waits.then(|| now.saturating_add(failover_after));
        }
    }

    /// Somebody has said what the signatures are, which this node has. If it was the coordinator, nobody has to take over.
    pub(crate) fn on_told(&mut self, message: &Validated<SignatureFinalized>) {
        let signatures = &message.message().signatures;
        if self.slot_of(message.sender()) == Some(self.coordinator())
            && self.signed().is_some_and(|signed| signed.signatures == *signatures)
            && let Some(signed) = self.signed_mut()
        {
            signed.announced = true;
            signed.failover_at = None;
        }
    }

    /// Lets the next in the order take over.
    pub(crate) fn fail_over(&mut self, lent: &mut Lent<'_, '_>) {
        if let Some(signed) = self.signed_mut() {
            signed.failover_at = None;
        }
        if self.turn + 1 >= self.order.len() {
            return;
        }
        let from = self.coordinator();
        self.turn += 1;
        let to = self.coordinator();
        let here = self.locals.contains_key(&to);
        let told = self.over().filter(|_| self.signed().is_some()).map(|over| over.notice.clone());
        lent.step.emit(Event::CoordinatorFailover { request: self.id, from, to });
        match told {
            Some(Some(frame)) if here => {
                self.send(&frame, lent);
            }
            Some(_) => self.expect_coordinator(lent.step.config.failover_after, lent.step.now.mono),
            // There are no signatures yet: the next coordinator tells them, when there are.
            None => {}
        }
    }
}
