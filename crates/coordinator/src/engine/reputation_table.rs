//! What sessions teach about signers, and what follows from it (`docs/protocol.md` §10).

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wire::{RequestId, TimestampMs};

use super::Engine;
use super::ctx::Ctx;
use super::session::Session;
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
}

impl Engine {
    /// True for a contact, and for a signer that has completed sessions which this node asked for and has done little else.
    pub(super) fn is_known(&self, signer: &PublicKey, now: TimestampMs) -> bool {
        self.config.contacts.contains(signer) || self.conduct.score(signer, now).get() > 0
    }

    /// Remembers what a signer did. Of as many signers as there is room for, the one with the most ordinary score goes.
    fn note(&mut self, signer: &PublicKey, deed: Observation, ctx: &mut Ctx<'_>) {
        let now = ctx.now.wall;
        let known = &mut self.conduct.known;
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

    /// A session has its signatures: whoever we chose for it did what we hoped for.
    pub(super) fn note_completion(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        if !self.identities.contains_key(&session.request.creator.signer) {
            return;
        }
        let others: Vec<PublicKey> =
            session.request.keys.iter().filter(|key| !self.identities.contains_key(key)).copied().collect();
        for signer in others {
            self.note(&signer, Observation::Completed, ctx);
        }
    }

    /// A participant has ended a session that had begun, which costs it something unless it is the one that has asked.
    pub(super) fn note_spoiled(&mut self, id: &RequestId, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let asked = session.request.creator.signer == *signer;
        if session.phase() != Phase::Joining && !asked && !self.identities.contains_key(signer) {
            self.note(signer, Observation::Spoiled, ctx);
        }
    }

    /// A message key has signed what is no message. It costs the signer that has certified the key, if it is known which that
    /// is: by its own certificate, in a join or in its newest advertisement.
    pub(super) fn note_malformed(&mut self, sender: &PublicKey, ctx: &mut Ctx<'_>) {
        let joined =
            self.sessions.of_message_key(sender).find_map(|session| session.key(session.slot_of(sender)?).copied());
        let signer = joined.or_else(|| self.directory.certifier_of(sender));
        if let Some(signer) = signer.filter(|signer| !self.identities.contains_key(signer)) {
            self.note(&signer, Observation::Malformed, ctx);
        }
    }

    /// A session has ended without signatures.
    pub(super) fn note_failure(&mut self, id: &RequestId, cause: &AbortCause, ctx: &mut Ctx<'_>) {
        match cause {
            AbortCause::Convicted { culprit, .. } => self.note(culprit, Observation::Convicted, ctx),
            AbortCause::Unresponsive { signers, .. } => {
                // Silence counts only after the others were asked as well: two paths, at least.
                let asked = self.sessions.get(id).is_some_and(Session::has_asked);
                let foreign = signers.iter().filter(|signer| asked && !self.identities.contains_key(signer));
                for signer in foreign.copied().collect::<Vec<_>>() {
                    self.note(&signer, Observation::Unresponsive, ctx);
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
