//! The paths that a source names: of its `use` items, unfolded, and of its code, macros included. Comments and strings do
//! not count, and neither do items under `#[cfg(test)]`, since tests may use what they like.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemMod, ItemUse, Macro, Path, UseTree, Visibility};

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
pub(super) fn of(text: &str) -> syn::Result<Vec<Named>> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader::default();
    if !for_tests(&file.attrs) {
        reader.visit_file(&file);
    }
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

    /// Unfolds a `use` tree.
    fn import(&mut self, tree: &UseTree, before: &[String], shared: bool) {
        let path = |last: &syn::Ident| [before, &[plain(last)]].concat();
        let line = |ident: &syn::Ident| ident.span().start().line;
        match tree {
            UseTree::Path(tree) => self.import(&tree.tree, &path(&tree.ident), shared),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before, shared)),
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                self.name(before.to_vec(), line(&name.ident), Some((last, shared)));
            }
            UseTree::Name(name) => self.name(path(&name.ident), line(&name.ident), Some((plain(&name.ident), shared))),
            UseTree::Rename(name) => {
                self.name(path(&name.ident), line(&name.ident), Some((plain(&name.rename), shared)));
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans.first().map_or(0, |span| span.start().line);
                self.name(before.to_vec(), line, Some(("*".to_owned(), shared)));
            }
        }
    }

    /// Reads tokens that may be anything.
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let [first, after @ ..] = rest {
            rest = after;
            if let TokenTree::Group(group) = first {
                self.scan(group.stream());
            }
            let TokenTree::Ident(ident) = first else { continue };
            let mut segments = vec![plain(ident)];
            while let [TokenTree::Punct(a), TokenTree::Punct(b), TokenTree::Ident(next), after @ ..] = rest
                && (a.as_char(), b.as_char()) == (':', ':')
            {
                segments.push(plain(next));
                rest = after;
            }
            if segments.len() > 1 {
                self.name(segments, ident.span().start().line, None);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.inside.push(plain(&module.ident));
        visit::visit_item_mod(self, module);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| plain(&segment.ident)).collect();
        if let (Some(first), true) = (path.segments.first(), segments.len() > 1) {
            self.name(segments, first.ident.span().start().line, None);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.scan(call.tokens.clone());
    }
}

fn plain(ident: &proc_macro2::Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// Whether one of the attributes is `cfg(test)`, or a `cfg(all(test, ..))`.
fn for_tests(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|attribute| attribute.meta.require_list().ok()).any(|list| {
        let condition: String = list.tokens.to_string().split_whitespace().collect();
        condition == "test" || condition.starts_with("all(test,")
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest of the grammar stands in no source of ours")]
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str) -> Vec<String> {
        of(source).unwrap().into_iter().map(|named| named.segments.join("::")).collect()
    }

    #[test]
    fn a_file_that_is_only_a_test_does_not_count() {
        assert_eq!(named("//! Vectors.\n#![cfg(test)]\nuse std::fs;"), Vec::<String>::new());
        assert_eq!(named("#[cfg(test)] mod tests {} use std::fs;"), ["std::fs"]);
    }

    #[test]
    fn use_trees_are_unfolded() {
        let found = named("use std::time::{Instant, SystemTime as T};");
        assert_eq!(found, ["std::time::Instant", "std::time::SystemTime"]);
        assert_eq!(named("use {tokio, std::{self, io::*}};"), ["tokio", "std", "std::io"]);
        let found = named("use ::bincode::{config::{Fixint, Limit}};");
        assert_eq!(found, ["bincode::config::Fixint", "bincode::config::Limit"]);
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
            impl A { #[cfg(test)] fn new() { std::fs::File::create() } }
        ";
        assert_eq!(named(source), Vec::<String>::new());
    }
}
