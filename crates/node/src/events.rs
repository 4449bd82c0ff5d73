//! The stream of events of a node.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use motet_coordinator::event::Event;
use tokio::sync::broadcast;
use tokio_stream::Stream;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

/// The events of a node, in the order in which they happened: a [`Stream`] that ends when the node has stopped.
///
/// A node does not wait for its listeners. A listener that is [`limits::EVENTS`](crate::limits::EVENTS) behind loses the oldest
/// events, and is told how many in their place: it can then ask the node how its sessions are ([`Node::sessions`](crate::Node::sessions)).
#[derive(Debug)]
pub struct Events(BroadcastStream<Arc<Event>>);

/// Events were lost, since their listener did not take them in time: so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} events of the node were not taken in time and are lost; ask the node how its sessions are")]
pub struct Lagged(pub u64);

/// As an object like those of events: its `event` is `EventsLost`.
#[cfg(feature = "serde")]
impl serde::Serialize for Lagged {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Form {
            event: &'static str,
            lost: u64,
        }
        Form { event: "EventsLost", lost: self.0 }.serialize(serializer)
    }
}

impl Events {
    pub(crate) fn new(receiver: broadcast::Receiver<Arc<Event>>) -> Self {
        Self(BroadcastStream::new(receiver))
    }

    /// The next event; `None` when the node has stopped. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Lagged`] in the place of events that were lost. The stream goes on.
    pub async fn next(&mut self) -> Option<Result<Event, Lagged>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Events {
    type Item = Result<Event, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.0).poll_next(context).map_ok(Arc::unwrap_or_clone);
        next.map_err(|BroadcastStreamRecvError::Lagged(lost)| Lagged(lost))
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_how_many_events_it_has_lost() {
        let (node, receiver) = broadcast::channel(2);
        let mut events = Events::new(receiver);
        for _ in 0..5 {
            node.send(Arc::new(Event::DhtReady)).unwrap();
        }
        assert_eq!(events.next().await, Some(Err(Lagged(3))));
        assert_eq!(events.next().await, Some(Ok(Event::DhtReady)));
        assert_eq!(events.next().await, Some(Ok(Event::DhtReady)));
        drop(node);
        assert_eq!(events.next().await, None);
    }

    #[tokio::test]
    async fn events_are_a_stream_that_ends_with_the_node() {
        let (node, receiver) = broadcast::channel(2);
        node.send(Arc::new(Event::DhtReady)).unwrap();
        drop(node);
        let heard: Vec<_> = Events::new(receiver).map(Result::unwrap).collect().await;
        assert_eq!(heard, [Event::DhtReady]);
    }
}
