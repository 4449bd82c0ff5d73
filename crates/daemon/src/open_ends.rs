//! Whether a session of the node may have ended without signatures that others can still complete. A request under the same key
//! looks for such sessions, and need not where none has come since a look found none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use motet_node::SessionStatus;
use motet_node::event::Event;

/// What is known of open ends. Clones are of the same.
#[derive(Debug, Clone)]
pub(crate) struct OpenEnds(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    /// Signs of open ends since the start.
    signs: AtomicU64,
    /// How many there were when a look found no open end; [`NEVER`] before.
    at_clean_look: AtomicU64,
}

const NEVER: u64 = u64::MAX;

/// A look that is about to begin.
#[derive(Debug)]
pub(crate) struct Look(u64);

impl Default for OpenEnds {
    fn default() -> Self {
        // A store may have brought open ends along.
        Self(Arc::new(Counts { signs: AtomicU64::new(0), at_clean_look: AtomicU64::new(NEVER) }))
    }
}

impl OpenEnds {
    /// Notes what the node tells. It comes before the journal, so that no reader of the journal is ahead of it.
    pub(crate) fn note(&self, event: &Event) {
        if matches!(event, Event::SessionAborted(aborted) if !aborted.may_complete.is_empty()) {
            self.note_one();
        }
    }

    /// Notes a status before a caller sees it, who may be faster than the event.
    pub(crate) fn note_status(&self, status: &SessionStatus) {
        if !status.may_complete.is_empty() {
            self.note_one();
        }
    }

    /// Notes an open end, one that may have come, or that events were lost.
    pub(crate) fn note_one(&self) {
        self.0.signs.fetch_add(1, Ordering::SeqCst);
    }

    /// The look that a request needs; none, if there is nothing to find.
    pub(crate) fn look(&self) -> Option<Look> {
        let signs = self.0.signs.load(Ordering::SeqCst);
        (self.0.at_clean_look.load(Ordering::SeqCst) != signs).then_some(Look(signs))
    }

    /// Notes what a look has found: all sessions.
    pub(crate) fn found(&self, look: Look, sessions: &[SessionStatus]) {
        if sessions.iter().all(|session| session.may_complete.is_empty()) {
            self.0.at_clean_look.store(look.0, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_needed_until_one_finds_nothing_and_again_after_each_sign() {
        let ends = OpenEnds::default();
        let first = ends.look().unwrap();
        ends.found(first, &[]);
        assert!(ends.look().is_none());
        ends.note_one();
        let second = ends.look().unwrap();
        ends.found(second, &[]);
        assert!(ends.look().is_none());
    }

    #[test]
    fn a_sign_that_comes_during_a_look_asks_for_another() {
        let ends = OpenEnds::default();
        let look = ends.look().unwrap();
        ends.note_one();
        ends.found(look, &[]);
        assert!(ends.look().is_some());
    }
}
