//! The borders inside packages: which files may name what.

use super::paths::{self, Named};
use crate::finding::Finding;
use crate::tree::TextFile;

/// Paths that only some files may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImportRule {
    /// The paths, in whole segments, side by side: `std::time` covers `std::time::Instant`.
    pub(super) paths: &'static str,
    /// Where the rule holds: files whose path starts so.
    pub(super) within: &'static [&'static str],
    /// Which of these files may name them all the same.
    pub(super) except: &'static [&'static str],
    /// Why.
    pub(super) reason: &'static str,
}

/// Checks every file against every rule.
pub(super) fn check(sources: &[(&TextFile, Vec<Named>)], rules: &[ImportRule]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, named) in sources {
        let holds = |rule: &&ImportRule| {
            rule.within.iter().any(|within| source.path.starts_with(within)) && !rule.except.contains(&&*source.path)
        };
        for rule in rules.iter().filter(holds) {
            for path in rule.paths.split(' ') {
                let wanted: Vec<_> = path.split("::").collect();
                let names = |named: &&Named| named.segments.get(..wanted.len()).is_some_and(|start| start == wanted);
                let finding =
                    |named: &Named| Finding::at(&source.path, named.line, format!("names `{path}`: {}", rule.reason));
                findings.extend(named.iter().filter(names).map(finding));
            }
        }
    }
    findings
}

/// Reads the paths of every source that is no test; those that are not Rust are findings.
pub(super) fn read(sources: &[TextFile]) -> (Vec<(&TextFile, Vec<Named>)>, Vec<Finding>) {
    let (mut read, mut findings) = (Vec::new(), Vec::new());
    for source in sources.iter().filter(|source| !paths::is_test(&source.path)) {
        match paths::of(&source.text) {
            Ok(named) => read.push((source, named)),
            Err(error) => findings.push(Finding::new(&source.path, format!("not Rust: {error}"))),
        }
    }
    (read, findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::told;

    const RULES: &[ImportRule] = &[ImportRule {
        paths: "std::fs std::time::Instant",
        within: &["crates/a/src/"],
        except: &["crates/a/src/clock.rs"],
        reason: "time is an input",
    }];

    fn planted(path: &str, text: &str) -> Vec<String> {
        let file = [TextFile::new(path, text)];
        let (read, mut found) = read(&file);
        found.extend(check(&read, RULES));
        told(&found)
    }

    #[test]
    fn a_planted_import_is_found_with_its_line() {
        let found = planted("crates/a/src/engine.rs", "//! The engine.\n\nuse std::time::{Duration, Instant};\n");
        assert_eq!(found, ["crates/a/src/engine.rs:3: names `std::time::Instant`: time is an input"]);
        assert_eq!(planted("crates/a/src/engine.rs", "use {{").len(), 1);
        assert_eq!(planted("crates/a/src/clock.rs2.rs", "use std::fs::File;").len(), 1);
    }

    #[test]
    fn excepted_files_other_packages_tests_and_longer_names_may() {
        let text = "use std::time::Instant;";
        for path in ["crates/a/src/clock.rs", "crates/b/src/lib.rs", "crates/a/src/engine/tests.rs"] {
            assert_eq!(planted(path, text), Vec::<String>::new(), "{path}");
        }
        assert!(planted("crates/a/src/engine.rs", "use std::time::InstantLike; use time::Instant;").is_empty());
    }
}
