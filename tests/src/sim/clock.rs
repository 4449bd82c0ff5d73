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
    /// How long the monotonic clock has stood still, in the node's milliseconds.
    slept: u64,
}

impl Clock {
    /// Clocks of this rate, of which the wall clock is off by so many milliseconds.
    pub const fn new(rate: u64, offset: i64) -> Self {
        Self { rate, offset, slept: 0 }
    }

    /// The machine has slept from one time of the world until another: its monotonic clock has not seen it.
    pub fn sleep(&mut self, from: u64, until: u64) {
        self.slept += self.passed(until) - self.passed(from);
    }

    fn passed(&self, world: u64) -> u64 {
        world.saturating_mul(self.rate) / MILLION
    }

    /// What the node reads at a time of the world.
    pub fn now(&self, world: u64) -> Now {
        let passed = self.passed(world);
        let wall = START.saturating_add(passed).saturating_add_signed(self.offset);
        Now { wall: TimestampMs(wall), mono: MonotonicMs(ORIGIN + passed - self.slept) }
    }

    /// The first time of the world at which the node reads this time or a later one.
    pub fn world_at(&self, mono: MonotonicMs) -> u64 {
        (mono.0.saturating_sub(ORIGIN) + self.slept).saturating_mul(MILLION).div_ceil(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_when_the_world_says_so() {
        for rate in [950_000, 999_983, 1_000_000, 1_050_000] {
            let mut clock = Clock::new(rate, 0);
            for slept in [0, 12_345] {
                clock.sleep(0, slept);
                for mono in (ORIGIN..ORIGIN + 100_000).step_by(997).map(MonotonicMs) {
                    let world = clock.world_at(mono);
                    assert!(world >= slept && clock.now(world).mono >= mono);
                    assert!(world == slept || clock.now(world - 1).mono < mono);
                }
            }
        }
    }

    #[test]
    fn a_machine_that_slept_finds_its_wall_clock_ahead_of_the_other() {
        let mut clock = Clock::new(1_000_000, 0);
        let before = clock.now(5_000);
        clock.sleep(5_000, 9_000);
        let after = clock.now(9_010);
        assert_eq!((after.wall.0 - before.wall.0, after.mono.0 - before.mono.0), (4_010, 10));
    }
}
