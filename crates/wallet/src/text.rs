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

/// Marks that may stand on one letter, as many as languages need: more of them cover the lines above and below.
const MARKS: usize = 2;

/// The effect of a character on a line.
enum Kind {
    /// It stands there.
    Plain,
    /// It stands on the one before.
    Mark,
    /// Anything else, invisible characters too.
    Strange,
}

fn kind(character: char) -> Kind {
    if is_hidden(character) {
        Kind::Strange
    } else if character.is_ascii() || character.escape_debug().len() == 1 {
        Kind::Plain
    } else {
        // Of a character alone, marks are escaped, too.
        Kind::Mark
    }
}

/// The characters of a text, each with true if it is plain where it stands. Others are escaped wherever a text is shown.
pub fn judged(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    // A mark in front would stand on the character before.
    let mut marks = MARKS;
    text.chars().map(move |character| {
        let plain = match kind(character) {
            Kind::Plain => {
                marks = 0;
                true
            }
            Kind::Mark if marks < MARKS => {
                marks += 1;
                true
            }
            Kind::Mark | Kind::Strange => false,
        };
        (character, plain)
    })
}

/// The whole text, harmless and in one line. A text that is harmless already is unchanged.
pub fn escaped(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for (character, plain) in judged(text) {
        if plain { harmless.push(character) } else { harmless.extend(character.escape_default()) }
    }
    harmless
}

/// The whole text, harmless and between quotes, so that it cannot seem to go on behind them.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(&text.replace('\\', "\\\\").replace('"', "\\\"")))
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
        assert_eq!(quoted("a\n\u{1b}[2J\u{202e}"), "\"a\\n\\u{1b}[2J\\u{202e}\"");
        assert_eq!(quoted("x\u{301}"), "\"x\u{301}\"");
    }
}
