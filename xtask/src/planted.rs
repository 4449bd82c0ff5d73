//! `cargo xtask planted`: is the simulator any good? Bugs planted on purpose must be found.
//!
//! Each patch in `tests/planted` puts one bug into a copy of the tree: those of the threat model's list M1 to M25 that our
//! design has a place for, others of our own (O), and those of transactions (T). The simulator is built there and run until it
//! finds a breach. A patch that names a test (`Found by: cargo test ..`) is found if that test fails there. A patch that no
//! longer applies, that does not build, or that is not found fails the task, and so does a median of too many seeds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use crate::finding::{Finding, none_of};
use crate::{copy, programs};

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

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    if arguments.check {
        return none_of(stale(sh)?);
    }
    let (mut missed, mut needed) = (Vec::new(), Vec::new());
    println!("| bug | found by | seeds | what is planted |\n|---|---|---|---|");
    for patch in patches(sh, &arguments.patches)? {
        let name = patch.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (number, what) = name.split_once('-').unwrap_or((&name, ""));
        let what = what.replace('-', " ");
        let test = test_of(&sh.read_file(&patch)?).map(str::to_owned);
        let copy = planted(sh, &patch);
        if let Some(test) = test {
            match copy.and_then(|copy| fails(sh, &copy, &test)) {
                Ok(true) => println!("| {number} | `{test}` | | {what} |"),
                Ok(false) => missed.push(Finding::new(&name, format!("not found by {test}"))),
                Err(failure) => missed.push(Finding::new(&name, format!("{failure:#}"))),
            }
            continue;
        }
        match copy.and_then(|copy| hunt(sh, &copy, arguments)) {
            Ok(Some((profile, seeds, invariant))) => {
                needed.push(seeds);
                println!("| {number} | {invariant} ({profile}) | {seeds} | {what} |");
            }
            Ok(None) => missed.push(Finding::new(&name, format!("not found in {} seeds", arguments.seeds))),
            Err(failure) => missed.push(Finding::new(&name, format!("{failure:#}"))),
        }
    }
    needed.sort_unstable();
    if let Some(median) = needed.get(needed.len() / 2) {
        println!("\n{} of {} found, median {median} seeds", needed.len(), needed.len() + missed.len());
        if *median > MEDIAN {
            missed.push(Finding::new(FOLDER, format!("the median is {median} seeds; {MEDIAN} is the most")));
        }
    }
    none_of(missed)
}

/// The patches that no longer apply to the tree as it is (part of `cargo xtask tidy`): who changes what a bug was planted in
/// plants it anew.
pub(crate) fn stale(sh: &Shell) -> Result<Vec<Finding>> {
    let fails = |patch: &PathBuf| apply(sh, patch).arg("--check").quiet().ignore_stderr().run().is_err();
    let stale = patches(sh, &[])?.into_iter().filter(fails);
    Ok(stale
        .map(|patch| Finding::new(patch.display().to_string(), "no longer applies (`git apply --check`)"))
        .collect())
}

/// The patches whose names begin so, or all.
fn patches(sh: &Shell, wanted: &[String]) -> Result<Vec<PathBuf>> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".patch") && (wanted.is_empty() || wanted.iter().any(|start| name.starts_with(start)))
    };
    let below = |path: PathBuf| Path::new(FOLDER).join(path.file_name().unwrap_or_default());
    Ok(sh.read_dir(FOLDER)?.into_iter().filter(is_one).map(below).collect())
}

fn apply<'a>(sh: &'a Shell, patch: &Path) -> Cmd<'a> {
    let here = sh.current_dir();
    // A copy may lie below a repository, which is none of its business.
    let ceiling = here.parent().unwrap_or(&here).to_owned();
    cmd!(sh, "git apply --whitespace=nowarn {patch}").env("GIT_CEILING_DIRECTORIES", ceiling)
}

/// Plants a bug in a copy of the tree, and says where that is.
fn planted(sh: &Shell, patch: &Path) -> Result<PathBuf> {
    let copy = copy::of_tree(sh, "planted", &BTreeMap::new())?;
    let _there = sh.push_dir(&copy);
    apply(sh, patch).quiet().run()?;
    Ok(copy)
}

