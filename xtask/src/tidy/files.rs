//! The shape of our Rust files: length, first line, names.

use crate::finding::Finding;
use crate::tree::TextFile;

/// A file that a person reads in one go; one that grows past it is split by concept.
const MAX_LINES: usize = 500;

/// File names that say nothing about what is inside. (`mod` is clippy's.)
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "misc", "manager"];

pub(super) fn check(sources: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            let message = format!("{lines} lines; split it by concept, {MAX_LINES} is the most");
            findings.push(Finding::new(&source.path, message));
        }
        let first = source.text.lines().next().unwrap_or_default();
        if first.strip_prefix("//!").is_none_or(|words| words.trim().len() < 3) {
            findings.push(Finding::at(&source.path, 1, "the first line must be `//!` and say what this file is"));
        }
        let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        if EMPTY_NAMES.contains(&stem) {
            findings
                .push(Finding::new(&source.path, format!("`{stem}` says nothing; name the file after its concept")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_short_and_says_what_it_is() {
        let lines = |count: usize| format!("//! A file.\n{}", "\n".repeat(count - 1));
        let found = |path: &str, text: &str| check(&[TextFile::new(path, text)]).len();
        assert_eq!(found("src/slots.rs", &lines(500)), 0);
        assert_eq!(found("src/slots.rs", &lines(501)), 1);
        for text in ["", "use std::fs;\n", "// A file.\n", "//!\n", "\n//! A file.\n"] {
            assert_eq!(found("src/slots.rs", text), 1, "{text:?}");
        }
        assert_eq!(found("src/slots/utils.rs", &lines(2)), 1);
        assert_eq!(found("src/utility.rs", &lines(2)), 0);
    }
}
