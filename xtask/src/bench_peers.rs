//! `cargo xtask bench-peers`: our MuSig2 against the other libraries, interleaved in one run.
//!
//! Three programs of `motet-benches` take part, built one after the other because they want different features:
//! `musig2-k256-peer` (musig2 on k256, which cannot be linked beside musig2 on libsecp256k1), `count-operations` (the
//! engine with counters in it), and `bench-peers`, which measures and prints. Arguments go to the last one:
//! `--json`, `--quick`, `--signers 2,3`, `--operations session_cold`.

use std::process::{Command, Stdio};

/// Builds the programs and runs the comparison.
///
/// # Errors
///
/// What failed, in words.
pub fn run(args: &[String]) -> Result<(), String> {
    let musig2_k256 = build("musig2-k256-peer", &["--no-default-features", "--features", "musig2-k256"])?;
    let counts = build("count-operations", &["--features", "count-operations"])?;
    let bench_peers = build("bench-peers", &[])?;
    let status = Command::new(&bench_peers)
        .args(["--musig2-k256", &musig2_k256, "--counts", &counts])
        .args(args)
        .status()
        .map_err(|error| format!("{bench_peers}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("bench-peers: {status}")) }
}

/// Builds one program in release mode and says where it is.
fn build(name: &str, features: &[&str]) -> Result<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["build", "--release", "--package", "motet-benches", "--bin", name])
        .args(["--message-format", "json-render-diagnostics"])
        .args(features)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo build {name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo build {name}: {}", output.status));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(str::to_owned))
        .ok_or_else(|| format!("cargo build {name}: no executable"))
}
