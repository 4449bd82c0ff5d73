//! Which rule decided, and why those before it did not.

use std::fmt;

use super::condition::Mismatch;
use super::verdict::Verdict;

/// A verdict and its reasons. Its text is for people: the verdict in the first line, then one line for each rule that was
/// looked at before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub verdict: Verdict,
    /// The part of the rules that decided.
    pub decided_by: DecidedBy,
    /// The rules that were looked at before, in their order.
    pub passed_over: Vec<PassedOver>,
}

/// The part of the rules that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecidedBy {
    /// There are contacts, and the requester is none of them.
    Contacts,
    /// The first rule that matches.
    Rule(RuleRef),
    /// The decision for requests that no rule matches.
    Otherwise,
}

/// A rule, as people refer to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    /// Its place: the first is 1.
    pub number: usize,
    /// Its name; may be empty.
    pub name: String,
}

/// A rule that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Which.
    pub rule: RuleRef,
    /// All of its conditions that do not hold: at least one.
    pub because: Vec<Mismatch>,
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(f, "rule {}", self.number),
            name => write!(f, "rule {} {name:?}", self.number),
        }
    }
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contacts => write!(f, "the requester is not among the contacts"),
            Self::Rule(rule) => write!(f, "{rule} matches"),
            Self::Otherwise => write!(f, "no rule matches"),
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not match", self.rule)?;
        for (index, mismatch) in self.because.iter().enumerate() {
            write!(f, "{} {mismatch}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.verdict, self.decided_by)?;
        self.passed_over.iter().try_for_each(|passed| write!(f, "\n  {passed}"))
    }
}
