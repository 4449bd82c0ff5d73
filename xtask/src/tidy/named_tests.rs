//! Every test that a page names is there.
//!
//! A table whose last head cell is `test` names the tests of each row in its last cell, in backquotes: `name`, or `file::name` with the name
//! of the source without its ending. A row that names none is a finding, too.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use regex::Regex;

use crate::finding::Finding;
use crate::tree::TextFile;

/// The last cell in the head of a table that names tests.
const HEAD: &str = "test";
/// A function with the attribute of a test, perhaps with others after it.
const TEST: &str = r"#\[(?:tokio::)?test(?:\([^\]]*\))?\]\n(?:\s*(?:#\[[^\n]*\]|//[^\n]*)\n)*\s*(?:async )?fn (\w+)";

pub(super) fn check(pages: &[TextFile], sources: &[TextFile]) -> Result<Vec<Finding>> {
    let tests = tests_of(sources)?;
    let mut findings = Vec::new();
    for page in pages {
        let mut names_tests = false;
        for (line, number) in page.text.lines().zip(1..) {
            let Some(cell) = last_cell(line) else {
                names_tests = false;
                continue;
            };
            if cell == HEAD {
                names_tests = true;
            } else if names_tests && !cell.trim_matches('-').is_empty() {
                let wrong = faults(cell, &tests).map(|fault| Finding::at(&page.path, number, fault));
                findings.extend(wrong);
            }
        }
    }
    Ok(findings)
}

/// The last cell of a row; none if the line is no row.
fn last_cell(line: &str) -> Option<&str> {
    let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(cells.rsplit('|').next().unwrap_or(cells).trim())
}

/// The faults of a cell with names of tests.
fn faults<'a>(cell: &'a str, tests: &'a BTreeMap<String, BTreeSet<&str>>) -> impl Iterator<Item = String> + 'a {
    let names = || cell.split('`').skip(1).step_by(2);
    let none = names().next().is_none().then(|| "names no test in this row".to_owned());
    none.into_iter().chain(names().filter_map(|named| {
        let (file, name) = named.rsplit_once("::").map_or((None, named), |(file, name)| (Some(file), name));
        let files = tests.get(name);
        let is_there = files.is_some_and(|files| file.is_none_or(|file| files.contains(file)));
        (!is_there).then(|| format!("names the test {named}, which is not there"))
    }))
}

/// The tests of the sources, with the names of their files.
fn tests_of(sources: &[TextFile]) -> Result<BTreeMap<String, BTreeSet<&str>>> {
    let test = Regex::new(TEST)?;
    let mut tests: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        let file = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        for found in test.captures_iter(&source.text) {
            tests.entry(found.extract::<1>().1[0].to_owned()).or_default().insert(file);
        }
    }
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::told;

    fn found(row: &str) -> Vec<String> {
        let page = format!("| case | tests | test |\n|---|---|---|\n{row}\n\n| no | `tests` |\n| x | `gone` |\n");
        let source = "#[test]\nfn plain() {}\n#[tokio::test(start_paused = true)]\n#[expect(x)]\nasync fn later() {}\nfn helper() {}\n";
        told(&check(&[TextFile::new("docs/a.md", page)], &[TextFile::new("crates/a/tests/it/b.rs", source)]).unwrap())
    }

    #[test]
    fn a_test_that_is_not_there_and_a_row_without_one_are_found() {
        for right in ["| 1 | | `plain` |", "| 1 | `gone` | `b::plain` `later`, `b::later` |", "no row"] {
            assert_eq!(found(right), Vec::<String>::new(), "{right}");
        }
        for (wrong, words) in [
            ("| 1 | | `gone` |", "names the test gone, which is not there"),
            ("| 1 | | `plain` `a::plain` |", "names the test a::plain, which is not there"),
            ("| 1 | | `helper` |", "names the test helper, which is not there"),
            ("| 1 | `plain` | none |", "names no test in this row"),
        ] {
            assert_eq!(found(wrong), [format!("docs/a.md:3: {words}")], "{wrong}");
        }
    }
}
