//! Motet's development tasks: `cargo xtask <task>`.
//!
//! One file for each task, but for those that are one command of cargo ([`checks`]). `ci` runs every check that a change must
//! pass, in the order of [`ci::STEPS`]; each check also runs alone. To add a task, add its file here, a variant to [`Task`], and
//! an arm to [`perform`]; a check that every change must pass also goes into [`ci::STEPS`]. No crate of ours is imported: the
//! tasks must run when the crates do not build.
#![expect(clippy::print_stdout, reason = "a development tool talks to the person who started it")]

mod bench_peers;
mod bench_sessions;
mod cargo;
mod checks;
mod ci;
mod commands;
mod copy;
mod crashes;
mod ct;
mod deny;
mod failure;
mod fuzz;
mod layers;
mod no_std;
mod page;
mod planted;
mod sim;
mod step;
mod test;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
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
    Ci(ci::Arguments),
    /// Formatting, as rustfmt.toml says
    Fmt,
    /// Clippy on every target of the workspace, warnings denied
    Clippy,
    /// All tests: unit and integration tests (nextest where installed, cargo test otherwise), doc tests, commands of the pages
    Test,
    /// The signing crate without the standard library
    NoStd,
    /// The doc tests (nextest does not run them)
    Doctest,
    /// The commands of README.md and docs/ do what the pages say
    Commands,
    /// The API documentation, warnings denied
    Doc,
    /// Which crate may use which, and which file may use what
    Layers,
    /// File length and headers, manifests, tested commands, links, the validation table
    Tidy,
    /// Licences, bans and sources of all dependencies, as deny.toml says
    Deny,
    /// Known vulnerabilities of all dependencies; needs the advisory database, says when it is skipped
    Advisories,
    /// Constant time: the signing crate under memcheck with its secrets concealed
    Ct(ct::Arguments),
    /// Our MuSig2 against four other libraries, interleaved in one run
    BenchPeers(bench_peers::Arguments),
    /// Whole sessions, over real sockets and in engines alone, beside their floor
    BenchSessions(bench_sessions::Arguments),
    /// Fuzz targets, each for some time, growing the committed corpora
    Fuzz(fuzz::Arguments),
    /// Simulated worlds, many seeds or the story of one
    Sim(sim::Arguments),
    /// Bugs planted on purpose: how many worlds the simulator needs to find each
    Planted(planted::Arguments),
    /// The crash matrix: processes that die at named places and come back
    Crashes(crashes::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match perform(&arguments.task, &root()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: &Task, root: &Path) -> Result<(), Failure> {
    match task {
        Task::Ci(arguments) => ci::run(root, arguments),
        Task::Fmt => alone(&checks::FMT, root),
        Task::Clippy => alone(&checks::CLIPPY, root),
        Task::Test => [test::STEP, checks::DOCTEST, commands::STEP].iter().try_for_each(|step| alone(step, root)),
        Task::NoStd => alone(&no_std::STEP, root),
        Task::Doctest => alone(&checks::DOCTEST, root),
        Task::Commands => alone(&commands::STEP, root),
        Task::Doc => alone(&checks::DOC, root),
        Task::Layers => alone(&layers::STEP, root),
        Task::Tidy => alone(&tidy::STEP, root),
        Task::Deny => alone(&deny::STEP, root),
        Task::Advisories => alone(&deny::ADVISORIES, root),
        Task::Ct(arguments) => ct::run(root, arguments),
        Task::BenchPeers(arguments) => bench_peers::run(root, arguments),
        Task::BenchSessions(arguments) => bench_sessions::run(root, arguments),
        Task::Fuzz(arguments) => fuzz::run(root, arguments),
        Task::Sim(arguments) => sim::run(root, arguments),
        Task::Planted(arguments) => planted::run(root, arguments),
        Task::Crashes(arguments) => crashes::run(root, arguments),
    }
}

/// Runs one step; its failure has been shown, so that only its name is left to say.
fn alone(step: &Step, root: &Path) -> Result<(), Failure> {
    step.perform(root).result.map(drop).map_err(|_| Failure::Steps(vec![step.name]))
}

/// The workspace root: the folder above this package.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
