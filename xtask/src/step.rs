//! One step of the checks: a name, what it does, a function; and how its start, end and time are shown.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Finding};

/// How a step ended when nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran; what it looked at.
    Passed(String),
    /// It could not run here; why, and what to do about it.
    Skipped(String),
}

/// A check that runs alone (`cargo xtask <name>`) and, unless it says otherwise, as part of `cargo xtask ci`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Runs it on the workspace whose root is given.
    pub(crate) run: fn(&Path) -> Result<Outcome, Failure>,
}

/// What the closing table of a run shows of one step.
#[derive(Debug)]
pub(crate) struct Report {
    /// The step's name.
    pub(crate) name: &'static str,
    /// How it ended.
    pub(crate) result: Result<Outcome, Failure>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Report {
    /// One line: name, verdict, seconds and, where it passed or was skipped, its own words.
    pub(crate) fn line(&self) -> String {
        let (verdict, words) = match &self.result {
            Ok(Outcome::Passed(summary)) => ("ok", summary.as_str()),
            Ok(Outcome::Skipped(why)) => ("SKIPPED", why.as_str()),
            Err(_) => ("FAILED", ""),
        };
        format!("{:<10} {verdict:<7} {:>7.1} s  {words}", self.name, self.took.as_secs_f64()).trim_end().to_owned()
    }
}

impl Step {
    /// Announces the step, runs it, says how it ended.
    #[expect(clippy::disallowed_methods, reason = "a development tool reports how long its own steps take")]
    pub(crate) fn perform(&self, root: &Path) -> Report {
        println!("==> {}", self.name);
        let start = Instant::now();
        let result = (self.run)(root);
        let report = Report { name: self.name, result, took: start.elapsed() };
        if let Err(failure) = &report.result {
            println!("{failure}");
        }
        println!("    {}\n", report.line());
        report
    }
}

/// The names of the steps of `cargo xtask ci`, in their order.
pub(crate) const CI: [&str; 11] =
    ["fmt", "tidy", "layers", "deny", "clippy", "no-std", "test", "doctest", "commands", "ct", "doc"];

/// Passes with `summary`, or fails with what was found, in the order of the tree.
pub(crate) fn verdict(mut findings: Vec<Finding>, summary: String) -> Result<Outcome, Failure> {
    if findings.is_empty() {
        return Ok(Outcome::Passed(summary));
    }
    findings.sort();
    findings.dedup();
    Err(Failure::Findings(findings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_step_says_so_and_why() {
        let report = Report {
            name: "advisories",
            result: Ok(Outcome::Skipped("no database".into())),
            took: Duration::from_millis(1500),
        };
        assert_eq!(report.line(), "advisories SKIPPED     1.5 s  no database");
    }

    #[test]
    fn a_failed_step_says_so() {
        let report = Report { name: "tidy", result: Err(Failure::Findings(Vec::new())), took: Duration::ZERO };
        assert_eq!(report.line(), "tidy       FAILED      0.0 s");
    }
}
