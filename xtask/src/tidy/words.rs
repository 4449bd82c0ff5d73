//! Words that do not belong into the tree: paths of somebody's machine, work left undone, conflict markers.

use crate::finding::Finding;
use crate::tree::TextFile;

/// This file names them; nobody else does.
const SELF: &str = "xtask/src/tidy/words.rs";

/// Where a person's or a machine's own files live: a path that starts so works on one machine only.
const PRIVATE_PATHS: [&str; 6] = ["/home/", "/root/", "/Users/", "/work/", "/tmp/", "C:\\"];

/// Work left undone. Open ends are written down as issues, or mended.
const UNDONE: [&str; 6] = ["TODO", "FIXME", "XXX", "HACK", "todo!(", "unimplemented!("];

const CONFLICTS: [&str; 2] = ["<<<<<<< ", ">>>>>>> "];

pub(super) fn check(texts: &[TextFile]) -> Vec<Finding> {
    texts.iter().filter(|text| text.path != SELF).flat_map(file).collect()
}

fn file(text: &TextFile) -> Vec<Finding> {
    let lines = text.text.lines().zip(1..);
    lines.filter_map(|(line, number)| Some(Finding::at(&text.path, number, complaint(line)?))).collect()
}

fn complaint(line: &str) -> Option<String> {
    if let Some(path) = PRIVATE_PATHS.iter().find(|path| names_path(line, path)) {
        return Some(format!("a path of one machine (`{path}`)"));
    }
    if let Some(word) = UNDONE.iter().find(|word| names_word(line, word)) {
        return Some(format!("`{word}`: finish it, or write an issue"));
    }
    CONFLICTS.iter().any(|marker| line.starts_with(marker)).then(|| "a conflict marker".to_owned())
}

/// Whether the line names a path that starts so; `https://x.org/home/` and `some/work/` do not.
fn names_path(line: &str, path: &str) -> bool {
    let starts = |(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || "._-}>)*~/".contains(before))
    };
    line.match_indices(path).any(starts)
}

fn names_word(line: &str, word: &str) -> bool {
    let edge = |character: Option<char>| !character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        edge(before) && (word.ends_with('(') || edge(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> usize {
        check(&[TextFile { path: "src/lib.rs".to_owned(), text: format!("//! A file.\n{line}\n") }]).len()
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for line in ["// see /home/ann/notes", "let p = \"/root/.cache\";", "cd /work/main", "open(C:\\Users)"] {
            assert_eq!(found(line), 1, "{line}");
        }
        for line in ["https://example.org/home/", "crates/work/src", "--help/tmp/", "~/home/"] {
            assert_eq!(found(line), 0, "{line}");
        }
    }

    #[test]
    fn undone_work_is_found() {
        for line in ["// TODO: mend", "todo!()", "unimplemented!(\"later\")", "(FIXME)"] {
            assert_eq!(found(line), 1, "{line}");
        }
        for line in ["const TODOS: u8 = 1;", "\"XXXX\"", "HACKER"] {
            assert_eq!(found(line), 0, "{line}");
        }
    }

    #[test]
    fn conflict_markers_are_found() {
        assert_eq!(found("<<<<<<< ours"), 1);
        assert_eq!(found("a << b"), 0);
    }
}
