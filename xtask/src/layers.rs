//! `cargo xtask layers`: the architecture's borders, checked and not remembered (`docs/architecture.md`, "Layers").
//!
//! Between packages: which of ours, and which of others', each of our packages may depend on, read from `cargo metadata`.
//! Inside a package: which files may name `std::time::SystemTime`, bincode and the like, and that its modules do not use each
//! other in a circle; comments, strings and tests do not count. The tables are in [`rules`].

mod cycles;
pub(crate) mod graph;
mod imports;
mod paths;
mod rules;

use anyhow::Result;
use xshell::Shell;

use crate::finding::none_of;
use crate::outcome::Outcome;
use crate::tree;

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let metadata = graph::load(sh)?;
    let files = tree::files(&sh.current_dir(), &["rs"])?;
    let (sources, mut findings) = imports::read(&files);
    findings.extend(graph::check(sh, &metadata, rules::PACKAGES)?);
    findings.extend(imports::check(&sources, rules::IMPORTS));
    findings.extend(cycles::check(&sources));
    none_of(findings)?;
    Ok(Outcome::Passed(format!("{} packages, {} files", metadata.workspace_members.len(), sources.len())))
}
