//! `cargo xtask ct`: whether a secret decides a branch or an address in the signing crate.
//!
//! The harness (`tests/ct`) runs under valgrind's memcheck with all secrets marked undefined: once what must pass, once what
//! must be found. It then looks for secrets in freed memory. `cargo xtask dudect` is a second opinion, by time, which wants a quiet
//! machine. What this can see and what it cannot is in `docs/threat-model.md`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::outcome::Outcome;
use crate::programs::built;

pub(crate) fn memcheck(sh: &Shell) -> Result<Outcome> {
    if !cfg!(target_arch = "x86_64") {
        return Ok(Outcome::Skipped("the harness talks to valgrind on x86-64 only".into()));
    }
    if cmd!(sh, "valgrind --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        return Ok(Outcome::Skipped("valgrind not installed".into()));
    }
    let harness = harness(sh)?;
    for what in ["control", "memcheck"] {
        let log = harness.with_file_name(format!("{what}.log"));
        let valgrind = cmd!(sh, "valgrind --quiet --num-callers=30 --log-file={log} {harness} {what}");
        valgrind.run().with_context(|| format!("see {}", log.display()))?;
    }
    cmd!(sh, "{harness} remains").run()?;
    Ok(Outcome::Passed("no branch and no address depends on a secret; what leaks on purpose was found".into()))
}

/// Measures each operation this many times.
pub(crate) fn dudect(sh: &Shell, samples: u32) -> Result<()> {
    let (harness, samples) = (harness(sh)?, samples.to_string());
    Ok(cmd!(sh, "{harness} dudect {samples}").run()?)
}

/// Builds the harness with the lockfile of the workspace, so that it looks at the code that is shipped.
fn harness(sh: &Shell) -> Result<PathBuf> {
    sh.copy_file("Cargo.lock", "tests/ct/Cargo.lock")?;
    built(sh, "motet-ct", "--release --manifest-path tests/ct/Cargo.toml")
}
