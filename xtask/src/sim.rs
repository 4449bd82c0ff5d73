//! `cargo xtask sim`: many seeds of the simulator, or the story of one (`docs/testing.md`).

pub(crate) mod toy;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The seeds to run: all from A to below B
    #[arg(long, value_name = "A..B", default_value = "0..10000")]
    seeds: String,
    /// Tell what happens in the world of one seed
    #[arg(long, value_name = "SEED", conflicts_with = "seeds")]
    replay: Option<u64>,
    /// How hard the worlds are: calm, normal, brutal or deep
    #[arg(long, default_value = "normal")]
    profile: String,
    /// Only the worlds in which this actor is: B1 to B19
    #[arg(long)]
    actor: Option<String>,
    /// Follow every order of what two signers send and do, with one fault anywhere, instead of worlds from seeds
    #[arg(long, conflicts_with_all = ["seeds", "replay"])]
    explore: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// With numbers in the place of points: many times faster, and secure against nobody
    #[arg(long)]
    toy: bool,
    /// Go on after a breach, and list all
    #[arg(long)]
    all: bool,
    /// Threads; as many as there are cores when not given
    #[arg(long)]
    threads: Option<usize>,
}

/// More states than two signers and one fault have, for each fault; to reach this bound is to fail.
const MOST_STATES: &str = "1000000";

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let program = if arguments.toy { build_copy(&toy::copy(root)?) } else { build(root) };
    let mut command = Command::new(program?);
    match arguments.replay {
        _ if arguments.explore => command.args(["--explore", MOST_STATES]),
        Some(seed) => command.args(["--replay", &seed.to_string()]),
        None => command.args(["--seeds", &arguments.seeds]),
    };
    command.args(["--profile", &arguments.profile]);
    if let Some(actor) = &arguments.actor {
        command.args(["--actor", actor]);
    }
    for (wanted, flag) in [(arguments.json, "--json"), (arguments.all, "--all")] {
        command.args(wanted.then_some(flag));
    }
    if let Some(threads) = arguments.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    let status = command.status().map_err(|source| Failure::Start { line: cargo::line(&command), source })?;
    if status.success() { Ok(()) } else { Err(Failure::Command { line: cargo::line(&command), status }) }
}

/// Builds the simulator of a copy of the tree, in a target folder of its own: cargo takes two trees in one for the same.
pub(crate) fn build_copy(copy: &Path) -> Result<PathBuf, Failure> {
    built(cargo::cargo(copy, &BUILD).env("CARGO_TARGET_DIR", copy.join("target")))
}

/// Builds the simulator, and says where it is. Nothing is printed but what goes wrong.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    built(&mut cargo::cargo(root, &BUILD))
}

const BUILD: [&str; 9] = [
    "build",
    "--profile",
    "sim",
    "--package",
    "motet-tests",
    "--bin",
    "motet-sim",
    "--message-format",
    "json-render-diagnostics",
];

fn built(command: &mut Command) -> Result<PathBuf, Failure> {
    String::from_utf8_lossy(&cargo::output(command)?)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message.pointer("/target/name").is_some_and(|name| name == "motet-sim"))
        .find_map(|message| message.get("executable")?.as_str().map(Into::into))
        .ok_or_else(|| Failure::unreadable("cargo build of motet-sim", "no executable"))
}
