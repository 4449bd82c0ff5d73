//! The reputation of signers (`docs/protocol.md` §10): local, never gossiped, about signer keys and not about peers.
//!
//! Points are thousandths in whole numbers, so that every machine computes the same. Good points stay; lapses are
//! halved every day, proven faults every 30 days. Silence convicts no signer: a lapse costs rank, and only a proof
//! blocks.

use core::fmt;

use motet_wire::TimestampMs;

/// The lowest and the highest score.
const BOUND: i64 = 100;
/// One point, in thousandths.
const POINT: i64 = 1000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// An observation about a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// Completed a session that this node asked for: +1.
    Completed,
    /// Did not answer, though several paths to it were tried: -10, half of it forgotten every day.
    Unresponsive,
    /// Ended a session that had begun, by its own word: -5, half of it forgotten every day. It is the half of what silence costs, so
    /// that a signer whose device has failed does best to say so.
    Spoiled,
    /// Signed bytes that are no message: -5, half of it forgotten every day.
    Malformed,
    /// Broke the protocol, with proof: -50 and blocked, half of it forgotten every 30 days.
    Convicted,
}

/// The reputation of one signer. An unknown signer has the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    merits: i64,
    lapses: i64,
    faults: i64,
    at: TimestampMs,
}

/// A score from -100 to 100; an unknown signer has 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(i8);

impl Score {
    /// A score; a number that is out of bounds becomes the next bound.
    pub fn new(score: i64) -> Self {
        Self(i8::try_from(score.clamp(-BOUND, BOUND)).unwrap_or(0))
    }

    /// The number.
    pub const fn get(self) -> i8 {
        self.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Standing {
    /// The reputation after an observation.
    #[must_use]
    pub fn after(self, deed: Observation, now: TimestampMs) -> Self {
        let mut this = self.at(now);
        let (account, points) = match deed {
            Observation::Completed => (&mut this.merits, 1),
            Observation::Malformed | Observation::Spoiled => (&mut this.lapses, 5),
            Observation::Unresponsive => (&mut this.lapses, 10),
            Observation::Convicted => (&mut this.faults, 50),
        };
        *account = account.saturating_add(points * POINT).min(2 * BOUND * POINT);
        this
    }

    /// The score now.
    pub fn score(&self, now: TimestampMs) -> Score {
        let this = self.at(now);
        let merits = this.merits.min(BOUND * POINT);
        Score::new((merits - this.lapses - this.faults) / POINT)
    }

    /// True if a proven fault is fresh enough to keep the signer out: for 30 days after one, longer after more.
    pub fn is_blocked(&self, now: TimestampMs) -> bool {
        self.at(now).faults > 25 * POINT
    }

    /// The bytes in which it is stored: three accounts and the time, 8 bytes each, big-endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let numbers = [self.merits.to_be_bytes(), self.lapses.to_be_bytes(), self.faults.to_be_bytes()];
        let all = numbers.iter().flatten().copied().chain(self.at.0.to_be_bytes());
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = from;
        }
        bytes
    }

    /// The reputation in these bytes; accounts that are out of bounds become the next bound.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let (numbers, _) = bytes.as_chunks::<8>();
        let number = |index: usize| numbers.get(index).copied().unwrap_or_default();
        let account = |index: usize| i64::from_be_bytes(number(index)).clamp(0, 2 * BOUND * POINT);
        let at = TimestampMs(u64::from_be_bytes(number(3)));
        Self { merits: account(0), lapses: account(1), faults: account(2), at }
    }

    /// The accounts as they are now. A clock that has gone back forgets nothing and brings nothing back.
    fn at(self, now: TimestampMs) -> Self {
        let elapsed = now.0.saturating_sub(self.at.0);
        Self {
            lapses: decayed(self.lapses, elapsed, DAY_MS),
            faults: decayed(self.faults, elapsed, 30 * DAY_MS),
            at: self.at.max(now),
            ..self
        }
    }
}

/// Halved with every period, and straight between.
fn decayed(points: i64, elapsed: u64, period: u64) -> i64 {
    let halvings = u32::try_from(elapsed / period).unwrap_or(u32::MAX);
    let whole = points.checked_shr(halvings).unwrap_or(0);
    let part = i64::try_from(elapsed % period).unwrap_or(0);
    let period = i64::try_from(period).unwrap_or(i64::MAX);
    whole - (whole / 2).saturating_mul(part) / period
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: TimestampMs = TimestampMs(1_800_000_000_000);

    fn later(days: u64) -> TimestampMs {
        TimestampMs(START.0 + days * DAY_MS)
    }

    #[test]
    fn nothing_known_is_nought_and_penalties_bite() {
        assert_eq!(Standing::default().score(START).get(), 0);
        assert_eq!(Standing::default().after(Observation::Completed, START).score(START).get(), 1);
        assert_eq!(Standing::default().after(Observation::Malformed, START).score(START).get(), -5);
        assert_eq!(Standing::default().after(Observation::Spoiled, START).score(START).get(), -5);
        assert_eq!(Standing::default().after(Observation::Unresponsive, START).score(START).get(), -10);
    }

    #[test]
    fn silence_is_forgotten_by_half_in_a_day_and_never_blocks() {
        let mut standing = Standing::default();
        for _ in 0..100 {
            standing = standing.after(Observation::Unresponsive, START);
        }
        assert_eq!(standing.score(START).get(), -100);
        assert!(!standing.is_blocked(START));
        let once = Standing::default().after(Observation::Unresponsive, START);
        assert_eq!(once.score(later(1)).get(), -5);
        assert_eq!(once.score(later(2)).get(), -2);
    }

    #[test]
    fn a_proven_fault_blocks_for_thirty_days() {
        let standing = Standing::default().after(Observation::Convicted, START);
        assert_eq!(standing.score(START).get(), -50);
        assert!(standing.is_blocked(START) && standing.is_blocked(later(29)));
        assert!(!standing.is_blocked(later(30)));
        // Good deeds do not buy it off.
        let standing = (0..200).fold(standing, |standing, _| standing.after(Observation::Completed, START));
        assert!(standing.is_blocked(START));
    }

    proptest! {
        #[test]
        fn any_history_keeps_its_bounds_and_its_bytes(
            deeds in proptest::collection::vec((0u8..5, any::<u64>()), 0..50),
            now in any::<u64>(),
        ) {
            let mut standing = Standing::default();
            for (deed, at) in deeds {
                let deed = [
                    Observation::Completed,
                    Observation::Malformed,
                    Observation::Spoiled,
                    Observation::Unresponsive,
                    Observation::Convicted,
                ][usize::from(deed)];
                standing = standing.after(deed, TimestampMs(at));
            }
            let score = standing.score(TimestampMs(now)).get();
            prop_assert!((-100..=100).contains(&score));
            prop_assert_eq!(Standing::from_bytes(&standing.to_bytes()), standing);
        }

        #[test]
        fn stored_bytes_are_always_in_bounds(bytes in any::<[u8; 32]>(), now in any::<u64>()) {
            let score = Standing::from_bytes(&bytes).score(TimestampMs(now)).get();
            prop_assert!((-100..=100).contains(&score));
        }
    }
}
