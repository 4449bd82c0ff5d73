//! A mistake in a policy file or in a question about it.

use std::fmt;

use motet_node::policy::RuleError;

/// A mistake in a file, its place, and the remedy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(super) place: String,
    pub(super) what: String,
    pub(super) next: String,
}

impl Fault {
    pub(super) fn new(place: impl fmt::Display, what: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self { place: place.to_string(), what: what.to_string(), next: next.to_string() }
    }

    /// The message of the JSON parser, with the line in front.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let end = format!(" at line {} column {}", error.line(), error.column());
        let place = format!("line {}, column {}", error.line(), error.column());
        let next = if error.is_data() {
            "correct or remove it; docs/operations.md, \"Policies\", has all fields"
        } else {
            "make it valid JSON: no comments, no commas at the end of lists, double quotes"
        };
        Self::new(place, text.strip_suffix(&end).unwrap_or(&text), next)
    }

    pub(super) fn of_rules(error: &RuleError) -> Self {
        Self::new("the rules", error, "correct that rule, or remove it")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
