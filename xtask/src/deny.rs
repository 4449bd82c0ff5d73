//! `cargo xtask deny`: licences, bans and sources of all dependencies, as `deny.toml` says.
//!
//! cargo-deny does it where it is installed (`cargo install cargo-deny --locked`, about two minutes). Where it is not, the
//! same rules are read from the same file and checked against `cargo metadata`, so that the step needs nothing installed.
//! [`config`] says which part of cargo-deny's language the built-in check understands; it refuses the rest.

mod bans;
mod config;
mod licences;
mod sources;

use std::path::Path;

pub(crate) use config::Config;

use crate::cargo;
use crate::failure::{Failure, verdict};
use crate::step::{Outcome, Step};
use crate::tree;
use crate::workspace::{Reach, Workspace};

pub(crate) const STEP: Step = Step { name: "deny", run };

/// The file with the rules.
pub(crate) const CONFIG: &str = "deny.toml";

fn run(root: &Path) -> Result<Outcome, Failure> {
    // Both are run where both can be: the built-in check is what most people have, so it must agree with the real one.
    let summary = built_in(root)?;
    if cargo::has(root, "deny") {
        cargo::run(&mut cargo::cargo(
            root,
            &["deny", "--locked", "--all-features", "check", "bans", "licenses", "sources"],
        ))?;
        return Ok(Outcome::Passed(format!("{summary}, by cargo-deny and the built-in check")));
    }
    Ok(Outcome::Passed(format!("{summary}, by the built-in check (cargo-deny is not installed)")))
}

fn built_in(root: &Path) -> Result<String, Failure> {
    let file = tree::file(root, CONFIG)?.ok_or_else(|| Failure::unreadable(CONFIG, "not there"))?;
    let config = Config::parse(&file.text)?;
    let workspace = Workspace::load(root, Reach::AllPlatforms)?;
    let mut findings = licences::check(&workspace, &config.licences)?;
    findings.extend(bans::check(&workspace, &config.bans));
    findings.extend(sources::check(&workspace, &config.sources));
    let others = workspace.packages.len().saturating_sub(workspace.members.len());
    match verdict(findings, format!("{others} packages of others"))? {
        Outcome::Passed(summary) | Outcome::Skipped(summary) => Ok(summary),
    }
}
