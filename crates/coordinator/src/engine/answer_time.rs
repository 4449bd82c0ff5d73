//! The time that other signers take to answer, as this node has measured it: how long to wait before they are asked again.
//!
//! Where many sessions go on at once, everybody is slower than the first question allows for. A node that asks again then adds
//! to the work that everybody waits for. So the pause follows the answers, as TCP's does (RFC 6298).

use core::time::Duration;

use super::session::Collecting;

/// The longest pause, in pauses of the configuration. A message that is lost is asked for after this time at the latest.
const LONGEST: u32 = 8;

/// A smoothed time, and how far answers are from it.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    smoothed: Duration,
    deviation: Duration,
}

impl Estimate {
    const fn first(sample: Duration) -> Self {
        Self { smoothed: sample, deviation: Duration::from_nanos(sample.as_nanos() as u64 / 2) }
    }

    fn with(self, sample: Duration) -> Self {
        let error = self.smoothed.abs_diff(sample);
        Self {
            smoothed: (self.smoothed.saturating_mul(7).saturating_add(sample)) / 8,
            deviation: (self.deviation.saturating_mul(3).saturating_add(error)) / 4,
        }
    }

    const fn pause(self) -> Duration {
        self.smoothed.saturating_add(self.deviation.saturating_mul(4))
    }
}

/// One estimate for each of the things that a session collects.
#[derive(Debug, Default)]
pub(super) struct AnswerTimes {
    joins: Option<Estimate>,
    commitments: Option<Estimate>,
    nonces: Option<Estimate>,
    partials: Option<Estimate>,
}

impl AnswerTimes {
    /// Notes how long a session has waited for the last of what it has collected. The caller leaves out sessions that had to ask for
    /// something lost.
    pub(super) fn note(&mut self, collecting: Collecting, took: Duration) {
        let estimate = match collecting {
            Collecting::Joins => &mut self.joins,
            Collecting::Commitments => &mut self.commitments,
            Collecting::Nonces => &mut self.nonces,
            Collecting::Partials => &mut self.partials,
            Collecting::Aggregating => return,
        };
        *estimate = Some(estimate.map_or_else(|| Estimate::first(took), |before| before.with(took)));
    }

    /// Pause before others are asked for missing messages: `least` at least.
    pub(super) fn pause(&self, collecting: Collecting, least: Duration) -> Duration {
        let estimate = match collecting {
            Collecting::Joins => self.joins,
            Collecting::Commitments => self.commitments,
            Collecting::Nonces => self.nonces,
            Collecting::Partials => self.partials,
            Collecting::Aggregating => None,
        };
        let pause = estimate.map_or(Duration::ZERO, Estimate::pause);
        pause.clamp(least, least.saturating_mul(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_secs(1);

    fn pause_after(samples: impl IntoIterator<Item = u64>) -> Duration {
        let mut times = AnswerTimes::default();
        for sample in samples {
            times.note(Collecting::Nonces, Duration::from_millis(sample));
        }
        times.pause(Collecting::Nonces, LEAST)
    }

    #[test]
    fn a_node_waits_longer_where_answers_take_longer_and_never_less_than_it_is_told_to() {
        assert_eq!(pause_after([]), LEAST);
        assert_eq!(pause_after([10, 12, 11]), LEAST);
        assert_eq!(pause_after([1_000]), Duration::from_secs(3));
        assert!(pause_after(core::iter::repeat_n(2_000, 20)) > Duration::from_secs(2));
        assert!(
            pause_after([3_600_000, 3_600_000]) == LEAST * LONGEST,
            "something lost is asked for, whatever came before"
        );
    }

    #[test]
    fn a_slow_hour_is_forgotten() {
        let slow = core::iter::repeat_n(5_000, 50);
        assert_eq!(pause_after(slow.chain(core::iter::repeat_n(20, 60))), LEAST);
    }

    #[test]
    fn a_person_who_decides_slowly_makes_no_round_slower() {
        let mut times = AnswerTimes::default();
        times.note(Collecting::Joins, Duration::from_secs(600));
        assert_eq!(times.pause(Collecting::Partials, LEAST), LEAST);
    }
}
