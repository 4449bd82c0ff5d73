//! Clocks: each node has its own idea of time, and none of them is the world's.

use motet_wire::{MonotonicMs, Now, TimestampMs};

/// The wall clock at the beginning of a world, where it is right.
pub const START: u64 = 1_800_000_000_000;
/// The monotonic clock at the beginning of a world: anything, and not 0.
const ORIGIN: u64 = 1_000_000;
const MILLION: u64 = 1_000_000;

/// One node's clocks.
#[derive(Debug, Clone)]
pub struct Clock {
    /// How many of its milliseconds pass in a million of the world's.
    pub rate: u64,
    /// How far the wall clock is off, in milliseconds.
    pub offset: i64,
}

impl Clock {
    /// What the node reads at a time of the world.
    pub fn now(&self, world: u64) -> Now {
        let passed = world.saturating_mul(self.rate) / MILLION;
        let wall = START.saturating_add(passed).saturating_add_signed(self.offset);
        Now { wall: TimestampMs(wall), mono: MonotonicMs(ORIGIN + passed) }
    }

    /// The first time of the world at which the node reads this time or a later one.
    pub fn world_at(&self, mono: MonotonicMs) -> u64 {
        mono.0.saturating_sub(ORIGIN).saturating_mul(MILLION).div_ceil(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_when_the_world_says_so() {
        for rate in [950_000, 999_983, 1_000_000, 1_050_000] {
            let clock = Clock { rate, offset: 0 };
            for mono in (ORIGIN..ORIGIN + 100_000).step_by(997).map(MonotonicMs) {
                let world = clock.world_at(mono);
                assert!(clock.now(world).mono >= mono);
                assert!(world == 0 || clock.now(world - 1).mono < mono);
            }
        }
    }
}
