//! The borders inside packages: which files may name what.
//!
//! A file is read as tokens, so that comments and strings do not count; `use` trees are unfolded; items under
//! `#[cfg(test)]`, files called `tests.rs` and folders called `tests` are left out, since tests may use what they like.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::failure::Finding;
use crate::tree::TextFile;

/// A path that only some files may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImportRule {
    /// The path, in whole segments: `std::time` covers `std::time::Instant`.
    pub(super) path: &'static str,
    /// Where the rule holds: files whose path starts so.
    pub(super) within: &'static [&'static str],
    /// Which of these files may name it all the same: a file, or a folder with its closing `/`.
    pub(super) except: &'static [&'static str],
    /// Whether items behind `#[cfg(feature = "std")]` may name it as well.
    pub(super) gate: Gate,
    /// Why.
    pub(super) reason: &'static str,
}

/// Whether a rule holds for items behind the feature `std`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// The rule holds for them too.
    Closed,
    /// They may.
    Std,
}

/// A path as it stands in a source, `use` trees unfolded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    segments: Vec<String>,
    line: usize,
    gate: Gate,
}

/// Checks every file against every rule.
pub(super) fn check(sources: &[TextFile], rules: &[ImportRule]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !is_test(&source.path)) {
        let rules: Vec<_> = rules.iter().filter(|rule| holds(rule, &source.path)).collect();
        if rules.is_empty() {
            continue;
        }
        match source.text.parse::<TokenStream>() {
            Ok(tokens) => {
                if is_test_file(&tokens) {
                    continue;
                }
                let named = paths(tokens);
                findings.extend(rules.iter().flat_map(|rule| broken(rule, source, &named)));
            }
            Err(error) => findings.push(Finding::new(&source.path, format!("not Rust: {error}"))),
        }
    }
    findings
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn holds(rule: &ImportRule, path: &str) -> bool {
    let starts = |prefix: &&str| path.starts_with(*prefix);
    rule.within.iter().any(starts)
        && !rule.except.iter().any(|prefix| path == *prefix || prefix.ends_with('/') && starts(prefix))
}

fn broken(rule: &ImportRule, source: &TextFile, named: &[Named]) -> Vec<Finding> {
    let wanted: Vec<_> = rule.path.split("::").collect();
    let open = |named: &&Named| !(rule.gate == Gate::Std && named.gate == Gate::Std);
    let hits = named.iter().filter(open).filter(|named| {
        named.segments.len() >= wanted.len() && named.segments.iter().zip(&wanted).all(|(a, b)| a == b)
    });
    let message = format!("names `{}`: {}", rule.path, rule.reason);
    hits.map(|named| Finding::at(&source.path, named.line, message.clone())).collect()
}

/// All paths of two segments or more, and all paths of `use` items, outside of tests.
fn paths(tokens: TokenStream) -> Vec<Named> {
    let mut found = Vec::new();
    walk(&tokens.into_iter().collect::<Vec<_>>(), Gate::Closed, &mut found);
    found
}

