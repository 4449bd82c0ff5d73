//! What `cargo metadata` knows: the packages, what they depend on, and who brings whom in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cargo;
use crate::failure::Failure;

/// How much of the dependency graph is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What a build for this machine uses: known without the network once something was built.
    Host,
    /// Every platform's: may have to fetch the manifests of packages that this machine never builds.
    AllPlatforms,
}

/// When a dependency is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// A dependency as a manifest declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) rename: Option<String>,
    pub(crate) features: Vec<String>,
}

/// A package, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
    /// Where it comes from; nothing for packages on disk.
    pub(crate) source: Option<String>,
    pub(crate) manifest: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// The packages of a build and the edges between them.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) members: BTreeSet<String>,
    /// From package id to what it depends on.
    pub(crate) edges: BTreeMap<String, Vec<Edge>>,
}

/// That one package uses another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The id of the used package.
    pub(crate) to: String,
    /// When it is used.
    pub(crate) kinds: BTreeSet<Kind>,
}

impl Workspace {
    /// Asks cargo, which refuses when `Cargo.lock` is not up to date.
    pub(crate) fn load(root: &Path, reach: Reach) -> Result<Self, Failure> {
        let host;
        let mut arguments = vec!["metadata", "--format-version", "1", "--locked"];
        if reach == Reach::Host {
            host = host_platform(root)?;
            arguments.extend(["--filter-platform", &host]);
        }
        let bytes = cargo::output(&mut cargo::cargo(root, &arguments))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| Failure::unreadable("cargo metadata", error))?;
        Self::parse(&value)
            .ok_or_else(|| Failure::unreadable("cargo metadata", "not the format version 1 that we know"))
    }

    fn parse(value: &Value) -> Option<Self> {
        let packages = array(value, "packages")?.iter().map(package).collect::<Option<_>>()?;
        let members = array(value, "workspace_members")?.iter().map(text).collect::<Option<_>>()?;
        let nodes = array(value.get("resolve")?, "nodes")?;
        Some(Self { packages, members, edges: nodes.iter().map(node).collect::<Option<_>>()? })
    }

    /// Our own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.members.contains(&package.id))
    }

    /// The package with this id.
    pub(crate) fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }

    /// Everything that a user of the package `id` builds with it: normal and build dependencies, to any depth, with the
    /// package that brought each in.
    pub(crate) fn shipped_with<'a>(&'a self, id: &'a str) -> BTreeMap<&'a str, &'a str> {
        let mut reached = BTreeMap::new();
        let mut open = vec![id];
        while let Some(user) = open.pop() {
            for Edge { to: used, kinds } in self.edges.get(user).into_iter().flatten() {
                let shipped = kinds.contains(&Kind::Normal) || kinds.contains(&Kind::Build);
                if shipped && used != id && !reached.contains_key(used.as_str()) {
                    reached.insert(used.as_str(), user);
                    open.push(used);
                }
            }
        }
        reached
    }
}

fn host_platform(root: &Path) -> Result<String, Failure> {
    let bytes = cargo::output(&mut cargo::cargo(root, &["version", "--verbose"]))?;
    let text = String::from_utf8_lossy(&bytes);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::unreadable("cargo version --verbose", "it names no host"))
}

fn array<'a>(value: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    value.get(key)?.as_array()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn package(value: &Value) -> Option<Package> {
    Some(Package {
        id: text(value.get("id")?)?,
        name: text(value.get("name")?)?,
        version: text(value.get("version")?)?,
        licence: text(value.get("license")?),
        source: text(value.get("source")?),
        manifest: value.get("manifest_path")?.as_str()?.into(),
        dependencies: array(value, "dependencies")?.iter().map(dependency).collect::<Option<_>>()?,
    })
}

fn dependency(value: &Value) -> Option<Dependency> {
    Some(Dependency {
        name: text(value.get("name")?)?,
        kind: kind(value.get("kind")?),
        rename: text(value.get("rename")?),
        features: array(value, "features")?.iter().map(text).collect::<Option<_>>()?,
    })
}

fn kind(value: &Value) -> Kind {
    match value.as_str() {
        Some("dev") => Kind::Dev,
        Some("build") => Kind::Build,
        _ => Kind::Normal,
    }
}

fn node(value: &Value) -> Option<(String, Vec<Edge>)> {
    let edge = |value: &Value| {
        let kinds = array(value, "dep_kinds")?.iter().filter_map(|entry| entry.get("kind")).map(kind).collect();
        Some(Edge { to: text(value.get("pkg")?)?, kinds })
    };
    Some((text(value.get("id")?)?, array(value, "deps")?.iter().map(edge).collect::<Option<_>>()?))
}

#[cfg(test)]
pub(crate) mod fixtures {
    //! Workspaces made of names, for the tests of the checks.

    use super::*;

    /// A package that depends on the named ones.
    pub(crate) fn package(name: &str, dependencies: &[(&str, Kind)]) -> Package {
        let dependency = |(name, kind): &(&str, Kind)| Dependency {
            name: (*name).to_owned(),
            kind: *kind,
            rename: None,
            features: Vec::new(),
        };
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            licence: Some("MIT".to_owned()),
            source: Some("registry+https://github.com/rust-lang/crates.io-index".to_owned()),
            manifest: PathBuf::from("Cargo.toml"),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    /// A workspace of these packages, of which the named ones are ours.
    pub(crate) fn workspace(packages: Vec<Package>, members: &[&str]) -> Workspace {
        let edges = packages.iter().map(|package| {
            let edge = |used: &Dependency| Edge { to: used.name.clone(), kinds: BTreeSet::from([used.kind]) };
            (package.id.clone(), package.dependencies.iter().map(edge).collect())
        });
        Workspace {
            edges: edges.collect(),
            members: members.iter().map(|name| (*name).to_owned()).collect(),
            packages: packages
                .into_iter()
                .map(|mut package| {
                    if members.contains(&package.name.as_str()) {
                        package.source = None;
                    }
                    package
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_workspace_is_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let workspace = Workspace::load(root, Reach::Host).unwrap();
        let xtask = workspace.members().find(|package| package.name == "xtask").unwrap();
        assert!(xtask.dependencies.iter().any(|used| used.name == "clap" && used.kind == Kind::Normal));
        let shipped = workspace.shipped_with(&xtask.id);
        let names: Vec<_> = shipped.keys().map(|id| workspace.package(id).unwrap().name.as_str()).collect();
        assert!(names.contains(&"clap_builder") && !names.contains(&"libp2p"), "{names:?}");
        let wire = workspace.members().find(|package| package.name == "motet-wire").unwrap();
        assert!(wire.dependencies.iter().any(|used| used.name == "allocation-counter" && used.kind == Kind::Dev));
    }

    #[test]
    fn dev_dependencies_are_not_shipped_and_cycles_end() {
        let packages = vec![
            fixtures::package("a", &[("b", Kind::Normal), ("c", Kind::Dev)]),
            fixtures::package("b", &[("d", Kind::Build)]),
            fixtures::package("c", &[]),
            fixtures::package("d", &[("b", Kind::Normal)]),
        ];
        let workspace = fixtures::workspace(packages, &["a"]);
        assert_eq!(workspace.shipped_with("a"), BTreeMap::from([("b", "a"), ("d", "b")]));
    }
}
