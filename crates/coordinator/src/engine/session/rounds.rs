//! Rounds 0 to 2 (`docs/protocol.md` §7): commitments, nonces and partial signatures as they come, and what is made of them.

use std::sync::Arc;

use motet_core_crypto::Signature;
use motet_wire::{
    Attempt, AttemptId, Commitments, Evidence, NonceCommit, NonceShare, PartialSigShare, SignatureFinalized,
    SignerIndex, Validated,
};

use super::{Collecting, Placed, Session, SignedStatement, Source};
use crate::engine::deferred::Awaits;
use crate::engine::lent::{Consequence, Lent};
use crate::job::{Fault, Job};

impl Session {
    pub(crate) fn on_nonce_commit(
        &mut self,
        index: SignerIndex,
        message: &Validated<NonceCommit>,
        lent: &mut Lent<'_, '_>,
    ) {
        let NonceCommit { attempt, commitment, .. } = *message.message();
        // The first attempt's commitments are in the joins.
        if attempt == Attempt::FIRST || self.request.options.commitments == Commitments::Off {
            return;
        }
        match self.attempt.commits.place(index, SignedStatement::part_of(message, commitment)) {
            Some(Placed::New) => {
                self.advance(lent);
                // Its nonces may have been faster.
                lent.consequences.push(Consequence::Replay);
            }
            Some(Placed::Conflict(first)) => self.accuse_of_equivocation(first, message.frame(), lent),
            Some(Placed::Duplicate) | None => {}
        }
    }

    pub(crate) fn on_nonce_share(
        &mut self,
        index: SignerIndex,
        message: Validated<NonceShare>,
        lent: &mut Lent<'_, '_>,
    ) {
        let share = message.message();
        if share.nonces.len() != self.items.len() {
            return self.accuse_of_wrong_count(message.frame(), lent);
        }
        if self.request.options.commitments == Commitments::On {
            let Some(commit) = self.attempt.commits.at(index) else {
                // Its commitment is on the way: nobody is to be believed without one.
                let awaits = Awaits::Session(share.session);
                return lent.consequences.push(Consequence::Deferred(awaits, Box::new(message.widen())));
            };
            if !commit.body.opens(share.session.as_bytes(), u32::from(index.0), &share.nonces) {
                let commit = (share.attempt != Attempt::FIRST).then(|| commit.frame.to_vec());
                let Some(join) = self.join_of(message.frame()) else { return };
                let nonces = message.frame().to_vec();
                self.accuse(Evidence::BadOpening { join, commit, nonces }, lent);
                return;
            }
        }
        match self.attempt.nonces.place(index, SignedStatement::of(&message)) {
            Some(Placed::New) => self.take_contribution(index, Collecting::Nonces, lent),
            Some(Placed::Conflict(first)) => self.accuse_of_equivocation(first, message.frame(), lent),
            Some(Placed::Duplicate) | None => {}
        }
    }

    pub(crate) fn on_partial(
        &mut self,
        index: SignerIndex,
        message: &Validated<PartialSigShare>,
        lent: &mut Lent<'_, '_>,
    ) {
        if message.message().partials.len() != self.items.len() {
            return self.accuse_of_wrong_count(message.frame(), lent);
        }
        match self.attempt.partials.place(index, SignedStatement::of(message)) {
            Some(Placed::New) => self.take_contribution(index, Collecting::Partials, lent),
            Some(Placed::Conflict(first)) => self.accuse_of_equivocation(first, message.frame(), lent),
            Some(Placed::Duplicate) | None => {}
        }
    }

    /// Consequences of a contribution that has just come. One to a later phase is told of when that begins.
    fn take_contribution(&mut self, index: SignerIndex, to: Collecting, lent: &mut Lent<'_, '_>) {
        if self.collecting() == Some(to) {
            self.report_contributions(Some(index), lent.step);
        }
        self.advance(lent);
        self.settle_dispute(lent);
    }

    pub(crate) fn on_aggregated(
        &mut self,
        session: AttemptId,
        result: Result<Vec<Signature>, Fault>,
        lent: &mut Lent<'_, '_>,
    ) {
        if self.attempt.id != session {
            return;
        }
        match result {
            Ok(signatures) => self.take_signatures(session, signatures, Source::Own, lent),
            // It came after the end: somebody else may still make the signature.
            Err(_) if self.over().is_some() => {}
            Err(fault) => {
                let evidence = fault.culprits.first().and_then(|culprit| self.bad_partial(fault.item, *culprit));
                if !evidence.is_some_and(|evidence| self.accuse(evidence, lent)) {
                    self.try_next_attempt(lent);
                }
            }
        }
    }

    /// A participant says what the signatures are.
    pub(crate) fn on_finalized(&self, message: Validated<SignatureFinalized>, lent: &mut Lent<'_, '_>) {
        let attempt = message.message().session;
        let is_participant = self.is_from_member(message.sender(), message.from());
        let signatures = message.into_message().signatures;
        if is_participant && signatures.len() == self.items.len() {
            lent.step.compute(Job::VerifyFinal { session: attempt, items: Arc::clone(&self.items), signatures });
        }
    }
}
