//! Warnings about a verified transaction, with stable codes.

use bitcoin::absolute::LockTime;
use motet_psbt::ViewWarning;
use serde::Serialize;

/// The weight of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something to know.
    Notice,
    /// Something unusual, which often is a mistake.
    Warning,
    /// Something by which people lose money.
    Danger,
}

/// A warning for the person that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The stable code.
    pub code: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The sentence.
    pub text: String,
}

impl Warning {
    const fn new(code: &'static str, severity: Severity, text: String) -> Self {
        Self { code, severity, text }
    }

    pub(crate) fn of_view(warning: &ViewWarning) -> Self {
        let severity = match warning {
            ViewWarning::FeeShare { percent: 10..50 } => Severity::Warning,
            ViewWarning::FeeShare { percent: ..10 } => Severity::Notice,
            ViewWarning::Message | ViewWarning::Reused { .. } | ViewWarning::Data { .. } => Severity::Notice,
            ViewWarning::ForeignInputs { .. } => Severity::Warning,
            ViewWarning::Overspent
            | ViewWarning::FeeShare { .. }
            | ViewWarning::FeeRate { .. }
            | ViewWarning::Sighash { .. }
            | ViewWarning::Unproven { .. }
            | ViewWarning::Unknown { .. }
            | ViewWarning::FalseChange { .. } => Severity::Danger,
            _ => Severity::Warning,
        };
        Self::new(warning.code(), severity, warning.to_string())
    }

    pub(crate) fn far_index(index: u32) -> Self {
        let text = format!("an address of the group has the index {index}: other wallets do not find it by themselves");
        Self::new("far_index", Severity::Warning, text)
    }

    pub(crate) fn locktime(locktime: LockTime) -> Self {
        let text = match locktime {
            LockTime::Blocks(height) => format!("the transaction can be in a block after height {height} only"),
            LockTime::Seconds(time) => {
                format!("the transaction can be in a block after the time {time} only, in seconds since 1970")
            }
        };
        Self::new("locktime", Severity::Notice, text)
    }

    pub(crate) fn single_key() -> Self {
        let text = "a single key can spend everything of this group alone, by the key path".to_owned();
        Self::new("single_key", Severity::Danger, text)
    }
}
