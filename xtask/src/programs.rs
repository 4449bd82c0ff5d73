//! Programs of ours that a task builds and runs: benchmarks, the simulator, the crash matrix. What stands behind the name of the
//! task goes to the program. Nothing else is printed but what goes wrong: standard output belongs to the program.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::Message;
use xshell::{Shell, cmd};

use crate::copy;

/// The arguments of the program.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Builds a program with these arguments of cargo, and says where it is.
pub(crate) fn built(sh: &Shell, name: &str, arguments: &str) -> Result<PathBuf> {
    let arguments = arguments.split(' ');
    let build = cmd!(sh, "cargo build --bin {name} {arguments...} --message-format json-render-diagnostics");
    let messages = build.quiet().read()?;
    let program = Message::parse_stream(messages.as_bytes()).find_map(|message| match message {
        Ok(Message::CompilerArtifact(made)) if made.target.name == name => made.executable,
        _ => None,
    });
    program.map(Into::into).with_context(|| format!("cargo made no program {name}"))
}

/// Three programs take part, built one after the other because they want different features: `musig2-k256-peer` (musig2 on
/// k256, which cannot be linked beside musig2 on libsecp256k1), `count-operations` (the engine with counters in it), and
/// `bench-peers`, which measures and prints.
pub(crate) fn bench_peers(sh: &Shell, Rest { words }: &Rest) -> Result<()> {
    let build = |name, features: &str| {
        let package = "--profile fast --locked --package motet-benches --no-default-features --features";
        built(sh, name, &format!("{package} {features}"))
    };
    let k256 = build("musig2-k256-peer", "musig2-k256")?;
    let counts = build("count-operations", "musig2-secp256k1,count-operations")?;
    let program = build("bench-peers", "musig2-secp256k1")?;
    Ok(cmd!(sh, "{program} --musig2-k256 {k256} --counts {counts} {words...}").quiet().run()?)
}

pub(crate) fn bench_sessions(sh: &Shell, Rest { words }: &Rest) -> Result<()> {
    let program = built(sh, "bench-sessions", "--profile fast --locked --package motet-benches")?;
    Ok(cmd!(sh, "{program} {words...}").quiet().run()?)
}

pub(crate) fn bench_net(sh: &Shell, Rest { words }: &Rest) -> Result<()> {
    let program = built(sh, "bench-net", "--profile fast --locked --package motet-benches")?;
    Ok(cmd!(sh, "{program} {words...}").quiet().run()?)
}

pub(crate) fn soak(sh: &Shell, nodes: u32, minutes: u32, json: bool) -> Result<()> {
    let (nodes, minutes) = (nodes.to_string(), minutes.to_string());
    let mut words = ["--only", "soak", "--nodes", &nodes, "--minutes", &minutes].map(str::to_owned).to_vec();
    words.extend(json.then(|| "--json".to_owned()));
    bench_net(sh, &Rest { words })
}

const SIMULATOR: &str = "--profile sim --package motet-tests";

pub(crate) fn sim(sh: &Shell, Rest { words }: &Rest) -> Result<()> {
    let (toy, words): (Vec<_>, Vec<_>) = words.iter().partition(|word| *word == "--toy");
    let program = match toy.is_empty() {
        true => built(sh, "motet-sim", SIMULATOR)?,
        false => simulator_of(sh, &copy::toy(sh)?)?,
    };
    Ok(cmd!(sh, "{program} {words...}").quiet().run()?)
}

/// Builds the simulator of a copy of the tree, in a target folder of its own: cargo takes two trees in one for the same.
pub(crate) fn simulator_of(sh: &Shell, copy: &Path) -> Result<PathBuf> {
    let _there = sh.push_dir(copy);
    let _target = sh.push_env("CARGO_TARGET_DIR", copy.join("target"));
    built(sh, "motet-sim", SIMULATOR)
}

pub(crate) fn crashes(sh: &Shell, runs: u32, jobs: u32) -> Result<()> {
    let (runs, jobs) = (runs.to_string(), jobs.to_string());
    cmd!(sh, "cargo build --locked --package motet-tests --bins").run()?;
    let program =
        cmd!(sh, "cargo run --quiet --locked --package motet-tests --bin motet-crash-matrix -- {runs} {jobs}");
    Ok(program.run()?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Task {
        #[command(flatten)]
        rest: Rest,
    }

    #[test]
    fn a_program_gets_every_word_behind_its_task() {
        let words = ["--seeds", "0..5", "--help", "--toy"];
        assert_eq!(Task::parse_from([&["task"], &words[..]].concat()).rest.words, words);
    }

    #[test]
    fn a_program_that_was_built_is_there() {
        let sh = Shell::new().unwrap();
        let folder = sh.create_temp_dir().unwrap();
        sh.change_dir(folder.path());
        sh.write_file("Cargo.toml", "[package]\nname = \"a\"\nedition = \"2024\"\n[workspace]").unwrap();
        sh.write_file("src/main.rs", "fn main() {}").unwrap();
        let _target = sh.push_env("CARGO_TARGET_DIR", folder.path().join("target"));
        assert!(built(&sh, "a", "--offline").unwrap().is_file());
        assert!(built(&sh, "b", "--offline").is_err());
    }
}
