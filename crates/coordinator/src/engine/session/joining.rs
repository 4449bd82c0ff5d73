//! Joins are collected: approvals and refusals of this node's signers, and what the others say (`docs/protocol.md` §6, phase 3).

use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PublicKey};
use motet_wire::{
    Attempt, Channel, Commitments, ParticipantDeclined, ParticipantJoined, SessionReady, SignerIndex, Validated,
};

use super::{Answer, Collecting, Session, SignedStatement};
use crate::engine::identities::is_newer;
use crate::engine::input::{Effect, Reply};
use crate::engine::lent::{Consequence, Lent};
use crate::error::CommandError;
use crate::event::{AbortCause, Event, Participation, Phase};
use crate::limits;
use crate::proposal::ProposalDigest;
use crate::record::Record;

impl Session {
    /// Joins, if what was approved is what this session would sign.
    pub(crate) fn approve(&mut self, signer: &PublicKey, digest: ProposalDigest, lent: &mut Lent<'_, '_>) {
        if self.collecting() != Some(Collecting::Joins) || self.proposal(signer).digest() != digest {
            return;
        }
        let Some((index, local)) = self.locals.iter_mut().find(|(_, local)| local.signer == *signer) else { return };
        if local.answer != Answer::Asked {
            return;
        }
        let index = *index;
        local.answer = Answer::Approved(digest);
        let frame = Arc::clone(&self.frame);
        lent.step.persist(Record::Approved { request: self.id, signer: *signer, digest, frame });
        match self.request.options.commitments {
            // The join carries the commitment, so the nonces come first.
            Commitments::On => {
                self.make_nonces(index, lent.ledger, lent.step);
            }
            Commitments::Off => {
                self.join(index, None, lent);
                self.make_nonces(index, lent.ledger, lent.step);
            }
        }
    }

    /// Says to the other members that a signer of this node takes part.
    pub(crate) fn join(&mut self, index: SignerIndex, commitment: Option<NonceCommitment>, lent: &mut Lent<'_, '_>) {
        let Some(signer) = self.key(index).copied() else { return };
        let joined = lent.identities.delegation(&signer).map(|delegation| ParticipantJoined {
            request: self.id,
            index,
            delegation,
            commitment,
        });
        match joined.and_then(|joined| lent.seal(&signer, joined)) {
            Ok(sealed) => {
                self.say(&sealed.frame, lent);
            }
            Err(error) => self.fail(AbortCause::Internal(error.to_string()), lent),
        }
    }

    /// The command: approve what the session is about, whatever the policy is still thinking.
    pub(crate) fn join_by_command(
        &mut self,
        signer: &PublicKey,
        lent: &mut Lent<'_, '_>,
    ) -> Result<Reply, CommandError> {
        if !self.locals.values().any(|local| local.signer == *signer) {
            return Err(CommandError::UnknownSigner(*signer));
        }
        if self.collecting() != Some(Collecting::Joins) {
            return Err(CommandError::WrongPhase(self.phase()));
        }
        let digest = self.proposal(signer).digest();
        self.approve(signer, digest, lent);
        Ok(Reply::Done)
    }

    pub(crate) fn decline(
        &mut self,
        signer: &PublicKey,
        reason: String,
        lent: &mut Lent<'_, '_>,
    ) -> Result<Reply, CommandError> {
        if self.collecting() != Some(Collecting::Joins) {
            return Err(CommandError::WrongPhase(self.phase()));
        }
        let found = self.locals.iter_mut().find(|(_, local)| local.signer == *signer);
        let (index, local) = found.ok_or(CommandError::UnknownSigner(*signer))?;
        let index = *index;
        if local.answer != Answer::Asked {
            return Err(CommandError::WrongPhase(Phase::Joining));
        }
        local.answer = Answer::Declined;
        let frame = lent.seal_decline(&self.id, index, signer, reason)?;
        self.send(&frame, lent);
        Ok(Reply::Done)
    }

    /// Ends a request that nobody here has approved, and tells the others, who need not wait for it.
    pub(crate) fn make_way(&mut self, lent: &mut Lent<'_, '_>) {
        let asked = self.locals.iter().find(|(_, local)| local.answer == Answer::Asked);
        if let Some((index, signer)) = asked.map(|(index, local)| (*index, local.signer)) {
            let reason = "too many requests wait for an answer here; ask again later".to_owned();
            if let Ok(frame) = lent.seal_decline(&self.id, index, &signer, reason) {
                self.send(&frame, lent);
            }
        }
        self.finish(None, AbortCause::Crowded, lent);
    }

