//! The shape of our Rust files: length, first line, names.

use crate::finding::Finding;
use crate::tree::TextFile;

/// A file that a person reads in one go; one that grows past it is split by concept.
const MAX_LINES: usize = 500;

/// File names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "mod"];

pub(super) fn check(sources: &[TextFile]) -> Vec<Finding> {
    sources.iter().flat_map(|source| [length(source), header(source), name(source)]).flatten().collect()
}

fn length(source: &TextFile) -> Option<Finding> {
    let lines = source.text.lines().count();
    let message = format!("{lines} lines; split it by concept, {MAX_LINES} is the most");
    (lines > MAX_LINES).then(|| Finding::new(&source.path, message))
}

fn header(source: &TextFile) -> Option<Finding> {
    let first = source.text.lines().next().unwrap_or_default();
    let message = "the first line must be `//!` and say what this file is";
    let told = first.strip_prefix("//!").is_some_and(|words| words.trim().len() > 2);
    (!told).then(|| Finding::at(&source.path, 1, message))
}

fn name(source: &TextFile) -> Option<Finding> {
    let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    let message = format!("`{stem}` says nothing; name the file after its concept (foo.rs and foo/, never mod.rs)");
    EMPTY_NAMES.contains(&stem).then(|| Finding::new(&source.path, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&[TextFile { path: path.to_owned(), text: text.to_owned() }]).iter().map(ToString::to_string).collect()
    }

    fn lines(count: usize) -> String {
        format!("//! A file.\n{}", "\n".repeat(count - 1))
    }

    #[test]
    fn a_file_of_five_hundred_lines_passes_and_a_longer_one_does_not() {
        assert_eq!(found("src/slots.rs", &lines(500)), Vec::<String>::new());
        assert_eq!(
            found("src/slots.rs", &lines(501)),
            ["src/slots.rs: 501 lines; split it by concept, 500 is the most"]
        );
    }

    #[test]
    fn a_file_must_say_what_it_is() {
        for text in ["", "use std::fs;\n", "// A file.\n", "//!\n", "\n//! A file.\n"] {
            assert_eq!(found("src/slots.rs", text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn empty_names_are_refused() {
        for name in ["mod", "utils", "helpers"] {
            assert_eq!(found(&format!("src/slots/{name}.rs"), "//! A file.\n").len(), 1, "{name}");
        }
        assert!(found("src/model.rs", "//! A file.\n").is_empty());
    }
}
