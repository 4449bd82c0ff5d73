//! The paths that a source names: of its `use` items, unfolded, and of its code, macros included. Comments and strings do
//! not count, and neither do items under `#[cfg(test)]`, since tests may use what they like.

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

/// A path as it stands in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// The modules of this file, from outside to inside, in which it stands.
    pub(super) inside: Vec<String>,
    /// Under which name a `use` item brings it in, and whether for others too.
    pub(super) import: Option<(String, bool)>,
}

/// All paths of two segments or more, and all paths of `use` items, outside of tests.
pub(super) fn of(text: &str) -> Result<Vec<Named>, LexError> {
    let mut reader = Reader::default();
    reader.scan(text.parse()?);
    Ok(reader.found)
}

/// Whether a file holds nothing but tests.
pub(super) fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

#[derive(Debug, Default)]
struct Reader {
    found: Vec<Named>,
    inside: Vec<String>,
}

impl Reader {
    fn name(&mut self, segments: Vec<String>, line: usize, import: Option<(String, bool)>) {
        self.found.push(Named { segments, line, inside: self.inside.clone(), import });
    }

    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        let mut public = false;
        while let [first, after @ ..] = rest {
            let shared = public;
            public = is(first, "pub") || public && matches!(first, TokenTree::Group(_));
            rest = match (first, after) {
                // `#![cfg(test)]`: nothing but tests follows.
                (hash, [bang, TokenTree::Group(group), ..]) if is(hash, "#") && is(bang, "!") && for_tests(group) => {
                    &[]
                }
                (hash, [TokenTree::Group(group), item @ ..]) if is(hash, "#") && for_tests(group) => {
                    let ends = |token: &TokenTree| is(token, ";") || body(token).is_some();
                    item.iter().position(ends).and_then(|end| item.get(end + 1..)).unwrap_or_default()
                }
                (word, [name, block, rest @ ..]) if is(word, "mod") && body(block).is_some() => {
                    self.inside.push(plain(name));
                    self.scan(body(block).map(Group::stream).unwrap_or_default());
                    self.inside.pop();
                    rest
                }
                (word, after) if is(word, "use") => {
                    let end = after.iter().position(|token| is(token, ";")).unwrap_or(after.len());
                    let (tree, rest) = after.split_at(end);
                    self.import(tree, &[], shared);
                    rest
                }
                (TokenTree::Group(group), rest) => {
                    self.scan(group.stream());
                    rest
                }
                (TokenTree::Ident(ident), after) => self.path(ident.span().start().line, plain(first), after),
                (_, rest) => rest,
            };
        }
    }

    /// Takes a path that begins with this segment, and returns what follows it.
    fn path<'a>(&mut self, line: usize, first: String, mut rest: &'a [TokenTree]) -> &'a [TokenTree] {
        let mut segments = vec![first];
        while let [a, b, TokenTree::Ident(next), after @ ..] = rest
            && is(a, ":")
            && is(b, ":")
        {
            segments.push(plain(&TokenTree::Ident(next.clone())));
            rest = after;
        }
        if segments.len() > 1 {
            self.name(segments, line, None);
        }
        rest
    }

    /// Unfolds the trees of a `use` item that stand side by side.
    fn import(&mut self, trees: &[TokenTree], before: &[String], shared: bool) {
        for tree in trees.split(|token| is(token, ",")) {
            let (mut path, mut line, mut rename) = (before.to_vec(), 0, None);
            let mut leaf = false;
            for (token, previous) in tree.iter().zip(std::iter::once(None).chain(tree.iter().map(Some))) {
                line = token.span().start().line;
                leaf = matches!(token, TokenTree::Ident(_));
                match token {
                    TokenTree::Group(group) => {
                        self.import(&group.stream().into_iter().collect::<Vec<_>>(), &path, shared);
                    }
                    TokenTree::Ident(_) if previous.is_some_and(|word| is(word, "as")) => rename = Some(plain(token)),
                    TokenTree::Ident(_) if !is(token, "as") => path.push(plain(token)),
                    _ if is(token, "*") => self.name(path.clone(), line, Some(("*".to_owned(), shared))),
                    TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                }
            }
            if leaf {
                if path.len() > 1 {
                    path.pop_if(|last| last == "self");
                }
                let name = rename.or_else(|| path.last().cloned()).unwrap_or_default();
                self.name(path, line, Some((name, shared)));
            }
        }
    }
}

fn is(token: &TokenTree, text: &str) -> bool {
    !matches!(token, TokenTree::Group(_)) && token.to_string() == text
}

fn plain(token: &TokenTree) -> String {
    token.to_string().trim_start_matches("r#").to_owned()
}

/// What stands between braces.
fn body(token: &TokenTree) -> Option<&Group> {
    let TokenTree::Group(group) = token else { return None };
    (group.delimiter() == Delimiter::Brace).then_some(group)
}

/// Whether an attribute is `cfg(test)`, or a `cfg(all(test, ..))`.
fn for_tests(attribute: &Group) -> bool {
    let condition: String = attribute.stream().to_string().split_whitespace().collect();
    condition == "cfg(test)" || condition.starts_with("cfg(all(test,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_imports_code_attributes_and_macros_count_and_those_of_tests_do_not() {
        for (source, expected) in [
            ("use std::time::{Instant, SystemTime as T};", "std::time::Instant std::time::SystemTime"),
            ("use {tokio, std::{self, io::*}};", "tokio std std::io"),
            ("use ::bincode::{config::{Fixint, Limit}};", "bincode::config::Fixint bincode::config::Limit"),
            ("pub(crate) use redb;", "redb"),
            ("#[tokio::main] fn f() { let a = ::k256::Scalar::ONE; }", "tokio::main k256::Scalar::ONE"),
            ("x!(bincode::decode(a)); g::<std::fs::File>() r#a::b()", "bincode::decode std::fs::File a::b"),
            ("//! bincode::decode\nfn f(tokio: u8) { /* std::fs::read */ let s = \"std::net::X\"; }", ""),
            ("//! Vectors.\n#![cfg(test)]\nuse std::fs;", ""),
            ("#[cfg(test)] mod tests { use std::fs; fn g() { tokio::spawn(h()) } } use std::fs;", "std::fs"),
            ("#[cfg(all(test, unix))] use tokio::net; #[cfg(unix)] use a::b;", "a::b"),
            ("#[cfg(test)]\n#[derive(Debug)]\nstruct Probe { inner: std::fs::File }", ""),
            ("impl A { #[cfg(test)] fn new<T, U>() -> [u8; 3] { std::fs::File::create() } }", ""),
        ] {
            let named: Vec<_> = of(source).unwrap().into_iter().map(|named| named.segments.join("::")).collect();
            assert_eq!(named.join(" "), expected, "{source}");
        }
    }

    #[test]
    fn a_path_says_where_it_stands_and_how_it_comes_in() {
        let found = of("pub use a::{b as c};\nmod m {\n use super::*; pub(crate) use d::self; }").unwrap();
        let told = found.iter().map(|named| (named.line, named.inside.join("::"), named.import.clone().unwrap()));
        let import = |name: &str, shared| (name.to_owned(), shared);
        let expected = [
            (1, String::new(), import("c", true)),
            (3, "m".to_owned(), import("*", false)),
            (3, "m".to_owned(), import("d", true)),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
