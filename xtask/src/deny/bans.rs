//! Packages that are not wanted: at all, below a version, or twice.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};

use super::CONFIG;
use super::config::{Ban, Bans, MultipleVersions};
use crate::failure::Finding;
use crate::workspace::{Package, Workspace};

pub(super) fn check(workspace: &Workspace, rules: &Bans) -> Vec<Finding> {
    let mut findings: Vec<_> = rules.deny.iter().flat_map(|ban| banned(workspace, ban)).collect();
    let twice = several(workspace);
    match rules.multiple_versions {
        MultipleVersions::Allow => {}
        MultipleVersions::Warn => println!("    {} packages of others are there in more than one version", twice.len()),
        MultipleVersions::Deny => {
            findings.extend(twice.iter().map(|(name, versions)| Finding::new(*name, there_twice(versions))));
        }
    }
    findings
}

fn banned(workspace: &Workspace, ban: &Ban) -> Vec<Finding> {
    let (name, requirement) = match (ban.spec.split_once('@'), ban.spec.split_once(':')) {
        (Some((name, version)), _) => (name, format!("={version}")),
        (None, Some((name, requirement))) => (name, requirement.to_owned()),
        (None, None) => (ban.spec.as_str(), "*".to_owned()),
    };
    let requirement = match VersionReq::parse(&requirement) {
        Ok(requirement) => requirement,
        Err(error) => return vec![Finding::new(CONFIG, format!("`{}`: {error}", ban.spec))],
    };
    let hits: Vec<_> = workspace.packages.iter().filter(|package| package.name == name).collect();
    if ban.once {
        let versions: Vec<_> = hits.iter().map(|package| package.version.as_str()).collect();
        let finding = || Finding::new(name, format!("{}: {}", there_twice(&versions), ban.reason));
        return (versions.len() > 1).then(finding).into_iter().collect();
    }
    let hits = hits.into_iter().filter(|package| meets(package, &requirement));
    hits.map(|package| Finding::new(format!("{name} {}", package.version), format!("is banned: {}", ban.reason)))
        .collect()
}

fn meets(package: &Package, requirement: &VersionReq) -> bool {
    Version::parse(&package.version).is_ok_and(|version| requirement.matches(&version))
}

fn several(workspace: &Workspace) -> BTreeMap<&str, Vec<&str>> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &workspace.packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
}

fn there_twice(versions: &[&str]) -> String {
    format!("is there in several versions ({})", versions.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::fixtures::{package, workspace};

    fn found(ban: &[(&str, bool)], multiple_versions: MultipleVersions, versions: &[&str]) -> Vec<String> {
        let used = versions.iter().map(|version| Package { version: (*version).to_owned(), ..package("used", &[]) });
        let deny =
            ban.iter().map(|(spec, once)| Ban { spec: (*spec).to_owned(), reason: "bad".to_owned(), once: *once });
        let rules = Bans { multiple_versions, deny: deny.collect() };
        check(&workspace(used.collect(), &[]), &rules).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_planted_package_is_found() {
        assert_eq!(found(&[("used", false)], MultipleVersions::Allow, &["1.0.0"]), ["used 1.0.0: is banned: bad"]);
        assert!(found(&[("other", false)], MultipleVersions::Allow, &["1.0.0"]).is_empty());
    }

    #[test]
    fn a_version_floor_holds_at_its_edge() {
        let floor = &[("used:<0.50.1", false)];
        assert_eq!(found(floor, MultipleVersions::Allow, &["0.50.0"]).len(), 1);
        assert!(found(floor, MultipleVersions::Allow, &["0.50.1"]).is_empty());
    }

    #[test]
    fn one_version_alone_can_be_banned() {
        let one = &[("used@0.50.0", false)];
        assert_eq!(found(one, MultipleVersions::Allow, &["0.50.0"]).len(), 1);
        assert!(found(one, MultipleVersions::Allow, &["0.50.1"]).is_empty());
    }

    #[test]
    fn two_versions_are_found_where_one_is_wanted() {
        let versions = &["1.0.0", "2.0.0"];
        assert_eq!(found(&[("used", true)], MultipleVersions::Allow, versions).len(), 1);
        assert!(found(&[("used", true)], MultipleVersions::Allow, &["1.0.0"]).is_empty());
        assert_eq!(found(&[], MultipleVersions::Deny, versions), ["used: is there in several versions (1.0.0, 2.0.0)"]);
        assert!(found(&[], MultipleVersions::Warn, versions).is_empty());
    }

    #[test]
    fn a_ban_that_cannot_be_read_is_found() {
        assert_eq!(found(&[("used:below one", false)], MultipleVersions::Allow, &["1.0.0"]).len(), 1);
    }
}
