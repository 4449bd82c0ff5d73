//! `cargo xtask fuzz`: every fuzz target of `tests/fuzz`, each for some time, growing the committed corpora.
//!
//! cargo-fuzz needs a nightly compiler; where either is missing this says what to install and fails, since nothing was fuzzed.
//! Targets of the coordinator play whole sessions: with `--toy` they do in a copy of the tree in which points are numbers
//! (`crate::sim::toy`), many times faster, and grow the same corpora.
//!
//! The corpora are replayed by ordinary tests on the stable compiler, so that `cargo xtask test` needs neither.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo;
use crate::failure::{Failure, Finding};
use crate::sim::toy;

/// The package of the fuzz targets, below the root.
const FOLDER: &str = "tests/fuzz";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only these targets (all when none is named)
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// With numbers in the place of points: for `engine_script`, whose sessions cost a fraction then
    #[arg(long)]
    toy: bool,
    /// Say which targets there are, and stop
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let targets = chosen(targets(root)?, &arguments.targets)?;
    if arguments.list {
        targets.iter().for_each(|target| println!("{target}"));
        return Ok(());
    }
    installed()?;
    let copy = if arguments.toy { Some(toy::copy(root)?) } else { None };
    let mut broken = Vec::new();
    for target in &targets {
        println!("==> fuzz {target} ({} s)", arguments.seconds);
        if let Err(failure) = cargo::run(&mut fuzz(root, copy.as_deref(), target, arguments.seconds)?) {
            broken.push(Finding::new(target, format!("{failure}; the input is in {FOLDER}/artifacts/{target}")));
        }
    }
    println!("==> fuzz: {} targets, {} broken", targets.len(), broken.len());
    if broken.is_empty() { Ok(()) } else { Err(Failure::Findings(broken)) }
}

/// The names of the targets: one file each.
fn targets(root: &Path) -> Result<Vec<String>, Failure> {
    let folder = root.join(FOLDER).join("fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| Failure::file(&folder, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Failure::file(&folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn chosen(all: Vec<String>, wanted: &[String]) -> Result<Vec<String>, Failure> {
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(Failure::unreadable(unknown, format!("no such target; there are {}", all.join(", "))));
    }
    Ok(all.into_iter().filter(|name| wanted.is_empty() || wanted.contains(name)).collect())
}

/// A nightly cargo. The variables by which rustup pins our own toolchain for children must not reach it.
fn nightly() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC").stdin(Stdio::null());
    command
}

fn installed() -> Result<(), Failure> {
    let works = |arguments: &[&str]| {
        let status = nightly().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !works(&["--version"]) {
        return Err(Failure::unreadable("fuzzing needs a nightly compiler", "`rustup toolchain install nightly`"));
    }
    if !works(&["fuzz", "--version"]) {
        return Err(Failure::unreadable("fuzzing needs cargo-fuzz", "`cargo install cargo-fuzz --locked`"));
    }
    Ok(())
}

/// The command that fuzzes one target, in the tree or in a copy of it; corpus and findings are the tree's.
fn fuzz(root: &Path, copy: Option<&Path>, target: &str, seconds: u32) -> Result<Command, Failure> {
    let of_tree = |kind: &str| -> Result<PathBuf, Failure> {
        let folder = root.join(FOLDER).join(kind).join(target);
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, error))?;
        Ok(folder)
    };
    let (corpus, artifacts) = (of_tree("corpus")?, of_tree("artifacts")?);
    let mut command = nightly();
    command.args(["fuzz", "run", "--features", "coordinator", "--fuzz-dir", FOLDER, target]).arg(corpus).arg("--");
    command.current_dir(copy.unwrap_or(root)).arg(format!("-artifact_prefix={}/", artifacts.display()));
    if let Some(copy) = copy {
        // Cargo takes two trees in one target folder for the same.
        command.env("CARGO_TARGET_DIR", copy.join("target"));
    }
    // A slow or greedy input is a finding too (docs/testing.md).
    command.args([format!("-max_total_time={seconds}"), "-timeout=5".to_owned(), "-rss_limit_mb=1024".to_owned()]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    #[test]
    fn targets_are_the_files() {
        let root = tree(&[
            ("tests/fuzz/fuzz_targets/frame.rs", ""),
            ("tests/fuzz/fuzz_targets/evidence.rs", ""),
            ("tests/fuzz/fuzz_targets/notes.txt", ""),
        ]);
        assert_eq!(targets(root.path()).unwrap(), ["evidence", "frame"]);
    }

    #[test]
    fn an_unknown_target_is_refused() {
        let all = || vec!["evidence".to_owned(), "frame".to_owned()];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["frame".to_owned()]).unwrap(), ["frame"]);
        assert!(chosen(all(), &["fame".to_owned()]).unwrap_err().to_string().contains("evidence, frame"));
    }
}
