//! `cargo xtask clippy`: clippy on every target and every feature of the workspace, warnings denied.

use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "clippy", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"];
    cargo::run(&mut cargo::cargo(root, &arguments))?;
    Ok(Outcome::Passed("no warning in any target".into()))
}