/// The test that finds the bug of a patch; none, if the simulator does.
fn test_of(patch: &str) -> Option<&str> {
    patch.lines().find_map(|line| line.strip_prefix("Found by: "))
}

/// True if a test fails in a copy, after everything that it needs has been built there.
fn fails(sh: &Shell, copy: &Path, test: &str) -> Result<bool> {
    let _there = sh.push_dir(copy);
    let _target = sh.push_env("CARGO_TARGET_DIR", copy.join("target"));
    let words: Vec<&str> = test.split(' ').skip(1).collect();
    let built = &words;
    cmd!(sh, "cargo {built...} --no-run").quiet().ignore_stderr().run()?;
    Ok(cmd!(sh, "cargo {words...}").quiet().ignore_stdout().ignore_stderr().run().is_err())
}

/// Builds the simulator and runs it until it finds something: in which profile, with how many seeds, which invariant.
fn hunt(sh: &Shell, copy: &Path, arguments: &Arguments) -> Result<Option<(&'static str, u64, String)>> {
    let program = programs::simulator_of(sh, copy)?;
    let seeds = format!("0..{}", arguments.seeds);
    let threads: Vec<_> =
        arguments.threads.iter().flat_map(|threads| ["--threads".to_owned(), threads.to_string()]).collect();
    for profile in ["normal", "brutal"] {
        let threads = &threads;
        let simulator = cmd!(sh, "{program} --seeds {seeds} --profile {profile} --json {threads...}");
        let report: Value = serde_json::from_str(&simulator.quiet().ignore_status().ignore_stderr().read()?)?;
        let invariant = report.pointer("/breaches/0/invariant").and_then(Value::as_str);
        if let (Some(seed), Some(invariant)) = (report.pointer("/first").and_then(Value::as_u64), invariant) {
            return Ok(Some((profile, seed + 1, invariant.to_owned())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    #[test]
    fn a_test_that_fails_finds_a_bug_and_one_that_does_not_build_finds_nothing() {
        assert_eq!(test_of("T01: what.\n\nFound by: cargo test --lib it_fails\n"), Some("cargo test --lib it_fails"));
        assert_eq!(test_of("M01: what.\n"), None);
        let text = "#[test]\nfn it_holds() {}\n#[test]\nfn it_fails() {\n    assert_eq!(1, 2);\n}\n";
        let manifest = "[package]\nname = \"a\"\nedition = \"2024\"\n[workspace]\n";
        let (sh, root) = tree(&[("Cargo.toml", manifest), ("src/lib.rs", text)]);
        assert!(fails(&sh, root.path(), "cargo test --offline --lib it_fails").unwrap());
        assert!(!fails(&sh, root.path(), "cargo test --offline --lib it_holds").unwrap());
        sh.write_file("src/lib.rs", "nonsense").unwrap();
        assert!(fails(&sh, root.path(), "cargo test --offline --lib it_fails").is_err());
    }

    #[test]
    fn a_patch_is_planted_in_a_copy_and_one_that_does_not_apply_is_found() {
        let patch = |line: &str| {
            format!("What it does.\n\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-{line}\n+four\n three\n")
        };
        let [sound, stale_one] = ["tests/planted/M01-sound.patch", "tests/planted/M10-stale.patch"];
        let text = "one\ntwo\nthree\n";
        let (sh, root) = tree(&[("src/a.rs", text), (sound, &patch("two")), (stale_one, &patch("gone"))]);
        let _target = sh.push_env("CARGO_TARGET_DIR", root.path().join("target"));
        assert_eq!(stale(&sh).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().len(), 1);
        assert!(stale(&sh).unwrap()[0].to_string().starts_with(stale_one));
        let [first, second] = patches(&sh, &[]).unwrap().try_into().unwrap();
        assert_eq!(patches(&sh, &["M1".to_owned()]).unwrap(), std::slice::from_ref(&second));
        let copy = planted(&sh, &root.path().join(first)).unwrap();
        assert_eq!(sh.read_file(copy.join("src/a.rs")).unwrap(), "one\nfour\nthree\n");
        assert_eq!(sh.read_file("src/a.rs").unwrap(), text);
        assert!(planted(&sh, &root.path().join(second)).is_err());
    }
}
