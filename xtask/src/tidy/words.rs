//! Words that do not belong into the tree: paths of somebody's machine, work left undone, conflict markers.

use anyhow::Result;
use regex::Regex;

use crate::finding::Finding;
use crate::tree::TextFile;

/// This file names them, and no other does.
const SELF: &str = "xtask/src/tidy/words.rs";

/// What is refused, and what to say about it. A path that begins where a person's or a machine's own files live works on one
/// machine only; `https://x.org/home/` and `some/work/` do not begin so.
const REFUSED: [(&str, &str); 3] = [
    (r"(?:^|[^\w.\-}>)*~/])(?:/home/|/root/|/Users/|/work/|/tmp/|C:\\)", "a path of one machine"),
    (r"\b(?:TODO|FIXME|XXX|HACK)\b|\b(?:todo|unimplemented)!\(", "work left undone: finish it, or write an issue"),
    (r"^(?:<<<<<<<|>>>>>>>) ", "a conflict marker"),
];

pub(super) fn check(texts: &[TextFile]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (pattern, message) in REFUSED {
        let pattern = Regex::new(pattern)?;
        for text in texts.iter().filter(|text| text.path != SELF) {
            let lines = text.text.lines().zip(1..).filter(|(line, _)| pattern.is_match(line));
            findings.extend(lines.map(|(_, number)| Finding::at(&text.path, number, message)));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_refused_where_it_stands_alone() {
        let found = |line: &str| check(&[TextFile::new("src/lib.rs", format!("//! A file.\n{line}\n"))]).unwrap().len();
        for line in ["// see /home/ann/notes", "let p = \"/root/.cache\";", "cd /work/main", "open(C:\\Users)"] {
            assert_eq!(found(line), 1, "{line}");
        }
        for line in ["// TODO: mend", "todo!()", "unimplemented!(\"later\")", "(FIXME)", "<<<<<<< ours"] {
            assert_eq!(found(line), 1, "{line}");
        }
        let paths = ["https://example.org/home/", "crates/work/src", "--help/tmp/", "~/home/"];
        for line in paths.iter().chain(&["const TODOS: u8 = 1;", "\"XXXX\"", "HACKER", "a << b"]) {
            assert_eq!(found(line), 0, "{line}");
        }
    }
}
