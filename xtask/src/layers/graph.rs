//! The borders between packages.

use std::collections::BTreeSet;

use anyhow::Result;
use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};
use xshell::{Shell, cmd};

use crate::finding::Finding;

/// What one of our packages may depend on. Names stand side by side, with spaces between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackageRule {
    /// The package.
    pub(super) name: &'static str,
    /// Which of our packages it may use in what it ships, and to be built.
    pub(super) ours: &'static str,
    /// Which packages of others it may use in what it ships; any where it ships nothing. Its tests may use any.
    pub(super) others: Option<&'static str>,
    /// The packages and features (`feature:std`) that must never be built with it, at any depth.
    pub(super) never: &'static str,
}

/// Features that pull in everything: a package names what it uses.
const CATCH_ALL: &str = "full";

/// Asks cargo for the packages that a build for this machine uses: known without the network once something was built.
/// Cargo refuses when `Cargo.lock` is not up to date.
pub(crate) fn load(sh: &Shell) -> Result<Metadata> {
    let options = ["--locked", "--filter-platform", "host-tuple"].map(str::to_owned);
    Ok(MetadataCommand::new().current_dir(sh.current_dir()).other_options(options).exec()?)
}

/// Checks every package of the workspace against its rule.
pub(super) fn check(sh: &Shell, metadata: &Metadata, rules: &[PackageRule]) -> Result<Vec<Finding>> {
    let members = metadata.workspace_packages();
    let mut findings = Vec::new();
    for package in &members {
        let name = package.name.as_str();
        let Some(rule) = rules.iter().find(|rule| name == rule.name) else {
            let message = "this package has no rule; say in xtask/src/layers/rules.rs what it may use";
            findings.push(Finding::new(name, message));
            continue;
        };
        findings.extend(package.dependencies.iter().filter_map(|used| border(&members, package, used, rule)));
        // Cargo is asked for this package alone: others of the workspace may turn on features of the same dependencies.
        let hidden = shipped(sh, &format!("--offline --package {name}"), rule.never)?.into_iter();
        findings.extend(hidden.map(|line| Finding::new(name, format!("ships {line}, which it must never"))));
    }
    let gone = rules.iter().filter(|rule| !members.iter().any(|package| package.name == rule.name));
    findings.extend(gone.map(|rule| Finding::new("xtask/src/layers/rules.rs", format!("{} is no package", rule.name))));
    let strangers = metadata.packages.iter().filter(|package| package.source.is_none() && !members.contains(package));
    let message = "is a folder on disk, but no member of this workspace";
    findings.extend(strangers.map(|package| Finding::new(package.name.as_str(), message)));
    Ok(findings)
}

/// What is wrong with one dependency that the package's manifest declares.
fn border(members: &[&Package], package: &Package, used: &Dependency, rule: &PackageRule) -> Option<Finding> {
    let name = used.name.as_str();
    let finding = |message: String| Some(Finding::new(package.name.as_str(), message));
    if let (Some(rename), Some(_)) = (&used.rename, rule.others) {
        return finding(format!("renames {name} to {rename}; keep names, derive macros rely on them"));
    }
    if used.features.iter().any(|feature| feature == CATCH_ALL) {
        return finding(format!("asks {name} for its feature `{CATCH_ALL}`; name the features that are used"));
    }
    let ours = members.iter().any(|member| member.name == name);
    let allowed = if ours { rule.ours } else { rule.others? };
    // Tests may use what is built on top: an engine is tested with the stores and signers of a node.
    if used.kind == DependencyKind::Development || allowed.split(' ').any(|allowed| allowed == name) {
        return None;
    }
    finding(format!("must not depend on {name}; it may use: {allowed}"))
}

