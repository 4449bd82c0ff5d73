//! `cargo xtask planted`: is the simulator any good? Bugs planted on purpose must be found.
//!
//! Each patch in `tests/planted` puts one bug into a copy of the tree: those of the threat model's list M1 to M25 that our
//! design has a place for. The simulator is built there and run until it finds a breach. A patch that no longer
//! applies, that does not build, or that is not found fails the task, and so does a median of too many seeds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo;
use crate::copy::{copy_of, synchronize};
use crate::failure::{Failure, Finding};
use crate::sim;

/// Where the patches are, below the root.
const FOLDER: &str = "tests/planted";
/// The most seeds that the median bug may take.
const MEDIAN: u64 = 10_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only the patches whose names begin so (all when none is named)
    patches: Vec<String>,
    /// Seeds to try for each, in each profile
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// See whether the patches apply, and stop
    #[arg(long)]
    check: bool,
    /// Threads; as many as there are cores when not given
    #[arg(long)]
    threads: Option<usize>,
}

/// What it took to find a bug.
struct Caught {
    profile: &'static str,
    seeds: u64,
    invariant: String,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let patches = chosen(patches(root)?, &arguments.patches);
    let copy = copy_of(root, "planted")?;
    let mut missed = Vec::new();
    let mut needed = Vec::new();
    println!("| bug | found by | seeds | what is planted |\n|---|---|---|---|");
    for patch in &patches {
        let name = patch.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (number, what) = name.split_once('-').unwrap_or((&name, ""));
        let what = what.replace('-', " ");
        synchronize(root, &copy, &[])?;
        let planted =
            plant(&copy, patch).and_then(|()| if arguments.check { Ok(None) } else { hunt(&copy, arguments) });
        match planted {
            Ok(Some(caught)) => {
                needed.push(caught.seeds);
                println!("| {number} | {} ({}) | {} | {what} |", caught.invariant, caught.profile, caught.seeds);
            }
            Ok(None) if arguments.check => println!("| {number} | | | {what} |"),
            Ok(None) => missed.push(Finding::new(&name, format!("not found in {} seeds", arguments.seeds))),
            Err(failure) => missed.push(Finding::new(&name, failure.to_string())),
        }
    }
    synchronize(root, &copy, &[])?;
    needed.sort_unstable();
    if let Some(median) = needed.get(needed.len() / 2) {
        println!("\n{} of {} found, median {median} seeds", needed.len(), patches.len());
        if *median > MEDIAN {
            missed.push(Finding::new(FOLDER, format!("the median is {median} seeds; {MEDIAN} is the most")));
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(Failure::Findings(missed)) }
}

/// The patches that no longer apply to the tree as it is (part of `cargo xtask tidy`): whoever changes what a bug was planted in
/// plants it anew.
pub(crate) fn stale(root: &Path) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for patch in patches(root)? {
        let mut command = apply(root, &patch);
        let line = cargo::line(&command);
        let output = command.arg("--check").output().map_err(|source| Failure::Start { line, source })?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
            let name = patch.file_name().unwrap_or_default().to_string_lossy().into_owned();
            findings.push(Finding::new(format!("{FOLDER}/{name}"), format!("no longer applies: {why}")));
        }
    }
    Ok(findings)
}

fn patches(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = root.join(FOLDER);
    let entries = std::fs::read_dir(&folder).map_err(|error| Failure::file(&folder, error))?;
    let mut patches = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Failure::file(&folder, error))?.path();
        patches.extend(path.extension().is_some_and(|extension| extension == "patch").then_some(path));
    }
    patches.sort();
    Ok(patches)
}

fn chosen(all: Vec<PathBuf>, wanted: &[String]) -> Vec<PathBuf> {
    let begins = |path: &PathBuf, start: &String| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start.as_str()))
    };
    all.into_iter().filter(|path| wanted.is_empty() || wanted.iter().any(|start| begins(path, start))).collect()
}

/// Plants a bug.
fn plant(copy: &Path, patch: &Path) -> Result<(), Failure> {
    cargo::output(&mut apply(copy, patch)).map(drop)
}

fn apply(tree: &Path, patch: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(["apply", "--whitespace=nowarn"]).arg(patch).current_dir(tree).stdin(Stdio::null());
    // A copy may lie below a repository, which is none of its business.
    command.env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree));
    command
}

/// Builds the simulator and runs it until it finds something.
fn hunt(copy: &Path, arguments: &Arguments) -> Result<Option<Caught>, Failure> {
    let program = sim::build_copy(copy)?;
    for profile in ["normal", "brutal"] {
        let mut command = Command::new(&program);
        command.args(["--seeds", &format!("0..{}", arguments.seeds), "--profile", profile, "--json"]);
        if let Some(threads) = arguments.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        let line = cargo::line(&command);
        let output = command.stderr(Stdio::null()).output().map_err(|source| Failure::Start { line, source })?;
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::unreadable("the report of motet-sim", error))?;
        if let (Some(seed), Some(invariant)) = (
            report.pointer("/first").and_then(serde_json::Value::as_u64),
            report.pointer("/breaches/0/invariant").and_then(serde_json::Value::as_str),
        ) {
            return Ok(Some(Caught { profile, seeds: seed + 1, invariant: invariant.to_owned() }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    #[test]
    fn a_patch_that_does_not_apply_is_found() {
        let copy = tree(&[("src/a.rs", "one\ntwo\nthree\n")]);
        let patch = |line: &str| {
            format!("What it does.\n\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-{line}\n+four\n three\n")
        };
        let patches = tree(&[("sound.patch", &patch("two")), ("stale.patch", &patch("gone"))]);
        assert!(plant(copy.path(), &patches.path().join("stale.patch")).is_err());
        plant(copy.path(), &patches.path().join("sound.patch")).unwrap();
        let whole = tree(&[
            ("src/a.rs", "one\ntwo\nthree\n"),
            ("tests/planted/sound.patch", &patch("two")),
            ("tests/planted/stale.patch", &patch("gone")),
        ]);
        let found = stale(whole.path()).unwrap();
        assert_eq!(found.iter().map(|found| found.place.as_str()).collect::<Vec<_>>(), ["tests/planted/stale.patch"]);
        assert_eq!(std::fs::read_to_string(copy.path().join("src/a.rs")).unwrap(), "one\nfour\nthree\n");
    }

    #[test]
    fn patches_are_chosen_by_the_beginnings_of_their_names() {
        let all = || ["a/M01-x.patch", "a/M10-y.patch"].map(PathBuf::from).to_vec();
        assert_eq!(chosen(all(), &["M1".to_owned()]), [PathBuf::from("a/M10-y.patch")]);
        assert_eq!(chosen(all(), &[]).len(), 2);
    }
}
