//! The checks that are one command of cargo: `fmt` (it only looks; `cargo fmt --all` mends), `clippy` on every target and every
//! feature, `doctest` (which nextest does not run), and `doc`, private items included, since the engine's are read too.

use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const FMT: Step =
    Step { name: "fmt", run: |root| check(root, &["fmt", "--all", "--check"], "all files as rustfmt.toml says") };
pub(crate) const CLIPPY: Step = Step {
    name: "clippy",
    run: |root| {
        let what = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"];
        check(root, &what, "no warning in any target")
    },
};
pub(crate) const DOCTEST: Step = Step {
    name: "doctest",
    run: |root| check(root, &["test", "--workspace", "--doc", "--locked"], "all examples of the API documentation"),
};
pub(crate) const DOC: Step = Step {
    name: "doc",
    run: |root| {
        let what = ["doc", "--workspace", "--no-deps", "--document-private-items", "--all-features", "--locked"];
        let flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
        cargo::run(cargo::cargo(root, &what).env("RUSTDOCFLAGS", format!("{flags} -D warnings")))?;
        Ok(Outcome::Passed("no warning".into()))
    },
};

fn check(root: &Path, arguments: &[&str], passed: &str) -> Result<Outcome, Failure> {
    cargo::run(&mut cargo::cargo(root, arguments))?;
    Ok(Outcome::Passed(passed.into()))
}
