//! The map of the sources in `docs/architecture.md` is complete and true.
//!
//! A heading `### crates/wire/src` starts the map of that folder; the first cell of each row of the table under it names, in
//! backquotes, files of the folder (`codec.rs`) or whole folders in it (`message/`). Everything named is there, and
//! everything that is there is named.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::tree::TextFile;

const PAGE: &str = "docs/architecture.md";

pub(super) fn check(pages: &[TextFile], sources: &[TextFile]) -> Vec<Finding> {
    let Some(page) = pages.iter().find(|page| page.path == PAGE) else { return Vec::new() };
    let (folders, named) = read(page);
    let mut findings = Vec::new();
    for (entry, line) in &named {
        if !sources.iter().any(|source| covers(entry, &source.path)) {
            findings.push(Finding::at(PAGE, *line, format!("{entry} is not there")));
        }
    }
    let crates = sources.iter().filter(|source| source.path.starts_with("crates/") && source.path.contains("/src/"));
    for source in crates {
        let mapped = folders.iter().any(|folder| source.path.starts_with(folder));
        if !mapped || !named.iter().any(|(entry, _)| covers(entry, &source.path)) {
            findings.push(Finding::new(PAGE, format!("does not say what {} is for", source.path)));
        }
    }
    findings
}

fn covers(entry: &str, path: &str) -> bool {
    entry == path || entry.ends_with('/') && path.starts_with(entry)
}

/// The folders that the page maps, and the paths that it names with their lines.
fn read(page: &TextFile) -> (BTreeSet<String>, Vec<(String, usize)>) {
    let mut folders = BTreeSet::new();
    let mut named = Vec::new();
    let mut folder = None;
    for (line, number) in page.text.lines().zip(1..) {
        if line.starts_with('#') {
            folder =
                line.strip_prefix("### ").filter(|path| path.starts_with("crates/")).map(|path| format!("{path}/"));
            folders.extend(folder.clone());
        } else if let (Some(folder), Some(row)) = (&folder, line.strip_prefix('|')) {
            let cell = row.split('|').next().unwrap_or_default();
            named.extend(cell.split('`').skip(1).step_by(2).map(|name| (format!("{folder}{name}"), number)));
        }
    }
    (folders, named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::told;

    const MAP: &str = "### crates/a/src\n\n| file | holds |\n|---|---|\n| `lib.rs` | all |\n| `b.rs` `b/` | `c.rs` |\n## End\n| `x` |";
    const TREE: [&str; 4] =
        ["crates/a/src/lib.rs", "crates/a/src/b.rs", "crates/a/src/b/d.rs", "crates/a/tests/it/main.rs"];

    fn found(paths: &[&str]) -> Vec<String> {
        let sources: Vec<_> = paths.iter().map(|path| TextFile::new(*path, "")).collect();
        told(&check(&[TextFile::new(PAGE, MAP)], &sources))
    }

    #[test]
    fn what_is_not_on_the_map_and_what_is_gone_is_found() {
        assert_eq!(found(&TREE), Vec::<String>::new());
        for new in ["crates/a/src/new.rs", "crates/z/src/lib.rs"] {
            let expected = format!("docs/architecture.md: does not say what {new} is for");
            assert_eq!(found(&[&TREE[..], &[new]].concat()), [expected]);
        }
        assert_eq!(found(&TREE[..2]), ["docs/architecture.md:6: crates/a/src/b/ is not there"]);
    }
}
