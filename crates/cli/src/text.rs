//! Texts of strangers, made harmless for their readers: nicknames, reasons, descriptions, addresses, errors of peers.
//!
//! Such a text may move the cursor, turn the direction of writing, break the line, hide behind invisible characters, or
//! pile marks over other lines. Everything that is shown or logged goes through this module, and characters that are
//! not plain become escapes such as `\u{202e}`.
//!
//! Characters are harmless if the wallet calls them so, which asks the same for its approval screen and the names of groups.

use motet_wallet::judged;
pub(crate) use motet_wallet::{escaped, quoted};

/// Characters of a text within a line: a reason of 256 bytes fits, also if some of it is escaped.
const SHOWN: usize = 400;
/// A nickname of as many hexadecimal digits, or more, could be taken for the beginning of a key.
const LIKE_A_KEY: usize = 6;

/// A text within a line: harmless, and not longer than people read.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = escaped(text);
    if let Some((end, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// A message for people: between quotes if it is plain text, else as its bytes in hexadecimal digits.
pub(crate) fn message(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => quoted(text),
        _ => hex::encode(bytes),
    }
}

/// True for a message of 32 bytes that is shown as such, because it is no text: perhaps a hash.
pub(crate) fn is_raw_hash(bytes: &[u8]) -> bool {
    bytes.len() == 32 && message(bytes) == hex::encode(bytes)
}

/// The nickname of a signer: in quotes if it is more than one word, or could be taken for a part of the line or for a
/// key.
pub(crate) fn nickname(name: &str) -> String {
    let word = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    let like_a_key = name.len() >= LIKE_A_KEY && name.chars().all(|character| character.is_ascii_hexdigit());
    let shown = printable(name);
    if shown == name && name.chars().all(word) && !like_a_key { shown } else { quoted(name) }
}

/// The same JSON, harmless in a terminal: characters that are not plain can only stand within a text there, and become
/// an escape of JSON.
pub(crate) fn json(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for (character, plain) in judged(text) {
        if plain {
            harmless.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                harmless.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    harmless
}

/// The day of a time in seconds since 1970, in the Gregorian calendar: `2026-11-29`.
///
/// The days are counted in eras of 400 years, which begin in March so that the leap day is a year's last.
pub(crate) fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let known =
            [(0, "1970-01-01"), (951_782_399, "2000-02-28"), (951_782_400, "2000-02-29"), (951_868_800, "2000-03-01")];
        let later = [(1_796_000_000, "2026-11-30"), (4_107_542_399, "2100-02-28"), (4_107_542_400, "2100-03-01")];
        for (seconds, day) in known.into_iter().chain(later) {
            assert_eq!(date(seconds), day);
        }
    }

    /// One of each kind that must never reach a terminal.
    const STRANGE: [char; 36] = [
        '\0',
        '\t',
        '\n',
        '\r',
        '\u{7}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{ad}',
        '\u{a0}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{2800}',
        '\u{3164}',
        '\u{e000}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{fff9}',
        '\u{ffff}',
        '\u{e0041}',
        '\u{e0100}',
        '\u{10ffff}',
        '\u{378}',
    ];

    #[test]
    fn what_is_not_plain_is_escaped_wherever_it_is_shown() {
        for strange in STRANGE {
            let text = format!("a{strange}b");
            for shown in [escaped(&text), printable(&text), quoted(&text), nickname(&text), json(&text)] {
                assert!(!shown.contains(strange), "{strange:?} stays");
                assert!(shown.contains('\\') && shown.contains('a') && shown.contains('b'), "{shown:?}");
            }
        }
    }

    #[test]
    fn ordinary_words_of_all_languages_stay_as_they_are() {
        for text in [
            "bob",
            "Zoë",
            "Jürgen Groß",
            "Дмитрий",
            "鈴木",
            "한국어",
            "ประวัติ",
            "हिन्दी",
            "Nguyễn Thị",
            "a\u{301}b",
            "🙂",
            "a\\b \"c\"",
        ] {
            assert_eq!(escaped(text), text);
            assert_eq!(printable(text), text);
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn what_is_harmless_already_is_not_escaped_again() {
        for strange in STRANGE {
            let once = escaped(&format!("x{strange}"));
            assert_eq!(escaped(&once), once);
        }
    }

    #[test]
    fn marks_neither_pile_up_nor_stand_on_what_is_before_the_text() {
        let pile = format!("a{}", "\u{301}".repeat(50));
        assert_eq!(escaped(&pile).matches('\u{301}').count(), 2);
        assert_eq!(escaped("\u{301}a"), "\\u{301}a");
        // Something that nobody sees does not make room for more.
        let hidden = format!("a{}", "\u{301}\u{301}\u{200d}".repeat(50));
        assert_eq!(escaped(&hidden).matches('\u{301}').count(), 2);
    }

    #[test]
    fn a_text_within_a_line_is_cut_and_one_that_decides_is_not() {
        let long = "x".repeat(SHOWN + 1);
        assert_eq!(printable(&long).chars().count(), SHOWN + 1);
        assert!(printable(&long).ends_with('…'));
        assert_eq!(printable(&long[1..]), long[1..]);
        assert!(printable(&"\u{202e}".repeat(1000)).chars().count() <= SHOWN + 1);
        assert_eq!(quoted(&long).len(), SHOWN + 3);
    }

    #[test]
    fn a_quoted_text_cannot_end_its_quotes() {
        assert_eq!(quoted("x\" you\\"), "\"x\\\" you\\\\\"");
        assert_ne!(quoted("\\u{202e}"), quoted("\u{202e}"));
    }

    #[test]
    fn a_nickname_that_is_no_plain_word_or_looks_like_a_key_stands_in_quotes() {
        for name in ["bob", "bob-2", "ops.main", "Zoë", "x_1", "bad", "decade-1", ""] {
            assert_eq!(nickname(name), name);
        }
        for name in ["bob (02f9308a0192…)", "bob smith", "bob,", "a\"b", "02f9308a0192", "deadbeef", "\u{202e}bob"] {
            let shown = nickname(name);
            assert_eq!(shown, quoted(name));
        }
    }

    #[test]
    fn json_says_the_same_as_before() {
        for strange in STRANGE {
            let value = serde_json::json!({"text": format!("a{strange}\u{301}\u{301}\u{301}b\\\"")});
            let shown = json(&value.to_string());
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value, "{shown}");
        }
    }
}
