//! The validation table (`docs/validation.md`) and the code agree.
//!
//! A row of the table is a rule: its number, what is refused, the place of the check, the tests, verdict, penalty and
//! counter. What the code says stands in `rule.rs` of the wire crate, a row with documentation for each rule, and in the
//! function that the page's row names, which has to name the rule. A rule's tests begin with its number, all of them
//! stand in its row, and at least one names the rule.

mod code;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::tree::TextFile;
use code::{PIPELINE, Rule};

const TABLE: &str = "docs/validation.md";
/// The messages of the wire crate: what is asked of one kind alone stands in the file of its message.
const MESSAGES: &str = "crates/wire/src/message";

/// The columns of the table.
const COLUMNS: [&str; 7] = ["rule", "what is refused", "where", "tests", "verdict", "penalty", "counter"];

/// One rule of the table.
#[derive(Debug)]
struct Row<'a> {
    number: u32,
    line: usize,
    cells: [&'a str; 7],
}

pub(super) fn check(pages: &[TextFile], sources: &[TextFile]) -> Vec<Finding> {
    let Some(table) = pages.iter().find(|page| page.path == TABLE) else { return Vec::new() };
    let (rows, mut findings) = rows(table);
    let rules = code::rules(sources);
    let tests = code::tests(sources);
    let mut listed = BTreeSet::new();
    for row in &rows {
        if !listed.insert(row.number) {
            findings.push(Finding::at(TABLE, row.line, format!("V-{:02} stands here twice", row.number)));
        }
        let wrong = match rules.get(&row.number) {
            Some(rule) => disagreements(row, rule, sources, &tests),
            None => vec![format!("V-{:02} is no rule of {PIPELINE}/rule.rs", row.number)],
        };
        findings.extend(wrong.into_iter().map(|message| Finding::at(TABLE, row.line, message)));
    }
    let unlisted: BTreeMap<u32, String> =
        code::mentioned(sources).filter(|(number, _)| !listed.contains(number)).collect();
    let unlisted = unlisted.iter();
    findings.extend(unlisted.map(|(number, path)| Finding::new(path, format!("V-{number:02} is not in {TABLE}"))));
    findings
}

fn rows(table: &TextFile) -> (Vec<Row<'_>>, Vec<Finding>) {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    let mut inside = false;
    for (text, line) in table.text.lines().zip(1..) {
        let Some(inner) = text.trim().strip_prefix('|') else {
            inside = false;
            continue;
        };
        let cells: Vec<&str> = inner.trim_end_matches('|').split('|').map(str::trim).collect();
        inside |= cells == COLUMNS;
        let Some(number) = cells.first().and_then(|cell| code::number(cell)) else { continue };
        match cells.try_into() {
            Ok(cells) if inside => rows.push(Row { number, line, cells }),
            _ => findings.push(Finding::at(TABLE, line, format!("a rule's columns are: {}", COLUMNS.join(", ")))),
        }
    }
    if rows.is_empty() && findings.is_empty() {
        findings.push(Finding::new(TABLE, "holds no row that starts with V-nn"));
    }
    (rows, findings)
}

/// What is wrong with a row.
fn disagreements(row: &Row<'_>, rule: &Rule, sources: &[TextFile], tests: &BTreeMap<String, String>) -> Vec<String> {
    let [_, refused, place, named, verdict, penalty, counter] = row.cells;
    let code = format!("V-{:02}", row.number);
    let mut wrong = Vec::new();
    let counter = counter.trim_matches('`');
    for (what, said, meant) in [
        ("refuses", refused, &rule.refused),
        ("has the verdict", verdict, &rule.verdict),
        ("has the penalty", penalty, &rule.penalty),
        ("has the counter", counter, &rule.counter),
    ] {
        if said != meant {
            wrong.push(format!("{code} {what} {meant:?} in the code, {said:?} here"));
        }
    }
    let variant = format!("Rule::{}", rule.name);
    if !checks_at(place.trim_matches('`'), &variant, sources) {
        wrong.push(format!("{code}: no function {place} in {PIPELINE} or {MESSAGES} names {variant}"));
    }

    let named: BTreeSet<&str> = named.split('`').skip(1).step_by(2).collect();
    let prefix = format!("v{:02}_", row.number);
    if named.is_empty() {
        wrong.push(format!("{code} names no test"));
    }
    for test in &named {
        if !tests.contains_key(*test) {
            wrong.push(format!("there is no test function {test}"));
        } else if !test.starts_with(&prefix) {
            wrong.push(format!("the test {test} is of another rule than {code}"));
        }
    }
    let forgotten = tests.keys().filter(|test| test.starts_with(&prefix) && !named.contains(test.as_str()));
    wrong.extend(forgotten.map(|test| format!("the test {test} of {code} is not here")));
    if !named.iter().filter_map(|test| tests.get(*test)).any(|body| code::names(body, &variant)) {
        wrong.push(format!("no test of {code} names {variant}"));
    }
    wrong
}

/// Whether the function at `file::function` names the rule.
fn checks_at(place: &str, variant: &str, sources: &[TextFile]) -> bool {
    let Some((file, function)) = place.split_once("::") else { return false };
    let paths = [PIPELINE, MESSAGES].map(|folder| format!("{folder}/{file}.rs"));
    let mut sources = sources.iter().filter(|source| paths.contains(&source.path));
    sources.any(|source| code::bodies(&source.text, function).any(|body| code::names(&body, variant)))
}

#[cfg(test)]
mod tests;
