//! The borders between packages.

use crate::failure::Finding;
use crate::workspace::{Dependency, Kind, Package, Workspace};

/// What one of our packages may depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackageRule {
    /// The package.
    pub(super) name: &'static str,
    /// Which of our packages it may use in what it ships, and to be built.
    pub(super) ours: &'static [&'static str],
    /// Which packages of others it may use in what it ships.
    pub(super) others: Others,
    /// What must never be built with it, at any depth.
    pub(super) never: &'static [&'static str],
}

/// Which packages of others a package may use in what it ships. Its tests may use any.
#[derive(Debug, Clone, Copy)]
pub(super) enum Others {
    /// These.
    Only(&'static [&'static str]),
    /// Any: it ships nothing.
    Any,
}

/// Features that pull in everything: a package names what it uses.
const CATCH_ALL: &str = "full";

/// Checks every package of the workspace against its rule.
pub(super) fn check(workspace: &Workspace, rules: &[PackageRule]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in workspace.members() {
        match rules.iter().find(|rule| rule.name == package.name) {
            Some(rule) => {
                findings.extend(package.dependencies.iter().filter_map(|used| border(workspace, package, used, rule)));
                findings.extend(depths(workspace, package, rule));
            }
            None => {
                let message = "this package has no rule; say in xtask/src/layers/rules.rs what it may use";
                findings.push(Finding::new(&package.name, message));
            }
        }
    }
    for rule in rules {
        if !workspace.members().any(|package| package.name == rule.name) {
            findings.push(Finding::new("xtask/src/layers/rules.rs", format!("no package is called {}", rule.name)));
        }
    }
    findings
}

/// What is wrong with one dependency that the package's manifest declares.
fn border(workspace: &Workspace, package: &Package, used: &Dependency, rule: &PackageRule) -> Option<Finding> {
    let name = used.name.as_str();
    let finding = |message: String| Some(Finding::new(&package.name, message));
    if let (Some(rename), Others::Only(_)) = (&used.rename, rule.others) {
        return finding(format!("renames {name} to {rename}; keep names, derive macros rely on them"));
    }
    if used.features.iter().any(|feature| feature == CATCH_ALL) {
        return finding(format!("asks {name} for its feature `{CATCH_ALL}`; name the features that are used"));
    }
    if workspace.members().any(|member| member.name == name) {
        // Tests may use what is built on top: an engine is tested with the stores and signers of a node.
        if rule.ours.contains(&name) || used.kind == Kind::Dev {
            return None;
        }
        return finding(format!("must not depend on {name}; it may use {}", list(rule.ours)));
    }
    match rule.others {
        Others::Only(allowed) if used.kind != Kind::Dev && !allowed.contains(&name) => {
            finding(format!("must not depend on {name}; it may use {}", list(allowed)))
        }
        Others::Only(_) | Others::Any => None,
    }
}

/// What the package ships, at any depth, although it must not.
fn depths(workspace: &Workspace, package: &Package, rule: &PackageRule) -> Vec<Finding> {
    let shipped = workspace.shipped_with(&package.id);
    let name = |id: &str| workspace.package(id).map_or_else(|| id.to_owned(), |found| found.name.clone());
    let banned = shipped.iter().filter(|(id, _)| rule.never.contains(&name(id).as_str()));
    let message = |(id, by): (&&str, &&str)| format!("ships {}, which it must never, through {}", name(id), name(by));
    banned.map(|pair| Finding::new(&package.name, message(pair))).collect()
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixtures::{package, workspace};

    const RULES: &[PackageRule] = &[
        PackageRule { name: "core", ours: &[], others: Others::Only(&["k256"]), never: &["tokio"] },
        PackageRule { name: "net", ours: &["core"], others: Others::Only(&["libp2p"]), never: &[] },
        PackageRule { name: "tests", ours: &["core", "net"], others: Others::Any, never: &[] },
    ];

    fn messages(packages: Vec<Package>) -> Vec<String> {
        let workspace = workspace(packages, &["core", "net", "tests", "new"]);
        check(&workspace, RULES).iter().map(ToString::to_string).collect()
    }

    fn healthy() -> Vec<Package> {
        vec![
            package("core", &[("k256", Kind::Normal), ("proptest", Kind::Dev)]),
            package("net", &[("core", Kind::Normal), ("libp2p", Kind::Normal)]),
            package("tests", &[("net", Kind::Normal), ("secp256k1", Kind::Normal)]),
            package("k256", &[]),
            package("libp2p", &[("tokio", Kind::Normal)]),
            package("tokio", &[]),
            package("proptest", &[("tokio", Kind::Normal)]),
            package("secp256k1", &[]),
        ]
    }

    #[test]
    fn what_the_rules_allow_passes() {
        assert_eq!(messages(healthy()), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_to_the_right_is_found_unless_it_is_of_tests() {
        for kind in [Kind::Normal, Kind::Dev, Kind::Build] {
            let mut packages = healthy();
            packages[0] = package("core", &[("net", kind)]);
            let found = messages(packages);
            let message = "core: must not depend on net; it may use none".to_owned();
            assert_eq!(found.contains(&message), kind != Kind::Dev, "{found:?}");
        }
    }

    #[test]
    fn a_new_package_of_others_is_found() {
        let mut packages = healthy();
        packages[1] = package("net", &[("core", Kind::Normal), ("serde", Kind::Normal)]);
        assert_eq!(messages(packages), ["net: must not depend on serde; it may use libp2p"]);
    }

    #[test]
    fn what_hides_in_the_depths_is_found() {
        let mut packages = healthy();
        packages[3] = package("k256", &[("tokio", Kind::Normal)]);
        assert_eq!(messages(packages), ["core: ships tokio, which it must never, through k256"]);
    }

    #[test]
    fn a_package_without_a_rule_and_a_rule_without_a_package_are_found() {
        let mut packages = healthy();
        packages.push(package("new", &[]));
        packages.remove(2);
        let found = messages(packages);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("new: this package has no rule"), "{found:?}");
        assert!(found[1].ends_with("no package is called tests"), "{found:?}");
    }

    #[test]
    fn renaming_and_the_feature_full_are_found() {
        let mut packages = healthy();
        packages[0].dependencies[0].rename = Some("curve".to_owned());
        packages[1].dependencies[1].features = vec!["full".to_owned()];
        let found = messages(packages);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("renames k256 to curve") && found[1].contains("feature `full`"), "{found:?}");
    }
}
