//! `cargo xtask crashes`: three processes, one of which dies at a named place and comes back; every place, every node
//! (`docs/testing.md`).

use std::path::Path;

use crate::cargo;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How often each cell of the matrix
    #[arg(long, default_value_t = 20)]
    runs: u32,
    /// How many sessions at a time
    #[arg(long, default_value_t = 4)]
    jobs: u32,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    cargo::run(&mut cargo::cargo(root, &["build", "--locked", "--package", "motet-tests", "--bins"]))?;
    let (runs, jobs) = (arguments.runs.to_string(), arguments.jobs.to_string());
    let program = ["run", "--quiet", "--locked", "--package", "motet-tests", "--bin", "motet-crash-matrix", "--"];
    cargo::run(&mut cargo::cargo(root, &[&program[..], &[&runs, &jobs]].concat()))
}
