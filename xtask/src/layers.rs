//! `cargo xtask layers`: the architecture's borders, checked and not remembered (`docs/architecture.md`, "Layers").
//!
//! Between packages: which of ours, and which of others', each of our packages may depend on, read from `cargo metadata`.
//! Inside a package: which files may name `std::time::SystemTime`, bincode and the like, and that its modules do not use each
//! other in a circle; comments, strings and tests do not count. The tables are in [`rules`]. And the program that is shipped has no
//! feature of tests ([`shipped`]).

mod cycles;
mod graph;
mod imports;
mod paths;
mod rules;
mod shipped;

use std::path::Path;

use crate::failure::Failure;
use crate::step::{Outcome, Step, verdict};
use crate::tree;

pub(crate) const STEP: Step = Step { name: "layers", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    let metadata = graph::load(root)?;
    let files = tree::files(root, &["rs"])?;
    let (sources, mut findings) = imports::read(&files);
    findings.extend(graph::check(&metadata, rules::PACKAGES)?);
    findings.extend(imports::check(&sources, rules::IMPORTS));
    findings.extend(cycles::check(&sources, rules::CIRCLES));
    findings.extend(shipped::check(root)?);
    let packages = metadata.workspace_members.len();
    verdict(findings, format!("{packages} packages, {} files, {} import rules", sources.len(), rules::IMPORTS.len()))
}
