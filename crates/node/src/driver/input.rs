//! Inputs of the driver, from the tasks and threads beside it.

use motet_coordinator::Input;
use tokio::sync::oneshot;

use super::arrived::Checked;

/// An input of the driver, from the tasks and threads beside it.
pub(crate) enum DriverInput {
    /// An input for the engine.
    Input(Box<Input>),
    /// Frames that have been looked at.
    Verified { results: Vec<Checked>, done: Option<oneshot::Sender<()>> },
}

impl From<Input> for DriverInput {
    fn from(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}
