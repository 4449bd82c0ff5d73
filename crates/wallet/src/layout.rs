//! Lines for people: a label, and a text that goes on below itself.

use crate::text::escaped;

/// Columns of a line.
const WIDTH: usize = 80;
/// Columns before the text of a line.
pub(crate) const LABEL: usize = 11;

/// A label and its text within 80 columns, without an end of the last line. Characters that are not plain are escaped in it.
pub fn field(label: &str, text: &str) -> String {
    lines(label, text, WIDTH).join("\n")
}

/// The lines of a label and its text, each of so many columns at most, unless a word is longer.
pub(crate) fn lines(label: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![format!("{label:<LABEL$}")];
    for (number, part) in text.split('\n').enumerate() {
        if number > 0 {
            lines.push(" ".repeat(LABEL));
        }
        for word in part.split(' ') {
            // Names of members and files are texts of others.
            let word = escaped(word);
            let Some(line) = lines.last_mut() else { continue };
            let is_begun = line.len() > LABEL;
            if is_begun && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(format!("{}{word}", " ".repeat(LABEL)));
            } else {
                if is_begun {
                    line.push(' ');
                }
                line.push_str(&word);
            }
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_go_on_below_themselves_within_80_columns() {
        let text = "word ".repeat(40);
        let shown = field("label", text.trim());
        assert!(shown.lines().count() == 3 && shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
        assert!(shown.lines().skip(1).all(|line| line.starts_with(&" ".repeat(LABEL))), "{shown}");
        assert_eq!(field("a", "b\nc"), format!("{:<LABEL$}b\n{:<LABEL$}c", "a", ""));
    }
}
