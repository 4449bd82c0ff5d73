//! The part of cargo-deny's language that the built-in check understands. Anything else in `deny.toml` is an error, so that
//! no rule is believed to hold that only cargo-deny would check.

use serde::Deserialize;

use crate::failure::Failure;

/// `deny.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Which graph cargo-deny looks at; the built-in check looks at all features on all platforms anyway.
    #[serde(rename = "graph")]
    _graph: Graph,
    /// Vulnerabilities, see `crate::advisories`.
    pub(crate) advisories: Advisories,
    #[serde(rename = "licenses")]
    pub(super) licences: Licences,
    pub(super) bans: Bans,
    pub(super) sources: Sources,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Graph {
    #[serde(rename = "all-features")]
    _all_features: bool,
}

/// `[advisories]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advisories {
    /// Advisories that we know of and live with.
    pub(crate) ignore: Vec<Ignored>,
}

/// An advisory that we live with, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ignored {
    /// Its number, as in `RUSTSEC-2025-0141`.
    pub(crate) id: String,
    /// Why it does not hurt.
    pub(crate) reason: String,
}

/// `[licenses]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Licences {
    /// What any package may be licensed under.
    pub(super) allow: Vec<String>,
    /// What single packages may be licensed under besides.
    pub(super) exceptions: Vec<Exception>,
}

/// What one package may be licensed under besides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    #[serde(rename = "crate")]
    pub(super) name: String,
    pub(super) allow: Vec<String>,
}

/// `[bans]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bans {
    /// What is done about two versions of one package.
    #[serde(rename = "multiple-versions")]
    pub(super) multiple_versions: MultipleVersions,
    pub(super) deny: Vec<Ban>,
}

/// What is done about two versions of one package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MultipleVersions {
    Allow,
    Warn,
    Deny,
}

/// One package that is not wanted, in some or all versions, or not twice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ban {
    /// `name`, `name@version` for exactly that one, or `name:requirement` with a requirement as in `Cargo.toml`.
    #[serde(rename = "crate")]
    pub(super) spec: String,
    pub(super) reason: String,
    /// The package is welcome, but in one version only.
    #[serde(rename = "deny-multiple-versions", default)]
    pub(super) once: bool,
}

/// `[sources]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sources {
    #[serde(rename = "unknown-registry")]
    _unknown_registry: Refused,
    #[serde(rename = "unknown-git")]
    _unknown_git: Refused,
    /// The registries that packages may come from.
    #[serde(rename = "allow-registry")]
    pub(super) allow_registry: Vec<String>,
}

/// The only level at which the built-in check does sources.
#[derive(Debug, Deserialize)]
enum Refused {
    #[serde(rename = "deny")]
    Deny,
}

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        toml::from_str(text).map_err(|error| {
            Failure::unreadable(
                super::CONFIG,
                format!("{error}(xtask/src/deny/config.rs says what the built-in check knows)"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> String {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap()
    }

    #[test]
    fn our_own_file_is_understood_and_gives_its_reasons() {
        let config = Config::parse(&ours()).unwrap();
        assert!(config.advisories.ignore.iter().any(|ignored| ignored.id == "RUSTSEC-2025-0141"));
        assert!(config.advisories.ignore.iter().all(|ignored| !ignored.reason.is_empty()));
        assert!(config.bans.deny.iter().all(|ban| !ban.reason.is_empty()));
    }

    #[test]
    fn a_rule_that_only_cargo_deny_knows_is_refused() {
        let text = ours().replace("[bans]", "[bans]\nwildcards = \"deny\"");
        assert!(Config::parse(&text).unwrap_err().to_string().contains("wildcards"));
    }
}