/// The packages and features among `never` that are built into what cargo chooses by these arguments, at any depth.
pub(crate) fn shipped(sh: &Shell, arguments: &str, never: &str) -> Result<BTreeSet<String>> {
    let arguments = arguments.split(' ');
    let tree = cmd!(sh, "cargo tree {arguments...} --edges normal,build,features --prefix none").quiet().read()?;
    let is_never = |line: &&str| {
        never.split_whitespace().any(|never| match never.split_once(':') {
            Some((_, feature)) => line.contains(&format!("feature \"{feature}\"")),
            None => line.split(" v").next() == Some(never),
        })
    };
    Ok(tree.lines().filter(is_never).map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::told;
    use crate::tree::fixtures::tree;

    const RULES: &[PackageRule] = &[
        PackageRule { name: "core", ours: "", others: Some("k256"), never: "tokio feature:std" },
        PackageRule { name: "net", ours: "core", others: Some("libp2p"), never: "" },
        PackageRule { name: "tests", ours: "core net", others: None, never: "" },
    ];
    /// Packages that are not ours.
    const OTHERS: [&str; 5] = ["k256", "libp2p", "tokio", "proptest", "secp256k1"];
    /// Each package with its dependencies, and whatever else is in its manifest.
    const HEALTHY: [(&str, &str); 8] = [
        ("core", "k256.path = \"../k256\"\n[dev-dependencies]\nproptest.path = \"../proptest\""),
        ("net", "core.path = \"../core\"\nlibp2p.path = \"../libp2p\""),
        ("tests", "net.path = \"../net\"\nsecp256k1.path = \"../secp256k1\""),
        ("k256", "[features]\nstd = []"),
        ("libp2p", "tokio.path = \"../tokio\""),
        ("tokio", "[features]\nfull = []"),
        ("proptest", "tokio.path = \"../tokio\""),
        ("secp256k1", ""),
    ];

    /// What is found after some manifests were changed, or packages replaced by another of a new name.
    fn found(changes: &[(&str, (&str, &str))]) -> Vec<String> {
        let packages = HEALTHY.map(|(name, rest)| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            change.map_or((name, rest), |(_, change)| *change)
        });
        let (outside, members): (Vec<_>, Vec<_>) =
            packages.map(|(name, _)| name).into_iter().partition(|name| OTHERS.contains(name));
        let root = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\nexclude = {outside:?}\n");
        let (sh, _root) = tree(&[("Cargo.toml", &root)]);
        for (name, rest) in packages {
            let head =
                format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[dependencies]\n");
            sh.write_file(format!("{name}/Cargo.toml"), head + rest).unwrap();
            sh.write_file(format!("{name}/src/lib.rs"), "").unwrap();
        }
        let offline =
            MetadataCommand::new().current_dir(sh.current_dir()).other_options(["--offline".to_owned()]).exec();
        let found = check(&sh, &offline.unwrap(), RULES).unwrap();
        told(&found).into_iter().filter(|finding| !finding.ends_with("of this workspace")).collect()
    }

    /// What is found after one manifest was changed.
    fn planted(name: &'static str, manifest: &'static str) -> Vec<String> {
        found(&[(name, (name, manifest))])
    }

    #[test]
    fn what_the_rules_allow_passes_and_nothing_else() {
        assert_eq!(found(&[]), Vec::<String>::new());
        let new = "core.path = \"../core\"\nsecp256k1.path = \"../secp256k1\"";
        assert_eq!(planted("net", new), ["net: must not depend on secp256k1; it may use: libp2p"]);
        let renamed = planted("core", "curve = { path = \"../k256\", package = \"k256\" }");
        assert_eq!(renamed, ["core: renames k256 to curve; keep names, derive macros rely on them"]);
        let full = planted("tests", "tokio = { path = \"../tokio\", features = [\"full\"] }");
        assert_eq!(full, ["tests: asks tokio for its feature `full`; name the features that are used"]);
    }

    #[test]
    fn a_dependency_to_the_right_is_found_unless_it_is_of_tests() {
        for (kind, findings) in [("", 1), ("[build-dependencies]\n", 1), ("[dev-dependencies]\n", 0)] {
            let manifest = format!("{kind}tests.path = \"../tests\"");
            let found = found(&[("net", ("net", &manifest)), ("tests", ("tests", ""))]);
            assert_eq!(
                found.contains(&"net: must not depend on tests; it may use: core".to_owned()),
                findings == 1,
                "{kind}"
            );
        }
    }

    #[test]
    fn what_hides_in_the_depths_is_found() {
        let tokio = planted("k256", "tokio.path = \"../tokio\"");
        assert!(tokio.len() == 1 && tokio[0].starts_with("core: ships tokio v1.0.0"), "{tokio:?}");
        let std = planted("core", "k256 = { path = \"../k256\", features = [\"std\"] }");
        assert_eq!(std, ["core: ships k256 feature \"std\", which it must never"]);
    }

    #[test]
    fn a_package_without_a_rule_and_a_rule_without_a_package_are_found() {
        let found = found(&[("tests", ("new", ""))]);
        assert!(found.len() == 2 && found[0].starts_with("new: this package has no rule"), "{found:?}");
        assert!(found[1].ends_with("tests is no package"), "{found:?}");
    }
}
