//! Lines that are broken to a width: nothing of what is signed may be cut off.

use ratatui::text::Span;

/// Columns by which the rest of a line stands to the right, under the values of the line before.
const HANGING: usize = 13;

/// The text in lines of this width. The rest of a long line is indented, as far as the width allows it.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let indent = if width > HANGING * 3 { HANGING } else { 1 };
    text.lines().flat_map(|line| broken(line, width.max(indent + 2), indent)).collect()
}

fn broken(line: &str, width: usize, indent: usize) -> Vec<String> {
    let mut done = Vec::new();
    let (mut begun, mut columns) = (String::new(), 0);
    for character in line.chars() {
        let wide = Span::raw(character.to_string()).width();
        if columns + wide > width {
            done.push(core::mem::replace(&mut begun, " ".repeat(indent)));
            columns = indent;
        }
        begun.push(character);
        columns += wide;
    }
    done.push(begun);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_stays_and_no_line_is_too_wide() {
        let text =
            format!("  under key  {}\n  message    \"鈴木鈴木鈴木鈴木鈴木鈴木鈴木鈴木\"", "0123456789abcdef".repeat(4));
        for width in [0, 1, 3, 20, 40, 60, 200] {
            let lines = wrap(&text, width);
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(plain(&lines.concat()), plain(&text), "{width}");
            assert!(lines.iter().all(|line| Span::raw(line).width() <= width.max(3)), "{width}: {lines:?}");
        }
        assert_eq!(wrap(&text, 40).get(1).map(|line| line.starts_with(&" ".repeat(HANGING))), Some(true));
    }
}
