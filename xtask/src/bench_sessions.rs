//! `cargo xtask bench-sessions`: whole sessions over real sockets and in engines alone, beside what they cannot do without.

use std::path::Path;
use std::process::Command;

use crate::bench_peers::build;
use crate::cargo;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Numbers of signers
    #[arg(long, value_name = "N,N,..", default_value = "2,3,5,10,15,50")]
    n: String,
    /// Sessions that are measured for each number of signers
    #[arg(long, value_name = "N", default_value_t = 100)]
    runs: usize,
    /// Numbers of sessions at once
    #[arg(long, value_name = "N,N,..", default_value = "100,1000")]
    crowds: String,
    /// Only these parts
    #[arg(long, value_name = "NAME,NAME,..", default_value = "engine,find,latency,crowd")]
    only: String,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let mut command = Command::new(build(root, "bench-sessions", &[])?);
    command.args(["--n", &arguments.n, "--runs", &arguments.runs.to_string()]);
    command.args(["--crowds", &arguments.crowds, "--only", &arguments.only]);
    command.args(arguments.json.then_some("--json"));
    let status = command.status().map_err(|source| Failure::Start { line: cargo::line(&command), source })?;
    if status.success() { Ok(()) } else { Err(Failure::Command { line: cargo::line(&command), status }) }
}
