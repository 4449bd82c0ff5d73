//! Findings: places in the tree that break a rule.

use std::fmt;

/// One place in the tree that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path below the workspace root, or a package name where no one file is at fault.
    place: String,
    /// Line, counted from 1.
    line: Option<usize>,
    /// The fault, and the way to mend it.
    message: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), line: None, message: message.into() }
    }

    pub(crate) fn at(place: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { place: place.into(), line: Some(line), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        write!(f, "{}{line}: {}", self.place, self.message)
    }
}

/// Fails with what was found, in the order of the tree.
pub(crate) fn none_of(mut findings: Vec<Finding>) -> anyhow::Result<()> {
    findings.sort();
    findings.dedup();
    let lines: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
    anyhow::ensure!(findings.is_empty(), "{lines}findings: {}", findings.len());
    Ok(())
}

/// Texts of findings, for the tests of the checks.
#[cfg(test)]
pub(crate) fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}
