//! Warnings about a verified transaction, with stable codes.

use bitcoin::absolute::LockTime;
use motet_psbt::{Group, GroupWarning, SpendPlan, TransactionView, ViewWarning};
use serde::Serialize;

use crate::limits::FAR_INDEX;

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

impl Severity {
    /// The word before a warning's text.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Notice => "note",
            Self::Warning => "WARNING",
            Self::Danger => "DANGER",
        }
    }
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

    /// All warnings about a planned spend: of its transaction, then of its group.
    pub fn of_plan(group: &Group, plan: &SpendPlan, view: &TransactionView) -> Vec<Self> {
        let mut warnings: Vec<_> = view.warnings.iter().map(Self::of_view).collect();
        let change = plan.change.iter().map(|(_, location)| *location);
        let own = plan.inputs.iter().map(|own| own.location).chain(change);
        if let Some(index) = own.map(|location| location.index).max().filter(|index| *index >= FAR_INDEX) {
            warnings.push(Self::far_index(index));
        }
        let is_enforced = plan.transaction.is_lock_time_enabled() && view.locktime.to_consensus_u32() > 0;
        if is_enforced && view.message.is_none() {
            warnings.push(Self::locktime(view.locktime));
        }
        if group.warnings().contains(&GroupWarning::SingleKeyPath) {
            warnings.push(Self::single_key());
        }
        warnings
    }

    fn of_view(warning: &ViewWarning) -> Self {
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

    fn far_index(index: u32) -> Self {
        let text = format!("an address of the group has the index {index}: other wallets do not find it by themselves");
        Self::new("far_index", Severity::Warning, text)
    }

    fn locktime(locktime: LockTime) -> Self {
        let text = match locktime {
            LockTime::Blocks(height) => format!("the transaction can be in a block after height {height} only"),
            LockTime::Seconds(time) => {
                format!("the transaction can be in a block after the time {time} only, in seconds since 1970")
            }
        };
        Self::new("locktime", Severity::Notice, text)
    }

    fn single_key() -> Self {
        let text = "a single key can spend everything of this group alone, by the key path".to_owned();
        Self::new("single_key", Severity::Danger, text)
    }
}
