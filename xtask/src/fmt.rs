//! `cargo xtask fmt`: formatting, as rustfmt.toml says. It only looks; `cargo fmt --all` mends.

use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "fmt", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    cargo::run(&mut cargo::cargo(root, &["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed("all files as rustfmt.toml says".into()))
}
