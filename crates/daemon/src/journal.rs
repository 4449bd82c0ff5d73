//! The journal: the newest events of a daemon, each with a number. Listeners read it at their own pace; nobody waits for them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_node::{Clock, RequestId, TimestampMs};
use serde::Serialize;
use tokio::sync::watch;

use crate::cursor::Cursor;
use crate::limits;

/// Events after which nothing of a session is to come, unless it is tried again.
const ENDS: [&str; 3] = ["SessionComplete", "SessionAborted", "SessionClosed"];

/// The newest events. Clones are of the same journal.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    run: u64,
    clock: Clock,
    kept: Mutex<Kept>,
    /// The number of the newest event, for those that wait for a change.
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: usize,
    newest: u64,
    closed: bool,
    /// The number of events of each name.
    counts: BTreeMap<&'static str, u64>,
    /// The number of the last event of each request.
    revisions: BTreeMap<RequestId, u64>,
}

/// An event in the journal.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) at: TimestampMs,
    pub(crate) name: &'static str,
    pub(crate) request: Option<RequestId>,
    pub(crate) json: Arc<str>,
}

/// What the journal has after a place.
#[derive(Debug)]
pub(crate) enum Read {
    /// The next events; none yet, if it is empty.
    Events(Vec<Entry>),
    /// Events after that place are not kept any more.
    Missed,
    /// The place is after the newest event: no reader of this run has been there.
    Unknown,
    /// Nothing follows any more.
    Closed,
}

impl Journal {
    /// An empty journal of a new run.
    ///
    /// # Errors
    ///
    /// The system's source of randomness has failed.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let run = getrandom::u64()?;
        let (newest, _) = watch::channel(0);
        Ok(Self(Arc::new(Shared { run, clock: Clock::start(), kept: Mutex::default(), newest })))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // It is consistent after every step.
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place with this number.
    pub(crate) fn cursor(&self, number: u64) -> Cursor {
        Cursor { run: self.0.run, number }
    }

    /// The place after the newest event.
    pub(crate) fn end(&self) -> Cursor {
        self.cursor(self.kept().newest)
    }

    /// Writes an event. The oldest make room.
    pub(crate) fn write(&self, name: &'static str, request: Option<RequestId>, event: &impl Serialize) {
        let json = match serde_json::to_string(event) {
            Ok(json) => json,
            Err(error) => {
                tracing::error!(%error, name, "an event has no JSON form");
                return;
            }
        };
        let at = self.0.clock.now().wall;
        let number = {
            let mut kept = self.kept();
            let number = kept.newest.saturating_add(1);
            kept.newest = number;
            let count = kept.counts.entry(name).or_default();
            *count = count.saturating_add(1);
            kept.bytes = kept.bytes.saturating_add(json.len());
            kept.entries.push_back(Entry { number, at, name, request, json: json.into() });
            while kept.entries.len() > limits::JOURNAL_EVENTS || kept.bytes > limits::JOURNAL_BYTES {
                let Some(oldest) = kept.entries.pop_front() else { break };
                kept.bytes = kept.bytes.saturating_sub(oldest.json.len());
            }
            if let Some(request) = request {
                kept.revisions.insert(request, number);
                if kept.revisions.len() > limits::REVISIONS
                    && let Some(oldest) = kept.revisions.iter().min_by_key(|(_, number)| **number).map(|(id, _)| *id)
                {
                    kept.revisions.remove(&oldest);
                }
            }
            number
        };
        self.0.newest.send_replace(number);
    }

    /// Ends the journal: those that wait hear of it.
    pub(crate) fn close(&self) {
        self.kept().closed = true;
        self.0.newest.send_modify(|_| {});
    }

