//! Collections of a session: the change from one to the next, the events of each, and the aggregation of the last.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::PublicNonce;
use motet_wire::{Attempt, Evidence, MonotonicMs, SignerIndex, transcript};

use super::{Collecting, Session, State};
use crate::engine::ctx::Ctx;
use crate::event::{Contribution, Event, Round, TimedOut};
use crate::job::Job;

impl Session {
    /// Begins to collect something else: the time limit, and the events of what has come early.
    pub(crate) fn collect(&mut self, collecting: Collecting, ctx: &mut Ctx<'_>) {
        let config = ctx.config;
        let items = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        let limit = config.round_timeout.saturating_add(config.round_timeout_per_item.saturating_mul(items));
        let now = ctx.now.mono;
        let Some(active) = self.active_mut() else { return };
        active.collect(collecting, now, now.saturating_add(limit), now.saturating_add(config.sync_after));
        self.report_contributions(None, ctx);
    }

    /// The kind of contribution that has been collected, and how long that took: an answer time of the other signers. `None` if some of it had been lost and was
    /// asked for. Everything must be here.
    pub(crate) fn took(&self, now: MonotonicMs) -> Option<(Collecting, Duration)> {
        let active = self.active()?;
        let has_healed = match active.collecting {
            Collecting::Joins => self.joins.has_healed(),
            Collecting::Commitments => self.attempt.commits.has_healed(),
            Collecting::Nonces => self.attempt.nonces.has_healed(),
            Collecting::Partials => self.attempt.partials.has_healed(),
            Collecting::Aggregating => return None,
        };
        (!has_healed).then(|| (active.collecting, now.since(active.since)))
    }

    /// Emits the events of contributions, in the phase that they belong to: of one that has just come, or of all that
    /// came before their phase began.
    pub(crate) fn report_contributions(&self, new: Option<SignerIndex>, ctx: &mut Ctx<'_>) {
        let attempt = &self.attempt;
        let round = Round { request: self.id, session: attempt.id, attempt: attempt.number };
        let is_meant = |index: &SignerIndex| new.is_none_or(|new| new == *index);
        let (event, channels): (fn(Contribution) -> Event, Vec<_>) = match self.collecting() {
            Some(Collecting::Nonces) => {
                (Event::NonceReceived, attempt.nonces.held().map(|(i, held)| (i, held.channel)).collect())
            }
            Some(Collecting::Partials | Collecting::Aggregating) => {
                (Event::PartialSigReceived, attempt.partials.held().map(|(i, held)| (i, held.channel)).collect())
            }
            Some(Collecting::Joins | Collecting::Commitments) | None => return,
        };
        for (index, channel) in channels.into_iter().filter(|(index, _)| is_meant(index)) {
            ctx.emit(event(Contribution { round, index, channel }));
        }
    }

    /// Tells that what is being collected has not come in time, and which attempt follows, if one does.
    pub(crate) fn report_timeout(&self, next: Option<Attempt>, ctx: &mut Ctx<'_>) {
        let awaiting = self.awaiting();
        let signers = self.keys_of(&awaiting);
        let (request, attempt, phase) = (self.id, self.attempt.number, self.phase());
        ctx.emit(Event::SessionTimeout(TimedOut { request, attempt, phase, awaiting, signers, next }));
    }

    /// Makes signatures of the partial signatures, all of which are here.
    pub(crate) fn aggregate(&mut self, ctx: &mut Ctx<'_>) {
        let Some(nonces) = self.attempt.all_nonces() else { return };
        let partials: Vec<_> = self.attempt.partials.held().map(|(_, held)| held.body.partials.clone()).collect();
        if let State::Active(active) = &mut self.state {
            active.collecting = Collecting::Aggregating;
        }
        ctx.compute(Job::Aggregate {
            session: self.attempt.id,
            items: Arc::clone(&self.items),
            nonces: nonces.into(),
            partials: partials.into(),
            own: self.locals.keys().next().copied(),
        });
    }

    /// The evidence against a signer whose partial signature of an item fails under the nonces that it signed for.
    pub(crate) fn bad_partial(&self, item: usize, culprit: SignerIndex) -> Option<Evidence> {
        let nonces = self.attempt.all_nonces()?;
        let column = |item: usize| -> Option<Vec<[u8; 66]>> {
            nonces.iter().map(|signer| signer.get(item).map(PublicNonce::to_bytes)).collect()
        };
        let hashes = (0..self.items.len())
            .filter(|other| *other != item)
            .map(|other| Some(transcript::item_nonces(&self.attempt.id, other, &column(other)?)));
        Some(Evidence::BadPartialSignature {
            join: self.join_of(&self.attempt.partials.at(culprit)?.frame)?,
            terms: self.request.terms().ok()?,
            partials: self.attempt.partials.at(culprit)?.frame.to_vec(),
            item: u16::try_from(item).ok()?,
            item_nonces: column(item)?,
            other_items: hashes.collect::<Option<_>>()?,
        })
    }
}
