//! The validation table (`docs/validation.md`) is what the code says.
//!
//! A row is made anew for each rule. `rule.rs` of the wire crate has its number, text, verdict, penalty and counter. Its place is a
//! function that names the rule: one of the pipeline, or of the messages, where the rule is of one kind alone. Its tests are
//! those that begin with its number, and at least one names the rule. The sources are read as text: this tool builds nothing of
//! ours.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use regex::Regex;

use crate::finding::Finding;
use crate::tree::TextFile;

const TABLE: &str = "docs/validation.md";
const RULES: &str = "crates/wire/src/validate/rule.rs";
/// Where rules are checked: a file for each stage of the pipeline, and one for each message.
const PLACES: [&str; 2] = ["crates/wire/src/validate/", "crates/wire/src/message/"];
const HEAD: &str = "| rule | what is refused | where | tests | verdict | penalty | counter |\n";

/// A function of a source.
struct Function<'a> {
    path: &'a str,
    name: &'a str,
    is_test: bool,
    /// The rules that it names.
    rules: BTreeSet<String>,
}

pub(super) fn check(pages: &[TextFile], sources: &[TextFile]) -> Result<Vec<Finding>> {
    let Some(page) = pages.iter().find(|page| page.path == TABLE) else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    if !page.text.contains(HEAD) {
        findings.push(Finding::new(TABLE, format!("needs a table with this head: {HEAD}")));
    }
    let mut rows: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (line, number) in page.text.lines().zip(1..).filter(|(line, _)| line.starts_with("| V-")) {
        rows.entry(line.get(2..6).unwrap_or_default()).or_default().push((number, line));
    }
    let mut functions = Vec::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("xtask/")) {
        functions.extend(functions_of(source)?);
    }
    let text = sources.iter().find(|source| source.path == RULES).map_or("", |source| &source.text);
    let rule = r#"(?m)^ */// (V-(\d\d)): (.+)\.\n *(\w+) = (\d+) => (\w+), (\w+), "(\w+)";$"#;
    for row in Regex::new(rule)?.captures_iter(text) {
        let (_, [code, number, refused, name, discriminant, verdict, penalty, counter]) = row.extract();
        if number.trim_start_matches('0') != discriminant {
            findings.push(Finding::new(RULES, format!("{code} is number {discriminant}")));
        }
        let names = |function: &&Function<'_>| function.rules.contains(name);
        let is_place = |function: &&Function<'_>| PLACES.iter().any(|folder| function.path.starts_with(folder));
        let places = functions.iter().filter(names).filter(is_place).map(Function::place).collect::<BTreeSet<_>>();
        let prefix = format!("v{number}_");
        let tests = functions.iter().filter(|function| function.is_test && function.name.starts_with(&prefix));
        if !tests.clone().any(|test| names(&test)) {
            findings.push(Finding::new(TABLE, format!("no test {prefix}.. of {code} names Rule::{name}")));
        }
        let tests: BTreeSet<_> = tests.map(|test| format!("`{}`", test.name)).collect();
        let tests = tests.into_iter().collect::<Vec<_>>().join(" ");
        let [verdict, penalty] = [verdict, penalty].map(in_words);
        let row = |place: &String| {
            format!("| {code} | {refused} | {place} | {tests} | {verdict} | {penalty} | `{counter}` |")
        };
        let possible: Vec<String> = places.iter().map(row).collect();
        let is = rows.remove(code).unwrap_or_default();
        if possible.is_empty() {
            findings.push(Finding::new(TABLE, format!("no function of {} names Rule::{name}", PLACES.join(", "))));
        } else if !matches!(&*is, [(_, row)] if possible.iter().any(|possible| possible == row)) {
            let line = is.first().map_or(1, |(line, _)| *line);
            findings.push(Finding::at(TABLE, line, format!("needs one row for {code}: {}", possible.join(" or "))));
        }
    }
    findings.extend(rows.keys().map(|code| Finding::new(TABLE, format!("{code} is no rule of {RULES}"))));
    let code = Regex::new(r"V-\d+")?;
    for source in sources.iter().filter(|source| source.path.starts_with("crates/")) {
        let unknown = code.find_iter(&source.text).filter(|code| !text.contains(&format!("/// {}: ", code.as_str())));
        findings.extend(unknown.map(|code| Finding::new(&source.path, format!("{} is no rule", code.as_str()))));
    }
    Ok(findings)
}

impl Function<'_> {
    /// As the table writes it: `file::function`.
    fn place(&self) -> String {
        let file = self.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        format!("`{file}::{}`", self.name)
    }
}

