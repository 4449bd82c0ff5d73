//! `cargo xtask ct`: whether a secret decides a branch or an address in the signing crate.
//!
//! The harness (`tests/ct`) runs under valgrind's memcheck with all secrets marked undefined: once what must pass, once
//! what must be found. It then looks for secrets in freed memory. `--dudect` adds a second opinion by time, which wants a quiet machine. What this can see and
//! what it cannot is in `docs/threat-model.md`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "ct", run: memcheck };

const FOLDER: &str = "tests/ct";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Measure as well, on a machine that does nothing else
    #[arg(long)]
    dudect: bool,
    /// How many times each operation is measured
    #[arg(long, default_value_t = 50_000)]
    samples: u32,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    STEP.perform(root).result.map(drop).map_err(|_| Failure::Steps(vec![STEP.name]))?;
    if arguments.dudect {
        println!("==> dudect, {} samples an operation", arguments.samples);
        cargo::run(Command::new(build(root)?).args(["dudect", &arguments.samples.to_string()]))?;
    }
    Ok(())
}

fn memcheck(root: &Path) -> Result<Outcome, Failure> {
    if !cfg!(target_arch = "x86_64") {
        return Ok(Outcome::Skipped("the harness talks to valgrind on x86-64 only".into()));
    }
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !valgrind.is_ok_and(|status| status.success()) {
        return Ok(Outcome::Skipped("valgrind not installed".into()));
    }
    let harness = build(root)?;
    let logs = harness.parent().unwrap_or(root).to_owned();
    for what in ["control", "memcheck"] {
        let log = logs.join(format!("{what}.log"));
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--num-callers=30"]).arg(format!("--log-file={}", log.display()));
        cargo::run(valgrind.arg(&harness).arg(what)).inspect_err(|_| println!("    see {}", log.display()))?;
    }
    cargo::run(Command::new(&harness).arg("remains"))?;
    Ok(Outcome::Passed("no branch and no address depends on a secret; what leaks on purpose was found".into()))
}

/// Builds the harness with the lockfile of the workspace, so that it looks at the code that is shipped.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    let lock = root.join(FOLDER).join("Cargo.lock");
    std::fs::copy(root.join("Cargo.lock"), &lock).map_err(|error| Failure::file(&lock, error))?;
    let manifest = format!("{FOLDER}/Cargo.toml");
    let format = ["--message-format", "json-render-diagnostics"];
    let build = [&["build", "--release", "--manifest-path", &manifest][..], &format].concat();
    let output = cargo::output(&mut cargo::cargo(root, &build))?;
    cargo::executable(&output, "motet-ct").ok_or_else(|| Failure::unreadable("cargo build motet-ct", "no executable"))
}
