//! Announcements that have come a moment ago, and copies of them by gossip.
//!
//! A copy is a replay, and says nothing new. But gossip hands it on only with a good verdict, and a frame on two topics, or one that came
//! directly before, has subscribers that hear no other copy. So a copy shares the verdict on the first.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use motet_core_crypto::tagged_hash;
use motet_net::ReportToken;
use motet_wire::{MonotonicMs, Verdict};

use crate::limits;

/// Time for which a proven frame is handed on again: gossip itself knows its copies for a minute. Without an end, old frames could be sent
/// round and round.
const LASTS: Duration = Duration::from_secs(60);

/// The name of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Echo([u8; 32]);

impl Echo {
    pub(super) fn of(frame: &[u8]) -> Self {
        Self(tagged_hash("motet/echo/v1", &[frame]))
    }
}

/// The state of a frame.
#[derive(Debug)]
enum State {
    /// Its signatures are being checked; copies wait for the verdict.
    InFlight(Vec<ReportToken>),
    /// It has been proven.
    Proven(MonotonicMs),
}

/// Frames of announcements, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    states: HashMap<Echo, State>,
    order: VecDeque<Echo>,
}

impl Echoes {
    /// A frame is being checked.
    pub(super) fn begin(&mut self, echo: Echo) {
        if self.states.insert(echo, State::InFlight(Vec::new())).is_none() {
            self.order.push_back(echo);
        }
        if self.order.len() > limits::ECHOES
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
    }

    /// A frame has been checked. Returns the copies that share its verdict.
    pub(super) fn end(&mut self, echo: Echo, verdict: Verdict, now: MonotonicMs) -> Vec<ReportToken> {
        let Some(state) = self.states.get_mut(&echo) else { return Vec::new() };
        let waiting = match core::mem::replace(state, State::Proven(now)) {
            State::InFlight(waiting) => waiting,
            State::Proven(_) => Vec::new(),
        };
        if verdict != Verdict::Accept {
            self.states.remove(&echo);
            self.order.retain(|known| *known != echo);
        }
        waiting
    }

    /// Takes a copy, which is a replay. Returns its token with a verdict, unless it waits for one.
    pub(super) fn copy(
        &mut self,
        echo: Echo,
        token: ReportToken,
        verdict: Verdict,
        now: MonotonicMs,
    ) -> Option<(ReportToken, Verdict)> {
        match self.states.get_mut(&echo) {
            Some(State::InFlight(waiting)) if waiting.len() < limits::ECHOES_WAITING => {
                waiting.push(token);
                None
            }
            Some(State::Proven(at)) if now.since(*at) < LASTS => Some((token, Verdict::Accept)),
            Some(State::InFlight(_) | State::Proven(_)) | None => Some((token, verdict)),
        }
    }
}