fn walk(tokens: &[TokenTree], gate: Gate, found: &mut Vec<Named>) {
    let mut rest = tokens;
    let mut imported = false;
    while let [first, after @ ..] = rest {
        let here = rest;
        rest = after;
        match first {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_test_only(after.first()) => {
                rest = split_item(after).1
            }
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_std_only(after.first()) => {
                let (item, next) = split_item(after);
                walk(item, Gate::Std, found);
                rest = next;
            }
            TokenTree::Ident(ident) if ident == "use" => {
                imported = true;
                continue;
            }
            TokenTree::Ident(_) => rest = Chain { imported, gate }.read(here, Vec::new(), found),
            TokenTree::Group(group) if imported && group.delimiter() == Delimiter::Brace => {
                Chain { imported, gate }.unfold(group, &[], found);
            }
            TokenTree::Group(group) => walk(&group.stream().into_iter().collect::<Vec<_>>(), gate, found),
            TokenTree::Punct(punct) if imported && punct.as_char() == ':' => continue,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        imported = false;
    }
}

/// Where a path stands.
#[derive(Debug, Clone, Copy)]
struct Chain {
    /// In a `use` item, where braces and single segments count.
    imported: bool,
    /// Behind which feature.
    gate: Gate,
}

impl Chain {
    /// Reads one path that starts with an identifier; hands back what follows it.
    fn read<'a>(self, tokens: &'a [TokenTree], prefix: Vec<String>, found: &mut Vec<Named>) -> &'a [TokenTree] {
        let mut segments = prefix;
        let mut rest = tokens;
        let mut line = 0;
        loop {
            match rest {
                [TokenTree::Ident(ident), after @ ..] => {
                    line = ident.span().start().line;
                    if ident != "self" || segments.is_empty() {
                        segments.push(ident.to_string().trim_start_matches("r#").to_owned());
                    }
                    rest = after;
                }
                [TokenTree::Group(group), after @ ..] if self.imported && group.delimiter() == Delimiter::Brace => {
                    self.unfold(group, &segments, found);
                    return after;
                }
                // A glob, or the generic arguments of an expression: the path so far is what is named.
                _ => break,
            }
            match rest {
                [TokenTree::Punct(a), TokenTree::Punct(b), after @ ..] if a.as_char() == ':' && b.as_char() == ':' => {
                    rest = after;
                }
                _ => break,
            }
        }
        if self.imported || segments.len() > 1 {
            found.push(Named { segments, line, gate: self.gate });
        }
        rest
    }

    /// Reads the branches of a `use` tree.
    fn unfold(self, group: &Group, prefix: &[String], found: &mut Vec<Named>) {
        let tokens: Vec<_> = group.stream().into_iter().collect();
        let is = |token: &TokenTree, mark| matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark);
        for branch in tokens.split(|token| is(token, ',')) {
            let leading = branch.iter().take_while(|token| is(token, ':')).count();
            let branch = branch.get(leading..).unwrap_or_default();
            if !branch.is_empty() {
                self.read(branch, prefix.to_vec(), found);
            }
        }
    }
}

/// Whether this is the bracket of `#[cfg(test)]`, or of a `cfg(all(test, ..))`.
fn is_test_only(token: Option<&TokenTree>) -> bool {
    let condition = condition(token);
    condition == "cfg(test)" || condition.starts_with("cfg(all(test,")
}

/// Whether the file itself says `#![cfg(test)]`.
fn is_test_file(tokens: &TokenStream) -> bool {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    tokens.windows(3).any(|window| match window {
        [TokenTree::Punct(hash), TokenTree::Punct(bang), brackets] => {
            hash.as_char() == '#' && bang.as_char() == '!' && condition(Some(brackets)) == "cfg(test)"
        }
        _ => false,
    })
}

/// Whether this is the bracket of a feature with which `std` comes: `#[cfg(feature = "std")]`, or the constant-time harness's.
fn is_std_only(token: Option<&TokenTree>) -> bool {
    matches!(condition(token).as_str(), "cfg(feature=\"std\")" | "cfg(feature=\"ct-hooks\")")
}

/// What the brackets of an attribute hold, without spaces.
fn condition(token: Option<&TokenTree>) -> String {
    match token {
        Some(TokenTree::Group(group)) => group.stream().to_string().split_whitespace().collect(),
        _ => String::new(),
    }
}

