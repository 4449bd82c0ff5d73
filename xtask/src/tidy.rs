//! `cargo xtask tidy`: the rules that a compiler does not know (`docs/style.md`).
//!
//! Each check is one file below and one function from the tree to findings; `tidy` runs them all and fails on any finding.

mod adr;
mod files;
mod links;
mod manifests;
mod map;
mod named_tests;
mod proofs;
mod validation;
mod words;

use anyhow::Result;
use xshell::Shell;

use crate::finding::none_of;
use crate::outcome::Outcome;
use crate::{planted, tree};

/// Runs all checks. `ci` has the names of the steps of `cargo xtask ci`.
pub(crate) fn run(sh: &Shell, ci: &[String]) -> Result<Outcome> {
    let root = &sh.current_dir();
    let sources = tree::files(root, &["rs"])?;
    let pages = tree::files(root, &["md"])?;
    let texts = tree::files(root, &["rs", "md", "toml", "yml", "yaml", "html", "css", "js", "py", "sh"])?;
    let mut findings = files::check(&sources);
    findings.extend(words::check(&texts)?);
    findings.extend(manifests::check(&texts));
    findings.extend(links::check(root, &pages)?);
    findings.extend(map::check(&pages, &sources));
    findings.extend(proofs::check(&pages, ci));
    findings.extend(named_tests::check(&pages, &sources)?);
    findings.extend(adr::check(&pages));
    findings.extend(validation::check(&pages, &sources)?);
    findings.extend(planted::stale(sh)?);
    none_of(findings)?;
    Ok(Outcome::Passed(format!("{} Rust files, {} pages", sources.len(), pages.len())))
}
