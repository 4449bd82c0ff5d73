//! Counts of sessions since the start by their ends, and their times.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_node::RequestId;
use motet_node::event::Event;

use crate::forms::stats::Latencies;
use crate::limits;

/// The counts of one run. Clones are of the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

/// The numbers of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Requests of this node's signers, and requests that ask for them.
    pub(crate) asked: u64,
    pub(crate) received: u64,
    pub(crate) complete: u64,
    /// Ends without signatures, by their reason.
    pub(crate) ended: BTreeMap<&'static str, u64>,
    /// The milliseconds since the start at which all had joined, of sessions that go on.
    ready: BTreeMap<RequestId, u64>,
    /// Milliseconds from there to the signatures, of the last sessions.
    took: VecDeque<u64>,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole after every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts at this moment.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// Notes an event of this time, in milliseconds since the start.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events count for nothing here")]
    pub(crate) fn note(&self, event: &Event, now: u64) {
        let mut counts = self.lock();
        match event {
            Event::SigningRequestCreated(_) => counts.asked += 1,
            Event::SigningRequestReceived(_) => counts.received += 1,
            Event::SessionReady { request, .. } if counts.ready.len() < limits::TALLIED => {
                counts.ready.insert(*request, now);
            }
            Event::SessionComplete(completed) => {
                counts.complete += 1;
                if let Some(ready) = counts.ready.remove(&completed.request) {
                    if counts.took.len() == limits::TALLIED {
                        counts.took.pop_front();
                    }
                    counts.took.push_back(now.saturating_sub(ready));
                }
            }
            Event::SessionAborted(aborted) => {
                counts.ready.remove(&aborted.request);
                *counts.ended.entry(aborted.cause.why()).or_default() += 1;
            }
            Event::SessionClosed { request } => {
                counts.ready.remove(request);
            }
            _ => {}
        }
    }
}

impl Counts {
    /// The times from the last join to the signatures; none if no session has been seen whole.
    pub(crate) fn latencies(&self) -> Option<Latencies> {
        let mut took: Vec<u64> = self.took.iter().copied().collect();
        took.sort_unstable();
        let at = |hundredths: usize| took.get(took.len().saturating_sub(1) * hundredths / 100).copied();
        Some(Latencies { sessions: took.len(), median_ms: at(50)?, p95_ms: at(95)?, max_ms: at(100)? })
    }
}

#[cfg(test)]
mod tests {
    use motet_node::event::{AbortCause, Aborted, Completed};
    use motet_wire::{Attempt, AttemptId, SignerIndex};

    use super::*;

    #[test]
    fn sessions_are_counted_by_their_ends_and_timed_from_the_last_join() {
        let (tally, start) = (Tally::default(), 1000);
        assert!(tally.counts().latencies().is_none());
        for number in 1..=20 {
            let request = RequestId::from_bytes([number; 32]);
            let session = AttemptId::derive(&request, Attempt(0));
            tally.note(&Event::SessionReady { request, session, coordinator: SignerIndex(0) }, start);
            let end = start + u64::from(number);
            tally.note(&Event::SessionComplete(Completed { request, session, items: Vec::new() }), end);
        }
        let request = RequestId::from_bytes([99; 32]);
        tally.note(
            &Event::SessionAborted(Aborted { request, cause: AbortCause::Expired, may_complete: Vec::new() }),
            start,
        );
        let counts = tally.counts();
        assert_eq!((counts.complete, counts.ended.get("expired")), (20, Some(&1)));
        assert_eq!(counts.latencies(), Some(Latencies { sessions: 20, median_ms: 10, p95_ms: 19, max_ms: 20 }));
    }
}
