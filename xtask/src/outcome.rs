//! The end of a step in which nothing is wrong; steps that are one command of cargo.

use anyhow::Result;
use xshell::{Shell, cmd};

/// The end of a step in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran; what it looked at.
    Passed(String),
    /// It could not run here; why, and what to do about it.
    Skipped(String),
}

/// Runs cargo with these words.
pub(crate) fn cargo(sh: &Shell, words: &str) -> Result<Outcome> {
    let words = words.split(' ');
    cmd!(sh, "cargo {words...}").run()?;
    Ok(Outcome::Passed(String::new()))
}

/// Whether cargo has this subcommand (`nextest`, `deny`): whether it is installed.
pub(crate) fn has(sh: &Shell, subcommand: &str) -> bool {
    cmd!(sh, "cargo {subcommand} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_subcommand_is_not_there_and_fails() {
        let sh = Shell::new().unwrap();
        assert!(has(&sh, "clippy"));
        assert!(!has(&sh, "no-such-subcommand-of-cargo"));
        assert!(cargo(&sh, "no-such-subcommand-of-cargo").unwrap_err().to_string().contains("no-such-subcommand"));
    }
}
