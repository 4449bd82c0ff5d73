//! `cargo xtask test`: every test but the doc tests, with nextest where it is installed and cargo's own runner otherwise.
//!
//! nextest runs each test in a process of its own and ends hung ones (`.config/nextest.toml`); cargo's runner needs nothing
//! installed. Neither may be needed for the tests to pass. nextest does not run doc tests: [`crate::checks`] does.

use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "test", run };

/// Packages whose optional features change what is computed: they are tested once more with all of them.
const FEATURED: &str = "motet-core-crypto";

/// Named places to die at, for the tests of the program (`docs/testing.md`, "Crashes").
const FAILPOINTS: &str = "motet-cli/failpoints";

fn run(root: &Path) -> Result<Outcome, Failure> {
    let nextest = cargo::has(root, "nextest");
    let (runner, targets): (&[&str], &[&str]) =
        if nextest { (&["nextest", "run"], &[]) } else { (&["test"], &["--lib", "--bins", "--tests", "--examples"]) };
    for scope in [&["--workspace", "--features", FAILPOINTS][..], &["--package", FEATURED, "--all-features"]] {
        let arguments = [runner, scope, targets, &["--locked"]].concat();
        cargo::run(&mut cargo::cargo(root, &arguments))?;
    }
    let runner = if nextest { "nextest" } else { "cargo test; `cargo install cargo-nextest --locked` is faster" };
    Ok(Outcome::Passed(format!("with {runner}")))
}
