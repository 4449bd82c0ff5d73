//! The way out of a node, without I/O: which records are stored together, which effects leave when, and which never do
//! (`docs/protocol.md` §7.1, §10).
//!
//! An effect leaves when the records of its own transition and of all transitions before it are durable. When the store
//! refuses records, the effects of their transitions do not happen. The engine may have made more meanwhile, and that may
//! follow from what is not stored: no frame of a transition leaves that the engine made before it knew of the refusal, no
//! signer signs in a session whose records were refused, and no event is told of a request whose announcement was refused.
//! Signatures that an earlier process has stored are told, whatever else is refused.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use motet_wire::{MonotonicMs, RequestId};

use crate::engine::{Effect, Input, Transition};
use crate::error::CommandError;
use crate::event::Event;
use crate::limits;
use crate::record::{Record, StoreError};

/// The transitions of one engine on their way out. A driver hands in every transition with [`Outbox::push`], commits what
/// [`Outbox::next_commit`] hands out, and carries out what [`Outbox::pop`] hands out.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Transitions that wait for their own records, or for those of a transition before them.
    waiting: VecDeque<Waiting>,
    commit: Option<Commit>,
    /// Number of commits that the store has refused.
    refusals: u64,
    /// The requests whose records were refused, until the engine knows of it and ends their sessions.
    refused: BTreeSet<RequestId>,
    /// Those of them whose announcement was refused: nobody has heard of them.
    unannounced: BTreeSet<RequestId>,
    due: VecDeque<Effect>,
    /// Frames that are held back, in their order, each with the time at which it may leave.
    held: VecDeque<(MonotonicMs, Effect)>,
}

/// A transition that waits.
#[derive(Debug)]
struct Waiting {
    /// Its records, until they are committed.
    records: Vec<Record>,
    /// True if it has or had records.
    stores: bool,
    effects: Vec<Effect>,
    known_refusals: u64,
}

/// A commit that is under way.
#[derive(Debug)]
struct Commit {
    records: Arc<[Record]>,
    /// Number of the first transitions that it is for.
    transitions: usize,
}

/// Consequences of a refused commit.
#[derive(Debug)]
#[must_use = "the engine has to hear of it"]
pub struct Refusal {
    /// The engine has to be given this. Until it has it, no frame leaves that the engine makes.
    pub input: Input,
    /// Effects that will not happen. Commands among them are answered with [`CommandError::Store`] instead.
    pub dropped: Vec<Effect>,
}

impl Outbox {
    /// An outbox in which nothing waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next transition of the engine. If it has no records and nothing is waiting in front of it, [`Outbox::pop`]
    /// has its effects right away.
    pub fn push(&mut self, transition: Transition, now: MonotonicMs) {
        let Transition { records, effects, known_refusals, sealed: _ } = transition;
        if !records.is_empty() || !effects.is_empty() {
            self.waiting.push_back(Waiting { stores: !records.is_empty(), records, effects, known_refusals });
            self.release_free(now);
        }
    }

    /// The records of all transitions that wait, to be made durable in one commit, all or none. None if there are no
    /// records, or if another commit is under way.
    pub fn next_commit(&mut self) -> Option<Arc<[Record]>> {
        if self.commit.is_some() || self.waiting.is_empty() {
            return None;
        }
        let records: Arc<[Record]> =
            self.waiting.iter_mut().flat_map(|waiting| core::mem::take(&mut waiting.records)).collect();
        self.commit = Some(Commit { records: Arc::clone(&records), transitions: self.waiting.len() });
        Some(records)
    }

    /// The records whose commit is under way.
    pub fn committing(&self) -> Option<&Arc<[Record]>> {
        self.commit.as_ref().map(|commit| &commit.records)
    }

    /// Takes how the commit has ended that is under way: the effects that waited for it may leave, or never will.
    pub fn on_committed(&mut self, result: Result<(), StoreError>, now: MonotonicMs) -> Option<Refusal> {
        let Commit { records, transitions } = self.commit.take()?;
        let refused = result.err();
        if refused.is_some() {
            self.refusals = self.refusals.saturating_add(1);
            self.refused.extend(records.iter().filter(|record| record.carries_session()).filter_map(Record::request));
        }
        let mut dropped = Vec::new();
        for _ in 0..transitions {
            let Some(waiting) = self.waiting.pop_front() else { break };
            match &refused {
                Some(error) if waiting.stores => self.refuse(waiting, error, &mut dropped),
                Some(_) | None => self.release(waiting, now),
            }
        }
        self.release_free(now);
        let detail = refused?.to_string();
        Some(Refusal { input: Input::PersistFailed { records: records.to_vec(), detail }, dropped })
    }

