//! Motet's development tasks: `cargo xtask <task>`.
//!
//! Checks are steps ([`step::Step`]): `ci` runs all that a change must pass, and each also runs alone. To add one, add a variant
//! there and its arm. Other tasks are variants of [`Task`]. No crate of ours is imported: the tasks must run when the crates do
//! not build.
#![expect(clippy::print_stdout, reason = "a development tool talks to the person who started it")]

mod commands;
mod copy;
mod ct;
mod deny;
mod finding;
mod fuzz;
mod layers;
mod outcome;
mod page;
mod planted;
mod programs;
mod step;
mod tidy;
mod tree;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xshell::Shell;

use step::Step;

/// Motet's development tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Every check that a change must pass: fmt, tidy, layers, deny, clippy, no-std, test, doctest, commands, ct, doc
    Ci {
        /// Stop at the first step that fails, instead of running all and failing at the end
        #[arg(long)]
        fail_fast: bool,
    },
    #[command(flatten)]
    Step(Step),
    /// Constant time once more, measured, on a machine that does nothing else
    Dudect {
        /// How many times each operation is measured
        #[arg(long, default_value_t = 50_000)]
        samples: u32,
    },
    /// Our MuSig2 against four other libraries, interleaved in one run
    BenchPeers(programs::Rest),
    /// Whole sessions, over real sockets and in engines alone, beside their floor
    BenchSessions(programs::Rest),
    /// The network beside bare libp2p, the index, clusters that grow, and floods
    BenchNet(programs::Rest),
    /// Ten nodes that send each other 700 messages of 10 kB a second, with restarts: memory, tasks, descriptors and times stay the same
    Soak {
        /// Nodes
        #[arg(long, default_value_t = 10)]
        nodes: u32,
        /// Minutes, three at least
        #[arg(long, default_value_t = 60)]
        minutes: u32,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Fuzz targets, each for some time, growing the committed corpora
    Fuzz(fuzz::Arguments),
    /// Simulated worlds, many seeds or the story of one; with `--toy`, numbers in the place of points
    Sim(programs::Rest),
    /// Bugs planted on purpose: how many worlds the simulator needs to find each
    Planted(planted::Arguments),
    /// The crash matrix: processes that die at named places and come back
    Crashes {
        /// How often each cell of the matrix
        #[arg(long, default_value_t = 20)]
        runs: u32,
        /// How many sessions at a time
        #[arg(long, default_value_t = 4)]
        jobs: u32,
    },
}

fn main() -> ExitCode {
    match perform(&Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: &Task) -> anyhow::Result<()> {
    let sh = &Shell::new()?;
    // The root of the workspace: the folder above this package.
    sh.change_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    match task {
        Task::Ci { fail_fast } => step::all(sh, &step::of_ci(), *fail_fast),
        Task::Step(Step::Test) => step::all(sh, &[Step::Test, Step::Doctest, Step::Commands], false),
        Task::Step(step) => step::all(sh, &[*step], false),
        Task::Dudect { samples } => ct::dudect(sh, *samples),
        Task::BenchPeers(rest) => programs::bench_peers(sh, rest),
        Task::BenchSessions(rest) => programs::bench_sessions(sh, rest),
        Task::BenchNet(rest) => programs::bench_net(sh, rest),
        Task::Soak { nodes, minutes, json } => programs::soak(sh, *nodes, *minutes, *json),
        Task::Fuzz(arguments) => fuzz::run(sh, arguments),
        Task::Sim(rest) => programs::sim(sh, rest),
        Task::Planted(arguments) => planted::run(sh, arguments),
        Task::Crashes { runs, jobs } => programs::crashes(sh, *runs, *jobs),
    }
}
