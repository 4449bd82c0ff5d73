//! The history of a run: counts of sessions and messages for each minute of the last day.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_node::Now;

use crate::forms::stats::Minute;
use crate::limits;

/// Milliseconds of a minute.
const LENGTH: u64 = 60_000;

/// The minutes of one run. Clones are of the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Minutes(Arc<Mutex<Kept>>);

/// Counts since the start of a run, and the sessions that go on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) open: u64,
    pub(crate) complete: u64,
    pub(crate) ended: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
}

#[derive(Debug, Default)]
struct Kept {
    minutes: VecDeque<Minute>,
    /// The number of the newest minute, from the start of the run.
    newest: Option<u64>,
    /// The totals that have been shared out among the minutes.
    seen: Totals,
}

impl Minutes {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // It is whole after every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the totals of this moment: what has been added to them belongs to this minute. The oldest minute makes room.
    pub(crate) fn note(&self, now: Now, totals: Totals) {
        let mut kept = self.lock();
        let number = now.mono.0 / LENGTH;
        if kept.newest.is_none_or(|newest| newest < number) {
            if kept.minutes.len() == limits::MINUTES {
                kept.minutes.pop_front();
            }
            let at_ms = now.wall.0.saturating_sub(now.mono.0 % LENGTH);
            kept.minutes.push_back(Minute { at_ms, ..Minute::default() });
            kept.newest = Some(number);
        }
        let Kept { minutes, seen, .. } = &mut *kept;
        let Some(minute) = minutes.back_mut() else { return };
        minute.open = minute.open.max(totals.open);
        // Two callers may bring their totals in another order than that in which they have read them.
        for (sum, seen, total) in [
            (&mut minute.complete, &mut seen.complete, totals.complete),
            (&mut minute.ended, &mut seen.ended, totals.ended),
            (&mut minute.accepted, &mut seen.accepted, totals.accepted),
            (&mut minute.rejected, &mut seen.rejected, totals.rejected),
        ] {
            *sum = sum.saturating_add(total.saturating_sub(*seen));
            *seen = total.max(*seen);
        }
    }

    /// The newest minutes, so many at most, the oldest first.
    pub(crate) fn newest(&self, most: usize) -> Vec<Minute> {
        let kept = self.lock();
        kept.minutes.iter().skip(kept.minutes.len().saturating_sub(most)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use motet_wire::{MonotonicMs, TimestampMs};

    use super::*;

    /// A moment so many milliseconds after a start that was 10 s after a full minute.
    fn at(ms: u64) -> Now {
        Now { wall: TimestampMs(1_000_010_000 + ms), mono: MonotonicMs(ms) }
    }

    fn totals(complete: u64, rejected: u64) -> Totals {
        Totals { complete, rejected, ..Totals::default() }
    }

    #[test]
    fn what_is_added_belongs_to_the_minute_in_which_it_is_seen() {
        let minutes = Minutes::default();
        minutes.note(at(0), Totals { open: 2, ..totals(1, 10) });
        minutes.note(at(59_999), Totals { open: 1, ..totals(3, 10) });
        minutes.note(at(60_000), totals(3, 15));
        // Late totals of another caller take nothing back, and nothing is counted twice.
        minutes.note(at(60_001), totals(2, 12));
        minutes.note(at(60_002), totals(4, 15));
        let found = minutes.newest(9);
        let shown: Vec<_> =
            found.iter().map(|minute| (minute.at_ms, minute.open, minute.complete, minute.rejected)).collect();
        assert_eq!(shown, [(1_000_010_000, 2, 3, 10), (1_000_070_000, 0, 1, 5)]);
    }

    #[test]
    fn a_day_is_kept_and_a_pause_leaves_a_gap() {
        let minutes = Minutes::default();
        let day = limits::MINUTES as u64;
        for minute in 0..day {
            minutes.note(at(minute * LENGTH), totals(minute, 0));
        }
        // The machine was asleep for an hour.
        minutes.note(at((day + 60) * LENGTH), totals(day, 0));
        let found = minutes.newest(usize::MAX);
        assert_eq!(found.len(), limits::MINUTES);
        assert_eq!(found[found.len() - 1].at_ms - found[found.len() - 2].at_ms, 61 * LENGTH);
        assert_eq!(minutes.newest(2), found[found.len() - 2..]);
        assert!(minutes.newest(0).is_empty());
    }
}