    pub(crate) fn on_joined(&mut self, message: Validated<ParticipantJoined>, lent: &mut Lent<'_, '_>) {
        let own = lent.identities.is_own(message.sender());
        let join = message.message();
        let (index, peer) = (join.index, join.delegation.peer);
        let before = self.route_to(index, lent.directory).map(|(peer, _)| peer);
        let wants_commitment = self.request.options.commitments == Commitments::On;
        if self.key(index) != Some(&join.delegation.signer) {
            return;
        }
        if join.commitment.is_some() != wants_commitment {
            return self.accuse_of_wrong_join(message.frame(), lent);
        }
        if let Some((_, known)) = self.message_keys.get(message.sender()) {
            if known.body != *join && self.active().is_some() {
                let first = Arc::clone(&known.frame);
                self.accuse_of_equivocation(first, message.frame(), lent);
            }
            return;
        }
        let newest = self.joins.at(index).map(|held| held.body.delegation.clone());
        if self.joins_of(index).count() >= limits::MESSAGE_KEYS_PER_SLOT {
            return;
        }
        let participation = Participation {
            request: self.id,
            signer: join.delegation.signer,
            index,
            peer: join.delegation.peer,
            channel: message.channel(),
        };
        self.message_keys.insert(*message.sender(), (index, SignedStatement::of(&message)));
        self.unlisted.push((*message.sender(), index));
        if self.over().is_some() {
            // The join of an earlier process tells nothing new.
            if newest.is_none_or(|newest| is_newer(&join.delegation, &newest)) {
                self.joins.replace(index, SignedStatement::of(&message));
                self.introduce(index, peer, before, lent);
                self.on_returned(&join.delegation, lent);
            }
            if own {
                // The session has been taken up for joins that have waited: now there is a voice to answer them.
                lent.consequences.push(Consequence::Replay);
            }
            return;
        }
        match newest {
            None => {
                if let Some(body) = join.commitment.filter(|_| self.attempt.number == Attempt::FIRST) {
                    self.attempt.commits.place(index, SignedStatement::part_of(&message, body));
                }
                self.joins.place(index, SignedStatement::of(&message));
                if own {
                    lent.step.emit(Event::SigningRequestJoined(participation.clone()));
                }
                lent.step.emit(Event::ParticipantJoined(participation));
                if own {
                    self.ask_creator(lent);
                }
                self.introduce(index, peer, before, lent);
                self.advance(lent);
            }
            Some(newest) if is_newer(&join.delegation, &newest) => {
                self.joins.replace(index, SignedStatement::of(&message));
                self.introduce(index, peer, before, lent);
                self.on_returned(&join.delegation, lent);
            }
            // A later process of our signer was faster.
            Some(newest) if own => self.on_returned(&newest, lent),
            // An earlier process of the signer: what it said before counts, and it says nothing more.
            Some(_) => self.introduce(index, peer, before, lent),
        }
        lent.consequences.push(Consequence::Replay);
    }

    pub(crate) fn on_declined(&mut self, message: Validated<ParticipantDeclined>, lent: &mut Lent<'_, '_>) {
        let index = message.message().index;
        let signer = message.message().delegation.signer;
        if self.key(index) != Some(&signer) || self.joins.at(index).is_some() {
            return;
        }
        let channel = message.channel();
        let frame = Arc::clone(message.frame());
        let ParticipantDeclined { delegation, reason, .. } = message.into_message();
        let participation = Participation { request: self.id, signer, index, peer: delegation.peer, channel };
        lent.step.emit(Event::ParticipantDeclined { participation, reason: reason.clone() });
        if channel != Channel::Own {
            self.pass_on_end(&frame, lent);
        }
        self.finish(Some(frame), AbortCause::Refused { by: index, signer, detail: reason }, lent);
    }

    pub(crate) fn on_session_ready(&mut self, message: Validated<SessionReady>, lent: &mut Lent<'_, '_>) {
        // Whoever hands a SessionReady on cannot know whether the joins in it are sound: its author answers for them, and
        // must be known for that.
        let author = self.slot_of(message.sender()).and_then(|index| self.peer_of(index)).copied();
        let from = author.unwrap_or(*message.from());
        let SessionReady { joins, .. } = message.into_message();
        // Only what is missing or differs is worth a look; every join is believed for its own signature.
        let frames: Vec<Arc<[u8]>> = joins
            .into_iter()
            .filter(|frame| !self.joins.held().any(|(_, held)| held.frame.as_ref() == frame.as_slice()))
            .map(Arc::from)
            .collect();
        if !frames.is_empty() {
            lent.step.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        }
    }
}
