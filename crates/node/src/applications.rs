//! Messages of applications: small signed ones, from a signer of one node to a signer of another, or to that node.
//!
//! They take the way of all direct messages and are judged by the same rules, but they have queues of their own: no flood of them can push
//! out an event of a session.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_core_crypto::PublicKey;
use motet_wire::{ApplicationMessage, MessageId, PeerId, TimestampMs, Validated};
use tokio::sync::broadcast;
use tokio_stream::Stream;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use crate::error::CallError;
use crate::limits;

/// A message of another node's application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedMessage {
    /// The id of the message, which no other has.
    pub id: MessageId,
    /// The signer that speaks, by its certificate.
    pub from: PublicKey,
    /// The node of that signer.
    pub peer: PeerId,
    /// The signer of this node that is spoken to; `None` if it is the node.
    pub to: Option<PublicKey>,
    /// The time at which the message was made, by its author's clock: at most 5 minutes from this node's.
    pub sent: TimestampMs,
    /// The bytes of the application; at most 4096. Nothing in them has been checked.
    pub data: Vec<u8>,
}

/// The messages for one application: a [`Stream`] that ends when the node has stopped. The application hears nothing any more when it is
/// dropped.
///
/// A node does not wait for it. An application that is [`limits::APPLICATION_MESSAGES`] behind loses the oldest messages, and is told how many
/// in their place.
#[derive(Debug)]
pub struct ApplicationMessages(BroadcastStream<ReceivedMessage>);

/// Messages were lost, since their application did not take them in time: so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} messages were not taken in time and are lost; ask their senders again")]
pub struct LostMessages(pub u64);

impl ApplicationMessages {
    /// The next message; `None` when the node has stopped. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`LostMessages`] in the place of messages that were lost. The stream goes on.
    pub async fn next(&mut self) -> Option<Result<ReceivedMessage, LostMessages>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for ApplicationMessages {
    type Item = Result<ReceivedMessage, LostMessages>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context).map_err(|BroadcastStreamRecvError::Lagged(lost)| LostMessages(lost))
    }
}

/// The applications that listen, by their names. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Applications(Arc<Mutex<Listeners>>);

#[derive(Debug, Default)]
struct Listeners {
    queues: BTreeMap<String, broadcast::Sender<ReceivedMessage>>,
    /// True if the node has stopped.
    are_closed: bool,
}

impl Applications {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages for an application from now on.
    pub(crate) fn listen(&self, application: &str) -> Result<ApplicationMessages, CallError> {
        let Listeners { queues, are_closed } = &mut *self.listeners();
        if *are_closed {
            return Err(CallError::Stopped);
        }
        queues.retain(|_, queue| queue.receiver_count() > 0);
        if queues.len() >= limits::APPLICATIONS && !queues.contains_key(application) {
            return Err(CallError::TooManyApplications { limit: limits::APPLICATIONS });
        }
        let new = || broadcast::channel(limits::APPLICATION_MESSAGES).0;
        let queue = queues.entry(application.to_owned()).or_insert_with(new);
        Ok(ApplicationMessages(BroadcastStream::new(queue.subscribe())))
    }

    /// True if no application listens.
    pub(crate) fn is_deaf(&self) -> bool {
        self.listeners().queues.values().all(|queue| queue.receiver_count() == 0)
    }

    /// Hands a message to its application, if that listens.
    pub(crate) fn deliver(&self, message: &Validated<ApplicationMessage>) {
        let ApplicationMessage { delegation, signer, application, data, .. } = message.message();
        if let Some(queue) = self.listeners().queues.get(application) {
            let received = ReceivedMessage {
                id: message.id(),
                from: delegation.signer,
                peer: delegation.peer,
                to: *signer,
                sent: message.timestamp(),
                data: data.clone(),
            };
            // The application may have gone.
            drop(queue.send(received));
        }
    }

    /// The node has stopped: all streams end.
    pub(crate) fn close(&self) {
        *self.listeners() = Listeners { queues: BTreeMap::new(), are_closed: true };
    }
}
