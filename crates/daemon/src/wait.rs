//! Waits that a caller asks for: `?wait=30s`.

use core::time::Duration;

use crate::error::ApiError;
use crate::limits;

/// A time such as `500ms`, `30s` or `1m`, at most [`limits::WAIT`].
pub(crate) fn wait(text: &str) -> Result<Duration, ApiError> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        _ => 0,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds = digits.parse::<u64>().ok().filter(|_| plain).and_then(|number| number.checked_mul(unit));
    let time = milliseconds.filter(|_| unit > 0).map(Duration::from_millis).filter(|time| *time <= limits::WAIT);
    let most = limits::WAIT.as_secs();
    time.ok_or_else(|| ApiError::bad("wait", format!("wait: write a time up to {most}s, such as 500ms, 30s or 1m")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_a_unit_and_a_bound() {
        for (text, milliseconds) in [("0", 0), ("500ms", 500), ("30s", 30_000), ("30", 30_000), ("1m", 60_000)] {
            assert_eq!(wait(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "61s", "2m", "1h", "-1s", "+1s", "1.5s", "18446744073709551615m"] {
            assert_eq!(wait(text).unwrap_err().problem.code, "wait", "{text}");
        }
    }
}
