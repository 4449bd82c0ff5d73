//! `cargo xtask fuzz`: every fuzz target of `tests/fuzz`, each for some time, growing the committed corpora.
//!
//! cargo-fuzz needs a nightly compiler; where either is missing this says what to install and fails, since nothing was fuzzed.
//! Targets of the coordinator play whole sessions: with `--toy` they do in a copy of the tree in which points are numbers
//! ([`crate::copy::toy`]), many times faster, and grow the same corpora.
//!
//! The corpora are replayed by ordinary tests on the stable compiler, so that `cargo xtask test` needs neither.

use anyhow::{Context as _, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::copy;
use crate::finding::{Finding, none_of};

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

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let all = targets(sh)?;
    if arguments.list {
        println!("{}", all.join("\n"));
        return Ok(());
    }
    let unknown = arguments.targets.iter().find(|name| !all.contains(name));
    ensure!(unknown.is_none(), "there is no target {unknown:?}; there are {}", all.join(", "));
    let missing = "fuzzing needs `rustup toolchain install nightly` and `cargo install cargo-fuzz --locked`";
    nightly(cmd!(sh, "cargo +nightly fuzz --version")).quiet().read().context(missing)?;
    let root = sh.current_dir();
    // Cargo takes two trees in one target folder for the same.
    let copy = arguments.toy.then(|| copy::toy(sh)).transpose()?;
    let _elsewhere = copy.map(|copy| (sh.push_env("CARGO_TARGET_DIR", copy.join("target")), sh.push_dir(copy)));
    let mut broken = Vec::new();
    for target in if arguments.targets.is_empty() { &all } else { &arguments.targets } {
        // Corpus and findings are those of the tree, also for a copy.
        let [corpus, artifacts] = ["corpus", "artifacts"].map(|kind| root.join(FOLDER).join(kind).join(target));
        sh.create_dir(&corpus)?;
        sh.create_dir(&artifacts)?;
        let seconds = arguments.seconds.to_string();
        let fuzz = cmd!(sh, "cargo +nightly fuzz run --features coordinator --fuzz-dir {FOLDER} {target} {corpus} --");
        let fuzz = fuzz.arg(format!("-artifact_prefix={}/", artifacts.display()));
        // A slow or greedy input is a finding too (docs/testing.md).
        let fuzz = fuzz.args([&format!("-max_total_time={seconds}"), "-timeout=5", "-rss_limit_mb=1024"]);
        if let Err(failure) = nightly(fuzz).run() {
            broken.push(Finding::new(target, format!("{failure}; the input is in {}", artifacts.display())));
        }
    }
    none_of(broken)
}

/// The names of the targets: one file each.
fn targets(sh: &Shell) -> Result<Vec<String>> {
    let files = sh.read_dir(format!("{FOLDER}/fuzz_targets"))?;
    let rust = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    Ok(rust.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect())
}

/// The variables by which rustup pins our own toolchain for children must not reach a nightly cargo.
fn nightly(command: Cmd<'_>) -> Cmd<'_> {
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    #[test]
    fn targets_are_the_files_and_an_unknown_one_is_refused() {
        let files = ["frame.rs", "evidence.rs", "notes.txt"].map(|name| format!("{FOLDER}/fuzz_targets/{name}"));
        let (sh, _root) = tree(&files.each_ref().map(|path| (path.as_str(), "")));
        assert_eq!(targets(&sh).unwrap(), ["evidence", "frame"]);
        let arguments = Arguments { targets: vec!["fame".to_owned()], seconds: 1, toy: false, list: false };
        assert!(run(&sh, &arguments).unwrap_err().to_string().contains("evidence, frame"));
    }
}
