//! Whether what came out is what a page shows.

/// Stands for anything within a line.
const ANYTHING: char = '…';

/// The first line of `expected` that does not come out, in order, in `actual`.
pub(super) fn missing<'a>(expected: impl IntoIterator<Item = &'a str>, actual: &str) -> Option<&'a str> {
    let mut lines = actual.lines();
    expected.into_iter().find(|wanted| !lines.any(|line| fits(wanted.trim(), line.trim())))
}

/// Whether the line is the pattern, with anything for each `…`.
fn fits(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(ANYTHING) else { return pattern == line };
    let Some(line) = line.strip_prefix(start) else { return false };
    let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.filter_map(|at| line.get(at..)).any(|tail| fits(rest, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ellipsis_stands_for_anything() {
        assert!(fits("signature …", "signature 00ff"));
        assert!(fits("… of … nodes", "3 of 3 nodes"));
        assert!(fits("…", ""));
        assert!(fits("as written", "as written"));
        assert!(!fits("signature …", "no signature 00ff"));
        assert!(!fits("… nodes", "3 nodes agree"));
        assert!(!fits("as written", "as written here"));
    }

    #[test]
    fn lines_come_in_order_with_others_between() {
        assert_eq!(missing(["a", "c"], "a\nb\nc\n"), None);
        assert_eq!(missing(["c", "a"], "a\nb\nc\n"), Some("a"));
        assert_eq!(missing(["a", "a"], "a\nb\n"), Some("a"));
    }
}
