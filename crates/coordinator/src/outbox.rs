//! The way out of a node, without I/O: which records are stored together, which effects leave when, and which never do
//! (`docs/protocol.md` §7.1, §10).
//!
//! An effect leaves when the records of its own transition and of all transitions before it are durable. When the store
//! refuses records, the effects of their transitions do not happen. The engine may have made more meanwhile, and that may
//! follow from what is not stored: no frame of a transition leaves that the engine made before it knew of the refusal.

use std::collections::VecDeque;
use std::sync::Arc;

use motet_wire::MonotonicMs;

use crate::engine::{Effect, Input, Transition};
use crate::error::CommandError;
use crate::limits;
use crate::record::{Record, StoreError};

/// The transitions of one engine on their way out. A driver hands in every transition with [`Outbox::push`], commits what
/// [`Outbox::next_commit`] hands out, and carries out what [`Outbox::pop`] hands out.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Transitions that wait for their own records, or for those of a transition before them.
    waiting: VecDeque<Transition>,
    commit: Option<Commit>,
    /// How often the store has refused a commit.
    refusals: u64,
    due: VecDeque<Effect>,
    /// Frames that are held back, in their order, each with the time at which it may leave.
    held: VecDeque<(MonotonicMs, Effect)>,
}

/// A commit that is under way.
#[derive(Debug)]
struct Commit {
    records: Arc<[Record]>,
    /// How many of the first transitions it is for.
    transitions: usize,
}

/// What follows when a store refuses a commit.
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
        if !transition.records.is_empty() || !transition.effects.is_empty() {
            self.waiting.push_back(transition);
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
            self.waiting.iter_mut().flat_map(|transition| transition.records.iter().cloned()).collect();
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
        }
        let mut dropped = Vec::new();
        for _ in 0..transitions {
            let Some(transition) = self.waiting.pop_front() else { break };
            match &refused {
                Some(error) if !transition.records.is_empty() => self.refuse(transition, error, &mut dropped),
                Some(_) | None => self.release(transition, now),
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

    /// When [`Outbox::pop`] has something again, if nothing else happens.
    pub fn next_due(&self) -> Option<MonotonicMs> {
        match self.due.front() {
            Some(_) => Some(MonotonicMs(0)),
            None => self.held.front().map(|(until, _)| *until),
        }
    }

    /// How many transitions wait for the store.
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
            let free = |transition: &mut Transition| transition.records.is_empty();
            let Some(transition) = self.waiting.pop_front_if(free) else { return };
            self.release(transition, now);
        }
    }

    fn release(&mut self, transition: Transition, now: MonotonicMs) {
        // A frame that is not sent is asked for by the peer that misses it.
        let is_unfounded = transition.known_refusals < self.refusals;
        let mut until = self.held.back().map(|(until, _)| *until);
        for effect in transition.effects {
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

    fn refuse(&mut self, transition: Transition, error: &StoreError, dropped: &mut Vec<Effect>) {
        for effect in transition.effects {
            if let Effect::Reply(command, _) = &effect {
                self.due.push_back(Effect::Reply(*command, Err(CommandError::Store(error.clone()))));
            }
            dropped.push(effect);
        }
    }
}

#[cfg(test)]
mod tests;
