//! Inputs of the driver, from the tasks and threads beside it.

use std::sync::Arc;

use motet_coordinator::Input;
use motet_wire::Validated;
use tokio::sync::oneshot;

use super::arrived::Checked;

/// An input of the driver, from the tasks and threads beside it.
pub(crate) enum DriverInput {
    /// An input for the engine.
    Input(Box<Input>),
    /// Frames that the DHT has, because this node asked for them.
    Found(Vec<Arc<[u8]>>),
    /// Frames that have been looked at.
    Verified { results: Vec<Checked>, done: Option<oneshot::Sender<Vec<Validated>>> },
}

/// The next thing that the driver does.
pub(crate) enum Next {
    /// To handle an input.
    Back(DriverInput),
    /// To compute for a short time, and to handle the result.
    Work(Work),
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
