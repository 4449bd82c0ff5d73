//! The stream of events of a node.

use motet_coordinator::event::Event;
use tokio::sync::broadcast;

/// What a node tells its user, in the order in which it happened.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    pub(crate) const fn new(receiver: broadcast::Receiver<Event>) -> Self {
        Self(receiver)
    }

    /// The next event; `None` when the node has stopped. A listener that is thousands of events behind loses the oldest.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "events were lost, since nobody took them");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
