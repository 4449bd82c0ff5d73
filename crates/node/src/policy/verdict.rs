//! The decision about a request, by rules.

use std::fmt;

/// The decision about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is approved.
    Allow,
    /// It is declined.
    Deny {
        /// Why, for the others; at most 256 bytes.
        reason: String,
    },
    /// Another policy decides, such as a person.
    Ask,
}

impl Verdict {
    /// True if its reason fits into a message.
    pub(super) const fn fits(&self) -> bool {
        match self {
            Self::Deny { reason } => reason.len() <= motet_wire::limits::REASON,
            Self::Allow | Self::Ask => true,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => write!(f, "allow"),
            Self::Deny { reason } => write!(f, "deny ({reason:?})"),
            Self::Ask => write!(f, "ask"),
        }
    }
}
