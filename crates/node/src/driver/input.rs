//! Inputs of the driver, from the tasks and threads beside it.

use std::sync::Arc;

use motet_coordinator::{Input, Proposal};
use motet_wallet::{Mismatch, VerifiedTransaction};
use motet_wire::Validated;
use tokio::sync::oneshot;

use super::arrived::Checked;
use super::decisions::HeldCommand;

/// The result of the check of a proposal: its transaction, none if it shows none, or the reason for which it is declined.
pub(crate) type CheckedTransaction = Result<Option<Box<VerifiedTransaction>>, Mismatch>;

/// An input of the driver, from the tasks and threads beside it.
pub(crate) enum DriverInput {
    /// An input for the engine.
    Input(Box<Input>),
    /// Frames that the DHT has, because this node asked for them.
    Found(Vec<Arc<[u8]>>),
    /// Frames that have been looked at.
    Verified { results: Vec<Checked>, done: Option<oneshot::Sender<Vec<Validated>>> },
    /// A proposal, and the result of its check.
    Proposed { proposal: Box<Proposal>, checked: CheckedTransaction },
}

/// The next thing that the driver does.
pub(crate) enum Next {
    /// To handle an input.
    Back(DriverInput),
    /// To compute for a short time, and to handle the result.
    Work(Work),
    /// To carry out a command that has waited for a check.
    Held(HeldCommand),
}

/// A computation, and the input that it results in.
pub(crate) type Work = Box<dyn FnOnce() -> Option<DriverInput> + Send>;

impl From<Input> for Next {
    fn from(input: Input) -> Self {
        Self::Back(input.into())
    }
}

impl From<Input> for DriverInput {
    fn from(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}
