//! The modules of a package form no cycle: a module can be understood once those that it uses are.
//!
//! A module uses another if it names a path in it. What a module only passes on (`pub use`) it does not use: a path through it
//! leads to where the item is. Items that a module gets by `*` are not followed. Modules are files.

use std::collections::BTreeMap;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::paths::Named;
use crate::finding::Finding;
use crate::tree::TextFile;

/// The path of a module below the root of its package, without `crate`.
type Module = Vec<String>;

/// The modules of a package.
#[derive(Debug, Default)]
struct Package<'a> {
    modules: BTreeMap<Module, (&'a str, &'a [Named])>,
    /// What a module's `use` items bring in, by name.
    imports: BTreeMap<(Module, &'a str), (Module, &'a [String])>,
}

/// One module names another: the file and the line.
type Use<'a> = ([String; 2], &'a str, usize);

pub(super) fn check(sources: &[(&TextFile, Vec<Named>)]) -> Vec<Finding> {
    let mut packages: BTreeMap<&str, Package<'_>> = BTreeMap::new();
    for (source, named) in sources {
        let Some((folder, file)) = source.path.split_once("/src/") else { continue };
        let ours = folder.starts_with("crates/") || folder == "xtask";
        if ours && !file.starts_with("bin/") {
            packages.entry(folder).or_default().add(&source.path, file, named);
        }
    }
    let mut findings = Vec::new();
    for package in packages.values() {
        let uses = package.uses();
        let graph = DiGraphMap::<&str, ()>::from_edges(uses.iter().map(|([user, used], ..)| (&**user, &**used)));
        let circles: Vec<_> = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1).collect();
        for (both, place, line) in &uses {
            let together = |circle: &Vec<&str>| both.iter().all(|module| circle.contains(&&**module));
            if circles.iter().any(together) {
                let message = format!("{} uses {}, in a circle of modules", both[0], both[1]);
                findings.push(Finding::at(*place, *line, message));
            }
        }
    }
    findings
}

impl<'a> Package<'a> {
    fn add(&mut self, path: &'a str, file: &str, named: &'a [Named]) {
        let stem = file.trim_end_matches(".rs");
        let root = stem == "lib" || stem == "main";
        let module: Module = stem.split('/').filter(|_| !root).map(str::to_owned).collect();
        for import in named {
            if let Some((name, _)) = &import.import {
                let key = (here(&module, import), name.as_str());
                self.imports.insert(key, (here(&module, import), import.segments.as_slice()));
            }
        }
        self.modules.insert(module, (path, named));
    }

    /// Which module uses which, each pair once.
    fn uses(&self) -> Vec<Use<'_>> {
        let mut uses = BTreeMap::new();
        for (module, (path, named)) in &self.modules {
            for named in named.iter().filter(|named| !named.import.as_ref().is_some_and(|(_, shared)| *shared)) {
                if let Some(target) = self.resolve(&here(module, named), &named.segments, named.import.is_some(), 0)
                    && target != *module
                {
                    uses.entry([name(module), name(&target)]).or_insert((*path, named.line));
                }
            }
        }
        uses.into_iter().map(|(both, (path, line))| (both, path, line)).collect()
    }

    /// The module in which a path ends that is named in a module, if that is of this package.
    fn resolve(&self, from: &Module, path: &[String], imported: bool, depth: usize) -> Option<Module> {
        let mut at = from.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => at.clear(),
            Some("self" | "super") => {}
            Some(first) => {
                let mut child = from.clone();
                child.push(first.to_owned());
                // A name that the file imports is looked at where it is imported.
                if !self.modules.contains_key(&child) {
                    return None;
                }
            }
            None => return Some(self.file(at)),
        }
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(at.pop()),
                name => {
                    let mut child = at.clone();
                    child.push(name.to_owned());
                    if self.modules.contains_key(&child) {
                        at = child;
                    } else if let Some((place, onwards)) = self.imports.get(&(at.clone(), name)).filter(|_| depth < 8) {
                        let again = (place, *onwards) == (from, path) && imported;
                        let led = if again { None } else { self.resolve(place, onwards, true, depth + 1) };
                        return led.or_else(|| Some(self.file(at)));
                    } else {
                        return Some(self.file(at));
                    }
                }
            }
            rest = after;
        }
        Some(self.file(at))
    }

    /// The module of the file that holds this module.
    fn file(&self, mut module: Module) -> Module {
        while !self.modules.contains_key(&module) && !module.is_empty() {
            module.pop();
        }
        module
    }
}

/// The module in which a path stands, with those inside of the file.
fn here(module: &Module, named: &Named) -> Module {
    [module.as_slice(), &named.inside].concat()
}

fn name(module: &Module) -> String {
    if module.is_empty() { "crate".to_owned() } else { module.join("::") }
}

#[cfg(test)]
mod tests {
    use super::super::imports::read;
    use super::*;
    use crate::finding::told;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> =
            files.iter().map(|(path, text)| TextFile::new(format!("crates/a/src/{path}"), *text)).collect();
        told(&check(&read(&files).0))
    }

    #[test]
    fn modules_that_use_each_other_are_found_with_every_step() {
        let files = [
            ("lib.rs", "mod b; mod c; mod d;"),
            ("b.rs", "\nuse crate::c::C;"),
            ("c.rs", "fn f() { x!(super::d::D) }"),
            ("d.rs", "impl X for super::b::B {}"),
        ];
        let steps = [("b.rs:2", "b", "c"), ("c.rs:1", "c", "d"), ("d.rs:1", "d", "b")]
            .map(|(place, user, used)| format!("crates/a/src/{place}: {user} uses {used}, in a circle of modules"));
        assert_eq!(found(&files), steps);
        assert_eq!(found(&files[..3]), Vec::<String>::new());
    }

    #[test]
    fn a_path_leads_to_the_file_of_its_item() {
        // What is passed on, a parent and its child, a module inside of a file.
        let passed = ("lib.rs", "mod b; mod c; pub use b::B; pub(crate) use self::c::{C as D};");
        for (circle, files) in [
            (true, &[passed, ("b.rs", "use crate::D;"), ("c.rs", "use crate::{B, E};")][..]),
            (
                false,
                &[
                    ("lib.rs", "pub use b::B; pub struct A;"),
                    ("b.rs", "mod c; pub use c::B;"),
                    ("b/c.rs", "use crate::A;"),
                ],
            ),
            (true, &[("b.rs", "mod c; use c::C; struct B;"), ("b/c.rs", "use super::B;")]),
            (true, &[("b.rs", "mod x { use super::B; use crate::c::C; }"), ("c.rs", "use crate::b::x::X;")]),
            (false, &[("b.rs", "mod x { use super::B; use crate::c::C; }")]),
        ] {
            let found = found(files);
            assert_eq!(found.len(), if circle { 2 } else { 0 }, "{files:?}: {found:?}");
        }
    }
}
