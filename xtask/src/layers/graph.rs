//! The borders between packages.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

use crate::cargo;
use crate::failure::{Failure, Finding};

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

/// Asks cargo for the packages that a build for this machine uses: known without the network once something was built.
/// Cargo refuses when `Cargo.lock` is not up to date.
pub(super) fn load(root: &Path) -> Result<Metadata, Failure> {
    let options = ["--locked", "--filter-platform", "host-tuple"].map(str::to_owned);
    let metadata = MetadataCommand::new().current_dir(root).other_options(options).exec();
    metadata.map_err(|error| Failure::unreadable("cargo metadata", error))
}

/// Checks every package of the workspace against its rule.
pub(super) fn check(metadata: &Metadata, rules: &[PackageRule]) -> Result<Vec<Finding>, Failure> {
    let members = metadata.workspace_packages();
    let mut findings = Vec::new();
    for package in &members {
        match rules.iter().find(|rule| package.name == rule.name) {
            Some(rule) => {
                findings.extend(package.dependencies.iter().filter_map(|used| border(&members, package, used, rule)));
                findings.extend(depths(metadata.workspace_root.as_std_path(), &package.name, rule)?);
            }
            None => {
                let message = "this package has no rule; say in xtask/src/layers/rules.rs what it may use";
                findings.push(Finding::new(package.name.as_str(), message));
            }
        }
    }
    for rule in rules {
        if !members.iter().any(|package| package.name == rule.name) {
            findings.push(Finding::new("xtask/src/layers/rules.rs", format!("no package is called {}", rule.name)));
        }
    }
    let strangers = metadata.packages.iter().filter(|package| package.source.is_none() && !members.contains(package));
    let message = "is a folder on disk, but no member of this workspace";
    findings.extend(strangers.map(|package| Finding::new(package.name.as_str(), message)));
    Ok(findings)
}

/// What is wrong with one dependency that the package's manifest declares.
fn border(members: &[&Package], package: &Package, used: &Dependency, rule: &PackageRule) -> Option<Finding> {
    let name = used.name.as_str();
    let finding = |message: String| Some(Finding::new(package.name.as_str(), message));
    if let (Some(rename), Others::Only(_)) = (&used.rename, rule.others) {
        return finding(format!("renames {name} to {rename}; keep names, derive macros rely on them"));
    }
    // syn's `full` is a grammar: that of files, and not of types alone.
    if name != "syn" && used.features.iter().any(|feature| feature == CATCH_ALL) {
        return finding(format!("asks {name} for its feature `{CATCH_ALL}`; name the features that are used"));
    }
    // Tests may use what is built on top: an engine is tested with the stores and signers of a node.
    let allowed = if members.iter().any(|member| member.name == name) {
        rule.ours
    } else {
        match rule.others {
            Others::Only(allowed) => allowed,
            Others::Any => return None,
        }
    };
    if used.kind == DependencyKind::Development || allowed.contains(&name) {
        return None;
    }
    let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
    finding(format!("must not depend on {name}; it may use {allowed}"))
}

