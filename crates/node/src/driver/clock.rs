//! The only reader of clocks.

#![expect(clippy::disallowed_methods, reason = "this is the place where clocks are read")]

use core::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use motet_wire::{MonotonicMs, Now, TimestampMs};

/// Reads both clocks at once. Monotonic time counts from the clock's making.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self::start()
    }
}

impl Clock {
    /// A clock whose monotonic time begins now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Both times.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { wall: TimestampMs(milliseconds(wall)), mono: MonotonicMs(milliseconds(self.origin.elapsed())) }
    }

    /// Time until a monotonic time; zero if it has passed. A millisecond is added, since times are rounded down.
    pub fn until(&self, deadline: MonotonicMs) -> Duration {
        deadline.since(self.now().mono) + Duration::from_millis(1)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
