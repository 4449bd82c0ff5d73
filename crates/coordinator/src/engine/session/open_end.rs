//! Sessions that have ended here without signatures and that others may still complete (`docs/protocol.md` §7.5).
//!
//! A partial signature that has left cannot be called back. A signer that has those of all others can make the signature at
//! any time, hours later too, so a node that has given up goes on listening and asking: what comes late is verified, stored,
//! told to the user and handed on to all members.

use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, PartialSigShare, SignerIndex, Validated};

use super::{Local, Outcome, Over, Placed, Session, SignedStatement, State, SyncTimer};
use crate::engine::ledger::Ledger;
use crate::engine::lent::Lent;

/// Largest number of times that the pause between two questions about a late completion is doubled.
const DOUBLINGS: u32 = 12;

impl Session {
    /// True if it has ended here without signatures, and others may still complete it.
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

    /// Goes on listening after the end.
    pub(crate) fn wait_for_completion(&mut self, lent: &mut Lent<'_, '_>) {
        let sync_after = lent.step.config.sync_after;
        if let Some(aborted) = self.aborted_mut() {
            aborted.sync = SyncTimer::first(lent.step.now.mono.saturating_add(sync_after));
        }
    }

    /// Asks the others whether they have completed what this node has given up.
    pub(crate) fn ask_for_completion(&mut self, lent: &mut Lent<'_, '_>) {
        let sync_after = lent.step.config.sync_after;
        let Some(aborted) = self.aborted_mut() else { return };
        aborted.sync.ask(lent.step.now.mono, sync_after, DOUBLINGS);
        self.ask_for_missing(lent);
    }

    /// True if an earlier process has stored partial signatures of all signers of this node for an attempt before this one.
    /// Which of the others' had come then is not known any more: each of them may complete that attempt.
    pub(crate) fn has_signed_before(&self, attempt: Attempt, ledger: &Ledger) -> bool {
        let has_spent = |earlier, local: &Local| ledger.spent_in(&self.id, earlier, &local.signer).is_some();
        let all = |earlier| self.locals.values().all(|local| has_spent(earlier, local));
        ledger.spent_attempts(&self.id).any(|earlier| earlier < attempt && all(earlier))
    }

    /// Takes a partial signature that comes after the end. With those of all others it is a signature.
    pub(crate) fn on_late_partial(
        &mut self,
        index: SignerIndex,
        message: &Validated<PartialSigShare>,
        lent: &mut Lent<'_, '_>,
    ) {
        let fits = message.message().partials.len() == self.items.len();
        if !fits || !matches!(self.attempt.partials.place(index, SignedStatement::of(message)), Some(Placed::New)) {
            return;
        }
        // It was the last, so that this is asked once for each attempt.
        if self.attempt.lacks_partials_of().is_empty() {
            self.aggregate(lent.step);
        }
    }
}
