//! Places in the journal of one run of a daemon.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A place in the journal: the run, and the number of the last event that has been read there. Its text is `RUN-NUMBER`, as in the
/// `id` of server-sent events; the run is 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The run, drawn at random when the daemon starts.
    pub run: u64,
    /// The number of an event, from 1; 0 is the place before the first.
    pub number: u64,
}

/// A text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is the id of an event, such as 00c0ffee00c0ffee-17")]
pub struct NoCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.run, self.number)
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (run, number) = text.split_once('-').ok_or(NoCursor)?;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if run.len() != 16 || !plain(run) || !plain(number) {
            return Err(NoCursor);
        }
        let run = u64::from_str_radix(run, 16).map_err(|_| NoCursor)?;
        Ok(Self { run, number: number.parse().map_err(|_| NoCursor)? })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        for cursor in [Cursor { run: 0, number: 0 }, Cursor { run: u64::MAX, number: u64::MAX }] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            "-",
            "17",
            "00c0ffee00c0ffee",
            "00c0ffee00c0ffee-",
            "00c0ffee00c0ffee-+1",
            "c0ffee-1",
            "+0c0ffee00c0ffee-1",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }
}
