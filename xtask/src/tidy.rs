//! `cargo xtask tidy`: the rules that a compiler does not know (`docs/style.md`).
//!
//! Each check is one file below and one function from the tree to findings; `tidy` runs them all and fails on any finding.

mod adr;
mod files;
mod links;
mod manifests;
mod map;
mod proofs;
mod validation;
mod words;

use std::path::Path;

use crate::failure::Failure;
use crate::planted;
use crate::step::{Outcome, Step, verdict};
use crate::tree;

pub(crate) const STEP: Step = Step { name: "tidy", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    let sources = tree::files(root, &["rs"])?;
    let pages = tree::files(root, &["md"])?;
    let texts = tree::files(root, &["rs", "md", "toml", "yml", "yaml", "html", "css", "js", "py", "sh"])?;
    let mut findings = files::check(&sources);
    findings.extend(words::check(&texts));
    findings.extend(manifests::check(root)?);
    findings.extend(links::check(root, &pages));
    findings.extend(map::check(&pages, &sources));
    findings.extend(proofs::check(&pages));
    findings.extend(adr::check(&pages));
    findings.extend(validation::check(&pages, &sources));
    findings.extend(planted::stale(root)?);
    verdict(findings, format!("{} Rust files, {} pages", sources.len(), pages.len()))
}
