//! Requests that wait for the decision of this node's user: how many there may be at a time, and which of them makes room
//! (`docs/protocol.md` §10).
//!
//! A place is taken by a request that the policy has been asked about. It is free again when the user has answered. A request that
//! ends without an answer keeps its place for a while, so that nobody asks more often by taking requests back.

use core::cmp::Reverse;
use std::collections::BTreeMap;

use motet_wire::{Channel, MonotonicMs, NetworkGroup, PeerId, RequestId, SigningRequest, Validated, work};

use super::ctx::Ctx;
use super::session::Answer;
use super::sessions::Sessions;
use crate::limits;

/// Rank of a request among those that wait to be looked at: first that its creator is known, then its proof of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    is_known: bool,
    bits: u8,
}

impl Worth {
    /// True if it takes the place of a request that is worth so much: chance alone makes a stamp twice as good.
    fn is_dearer_than(self, other: Self) -> bool {
        (self.is_known && !other.is_known)
            || (self.is_known == other.is_known && self.bits >= other.bits.saturating_add(limits::DEARER_BITS))
    }
}

/// A request that waits for a decision, or has ended without one.
#[derive(Debug, Clone, Copy)]
struct Prompt {
    worth: Worth,
    /// The peer that has delivered it, and the group of that peer's connection; none, if this node has looked for it.
    origin: Option<(PeerId, NetworkGroup)>,
    asked: MonotonicMs,
}

/// The places for requests that wait for a decision.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    taken: BTreeMap<RequestId, Prompt>,
}

impl Prompts {
    /// Frees the places of requests that have been answered, or that have ended long enough ago.
    fn settle(&mut self, sessions: &Sessions, now: MonotonicMs) {
        self.taken.retain(|id, _| {
            let Some(session) = sessions.get(id) else { return false };
            let waits = session.locals.values().all(|local| local.answer == Answer::Asked);
            waits && session.over().is_none_or(|over| now.since(over.at) < limits::PROMPT_REST)
        });
    }

    /// Why there is no room for another request from there, if there is none.
    fn refusal(&self, prompt: &Prompt) -> Option<&'static str> {
        let (peer, group) = prompt.origin.filter(|_| !prompt.worth.is_known)?;
        let origins = || self.taken.values().filter_map(|other| other.origin);
        if origins().filter(|(other, _)| *other == peer).count() >= limits::PROMPTS_PER_PEER {
            return Some("too many requests from your peer wait for an answer here; ask again later");
        }
        let of_group = origins().filter(|(_, other)| *other == group).count();
        let is_full = group != NetworkGroup::Local && of_group >= limits::PROMPTS_PER_GROUP;
        is_full.then_some("too many requests from your network wait for an answer here; ask again later")
    }

    /// The request that makes room first: the one that is worth least, and of those the newest.
    fn cheapest(&self, sessions: &Sessions) -> Option<(RequestId, Worth)> {
        let waiting =
            self.taken.iter().filter(|(id, _)| sessions.get(id).is_some_and(|session| session.active().is_some()));
        let cheapest = waiting.min_by_key(|(id, prompt)| (prompt.worth, Reverse(prompt.asked), **id));
        cheapest.map(|(id, prompt)| (*id, prompt.worth))
    }

    /// Takes a place for a request that the policy is to be asked about. If all are taken, the cheapest request makes room for one that
    /// is dearer, and for no other: the caller ends the request that is returned.
    ///
    /// # Errors
    ///
    /// Why there is no place, in words for the creator.
    pub(super) fn take_place(
        &mut self,
        message: &Validated<SigningRequest>,
        is_known: bool,
        sessions: &Sessions,
        ctx: &Ctx<'_>,
    ) -> Result<Option<RequestId>, &'static str> {
        let request = message.message();
        let Ok(id) = request.id(ctx.network) else { return Ok(None) };
        let claim = work::claim_of_request(ctx.network, request).ok();
        let bits = claim.zip(request.work).map_or(0, |(claim, work)| work::worth(&claim, &work).0);
        let comes_by_itself = matches!(message.channel(), Channel::Gossip | Channel::Direct);
        let origin = comes_by_itself.then(|| (*message.from(), message.group()));
        let prompt = Prompt { worth: Worth { is_known, bits }, origin, asked: ctx.now.mono };
        self.settle(sessions, ctx.now.mono);
        if let Some(refusal) = self.refusal(&prompt) {
            return Err(refusal);
        }
        let mut makes_way = None;
        if self.taken.len() >= limits::UNAPPROVED_REQUESTS {
            let cheapest = self.cheapest(sessions).filter(|(_, worth)| prompt.worth.is_dearer_than(*worth));
            let Some((cheapest, _)) = cheapest else {
                return Err("too many requests wait for an answer here; ask again later");
            };
            self.taken.remove(&cheapest);
            makes_way = Some(cheapest);
        }
        self.taken.insert(id, prompt);
        Ok(makes_way)
    }
}
