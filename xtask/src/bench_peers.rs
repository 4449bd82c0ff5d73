//! `cargo xtask bench-peers`: our MuSig2 against the other libraries, interleaved in one run.
//!
//! Three programs of `motet-benches` take part, built one after the other because they want different features:
//! `musig2-k256-peer` (musig2 on k256, which cannot be linked beside musig2 on libsecp256k1), `count-operations` (the
//! engine with counters in it), and `bench-peers`, which measures and prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// One JSON object a line instead of tables
    #[arg(long)]
    json: bool,
    /// Fewer samples: seconds instead of minutes
    #[arg(long)]
    quick: bool,
    /// Numbers of signers
    #[arg(long, value_name = "N,N,..", default_value = "2,3,5,10,15,100,1000")]
    signers: String,
    /// Only these operations (all when none is named)
    #[arg(long, value_name = "NAME,NAME,..")]
    operations: Option<String>,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let musig2_k256 = build(root, "musig2-k256-peer", &["--no-default-features", "--features", "musig2-k256"])?;
    let counts =
        build(root, "count-operations", &["--no-default-features", "--features", "musig2-secp256k1,count-operations"])?;
    let bench_peers = build(root, "bench-peers", &["--no-default-features", "--features", "musig2-secp256k1"])?;
    let mut command = Command::new(bench_peers);
    command.arg("--musig2-k256").arg(musig2_k256).arg("--counts").arg(counts).args(["--signers", &arguments.signers]);
    for (wanted, flag) in [(arguments.json, "--json"), (arguments.quick, "--quick")] {
        command.args(wanted.then_some(flag));
    }
    if let Some(operations) = &arguments.operations {
        command.args(["--operations", operations]);
    }
    let status = command.status().map_err(|source| Failure::Start { line: cargo::line(&command), source })?;
    if status.success() { Ok(()) } else { Err(Failure::Command { line: cargo::line(&command), status }) }
}

/// Builds one program in release mode and says where it is. Nothing is printed but what goes wrong: standard output
/// belongs to the report.
pub(crate) fn build(root: &Path, name: &str, features: &[&str]) -> Result<PathBuf, Failure> {
    let start = ["build", "--release", "--package", "motet-benches", "--bin", name];
    let format = ["--message-format", "json-render-diagnostics", "--locked"];
    let output = cargo::output(&mut cargo::cargo(root, &[&start[..], &format, features].concat()))?;
    cargo::executable(&output, name).ok_or_else(|| Failure::unreadable(format!("cargo build {name}"), "no executable"))
}
