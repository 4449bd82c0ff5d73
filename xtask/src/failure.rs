//! Why a step failed: what a person reads at the end of a red run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// One place in the tree that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path below the workspace root, or a package name where no one file is at fault.
    pub(crate) place: String,
    /// Line, counted from 1.
    pub(crate) line: Option<usize>,
    /// What is wrong and what to do about it.
    pub(crate) message: String,
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
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.place, self.message),
            None => write!(f, "{}: {}", self.place, self.message),
        }
    }
}

/// Why a step did not pass.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A program that the step runs ended with something else than 0.
    Command { line: String, status: ExitStatus },
    /// A program that the step needs cannot be started.
    Start { line: String, source: std::io::Error },
    /// The tree breaks rules.
    Findings(Vec<Finding>),
    /// A file cannot be read or written.
    File { path: PathBuf, source: std::io::Error },
    /// A file or a program's output is not what this tool expects.
    Unreadable { what: String, why: String },
    /// Several steps failed; each has already said why.
    Steps(Vec<&'static str>),
}

impl Failure {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    pub(crate) fn unreadable(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Unreadable { what: what.into(), why: why.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { line, status } => write!(f, "`{line}` failed ({status})"),
            Self::Start { line, source } => write!(f, "`{line}` could not be started: {source}"),
            Self::Findings(findings) => {
                for finding in findings {
                    writeln!(f, "{finding}")?;
                }
                write!(f, "{} finding{}", findings.len(), if findings.len() == 1 { "" } else { "s" })
            }
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Unreadable { what, why } => write!(f, "{what}: {why}"),
            Self::Steps(names) => write!(f, "failed: {}", names.join(", ")),
        }
    }
}
