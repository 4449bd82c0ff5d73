//! The validation table (`docs/validation.md`) and the code agree.
//!
//! A row of the table starts with the rule's number (`| V-07 | ..`). Its column called `test` or `tests` names, in backquotes,
//! the test functions that show the rule rejecting what it should and passing its neighbour. Every number of the table stands
//! in a source of `crates/`, every number in a source stands in the table, every named test exists.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Finding;
use crate::tree::TextFile;

const TABLE: &str = "docs/validation.md";

/// One rule of the table.
#[derive(Debug)]
struct Row {
    number: u32,
    line: usize,
    tests: Vec<String>,
}

pub(super) fn check(pages: &[TextFile], sources: &[TextFile]) -> Vec<Finding> {
    let Some(table) = pages.iter().find(|page| page.path == TABLE) else { return Vec::new() };
    let (rows, mut findings) = rows(table);
    let code = code_numbers(sources);
    let mut listed = BTreeSet::new();
    for row in &rows {
        let finding = |message: String| Finding::at(TABLE, row.line, message);
        if !listed.insert(row.number) {
            findings.push(finding(format!("V-{:02} stands here twice", row.number)));
        }
        if !code.contains_key(&row.number) {
            findings.push(finding(format!("V-{:02} stands in no source of crates/", row.number)));
        }
        if row.tests.is_empty() {
            findings.push(finding(format!("V-{:02} names no test", row.number)));
        }
        let missing = row.tests.iter().filter(|test| !sources.iter().any(|source| defines(source, test)));
        findings.extend(missing.map(|test| finding(format!("there is no test function {test}"))));
    }
    let unlisted = code.iter().filter(|(number, _)| !listed.contains(number));
    findings.extend(unlisted.map(|(number, path)| Finding::new(path, format!("V-{number:02} is not in {TABLE}"))));
    findings
}

fn rows(table: &TextFile) -> (Vec<Row>, Vec<Finding>) {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    let mut column = None;
    for (line, number) in table.text.lines().zip(1..) {
        let Some(inner) = line.trim().strip_prefix('|') else {
            column = None;
            continue;
        };
        let cells: Vec<_> = inner.split('|').map(str::trim).collect();
        let heading = cells.iter().position(|cell| ["test", "tests"].contains(&cell.to_lowercase().as_str()));
        column = column.or(heading);
        let Some(rule) = cells.first().and_then(|cell| numbers(cell).next()) else { continue };
        match column.and_then(|column| cells.get(column)) {
            Some(cell) => rows.push(Row { number: rule, line: number, tests: quoted(cell) }),
            None => findings.push(Finding::at(TABLE, number, "the table has no column `tests`")),
        }
    }
    if rows.is_empty() && findings.is_empty() {
        findings.push(Finding::new(TABLE, "holds no row that starts with V-nn"));
    }
    (rows, findings)
}

/// The names in backquotes, without the path before them.
fn quoted(cell: &str) -> Vec<String> {
    let names = cell.split('`').skip(1).step_by(2).filter_map(|name| name.rsplit("::").next());
    names.map(str::to_owned).filter(|name| !name.is_empty()).collect()
}

/// The numbers n of all `V-n` in the text.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    text.split("V-").skip(1).filter_map(move |rest| digits(rest).parse().ok())
}

/// The rules that the sources of the crates name, each with the first file that does.
fn code_numbers(sources: &[TextFile]) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.starts_with("crates/")) {
        for number in numbers(&source.text) {
            found.entry(number).or_insert_with(|| source.path.clone());
        }
    }
    found
}

fn defines(source: &TextFile, function: &str) -> bool {
    source.text.lines().any(|line| {
        line.split_once("fn ")
            .is_some_and(|(_, rest)| rest.strip_prefix(function).is_some_and(|rest| rest.starts_with('(')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str =
        "/// V-01: size\nfn size() {}\n// V-02\n#[test]\nfn too_long_is_rejected() {}\n fn stale_is_ignored() {}";

    fn found(table: &str) -> Vec<String> {
        let page = TextFile { path: TABLE.to_owned(), text: table.to_owned() };
        let source = TextFile { path: "crates/wire/src/validate.rs".to_owned(), text: CODE.to_owned() };
        check(&[page], &[source]).iter().map(ToString::to_string).collect()
    }

    const HEAD: &str = "| rule | where | tests |\n|---|---|---|\n";

    #[test]
    fn a_true_table_passes() {
        let table = format!("{HEAD}| V-01 | x | `too_long_is_rejected` |\n| V-02 | y | `it::stale_is_ignored` |\n");
        assert_eq!(found(&table), Vec::<String>::new());
    }

    #[test]
    fn a_rule_that_only_the_table_or_only_the_code_knows_is_found() {
        let table = format!("{HEAD}| V-01 | x | `too_long_is_rejected` |\n| V-03 | y | `stale_is_ignored` |\n");
        let found = found(&table);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("V-03 stands in no source") && found[1].contains("V-02 is not in"), "{found:?}");
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let table = format!("{HEAD}| V-01 | x | `too_long` |\n| V-02 | y | |\n");
        let found = found(&table);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn no_table_is_no_finding_and_an_empty_one_is() {
        assert!(check(&[], &[]).is_empty());
        assert!(found("# Validation\n")[0].contains("holds no row"));
    }
}
