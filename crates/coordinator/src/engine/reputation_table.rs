//! The reputation of signers, as sessions teach it, and its effects (`docs/protocol.md` §10).

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wire::{SigningRequest, TimestampMs};

use super::ctx::Ctx;
use super::identities::Identities;
use crate::event::{AbortCause, Phase};
use crate::limits;
use crate::record::Record;
use crate::reputation::{Observation, Score, Standing};

/// The standings of signers of whom something is known.
#[derive(Debug, Default)]
pub(super) struct ReputationTable {
    known: BTreeMap<PublicKey, Standing>,
}

impl ReputationTable {
    pub(super) fn new(known: &[(PublicKey, Standing)]) -> Self {
        Self { known: known.iter().copied().collect() }
    }

    pub(super) fn score(&self, signer: &PublicKey, now: TimestampMs) -> Score {
        self.known.get(signer).copied().unwrap_or_default().score(now)
    }

    pub(super) fn is_blocked(&self, signer: &PublicKey, now: TimestampMs) -> bool {
        self.known.get(signer).is_some_and(|standing| standing.is_blocked(now))
    }

    /// True for a contact, and for a signer that has completed sessions which this node asked for and has done little else.
    pub(super) fn is_known(&self, signer: &PublicKey, ctx: &Ctx<'_>) -> bool {
        ctx.config.contacts.contains(signer) || self.score(signer, ctx.now.wall).get() > 0
    }

    /// Remembers what a signer did. Of as many signers as there is room for, the one with the most ordinary score goes.
    fn note(&mut self, signer: &PublicKey, deed: Observation, ctx: &mut Ctx<'_>) {
        let now = ctx.now.wall;
        let known = &mut self.known;
        let standing = known.get(signer).copied().unwrap_or_default().after(deed, now);
        if !known.contains_key(signer) && known.len() >= limits::STANDINGS {
            let ordinary = known.iter().min_by_key(|(_, standing)| standing.score(now).get().unsigned_abs());
            if let Some(ordinary) = ordinary.map(|(signer, _)| *signer) {
                known.remove(&ordinary);
                ctx.persist(Record::Standing { signer: ordinary, standing: None });
            }
        }
        known.insert(*signer, standing);
        ctx.persist(Record::Standing { signer: *signer, standing: Some(standing) });
    }

    /// A request has its signatures: if this node has asked for them, the signers that it chose did what it hoped for.
    pub(super) fn note_completion(&mut self, request: &SigningRequest, identities: &Identities, ctx: &mut Ctx<'_>) {
        if !identities.contains_key(&request.creator.signer) {
            return;
        }
        for signer in request.keys.iter().filter(|key| !identities.contains_key(key)) {
            self.note(signer, Observation::Completed, ctx);
        }
    }

    /// A participant has ended a session in this phase, which costs it something if the session had begun, unless it is the one that
    /// has asked.
    pub(super) fn note_spoiled(
        &mut self,
        request: &SigningRequest,
        phase: Phase,
        signer: &PublicKey,
        identities: &Identities,
        ctx: &mut Ctx<'_>,
    ) {
        let asked = request.creator.signer == *signer;
        if phase != Phase::Joining && !asked && !identities.contains_key(signer) {
            self.note(signer, Observation::Spoiled, ctx);
        }
    }

    /// A message key that this signer has certified has signed what is no message.
    pub(super) fn note_malformed(&mut self, signer: &PublicKey, identities: &Identities, ctx: &mut Ctx<'_>) {
        if !identities.contains_key(signer) {
            self.note(signer, Observation::Malformed, ctx);
        }
    }

    /// A session has ended without signatures. `was_asked` is true if the silent signers were asked for what they owed: silence
    /// counts only then, since there were two paths at least.
    pub(super) fn note_failure(
        &mut self,
        cause: &AbortCause,
        was_asked: bool,
        identities: &Identities,
        ctx: &mut Ctx<'_>,
    ) {
        match cause {
            AbortCause::Convicted { culprit, .. } => self.note(culprit, Observation::Convicted, ctx),
            AbortCause::Unresponsive { signers, .. } => {
                for signer in signers.iter().filter(|signer| was_asked && !identities.contains_key(signer)) {
                    self.note(signer, Observation::Unresponsive, ctx);
                }
            }
            AbortCause::Cancelled
            | AbortCause::Refused { .. }
            | AbortCause::Expired
            | AbortCause::Crowded
            | AbortCause::Superseded { .. }
            | AbortCause::Internal(_) => {}
        }
    }
}
