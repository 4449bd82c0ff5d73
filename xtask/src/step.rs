//! The steps: the checks that run alone (`cargo xtask <name>`) and, but for `advisories`, as part of `cargo xtask ci`.

use std::time::Instant;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use xshell::{Shell, cmd};

use crate::finding::{Finding, none_of};
use crate::layers::graph::shipped;
use crate::outcome::{Outcome, cargo, has};
use crate::{commands, ct, deny, layers, tidy};

/// A check. Those of `ci` stand in the order in which they run, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand, ValueEnum)]
pub(crate) enum Step {
    /// Formatting, as rustfmt.toml says
    Fmt,
    /// File length and headers, manifests, tested commands, links, the validation table
    Tidy,
    /// Which crate may use which, and which file may use what
    Layers,
    /// Licences, bans and sources of all dependencies, as deny.toml says
    Deny,
    /// Clippy on every target of the workspace, warnings denied
    Clippy,
    /// The signing crate without the standard library
    NoStd,
    /// All tests: unit and integration tests (nextest where installed, cargo test otherwise), doc tests, commands of the pages
    Test,
    /// The doc tests (nextest does not run them)
    Doctest,
    /// The commands of README.md and docs/ do what the pages say
    Commands,
    /// Constant time: the signing crate under memcheck with its secrets concealed
    Ct,
    /// The API documentation, warnings denied
    Doc,
    /// Known vulnerabilities of all dependencies; needs the advisory database, says when it is skipped
    Advisories,
}

/// The signing crate, as a device would build it.
const BARE: &str = "--locked --package motet-core-crypto --no-default-features";

impl Step {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn run(self, sh: &Shell) -> Result<Outcome> {
        match self {
            Self::Fmt => cargo(sh, "fmt --all --check"),
            Self::Tidy => tidy::run(sh, &of_ci().into_iter().map(Self::name).collect::<Vec<_>>()),
            Self::Layers => layers::run(sh),
            Self::Deny => deny::run(sh),
            Self::Clippy => cargo(sh, "clippy --workspace --all-targets --all-features --locked -- -D warnings"),
            Self::NoStd => no_std(sh),
            Self::Test => {
                // nextest runs each test in a process of its own and ends hung ones; cargo's runner needs nothing installed.
                let nextest = has(sh, "nextest");
                let runner = if nextest { "nextest run" } else { "test --lib --bins --tests --examples" };
                cargo(sh, &format!("{runner} --locked --workspace --features motet-cli/failpoints"))?;
                // Its optional features change what is computed.
                cargo(sh, &format!("{runner} --locked --package motet-core-crypto --all-features"))?;
                let faster = "cargo test; `cargo install cargo-nextest --locked` is faster";
                Ok(Outcome::Passed(format!("with {}", if nextest { "nextest" } else { faster })))
            }
            Self::Doctest => cargo(sh, "test --workspace --doc --locked"),
            Self::Commands => commands::run(sh),
            Self::Ct => ct::memcheck(sh),
            Self::Doc => {
                let flags = sh.var("RUSTDOCFLAGS").unwrap_or_default();
                let _denied = sh.push_env("RUSTDOCFLAGS", format!("{flags} -D warnings"));
                // Private items too: the engine's are read.
                cargo(sh, "doc --workspace --no-deps --document-private-items --all-features --locked")
            }
            Self::Advisories => deny::advisories(sh),
        }
    }
}

/// The steps of `cargo xtask ci`. `advisories` is not among them: it depends on a database of today and not on the change.
pub(crate) fn of_ci() -> Vec<Step> {
    Step::value_variants().iter().copied().filter(|step| *step != Step::Advisories).collect()
}

/// Runs steps, and shows at the end how each ended.
#[expect(clippy::disallowed_methods, reason = "a development tool reports how long its own steps take")]
pub(crate) fn all(sh: &Shell, steps: &[Step], fail_fast: bool) -> Result<()> {
    let (mut lines, mut failed) = (Vec::new(), Vec::new());
    for step in steps {
        println!("==> {}", step.name());
        let start = Instant::now();
        let result = step.run(sh);
        if let Err(failure) = &result {
            println!("{failure:#}");
            failed.push(step.name());
        }
        lines.push(line(&step.name(), &result, start.elapsed().as_secs_f64()));
        println!("    {}\n", lines.last().map_or("", String::as_str));
        if fail_fast && result.is_err() {
            break;
        }
    }
    if steps.len() > 1 {
        println!("==> all\n    {}", lines.join("\n    "));
    }
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// One line of the closing table: name, verdict, seconds and, where the step passed or was skipped, its own words.
fn line(name: &str, result: &Result<Outcome>, seconds: f64) -> String {
    let (verdict, words) = match result {
        Ok(Outcome::Passed(summary)) => ("ok", summary.as_str()),
        Ok(Outcome::Skipped(why)) => ("SKIPPED", why.as_str()),
        Err(_) => ("FAILED", ""),
    };
    format!("{name:<10} {verdict:<7} {seconds:>7.1} s  {words}").trim_end().to_owned()
}

/// Four looks: it builds without its default features; its tests pass so, since some of its arithmetic is another then; none
/// of its dependencies has a feature `std` on; and it builds for every target without an operating system that rustup has
/// installed. That its own source names nothing of `std` is `layers`' and clippy's to see.
fn no_std(sh: &Shell) -> Result<Outcome> {
    cargo(sh, &format!("build {BARE}"))?;
    cargo(sh, &format!("test --quiet --lib --test it {BARE}"))?;
    let found = shipped(sh, BARE, "feature:std")?.into_iter();
    none_of(found.map(|line| Finding::new("motet-core-crypto", format!("wants {line}"))).collect())?;
    let installed = cmd!(sh, "rustup target list --installed").quiet().ignore_stderr().read().unwrap_or_default();
    let targets = bare_metal(&installed);
    for target in &targets {
        cargo(sh, &format!("build {BARE} --target {target}"))?;
    }
    let none = "no target without an operating system (`rustup target add thumbv7em-none-eabihf`)";
    Ok(Outcome::Passed(format!("built for {}", if targets.is_empty() { none.to_owned() } else { targets.join(", ") })))
}

/// Targets without an operating system: `none` stands where others name one.
fn bare_metal(installed: &str) -> Vec<&str> {
    installed.lines().map(str::trim).filter(|target| target.split('-').any(|part| part == "none")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_how_it_ended() {
        let skipped = Ok(Outcome::Skipped("no database".into()));
        assert_eq!(line("advisories", &skipped, 1.5), "advisories SKIPPED     1.5 s  no database");
        assert_eq!(line("tidy", &Err(anyhow::anyhow!("why")), 0.0), "tidy       FAILED      0.0 s");
    }

    #[test]
    fn targets_without_an_operating_system_are_told_by_their_name() {
        let installed =
            "x86_64-unknown-linux-gnu\nthumbv7em-none-eabihf\nriscv32imc-unknown-none-elf\nwasm32-unknown-unknown";
        assert_eq!(bare_metal(installed), ["thumbv7em-none-eabihf", "riscv32imc-unknown-none-elf"]);
    }
}
