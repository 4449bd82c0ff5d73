//! Texts of people in one line of a screen or a file.

use core::ops::RangeInclusive;

use crate::limits::NAME_BYTES;

/// The reason why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no characters.
    #[error("the name is empty")]
    Empty,
    /// The name is too long.
    #[error("the name has {found} bytes; {NAME_BYTES} are allowed")]
    TooLong {
        /// The number of bytes.
        found: usize,
    },
    /// The name begins or ends with a space.
    #[error("the name begins or ends with a space")]
    Space,
    /// The name has a character that cannot be seen, or that changes the direction of the text around it.
    #[error("the name has a character that cannot be seen: U+{:04X}", u32::from(*.character))]
    Character {
        /// The character.
        character: char,
    },
}

/// Checks a name: one line that looks like what it is.
pub(crate) fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_BYTES {
        return Err(NameError::TooLong { found: name.len() });
    }
    if let Some(character) = name.chars().find(|character| is_hidden(*character)) {
        return Err(NameError::Character { character });
    }
    if name.trim() == name { Ok(()) } else { Err(NameError::Space) }
}

/// Letters, marks and signs that show nothing (Default_Ignorable_Code_Point outside Cf and Cn, and the empty Braille cell): those that the
/// standard library does not escape. Its escapes for debugging cover the general categories Cc, Cf, Cs, Co, Cn, Zl, Zp, and Zs but for the space.
const BLANK: [RangeInclusive<char>; 10] = [
    '\u{34f}'..='\u{34f}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{e0000}'..='\u{e007f}',
    '\u{e0100}'..='\u{e01ef}',
];

/// True for characters that cannot be seen or change how others are seen: control characters, marks of direction, characters
/// without width, and separators of lines.
pub fn is_hidden(character: char) -> bool {
    if character == ' ' || character.is_ascii_graphic() {
        return false;
    }
    // Of a character alone, marks on letters are escaped, too; behind a letter only characters that cannot be printed are.
    let behind = format!("x{character}");
    BLANK.iter().any(|blank| blank.contains(&character)) || !behind.escape_debug().eq(behind.chars())
}

/// A stranger's text in one line and between quotes, so that it cannot seem to go on behind them. Characters that are hidden, or that
/// pile up on others, are escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for character in text.chars() {
        let is_mark = character.escape_debug().len() > 1 && !character.is_ascii();
        if matches!(character, '"' | '\\') {
            shown.push('\\');
            shown.push(character);
        } else if is_hidden(character) || is_mark {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown.push('"');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_looks_like_what_it_is() {
        for name in ["Treasury", "Kasse Süd", "金庫"] {
            assert_eq!(check_name(name), Ok(()));
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(" a"), Err(NameError::Space));
        assert_eq!(check_name(&"a".repeat(65)), Err(NameError::TooLong { found: 65 }));
        for character in ['\n', '\u{1b}', '\u{202e}', '\u{200b}', '\u{2028}'] {
            assert_eq!(check_name(&format!("a{character}b")), Err(NameError::Character { character }));
        }
    }

    #[test]
    fn a_strangers_text_stays_between_its_quotes_and_in_its_line() {
        assert_eq!(quoted("pay Süd"), "\"pay Süd\"");
        assert_eq!(quoted("a\" b\\"), "\"a\\\" b\\\\\"");
        assert_eq!(quoted("a\n\u{1b}[2J\u{202e}"), "\"a\\u{a}\\u{1b}[2J\\u{202e}\"");
        assert_eq!(quoted("x\u{301}"), "\"x\\u{301}\"");
    }
}