/// What the package ships, at any depth, although it must not. Cargo is asked for this package alone: other packages of the
/// workspace may turn on features of the same dependencies.
fn depths(root: &Path, package: &str, rule: &PackageRule) -> Result<Vec<Finding>, Failure> {
    if rule.never.is_empty() {
        return Ok(Vec::new());
    }
    let arguments = ["tree", "--offline", "--package", package, "--edges", "normal,build", "--prefix", "none"];
    let tree = cargo::output(&mut cargo::cargo(root, &arguments))?;
    let tree = String::from_utf8_lossy(&tree);
    let shipped: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let never = rule.never.iter().filter(|never| shipped.contains(**never));
    Ok(never.map(|name| Finding::new(package, format!("ships {name}, which it must never"))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    const RULES: &[PackageRule] = &[
        PackageRule { name: "core", ours: &[], others: Others::Only(&["k256"]), never: &["tokio"] },
        PackageRule { name: "net", ours: &["core"], others: Others::Only(&["libp2p"]), never: &[] },
        PackageRule { name: "tests", ours: &["core", "net"], others: Others::Any, never: &[] },
    ];
    /// Packages that are not ours.
    const OTHERS: [&str; 5] = ["k256", "libp2p", "tokio", "proptest", "secp256k1"];
    /// Each package with the lines of its manifest.
    const HEALTHY: [(&str, &str); 8] = [
        ("core", "[dependencies]\nk256.path = \"../k256\"\n[dev-dependencies]\nproptest.path = \"../proptest\""),
        ("net", "[dependencies]\ncore.path = \"../core\"\nlibp2p.path = \"../libp2p\""),
        ("tests", "[dependencies]\nnet.path = \"../net\"\nsecp256k1.path = \"../secp256k1\""),
        ("k256", ""),
        ("libp2p", "[dependencies]\ntokio.path = \"../tokio\""),
        ("tokio", "[features]\nfull = []"),
        ("proptest", "[dependencies]\ntokio.path = \"../tokio\""),
        ("secp256k1", ""),
    ];

    /// What is found in a workspace of these packages.
    fn found(packages: &[(&str, &str)]) -> Vec<String> {
        let members: Vec<_> = packages.iter().map(|(name, _)| *name).filter(|name| !OTHERS.contains(name)).collect();
        let outside: Vec<_> = packages.iter().map(|(name, _)| *name).filter(|name| OTHERS.contains(name)).collect();
        let root = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\nexclude = {outside:?}\n");
        let mut files = vec![("Cargo.toml".to_owned(), root)];
        for (name, rest) in packages {
            let head = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
            files.push((format!("{name}/Cargo.toml"), head + rest));
            files.push((format!("{name}/src/lib.rs"), String::new()));
        }
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let root = tree(&files);
        let offline = MetadataCommand::new().current_dir(root.path()).other_options(["--offline".to_owned()]).exec();
        let found = check(&offline.unwrap(), RULES).unwrap();
        found.iter().map(ToString::to_string).filter(|finding| !finding.ends_with("of this workspace")).collect()
    }

    /// What is found after one manifest was changed.
    fn planted(name: &str, manifest: &str) -> Vec<String> {
        found(&HEALTHY.map(|(other, rest)| if other == name { (other, manifest) } else { (other, rest) }))
    }

    #[test]
    fn what_the_rules_allow_passes() {
        assert_eq!(found(&HEALTHY), Vec::<String>::new());
    }

    #[test]
    fn our_own_workspace_is_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let never = |never| PackageRule { name: "xtask", ours: &[], others: Others::Any, never };
        assert_eq!(depths(root, "xtask", &never(&["clap_builder"])).unwrap().len(), 1);
        assert_eq!(depths(root, "xtask", &never(&["libp2p"])).unwrap(), []);
    }

    #[test]
    fn a_dependency_to_the_right_is_found_unless_it_is_of_tests() {
        for (kind, findings) in [("dependencies", 1), ("dev-dependencies", 0), ("build-dependencies", 1)] {
            let manifest = format!("[{kind}]\ntests.path = \"../tests\"\n[dependencies.libp2p]\npath = \"../libp2p\"");
            let manifest = manifest.replace("[dependencies.libp2p]\npath", if findings == 1 { "# " } else { "#" });
            let message = "net: must not depend on tests; it may use core".to_owned();
            let packages = HEALTHY.map(|(name, rest)| match name {
                "net" => (name, manifest.as_str()),
                "tests" => (name, ""),
                _ => (name, rest),
            });
            assert_eq!(found(&packages).contains(&message), findings == 1, "{kind}");
        }
    }

    #[test]
    fn a_new_package_of_others_is_found() {
        let manifest = "[dependencies]\ncore.path = \"../core\"\nsecp256k1.path = \"../secp256k1\"";
        assert_eq!(planted("net", manifest), ["net: must not depend on secp256k1; it may use libp2p"]);
    }

    #[test]
    fn what_hides_in_the_depths_is_found() {
        let manifest = "[dependencies]\ntokio.path = \"../tokio\"";
        assert_eq!(planted("k256", manifest), ["core: ships tokio, which it must never"]);
    }

    #[test]
    fn a_package_without_a_rule_and_a_rule_without_a_package_are_found() {
        let found = found(&HEALTHY.map(|(name, rest)| if name == "tests" { ("new", rest) } else { (name, rest) }));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("new: this package has no rule"), "{found:?}");
        assert!(found[1].ends_with("no package is called tests"), "{found:?}");
    }

    #[test]
    fn renaming_and_the_feature_full_are_found() {
        let renamed = planted("core", "[dependencies]\ncurve = { path = \"../k256\", package = \"k256\" }");
        assert_eq!(renamed, ["core: renames k256 to curve; keep names, derive macros rely on them"]);
        let full = planted("tests", "[dependencies]\ntokio = { path = \"../tokio\", features = [\"full\"] }");
        assert_eq!(full, ["tests: asks tokio for its feature `full`; name the features that are used"]);
    }
}
