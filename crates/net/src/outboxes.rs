//! The outboxes of peers: the event loop opens them, and whoever holds the node fills those that are open.
//!
//! A frame to a peer that is spoken to already goes to the task that writes to it, and does not pass through the loop,
//! which has all of libp2p to look after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use tokio::sync::mpsc;

/// What waits to be written to each peer, shared by all who send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outboxes(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    open: BTreeMap<PeerId, mpsc::Sender<Arc<[u8]>>>,
    connected: BTreeSet<PeerId>,
    /// What was published last, and who has been sent it directly: who is sent it besides has it coming already.
    published: Option<(Arc<[u8]>, BTreeSet<PeerId>)>,
    sent: u64,
    dropped: u64,
}

impl Outboxes {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to a peer has been established. Whether it is the only one.
    pub(crate) fn connect(&self, peer: PeerId) -> bool {
        self.lock().connected.insert(peer)
    }

    /// The last connection to a peer has ended.
    pub(crate) fn disconnect(&self, peer: &PeerId) {
        self.lock().connected.remove(peer);
    }

    /// The peers that there is a connection to.
    pub(crate) fn connected(&self) -> BTreeSet<PeerId> {
        self.lock().connected.clone()
    }

    /// Whether there is a connection to a peer.
    pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
        self.lock().connected.contains(peer)
    }

    /// How many frames have been put into outboxes, and how many there was no room for.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let shared = self.lock();
        (shared.sent, shared.dropped)
    }

    /// Opens an outbox in place of one that has been closed, if there was one.
    pub(crate) fn open(&self, peer: PeerId, outbox: mpsc::Sender<Arc<[u8]>>) {
        let mut shared = self.lock();
        shared.open.retain(|_, outbox| !outbox.is_closed());
        shared.open.insert(peer, outbox);
    }

    /// Closes a peer's outbox. What is in it is still written.
    pub(crate) fn close(&self, peer: &PeerId) {
        self.lock().open.remove(peer);
    }

    /// Closes all.
    pub(crate) fn close_all(&self) {
        self.lock().open.clear();
    }

    /// Puts a frame into a peer's outbox; without room it is dropped. Whether there is an open one.
    pub(crate) fn put(&self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        self.lock().put(peer, frame)
    }

    /// Puts a frame into the outbox of a peer that is connected, unless it has been sent it with everybody else.
    /// Whether nothing else has to be done.
    pub(crate) fn send(&self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        let mut shared = self.lock();
        shared.has_been_sent(peer, frame) || (shared.connected.contains(peer) && shared.put(peer, frame))
    }

    /// Puts a frame into the open outboxes of all connected peers.
    pub(crate) fn publish(&self, frame: &Arc<[u8]>) {
        let mut shared = self.lock();
        let connected = shared.connected.clone();
        let reached = connected.into_iter().filter(|peer| shared.put(peer, frame)).collect();
        shared.published = Some((Arc::clone(frame), reached));
    }

    /// The connected peers that a published frame has not been sent to; from now on it counts as sent to them.
    pub(crate) fn missed(&self, frame: &Arc<[u8]>) -> BTreeSet<PeerId> {
        let mut shared = self.lock();
        let Shared { open, connected, published, .. } = &mut *shared;
        match published.as_mut().filter(|(last, _)| Arc::ptr_eq(last, frame)) {
            Some((_, reached)) => {
                let missed: BTreeSet<PeerId> = connected.difference(reached).copied().collect();
                reached.extend(missed.iter().copied());
                missed
            }
            // Another has been published meanwhile: whoever has an open outbox was sent this one.
            None => connected.iter().filter(|peer| !open.contains_key(*peer)).copied().collect(),
        }
    }

    /// Whether a frame is the one that was published last.
    pub(crate) fn is_published(&self, frame: &Arc<[u8]>) -> bool {
        self.lock().published.as_ref().is_some_and(|(last, _)| Arc::ptr_eq(last, frame))
    }
}

impl Shared {
    fn has_been_sent(&self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        let last = self.published.as_ref().filter(|(last, _)| Arc::ptr_eq(last, frame));
        last.is_some_and(|(_, reached)| reached.contains(peer))
    }

    fn put(&mut self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        match self.open.get(peer).map(|outbox| outbox.try_send(Arc::clone(frame))) {
            Some(Ok(())) => self.sent += 1,
            Some(Err(mpsc::error::TrySendError::Full(_))) => self.dropped += 1,
            Some(Err(mpsc::error::TrySendError::Closed(_))) | None => return false,
        }
        true
    }
}
