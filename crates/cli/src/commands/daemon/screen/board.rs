//! The state of the screen: what is known of the signer, what is chosen, and what is asked.

use std::collections::VecDeque;

use motet_daemon::api::PendingRequest;
use motet_node::PublicKey;
use motet_wire::TimestampMs;

use super::snapshot::Snapshot;

/// Events that are kept for the screen: more than the highest terminal shows.
const EVENTS: usize = 200;
/// Digits of an id or a key in a line.
const SHORT: usize = 8;

/// The state of the screen.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The state of the signer; none before it has answered for the first time.
    pub(super) state: Option<Snapshot>,
    /// The newest events, the newest first, with their times.
    pub(super) events: VecDeque<(TimestampMs, String)>,
    /// The request on which keys act, by its place among those that wait.
    pub(super) chosen: usize,
    /// The question on the screen.
    pub(super) question: Option<Question>,
    /// The outcome of the last answer.
    pub(super) said: String,
}

/// A question about a request: as it was shown when the question began.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) about: PendingRequest,
    pub(super) kind: Kind,
    /// The line that has been typed.
    pub(super) typed: String,
    /// Lines that are above the part that is seen.
    pub(super) above: u16,
}

/// Kind of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sign it? The answer is the word that names the request.
    Approve,
    /// A reason, and then a refusal.
    Decline,
}

impl Question {
    /// The line that signs: it names the request.
    pub(super) fn word(&self) -> String {
        let id = self.about.request.to_string();
        format!("yes {}", id.get(..4).unwrap_or(&id))
    }
}

impl Board {
    /// Takes in a new state. The same request stays chosen.
    pub(super) fn show(&mut self, state: Snapshot) {
        let before = self.chosen_request().map(|request| (request.request, request.signer));
        let place = state.waiting.iter().position(|waits| Some((waits.request, waits.signer)) == before);
        self.chosen = place.unwrap_or(0);
        self.state = Some(state);
    }

    pub(super) fn happened(&mut self, at: TimestampMs, line: String) {
        self.events.push_front((at, line));
        self.events.truncate(EVENTS);
    }

    pub(super) fn waiting(&self) -> &[PendingRequest] {
        self.state.as_ref().map_or(&[], |state| &state.waiting)
    }

    pub(super) fn chosen_request(&self) -> Option<&PendingRequest> {
        self.waiting().get(self.chosen)
    }

    /// A signer for people: its name, or the beginning of its key.
    pub(super) fn name(&self, signer: &PublicKey) -> String {
        let named = self.state.as_ref().and_then(|state| state.names.get(signer));
        named.cloned().unwrap_or_else(|| short(&signer.to_string()))
    }
}

/// The beginning of an id or a key.
pub(super) fn short(id: &str) -> String {
    id.get(..SHORT).map_or_else(|| id.to_owned(), |beginning| format!("{beginning}…"))
}
