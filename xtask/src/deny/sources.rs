//! Packages come from the registries that `deny.toml` names; those on disk are members of this workspace.

use super::CONFIG;
use super::config::Sources;
use crate::failure::Finding;
use crate::workspace::{Package, Workspace};

pub(super) fn check(workspace: &Workspace, rules: &Sources) -> Vec<Finding> {
    workspace.packages.iter().filter_map(|package| complaint(workspace, package, rules)).collect()
}

fn complaint(workspace: &Workspace, package: &Package, rules: &Sources) -> Option<Finding> {
    let place = format!("{} {}", package.name, package.version);
    let Some(source) = &package.source else {
        let outside = !workspace.members.contains(&package.id);
        return outside.then(|| Finding::new(place, "is a folder on disk, but no member of this workspace"));
    };
    let registry = source.strip_prefix("registry+").or_else(|| source.strip_prefix("sparse+"));
    let known = registry.is_some_and(|registry| rules.allow_registry.iter().any(|allowed| allowed == registry));
    (!known).then(|| Finding::new(place, format!("comes from {source}, which {CONFIG} does not allow")))
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::*;
    use crate::workspace::fixtures::{package, workspace};

    const RULES: &str = "
        [graph]
        all-features = true
        [advisories]
        ignore = []
        [licenses]
        allow = []
        exceptions = []
        [bans]
        multiple-versions = \"allow\"
        deny = []
        [sources]
        unknown-registry = \"deny\"
        unknown-git = \"deny\"
        allow-registry = [\"https://github.com/rust-lang/crates.io-index\"]
    ";

    fn found(source: Option<&str>) -> usize {
        let mut used = package("used", &[]);
        used.source = source.map(str::to_owned);
        let workspace = workspace(vec![used, package("ours", &[])], &["ours"]);
        check(&workspace, &Config::parse(RULES).unwrap().sources).len()
    }

    #[test]
    fn the_registry_passes_and_members_do() {
        assert_eq!(found(Some("registry+https://github.com/rust-lang/crates.io-index")), 0);
    }

    #[test]
    fn planted_sources_are_found() {
        assert_eq!(found(Some("git+https://github.com/someone/used?rev=1")), 1);
        assert_eq!(found(Some("registry+https://registry.example.org/index")), 1);
        assert_eq!(found(None), 1);
    }
}