/// The item to which the attribute at the start belongs, up to its braces or its semicolon, and what follows.
fn split_item(tokens: &[TokenTree]) -> (&[TokenTree], &[TokenTree]) {
    let end = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    });
    tokens.split_at(end.map_or(tokens.len(), |end| end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str) -> Vec<String> {
        paths(source.parse().unwrap()).into_iter().map(|named| named.segments.join("::")).collect()
    }

    #[test]
    fn a_file_that_is_only_a_test_does_not_count() {
        let is_test = |text: &str| is_test_file(&text.parse().unwrap());
        assert!(is_test("//! Vectors.\n#![cfg(test)]\nuse std::fs;"));
        assert!(!is_test("#[cfg(test)] mod tests {} use std::fs;"));
    }

    #[test]
    fn use_trees_are_unfolded() {
        assert_eq!(
            named("use std::time::{Instant, SystemTime as T};"),
            ["std::time::Instant", "std::time::SystemTime"]
        );
        assert_eq!(named("use {tokio, std::{self, io::*}};"), ["tokio", "std", "std::io"]);
        assert_eq!(
            named("use ::bincode::{config::{Fixint, Limit}};"),
            ["bincode::config::Fixint", "bincode::config::Limit"]
        );
        assert_eq!(named("pub(crate) use redb;"), ["redb"]);
    }

    #[test]
    fn paths_in_code_attributes_and_macros_count() {
        let source =
            "#[tokio::main] fn f() { let a = ::k256::Scalar::ONE; x!(bincode::decode(a)); g::<std::fs::File>() }";
        assert_eq!(named(source), ["tokio::main", "k256::Scalar::ONE", "bincode::decode", "std::fs::File"]);
    }

    #[test]
    fn words_comments_strings_and_tests_do_not_count() {
        let source = "
            //! bincode::decode
            fn f(tokio: u8) { /* std::fs::read */ let s = \"std::net::TcpStream\"; }
            #[cfg(test)] mod tests { use std::fs; fn g() { tokio::spawn(h()) } }
            #[cfg(all(test, unix))] use tokio::net;
            #[cfg(test)]
            #[derive(Debug)]
            struct Probe { inner: std::fs::File }
        ";
        assert_eq!(named(source), Vec::<String>::new());
    }

    const RULES: &[ImportRule] = &[ImportRule {
        path: "std::time::Instant",
        within: &["crates/a/src/"],
        except: &["crates/a/src/clock.rs", "crates/a/src/driver/"],
        gate: Gate::Std,
        reason: "time is an input",
    }];

    fn planted(path: &str, text: &str) -> Vec<String> {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        check(&[file], RULES).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_planted_import_is_found_with_its_line() {
        let found = planted("crates/a/src/engine.rs", "//! The engine.\n\nuse std::time::{Duration, Instant};\n");
        assert_eq!(found, ["crates/a/src/engine.rs:3: names `std::time::Instant`: time is an input"]);
    }

    #[test]
    fn the_excepted_files_other_packages_and_tests_may() {
        let text = "use std::time::Instant;";
        for path in
            ["crates/a/src/clock.rs", "crates/a/src/driver/x.rs", "crates/b/src/lib.rs", "crates/a/src/engine/tests.rs"]
        {
            assert_eq!(planted(path, text), Vec::<String>::new(), "{path}");
        }
        assert_eq!(planted("crates/a/src/clock.rs2.rs", text).len(), 1);
    }

    #[test]
    fn the_std_feature_opens_a_gate_only_where_the_rule_has_one() {
        let text = "#[cfg(feature = \"std\")] fn now() { std::time::Instant::now() }";
        assert!(planted("crates/a/src/engine.rs", text).is_empty());
        assert_eq!(
            planted("crates/a/src/engine.rs", &format!("{text} fn other() {{ std::time::Instant::now() }}")).len(),
            1
        );
        let closed = [ImportRule { gate: Gate::Closed, ..RULES[0] }];
        let file = TextFile { path: "crates/a/src/engine.rs".to_owned(), text: text.to_owned() };
        assert_eq!(check(&[file], &closed).len(), 1);
    }

    #[test]
    fn a_whole_segment_must_match() {
        assert!(planted("crates/a/src/engine.rs", "use std::time::InstantLike; use time::Instant;").is_empty());
    }
}
