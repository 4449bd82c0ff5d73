//! `cargo xtask ci`: every check that a change must pass, cheapest first, with a closing table.

use std::path::Path;

use crate::failure::Failure;
use crate::step::Step;
use crate::{checks, commands, ct, deny, layers, no_std, test, tidy};

/// The checks, in the order in which they run. `advisories` is not among them: it depends on a database of today and not on
/// the change.
pub(crate) const STEPS: [Step; 11] = [
    checks::FMT,
    tidy::STEP,
    layers::STEP,
    deny::STEP,
    checks::CLIPPY,
    no_std::STEP,
    test::STEP,
    checks::DOCTEST,
    commands::STEP,
    ct::STEP,
    checks::DOC,
];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Stop at the first step that fails, instead of running all and failing at the end
    #[arg(long)]
    fail_fast: bool,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for step in &STEPS {
        let report = step.perform(root);
        let stop = arguments.fail_fast && report.result.is_err();
        reports.push(report);
        if stop {
            break;
        }
    }
    println!("==> ci");
    for report in &reports {
        println!("    {}", report.line());
    }
    let failed: Vec<_> = reports.iter().filter(|report| report.result.is_err()).map(|report| report.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::Steps(failed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_those_that_pages_may_name() {
        assert_eq!(STEPS.map(|step| step.name), crate::step::CI);
    }
}
