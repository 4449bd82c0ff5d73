//! Steps of a session when something has been collected: the transitions between phases and attempts (`docs/protocol.md` §7).

use motet_wire::{Attempt, AttemptId, Commitments, SessionReady, SignatureFinalized};

use super::{
    AttemptState, Collecting, Completion, Dispute, Nonces, Outcome, Over, Session, SigningRound, StartedRounds, State,
};
use crate::engine::input::Reply;
use crate::engine::lent::{Consequence, Lent};
use crate::error::CommandError;
use crate::event::{Event, Phase, Round};

impl Session {
    /// Moves a session on as far as what it holds allows.
    pub(crate) fn advance(&mut self, lent: &mut Lent<'_, '_>) {
        if let Some(active) = self.active_mut() {
            active.moved_at = lent.step.now.mono;
        }
        loop {
            let attempt = &self.attempt;
            let round = Round { request: self.id, session: attempt.id, attempt: attempt.number };
            let commitments = self.request.options.commitments;
            let is_complete = self.awaiting().is_empty();
            if is_complete && let Some((collected, took)) = self.took(lent.step.now.mono) {
                lent.answers.note(collected, took);
            }
            match self.collecting() {
                Some(Collecting::Joins) if is_complete => self.start_rounds(lent),
                Some(Collecting::Commitments) if commitments == Commitments::Off => {
                    self.collect(Collecting::Nonces, lent.step);
                }
                Some(Collecting::Commitments) if is_complete => {
                    lent.step.emit(Event::SessionNonceCommitmentsComplete(round));
                    self.collect(Collecting::Nonces, lent.step);
                }
                Some(Collecting::Nonces) if is_complete => {
                    lent.step.emit(Event::SessionNoncesComplete(round));
                    self.collect(Collecting::Partials, lent.step);
                }
                Some(Collecting::Partials) if is_complete => {
                    lent.step.emit(Event::SessionPartialSigsComplete(round));
                    return self.aggregate(lent.step);
                }
                Some(
                    Collecting::Joins
                    | Collecting::Commitments
                    | Collecting::Nonces
                    | Collecting::Partials
                    | Collecting::Aggregating,
                ) => break,
                None => return,
            }
        }
        self.contribute(lent);
    }

    /// All have joined.
    fn start_rounds(&mut self, lent: &mut Lent<'_, '_>) {
        lent.consequences.push(Consequence::AllJoined);
        let (coordinator, first) = (self.coordinator(), self.attempt.id);
        if let State::Active(active) = &mut self.state {
            // Only who has missed a join waits for this, but everybody for our nonces: they come first.
            active.unsaid_ready = Some(first);
        }
        lent.step.emit(Event::CoordinatorElected { request: self.id, coordinator });
        lent.step.emit(Event::SessionReady { request: self.id, session: first, coordinator });
        self.send_spent(lent);
        self.collect(Collecting::Commitments, lent.step);
    }

    /// The coordinator's word that all have joined, with the joins, if they have.
    fn announce_ready(&mut self, first: AttemptId, lent: &mut Lent<'_, '_>) {
        let coordinator = self.coordinator();
        if let Some(signer) = self.locals.get(&coordinator).map(|local| local.signer) {
            let joins = self.joins.held().map(|(_, held)| held.frame.to_vec()).collect();
            let ready = SessionReady { request: self.id, session: first, coordinator, joins };
            if let Ok(sealed) = lent.seal(&signer, ready) {
                self.send(&sealed.frame, lent);
            }
        }
    }

    /// Says what could wait until nothing else does.
    pub(crate) fn say_unsaid(&mut self, lent: &mut Lent<'_, '_>) {
        match &mut self.state {
            State::Active(active) => {
                if let Some(first) = active.unsaid_ready.take() {
                    self.announce_ready(first, lent);
                }
            }
            State::Over(Over { outcome: Outcome::Signed(signed), .. }) => {
                if let Some(completion) = signed.unsaid.take() {
                    self.announce_signatures(completion, lent);
                }
            }
            State::Over(Over { outcome: Outcome::Aborted(_), .. }) => {}
        }
    }

    /// The signatures, signed by this node: told to all by the coordinator and by a node that learns them late, and to
    /// each node that asks by everybody.
    fn announce_signatures(&mut self, completion: Completion, lent: &mut Lent<'_, '_>) {
        self.seal_signatures(lent);
        let coordinates = self.locals.contains_key(&self.coordinator());
        if let Some(notice) = self.over().and_then(|over| over.notice.clone())
            && (coordinates || completion == Completion::Late)
        {
            self.send(&notice, lent);
        }
    }

    /// Makes the message with the signatures, for those that ask how the session ended.
    pub(crate) fn seal_signatures(&mut self, lent: &mut Lent<'_, '_>) {
        let Some(signed) = self.signed() else { return };
        let finalized = SignatureFinalized { session: signed.attempt, signatures: signed.signatures.clone() };
        let Some(signer) = self.locals.values().next().map(|local| local.signer) else { return };
        if let Ok(sealed) = lent.seal(&signer, finalized)
            && let State::Over(over) = &mut self.state
        {
            over.notice = Some(sealed.frame);
        }
    }

    /// Gives the current attempt up and begins the next, with fresh nonces; or ends the session.
    pub(crate) fn try_next_attempt(&mut self, lent: &mut Lent<'_, '_>) {
        match self.following_attempt() {
            Some(next) => self.begin_attempt(next, lent),
            None => self.give_up(lent),
        }
    }

    /// Begins an attempt. Nothing of an earlier one is used again.
    pub(crate) fn begin_attempt(&mut self, attempt: Attempt, lent: &mut Lent<'_, '_>) {
        let rounds = lent.step.config.rounds;
        self.forget_nonces(lent.step);
        let exposed = self.exposed_to(None);
        let State::Active(active) = &mut self.state else { return };
        active.may_complete.extend(exposed);
        active.rounds = StartedRounds::of_later_attempt(rounds);
        active.dispute = Dispute::None;
        self.attempt = AttemptState::new(&self.id, attempt, self.request.keys.len());
        for local in self.locals.values_mut() {
            local.nonces = Nonces::None;
        }
        self.collect(Collecting::Commitments, lent.step);
        self.advance(lent);
    }

    /// The command: lets a round start by hand.
    pub(crate) fn start_round(&mut self, round: SigningRound, lent: &mut Lent<'_, '_>) -> Result<Reply, CommandError> {
        match &mut self.state {
            State::Active(active) => active.rounds.start(round),
            State::Over(_) => return Err(CommandError::WrongPhase(self.phase())),
        }
        self.advance(lent);
        Ok(Reply::Done)
    }

    /// The command: begins the next attempt.
    pub(crate) fn try_again(&mut self, lent: &mut Lent<'_, '_>) -> Result<Reply, CommandError> {
        match self.phase() {
            Phase::Commitments | Phase::Nonces | Phase::Partials => {
                self.try_next_attempt(lent);
                Ok(Reply::Done)
            }
            phase @ (Phase::Joining | Phase::Complete | Phase::Aborted) => Err(CommandError::WrongPhase(phase)),
        }
    }
}
