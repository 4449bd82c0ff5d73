//! `cargo xtask layers`: the architecture's borders, checked and not remembered (`docs/architecture.md`, "Layers").
//!
//! Two kinds of border. Between packages: which of ours, and which of others', each of our packages may depend on, read from
//! `cargo metadata`. Inside a package: which files may name `std::time::SystemTime`, k256, bincode and the like, read from
//! the sources' tokens, so that comments, strings and tests do not count. Both tables are in [`rules`]. And
//! the program that is shipped has no feature of tests ([`shipped`]).

mod graph;
mod imports;
mod rules;
mod shipped;

use std::path::Path;

use crate::failure::{Failure, verdict};
use crate::step::{Outcome, Step};
use crate::tree;
use crate::workspace::{Reach, Workspace};

pub(crate) const STEP: Step = Step { name: "layers", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    let workspace = Workspace::load(root, Reach::Host)?;
    let sources = tree::files(root, &["rs"])?;
    let mut findings = graph::check(&workspace, rules::PACKAGES);
    findings.extend(imports::check(&sources, rules::IMPORTS));
    findings.extend(shipped::check(root)?);
    let packages = workspace.members().count();
    verdict(findings, format!("{packages} packages, {} files, {} import rules", sources.len(), rules::IMPORTS.len()))
}
