//! Times on the command line, within the bounds of the protocol.

use core::ops::RangeInclusive;
use core::time::Duration;

use motet_node::limits::{COVER_INTERVAL, HOLD};
use motet_wire::limits::{ADVERTISEMENT_LIFETIME, REQUEST_LIFETIME};

/// The shortest time that is one: with none, everything would be over before it begins.
const SHORTEST: Duration = Duration::from_millis(1);

/// A duration such as `500ms`, `10s` or `2m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: u64 =
        digits.parse().map_err(|_| "a duration is a number with ms, s, m or h, such as 10s".to_owned())?;
    let unit = text.get(digits.len()..).unwrap_or_default();
    let milliseconds = match unit {
        "ms" => Some(number),
        "s" | "" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err("the units are ms, s, m and h".to_owned()),
    };
    milliseconds.map(Duration::from_millis).ok_or_else(|| "too long".to_owned())
}

/// Duration of a search for signers: no advertisement lives longer than a day.
pub(crate) fn searching(text: &str) -> Result<Duration, String> {
    within(text, SHORTEST..=ADVERTISEMENT_LIFETIME)
}

/// Time for signers to join: as long as a request may live.
pub(crate) fn joining(text: &str) -> Result<Duration, String> {
    within(text, SHORTEST..=REQUEST_LIFETIME)
}

/// Life of an advertisement: a minute at least, since each costs a proof of work.
pub(crate) fn advertised(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(60)..=ADVERTISEMENT_LIFETIME)
}

/// Time limit of a round: no longer than the whole session.
pub(crate) fn round(text: &str) -> Result<Duration, String> {
    within(text, SHORTEST..=REQUEST_LIFETIME)
}

/// Longest delay for privacy; 0 is for none.
pub(crate) fn delay(text: &str) -> Result<Duration, String> {
    within(text, Duration::ZERO..=HOLD)
}

/// Mean pause between two meaningless frames: one a day hides nothing any more.
pub(crate) fn cover(text: &str) -> Result<Duration, String> {
    within(text, COVER_INTERVAL..=ADVERTISEMENT_LIFETIME)
}

fn within(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let bounds = || format!("write a time from {} to {}", words(*range.start()), words(*range.end()));
    let duration = duration(text).map_err(|what| format!("{what}; {}", bounds()))?;
    if range.contains(&duration) { Ok(duration) } else { Err(bounds()) }
}

/// A duration as it is written on the command line, in the largest unit of which it is a whole number.
pub(crate) fn words(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let unit = [(3_600_000, "h"), (60_000, "m"), (1000, "s")]
        .into_iter()
        .find(|(length, _)| milliseconds > 0 && milliseconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{milliseconds}ms"), |(length, unit)| format!("{}{unit}", milliseconds / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("soon").is_err());
        assert!(duration("3x").is_err());
    }

    #[test]
    fn a_duration_is_one_number_with_one_unit_or_none() {
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        for other in ["1h30m", "1m 30s", "10 s", "10sec", "10min", "1day", "1.5s", "-1s", "+", "s", ""] {
            assert!(duration(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_duration_is_said_as_it_is_written() {
        for text in ["0ms", "1ms", "1500ms", "5s", "90s", "2m", "2h", "24h"] {
            assert_eq!(words(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn bounds_belong_to_what_is_allowed() {
        assert_eq!(joining("2h"), Ok(REQUEST_LIFETIME));
        assert_eq!(joining("7200001ms"), Err("write a time from 1ms to 2h".to_owned()));
        assert_eq!(joining("0"), Err("write a time from 1ms to 2h".to_owned()));
        assert_eq!(delay("5s"), Ok(HOLD));
        assert_eq!(delay("0"), Ok(Duration::ZERO));
        assert!(delay("5001ms").is_err());
        assert_eq!(cover("1s"), Ok(COVER_INTERVAL));
        assert!(cover("999ms").is_err());
        assert!(searching("18446744073709551615ms").is_err());
        assert!(searching("18446744073709551615h").is_err());
    }
}