    /// The number of events of each name since the start.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.kept().counts.clone()
    }

    /// True once it has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.kept().closed
    }

    /// The events after a place, at most a batch.
    pub(crate) fn after(&self, number: u64) -> Read {
        let kept = self.kept();
        if number > kept.newest {
            return Read::Unknown;
        }
        let oldest = kept.entries.front().map_or(kept.newest.saturating_add(1), |entry| entry.number);
        let missed = oldest.saturating_sub(number.saturating_add(1));
        if missed > 0 {
            return Read::Missed;
        }
        let passed = usize::try_from(number.saturating_add(1).saturating_sub(oldest)).unwrap_or(usize::MAX);
        let events: Vec<Entry> = kept.entries.iter().skip(passed).take(limits::BATCH).cloned().collect();
        if events.is_empty() && kept.closed { Read::Closed } else { Read::Events(events) }
    }

    /// The events of a request that are kept, the oldest first: so many of the newest.
    pub(crate) fn of(&self, request: &RequestId, most: usize) -> Vec<Entry> {
        let kept = self.kept();
        let own = kept.entries.iter().rev().filter(|entry| entry.request.as_ref() == Some(request));
        let mut own: Vec<Entry> = own.take(most).cloned().collect();
        own.reverse();
        own
    }

    /// The place of the last event of a request; the place before the first, if there is none.
    pub(crate) fn revision(&self, request: &RequestId) -> Cursor {
        self.cursor(self.kept().revisions.get(request).copied().unwrap_or(0))
    }

    /// Waits until a request has a later event than this, or the journal ends.
    pub(crate) async fn changed(&self, request: &RequestId, since: Cursor) {
        let mut newest = self.watch();
        while self.revision(request) == since && !self.kept().closed {
            if newest.changed().await.is_err() {
                break;
            }
        }
    }

    /// Waits until an event after this place ends a session, or the journal ends.
    pub(crate) async fn ended(&self, request: &RequestId, since: Cursor) {
        let (mut newest, mut seen) = (self.watch(), since.number);
        loop {
            newest.mark_unchanged();
            {
                let kept = self.kept();
                let mut fresh = kept.entries.iter().rev().take_while(|entry| entry.number > seen);
                let is_end = |entry: &Entry| entry.request.as_ref() == Some(request) && ENDS.contains(&entry.name);
                if kept.closed || fresh.any(is_end) {
                    return;
                }
                seen = kept.newest;
            }
            if newest.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tells of each new event.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u8) -> RequestId {
        RequestId::from_bytes([number; 32])
    }

    fn numbers(read: Read) -> Vec<u64> {
        let Read::Events(events) = read else { panic!("{read:?}") };
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn events_follow_each_other_from_any_place_that_is_kept() {
        let journal = Journal::new().unwrap();
        assert!(numbers(journal.after(0)).is_empty());
        for _ in 0..3 {
            journal.write("Test", None, &1);
        }
        assert_eq!(numbers(journal.after(0)), [1, 2, 3]);
        assert_eq!(numbers(journal.after(2)), [3]);
        assert!(numbers(journal.after(3)).is_empty());
        assert!(matches!(journal.after(4), Read::Unknown));
        journal.close();
        assert_eq!(numbers(journal.after(2)), [3]);
        assert!(matches!(journal.after(3), Read::Closed));
    }

    #[test]
    fn the_oldest_events_make_room_and_their_readers_are_told() {
        let journal = Journal::new().unwrap();
        for _ in 0..limits::JOURNAL_EVENTS + 5 {
            journal.write("Test", None, &1);
        }
        assert!(matches!(journal.after(0), Read::Missed));
        assert_eq!(numbers(journal.after(5)).len(), limits::BATCH);
        // A few large events take as much room as many small ones.
        let large = "x".repeat(limits::JOURNAL_BYTES / 4);
        for _ in 0..5 {
            journal.write("Test", None, &large);
        }
        let newest = journal.end().number;
        assert_eq!(numbers(journal.after(newest - 3)).len(), 3);
        assert!(matches!(journal.after(newest - 4), Read::Missed));
    }

    #[test]
    fn the_events_of_a_request_are_its_newest_in_their_order() {
        let journal = Journal::new().unwrap();
        for number in [1, 2, 1, 1] {
            journal.write("Test", Some(request(number)), &1);
        }
        let numbers = |most| journal.of(&request(1), most).iter().map(|entry| entry.number).collect::<Vec<_>>();
        assert_eq!((numbers(9), numbers(2)), (vec![1, 3, 4], vec![3, 4]));
        assert!(journal.of(&request(3), 9).is_empty());
    }

    #[tokio::test]
    async fn a_change_of_one_request_wakes_those_that_wait_for_it() {
        let journal = Journal::new().unwrap();
        let before = journal.revision(&request(1));
        journal.write("Test", Some(request(2)), &1);
        assert_eq!(journal.revision(&request(1)), before);
        let waits = tokio::spawn({
            let journal = journal.clone();
            async move { journal.changed(&request(1), before).await }
        });
        journal.write("Test", Some(request(1)), &1);
        waits.await.unwrap();
        assert_eq!(journal.revision(&request(1)).number, 2);
        // Nobody waits for a journal that has ended.
        let now = journal.revision(&request(1));
        journal.close();
        journal.changed(&request(1), now).await;
    }

    #[tokio::test]
    async fn only_the_end_of_a_session_wakes_those_that_wait_for_its_end() {
        let journal = Journal::new().unwrap();
        journal.write("SessionAborted", Some(request(1)), &1);
        let tried_again = journal.end();
        let waits = tokio::spawn({
            let journal = journal.clone();
            async move { journal.ended(&request(1), tried_again).await }
        });
        for (name, number) in [("SessionReady", 1), ("SessionComplete", 2)] {
            journal.write(name, Some(request(number)), &1);
            tokio::task::yield_now().await;
        }
        assert!(!waits.is_finished(), "neither an earlier end, nor another event, nor the end of another session");
        journal.write("SessionComplete", Some(request(1)), &1);
        waits.await.unwrap();
        journal.close();
        journal.ended(&request(3), journal.end()).await;
    }
}
