//! `cargo xtask doc`: the API documentation builds without a warning, private items included, since the engine's are read too.

use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "doc", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items", "--all-features", "--locked"];
    let flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
    cargo::run(cargo::cargo(root, &arguments).env("RUSTDOCFLAGS", format!("{flags} -D warnings")))?;
    Ok(Outcome::Passed("no warning".into()))
}
