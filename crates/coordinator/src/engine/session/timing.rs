//! Deadlines of a session (`docs/protocol.md` §7.4). Only the monotonic clock counts here.

use motet_wire::MonotonicMs;

use super::{Collecting, Session, State};
use crate::engine::lent::Lent;
use crate::event::AbortCause;

/// Largest number of times that the pause between two questions about missing messages is doubled.
const DOUBLINGS: u32 = 4;

/// A deadline of a session that needs more than the session is lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// The others are asked for what is missing.
    Ask,
    /// It is forgotten.
    Close,
}

impl Session {
    /// Times at which something has to be done for it.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = MonotonicMs> + use<> {
        let (first, others) = match &self.state {
            State::Active(active) => (active.due(), [None, None]),
            State::Over(over) => (over.forgotten_at(), [over.fails_over_at(), over.asks_at()]),
        };
        core::iter::once(first).chain(others.into_iter().flatten())
    }

    /// Does what is due, apart from what it returns.
    pub(crate) fn on_due(&mut self, lent: &mut Lent<'_, '_>) -> Due {
        let now = lent.step.now.mono;
        let sync_after = lent.step.config.sync_after;
        match &mut self.state {
            State::Over(over) => {
                let is_due = |at: Option<MonotonicMs>| at.is_some_and(|at| at <= now);
                let (fails_over, asks) = (is_due(over.fails_over_at()), is_due(over.asks_at()));
                let is_forgotten = over.forgotten_at() <= now;
                if fails_over {
                    self.fail_over(lent);
                }
                if asks {
                    self.ask_for_completion(lent);
                }
                if is_forgotten {
                    return Due::Close;
                }
            }
            State::Active(active) if active.ends <= now => {
                self.report_timeout(None, lent.step);
                self.finish(None, AbortCause::Expired, lent);
            }
            State::Active(active) if active.deadline <= now => self.end_round(lent),
            State::Active(active) if active.sync.at <= now => {
                let pause = lent.answers.pause(active.collecting, sync_after);
                if !active.sync.has_waited(active.since, pause, now) {
                    return Due::Nothing;
                }
                active.sync.ask(now, pause, DOUBLINGS);
                return Due::Ask;
            }
            State::Active(_) => {}
        }
        Due::Nothing
    }

    /// Gives a collection up that is not complete in time: the next attempt begins, if there may be one.
    fn end_round(&mut self, lent: &mut Lent<'_, '_>) {
        let next = self.following_attempt().filter(|_| self.collecting() != Some(Collecting::Joins));
        let silent = self.awaiting().contains(&self.coordinator());
        self.report_timeout(next, lent.step);
        match next {
            Some(next) => {
                if silent {
                    self.fail_over(lent);
                }
                self.begin_attempt(next, lent);
            }
            None => self.give_up(lent),
        }
    }
}
