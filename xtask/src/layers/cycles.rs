//! The modules of a package form no cycle: a module can be understood once those that it uses are.
//!
//! A module uses another if it names a path in it. What a module only passes on (`pub use`) it does not use: a path through it
//! leads to where the item is. Items that a module gets by `*` are not followed. Modules are files.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::Named;
use crate::finding::Finding;
use crate::tree::TextFile;

/// Modules of one package that still use each other in a circle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circle {
    /// The folder of the package's sources.
    pub(super) within: &'static str,
    /// All of them.
    pub(super) modules: &'static [&'static str],
}

/// The path of a module below the root of its package, without `crate`.
type Module = Vec<String>;

/// The modules of a package.
#[derive(Debug, Default)]
struct Package<'a> {
    modules: BTreeMap<Module, (&'a str, &'a [Named])>,
    /// What a module's `use` items bring in, by name.
    imports: BTreeMap<(Module, &'a str), (Module, &'a [String])>,
}

/// Where one module names another: the file and the line.
type Uses<'a> = BTreeMap<&'a Module, BTreeMap<Module, (&'a str, usize)>>;

/// The rule's own file.
const RULES: &str = "xtask/src/layers/rules.rs";

pub(super) fn check(sources: &[(&TextFile, Vec<Named>)], known: &[Circle]) -> Vec<Finding> {
    let mut packages: BTreeMap<&str, Package<'_>> = BTreeMap::new();
    for (source, named) in sources {
        let Some((folder, file)) = source.path.split_once("/src/") else { continue };
        let ours = folder.starts_with("crates/") || folder == "xtask";
        if ours && !file.starts_with("bin/") {
            packages.entry(folder).or_default().add(&source.path, file, named);
        }
    }
    let mut findings = Vec::new();
    for (folder, package) in &packages {
        let uses = package.uses();
        let circles = circles(&uses);
        let known: Vec<_> = known.iter().filter(|circle| circle.within == *folder).collect();
        for circle in &circles {
            let names: Vec<_> = circle.iter().map(name).collect();
            let listed = |known: &&&Circle| names.iter().all(|name| known.modules.contains(&name.as_str()));
            if !known.iter().any(|known| listed(&known)) {
                let all = names.join(", ");
                findings.extend(shortest(&uses, circle).map(|(steps, place, line)| {
                    Finding::at(place, line, format!("modules use each other in a circle: {steps} (all of it: {all})"))
                }));
            }
        }
        for module in known.iter().flat_map(|circle| circle.modules) {
            if !circles.iter().flatten().any(|other| name(other) == *module) {
                findings.push(Finding::new(RULES, format!("{folder}: `{module}` is in no circle any more; remove it")));
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

    /// Which module uses which.
    fn uses(&self) -> Uses<'_> {
        let mut uses = Uses::new();
        for (module, (path, named)) in &self.modules {
            let used = uses.entry(module).or_default();
            for named in named.iter().filter(|named| !named.import.as_ref().is_some_and(|(_, shared)| *shared)) {
                if let Some(target) = self.resolve(&here(module, named), &named.segments, named.import.is_some(), 0)
                    && target != *module
                {
                    used.entry(target).or_insert((path, named.line));
                }
            }
        }
        uses
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

/// Groups of modules that all reach each other.
fn circles(uses: &Uses<'_>) -> Vec<BTreeSet<Module>> {
    let reached = |from: &Module| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from.clone()];
        while let Some(user) = open.pop() {
            let used = uses.get(&user).into_iter().flat_map(BTreeMap::keys);
            open.extend(used.filter(|used| reached.insert((*used).clone())).cloned());
        }
        reached
    };
    let reach: BTreeMap<&Module, _> = uses.keys().map(|module| (*module, reached(module))).collect();
    let mut circles: Vec<BTreeSet<Module>> = Vec::new();
    for (module, reached) in &reach {
        if reached.contains(*module) && !circles.iter().any(|circle| circle.contains(*module)) {
            let back = |other: &&Module| reach.get(other).is_some_and(|reached| reached.contains(*module));
            circles.push(reached.iter().filter(back).cloned().collect());
        }
    }
    circles
}

/// The shortest way round, with the place of its first step.
fn shortest<'a>(uses: &Uses<'a>, circle: &BTreeSet<Module>) -> Option<(String, &'a str, usize)> {
    let ways = circle.iter().filter_map(|start| {
        let mut seen = BTreeSet::new();
        let mut ways = vec![vec![start]];
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in &ways {
                for used in uses.get(way.last()?)?.keys() {
                    if used == start {
                        return Some(way.clone());
                    }
                    if seen.insert(used) {
                        longer.push([way.as_slice(), &[used]].concat());
                    }
                }
            }
            ways = longer;
        }
        None
    });
    let way = ways.min_by_key(Vec::len)?;
    let (first, second) = (way.first()?, way.get(1)?);
    let (place, line) = uses.get(first)?.get(*second)?;
    let steps: Vec<_> = way.iter().chain([first]).map(|module| name(module)).collect();
    Some((steps.join(" -> "), place, *line))
}

#[cfg(test)]
mod tests {
    use super::super::imports::read;
    use super::*;

    fn found(files: &[(&str, &str)], known: &[Circle]) -> Vec<String> {
        let file =
            |(path, text): &(&str, &str)| TextFile { path: format!("crates/a/src/{path}"), text: (*text).into() };
        let files: Vec<_> = files.iter().map(file).collect();
        let (read, findings) = read(&files);
        assert_eq!(findings, []);
        check(&read, known).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn modules_that_use_each_other_are_found_with_the_way_round() {
        let files = [
            ("lib.rs", "mod b; mod c; mod d;"),
            ("b.rs", "\nuse crate::c::C;"),
            ("c.rs", "fn f() { x!(super::d::D) }"),
            ("d.rs", "impl X for super::b::B {}"),
        ];
        let circle = "crates/a/src/b.rs:2: modules use each other in a circle: b -> c -> d -> b (all of it: b, c, d)";
        assert_eq!(found(&files, &[]), [circle]);
        assert_eq!(found(&files[..3], &[]), Vec::<String>::new());
    }

    #[test]
    fn what_is_passed_on_leads_to_its_module() {
        let files = [
            ("lib.rs", "mod b; mod c; pub use b::B; pub(crate) use self::c::{C as D};"),
            ("b.rs", "use crate::D;"),
            ("c.rs", "use crate::{B, E};"),
        ];
        let circle = "crates/a/src/b.rs:1: modules use each other in a circle: b -> c -> b (all of it: b, c)";
        assert_eq!(found(&files, &[]), [circle]);
        let passed_on =
            [("lib.rs", "pub use b::B; pub struct A;"), ("b.rs", "mod c; pub use c::B;"), ("b/c.rs", "use crate::A;")];
        assert_eq!(found(&passed_on, &[]), Vec::<String>::new());
    }

    #[test]
    fn a_parent_that_uses_its_child_and_is_used_by_it_is_found() {
        let files = [("b.rs", "mod c; use c::C; struct B;"), ("b/c.rs", "use super::B;")];
        let circle = "crates/a/src/b.rs:1: modules use each other in a circle: b -> b::c -> b (all of it: b, b::c)";
        assert_eq!(found(&files, &[]), [circle]);
    }

    #[test]
    fn a_module_inside_of_a_file_is_that_file() {
        let files = [("b.rs", "mod x { use super::B; use crate::c::C; }"), ("c.rs", "use crate::b::x::X;")];
        assert_eq!(found(&files, &[]).len(), 1);
        assert_eq!(found(&files[..1], &[]), Vec::<String>::new());
    }

    #[test]
    fn a_known_circle_may_shrink_and_not_grow() {
        const KNOWN: [Circle; 1] = [Circle { within: "crates/a", modules: &["b", "c"] }];
        let files = [("b.rs", "use crate::c::C;"), ("c.rs", "use crate::b::B;"), ("d.rs", "")];
        assert_eq!(found(&files, &KNOWN), Vec::<String>::new());
        let grown = [files[0], ("c.rs", "use crate::{b::B, d::D};"), ("d.rs", "use crate::b::B;")];
        assert_eq!(found(&grown, &KNOWN).len(), 1);
        let broken = [files[0], ("c.rs", ""), files[2]];
        let gone = "xtask/src/layers/rules.rs: crates/a: `b` is in no circle any more; remove it";
        assert_eq!(found(&broken, &KNOWN)[0], gone);
    }
}
