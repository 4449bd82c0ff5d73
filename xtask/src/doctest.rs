//! `cargo xtask doctest`: the examples in the API documentation.

use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "doctest", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    cargo::run(&mut cargo::cargo(root, &["test", "--workspace", "--doc", "--locked"]))?;
    Ok(Outcome::Passed("all examples of the API documentation".into()))
}
