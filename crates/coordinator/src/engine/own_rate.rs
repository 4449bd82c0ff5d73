//! Rates at which this node may speak to everybody: messages that come more often are dropped by others without a word (rules V-30 and V-31).

use core::time::Duration;

use motet_wire::{MonotonicMs, Rate};

/// A minute, and a little more: what is sent at even distances does not arrive at such.
const MINUTE: Duration = Duration::from_secs(63);

/// Time at which others have forgotten the messages of this node, as they count them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OwnRate {
    forgotten: MonotonicMs,
}

impl OwnRate {
    /// Notes that something has been said.
    pub(super) fn said(&mut self, rate: Rate, now: MonotonicMs) {
        self.forgotten = self.forgotten.max(now).saturating_add(interval(rate));
    }

    /// True if others remember nothing of it.
    pub(super) fn is_forgotten(self, now: MonotonicMs) -> bool {
        self.forgotten <= now
    }

    /// Pause before others take something more, if so much is about to be said besides; none, if it is taken at once.
    pub(super) fn wait(self, rate: Rate, about: usize, now: MonotonicMs) -> Option<Duration> {
        let more = interval(rate).saturating_mul(u32::try_from(about.saturating_add(1)).unwrap_or(u32::MAX));
        let room = interval(rate).saturating_mul(u32::try_from(rate.burst).unwrap_or(u32::MAX));
        let wait = self.forgotten.max(now).saturating_add(more).since(now).saturating_sub(room);
        (!wait.is_zero()).then_some(wait)
    }
}

fn interval(rate: Rate) -> Duration {
    MINUTE / u32::try_from(rate.per_minute.max(1)).unwrap_or(u32::MAX)
}

/// Rate at which one signer may be advertised.
pub(super) fn advertising_rate() -> Rate {
    Rate { per_minute: 1, burst: motet_wire::limits::ADVERTISEMENTS_AT_ONCE.into() }
}