/// The functions of a source; their ends are told by the indentation.
fn functions_of(source: &TextFile) -> Result<Vec<Function<'_>>> {
    let (head, rule) = (Regex::new(r"^( *)(?:[a-z()]+ )*fn (\w+)[(<]")?, Regex::new(r"Rule::(\w+)")?);
    let mut functions = Vec::new();
    let mut before = "";
    let mut rest = source.text.as_str();
    while let Some((line, after)) = rest.split_once('\n') {
        if let Some((_, [indent, name])) = head.captures(line).map(|head| head.extract()) {
            let body = rest.split_once(&format!("\n{indent}}}\n")).map_or(rest, |(body, _)| body);
            let rules = rule.captures_iter(body).map(|rule| rule.extract::<1>().1[0].to_owned()).collect();
            functions.push(Function { path: &source.path, name, is_test: before.trim() == "#[test]", rules });
        }
        (before, rest) = (line, after);
    }
    Ok(functions)
}

/// `InvalidSignature` as the table writes it: `invalid signature`.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        words.push_str(if character.is_uppercase() && !words.is_empty() { " " } else { "" });
        words.extend(character.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::told;

    const RULE: &str = "
    /// V-01: the frame is too long.
    Long = 1 => Reject, None, \"rejected_long\";
    /// V-02: the sender did not sign it.
    Signature = 2 => Reject, InvalidSignature, \"rejected_signature\";
";
    const SIZE: &str = "//! V-01\npub(crate) fn check() {\n    refuse(Rule::Long)\n}\nfn other() {\n}\n";
    const JOIN: &str = "impl Raw {\n    fn check(&self) {\n        Err(Rule::Signature)\n    }\n}\n";
    const TESTS: &str = "#[test]\nfn v01_too_long() {\n    Rule::Long;\n}\n\n#[test]\nfn v02_signed() {\n    \
        Rule::Signature;\n}\n\nfn v02_helper() {\n}\n";
    const LONG: &str =
        "| V-01 | the frame is too long | `size::check` | `v01_too_long` | reject | none | `rejected_long` |\n";
    const SIGNATURE: &str = "| V-02 | the sender did not sign it | `join::check` | `v02_signed` | reject | \
        invalid signature | `rejected_signature` |\n";

    /// What is found in the true table and the true sources after a change.
    fn found(from: &str, to: &str) -> Vec<String> {
        let table = format!("{HEAD}|---|\n{LONG}{SIGNATURE}");
        let places =
            PLACES.map(|folder| format!("{folder}{}", if folder.contains("message") { "join.rs" } else { "size.rs" }));
        let files =
            [(TABLE, &*table), (RULES, RULE), (&*places[0], SIZE), (&*places[1], JOIN), ("tests/it/rules.rs", TESTS)];
        assert!(files.iter().any(|(_, text)| text.contains(from)), "{from} is nowhere");
        let [table, sources @ ..] = files.map(|(path, text)| TextFile::new(path, text.replacen(from, to, 1)));
        told(&check(&[table], &sources).unwrap())
    }

    #[test]
    fn a_true_table_passes_and_none_is_not_asked_for() {
        assert_eq!(found("", ""), Vec::<String>::new());
        assert!(check(&[], &[]).unwrap().is_empty());
    }

    #[test]
    fn each_disagreement_of_table_and_code_is_found() {
        let (first, second) = ("needs one row for V-01", "needs one row for V-02");
        for (from, to, expected) in [
            // A rule that only one side knows, or that stands there twice, or under another number.
            (SIGNATURE, &*format!("{SIGNATURE}{}", SIGNATURE.replace("V-02", "V-04")), "V-04 is no rule of"),
            (LONG, "", first),
            (LONG, &LONG.repeat(2), first),
            ("//! V-01", "//! V-05", "size.rs: V-05 is no rule"),
            ("Signature = 2", "Signature = 4", "V-02 is number 4"),
            ("Reject, None, ", "Reject, ", "V-01 is no rule"),
            (HEAD, "", "needs a table"),
            // Other words on either side.
            ("| the frame is too long", "| the frame is long", first),
            ("`v01_too_long` | reject", "`v01_too_long` | ignore", first),
            ("2 => Reject", "2 => Ignore", second),
            ("| none |", "| malformed |", first),
            ("Reject, InvalidSignature", "Reject, Ban", second),
            ("`rejected_long`", "`rejected_size`", first),
            // A place that is not there, is of another rule, or no longer names its own.
            ("`size::check`", "`size::measure`", first),
            ("`size::check`", "`size::other`", first),
            ("`size::check`", "`join::check`", first),
            ("refuse(Rule::Long)", "refuse(Rule::LongAgo)", "no function of"),
            // Tests that are missing, not there, of another rule, forgotten, or silent about their rule.
            ("`v01_too_long`", "", first),
            ("`v01_too_long`", "`v01_too_long` `v01_too_short`", first),
            ("`v01_too_long`", "`v01_too_long` `v02_signed`", first),
            ("fn v02_helper", "#[test]\nfn v02_helper", second),
            ("    Rule::Long;", "", "no test v01_.. of V-01 names Rule::Long"),
        ] {
            let found = found(from, to);
            assert!(found.iter().any(|found| found.contains(expected)), "{from} -> {to}: {found:?}");
        }
    }
}
