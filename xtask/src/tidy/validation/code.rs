//! What the sources say about the rules, read as text: this tool builds nothing of ours.

use std::collections::BTreeMap;

use crate::tree::TextFile;

/// The pipeline of the wire crate: a file for each stage.
pub(super) const PIPELINE: &str = "crates/wire/src/validate";

/// A rule as the code has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The name of the variant.
    pub(super) name: String,
    /// Its documentation, without the number and the full stop.
    pub(super) refused: String,
    pub(super) verdict: String,
    pub(super) penalty: String,
    pub(super) counter: String,
}

/// The rules of `rule.rs` by number: the rows of its table, each under its documentation.
///
/// ```text
/// /// V-01: the frame is shorter than an empty message.
/// Short = 1 => Reject, Malformed, "wire_rejected_short";
/// ```
pub(super) fn rules(sources: &[TextFile]) -> BTreeMap<u32, Rule> {
    let path = format!("{PIPELINE}/rule.rs");
    let Some(source) = sources.iter().find(|source| source.path == path) else { return BTreeMap::new() };
    let lines = source.text.lines().zip(source.text.lines().skip(1));
    let rows = lines.filter_map(|(above, line)| {
        let (code, refused) = above.trim().strip_prefix("/// ")?.split_once(": ")?;
        let (name, row) = line.trim().split_once(" = ")?;
        let (discriminant, row) = row.strip_suffix(';')?.split_once(" => ")?;
        let [verdict, penalty, counter] = row.split(", ").collect::<Vec<_>>().try_into().ok()?;
        let number = number(code).filter(|number| discriminant.parse() == Ok(*number))?;
        let rule = Rule {
            name: name.to_owned(),
            refused: refused.trim_end_matches('.').to_owned(),
            verdict: words(verdict),
            penalty: words(penalty),
            counter: counter.trim_matches('"').to_owned(),
        };
        Some((number, rule))
    });
    rows.collect()
}

/// The number n of the first `V-n` in a text.
pub(super) fn number(text: &str) -> Option<u32> {
    numbers(text).next()
}

fn numbers(text: &str) -> impl Iterator<Item = u32> {
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    text.split("V-").skip(1).filter_map(move |rest| digits(rest).parse().ok())
}

/// The rules that the sources of the crates name, each with a file that does.
pub(super) fn mentioned(sources: &[TextFile]) -> impl Iterator<Item = (u32, String)> {
    let crates = sources.iter().filter(|source| source.path.starts_with("crates/"));
    crates.flat_map(|source| numbers(&source.text).map(|number| (number, source.path.clone())))
}

/// The test functions of all sources that are named after a rule, `v07_..`, each with its body.
pub(super) fn tests(sources: &[TextFile]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("xtask/")) {
        let lines = source.text.lines().zip(source.text.lines().skip(1));
        for (above, line) in lines {
            let name = line.trim().strip_prefix("fn v").and_then(|rest| rest.split_once('(')).map(|(rest, _)| rest);
            let Some(name) = name.filter(|_| above.trim() == "#[test]").map(|rest| format!("v{rest}")) else {
                continue;
            };
            let body = bodies(&source.text, &name).next().unwrap_or_default();
            found.insert(name, body);
        }
    }
    found
}

/// The bodies of the functions with this name, by their indentation.
pub(super) fn bodies<'a>(text: &'a str, function: &str) -> impl Iterator<Item = String> + 'a {
    let heads = [format!("fn {function}("), format!("fn {function}<")];
    let lines: Vec<&str> = text.lines().collect();
    let starts = (0..lines.len()).filter({
        let lines = lines.clone();
        move |at| lines.get(*at).is_some_and(|line| heads.iter().any(|head| line.contains(head)))
    });
    starts.map(move |start| {
        let rest = lines.get(start..).unwrap_or_default();
        let indent: String =
            rest.first().map(|line| line.chars().take_while(|c| *c == ' ').collect()).unwrap_or_default();
        let end = format!("{indent}}}");
        rest.iter().take_while(|line| **line != end).copied().collect::<Vec<_>>().join("\n")
    })
}

/// Whether a text names the rule, and not one whose name begins like it.
pub(super) fn names(text: &str, variant: &str) -> bool {
    text.split(variant).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// `InvalidSignature` as the table writes it: `invalid signature`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}