    /// The next effect that may be carried out now.
    pub fn pop(&mut self, now: MonotonicMs) -> Option<Effect> {
        // What is held back was made later than what is due.
        if let Some(effect) = self.due.pop_front() {
            return Some(effect);
        }
        self.held.pop_front_if(|(until, _)| *until <= now).map(|(_, effect)| effect)
    }

    /// Time at which [`Outbox::pop`] has something again, if nothing else happens.
    pub fn next_due(&self) -> Option<MonotonicMs> {
        match self.due.front() {
            Some(_) => Some(MonotonicMs(0)),
            None => self.held.front().map(|(until, _)| *until),
        }
    }

    /// Number of transitions that wait for the store.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// All effects that have not been carried out, of a node that is no more.
    pub fn into_effects(self) -> impl Iterator<Item = Effect> {
        let waiting = self.waiting.into_iter().flat_map(|transition| transition.effects);
        self.due.into_iter().chain(self.held.into_iter().map(|(_, effect)| effect)).chain(waiting)
    }

    /// Releases the first transitions, up to one with records.
    fn release_free(&mut self, now: MonotonicMs) {
        while self.commit.is_none() {
            let Some(free) = self.waiting.pop_front_if(|waiting| !waiting.stores) else { return };
            self.release(free, now);
        }
    }

    fn release(&mut self, waiting: Waiting, now: MonotonicMs) {
        // A frame that is not sent is asked for by the peer that misses it.
        let is_unfounded = waiting.known_refusals < self.refusals;
        if !is_unfounded {
            // Transitions are released in their order: none is left that was made in ignorance.
            self.refused.clear();
            self.unannounced.clear();
        }
        let mut until = self.held.back().map(|(until, _)| *until);
        for effect in waiting.effects {
            if is_unfounded && self.is_baseless(&effect) {
                continue;
            }
            // The order of frames stays, also if an earlier transition holds its own back for longer.
            if let Effect::Hold(time) = effect {
                until = until.max(Some(now.saturating_add(time)));
            } else if !effect.leaves_node() {
                self.due.push_back(effect);
            } else if !is_unfounded {
                match until {
                    Some(until) => self.held.push_back((until, effect)),
                    None => self.due.push_back(effect),
                }
            }
        }
        let excess = self.held.len().saturating_sub(limits::HELD);
        self.due.extend(self.held.drain(..excess).map(|(_, effect)| effect));
    }

    /// True if an effect follows from refused records of its own session: a signature that a signer is asked for, and an event
    /// of a request that was not announced. The engine ends that session as soon as it knows.
    fn is_baseless(&self, effect: &Effect) -> bool {
        match effect {
            Effect::AskSigner(task) => task.request().is_some_and(|request| self.refused.contains(request)),
            Effect::Emit(event, _) => event.request().is_some_and(|request| self.unannounced.contains(request)),
            Effect::Hold(_)
            | Effect::Broadcast { .. }
            | Effect::Send { .. }
            | Effect::Publish { .. }
            | Effect::LookUp { .. }
            | Effect::Subscribe(_)
            | Effect::Validate { .. }
            | Effect::Compute(_)
            | Effect::AskPolicy(_)
            | Effect::Reply(..) => false,
        }
    }

    fn refuse(&mut self, waiting: Waiting, error: &StoreError, dropped: &mut Vec<Effect>) {
        for effect in waiting.effects {
            match &effect {
                Effect::Reply(command, _) => {
                    self.due.push_back(Effect::Reply(*command, Err(CommandError::Store(error.clone()))));
                }
                Effect::Emit(Event::SigningRequestCreated(requested), _) => {
                    self.unannounced.insert(requested.id);
                }
                // They are stored since an earlier process, which has perhaps not told them.
                Effect::Emit(Event::SessionComplete(completed), _) if !self.refused.contains(&completed.request) => {
                    self.due.push_back(effect);
                    continue;
                }
                Effect::Emit(..)
                | Effect::Hold(_)
                | Effect::Broadcast { .. }
                | Effect::Send { .. }
                | Effect::Publish { .. }
                | Effect::LookUp { .. }
                | Effect::Subscribe(_)
                | Effect::Validate { .. }
                | Effect::AskSigner(_)
                | Effect::Compute(_)
                | Effect::AskPolicy(_) => {}
            }
            dropped.push(effect);
        }
    }
}

#[cfg(test)]
mod tests;
