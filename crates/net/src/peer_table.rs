//! The peers of a node: the state of each while it is in use.
//!
//! The event loop opens connections and outboxes. All holders of the node's handle fill the outboxes that are open
//! ([`crate::outboxes`]), without passing through the loop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use motet_wire::{Bucket, MonotonicMs, NetworkGroup};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::config::Guard;
use crate::limits;
use crate::meter::Flood;

/// The table, shared by everything that sends.
#[derive(Debug, Clone)]
pub(crate) struct PeerTable(Arc<Mutex<Table>>);

/// The peers that are in use. A peer that is not has no entry, so that connections and outboxes bound the map.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) peers: BTreeMap<PeerId, Peer>,
    /// The rates of what a peer may send.
    guard: Guard,
    since: Instant,
    pub(crate) sent: u64,
    pub(crate) dropped: u64,
}

/// A peer that is in use.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// The network group of its first connection, while it is connected.
    connection: Option<NetworkGroup>,
    /// The frames that wait to be written to it.
    pub(crate) outbox: Option<mpsc::Sender<Arc<[u8]>>>,
    /// Number of the peer's frames that are inside the event loop. A later frame must not overtake them.
    pub(crate) detours: usize,
    /// The tasks that read its streams.
    readers: Vec<JoinHandle<()>>,
    /// Frames that it has sent, and that it has handed on, records that it has put, and changes of its subscriptions.
    spent: [Bucket; 4],
}

impl Peer {
    pub(crate) const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Number of its streams that are read.
    pub(crate) fn open_readers(&self) -> usize {
        self.readers.iter().filter(|reader| !reader.is_finished()).count()
    }

    fn is_in_use(&self) -> bool {
        let writes = self.outbox.as_ref().is_some_and(|outbox| !outbox.is_closed());
        self.is_connected() || self.detours > 0 || writes
    }
}

impl Default for PeerTable {
    fn default() -> Self {
        Self::new(Guard::default())
    }
}

impl PeerTable {
    pub(crate) fn new(guard: Guard) -> Self {
        let table = Table { peers: BTreeMap::new(), guard, since: Instant::now(), sent: 0, dropped: 0 };
        Self(Arc::new(Mutex::new(table)))
    }

    /// Charges a connected peer for frames, records or subscriptions. Returns false once for each bucketful that it sends over its share.
    pub(crate) fn charge(&self, peer: &PeerId, kind: Flood, count: u64) -> bool {
        let mut table = self.lock();
        let now = MonotonicMs(u64::try_from(table.since.elapsed().as_millis()).unwrap_or(u64::MAX));
        let (rate, place) = match kind {
            Flood::Frames => (table.guard.frames, 0),
            Flood::Gossip => (table.guard.frames, 1),
            Flood::Puts => (table.guard.puts, 2),
            Flood::Subscriptions => (table.guard.subscriptions, 3),
            // Counted at the connection.
            Flood::Bytes => return true,
        };
        let Some(spent) = table.peers.get_mut(peer).and_then(|peer| peer.spent.get_mut(place)) else { return true };
        let after = spent.take(rate, count, now);
        *spent = after.unwrap_or(Bucket::FULL);
        after.is_some()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to a peer has been established. Returns whether it is the only one.
    pub(crate) fn connect(&self, peer: PeerId, group: NetworkGroup) -> bool {
        let mut table = self.lock();
        let peer = table.peers.entry(peer).or_default();
        let is_first = peer.connection.is_none();
        peer.connection.get_or_insert(group);
        is_first
    }

    /// The last connection to a peer has ended. Frames that were read from it before may still be on their way; the
    /// readers end by themselves.
    pub(crate) fn disconnect(&self, peer: &PeerId) {
        let mut table = self.lock();
        if let Some(entry) = table.peers.get_mut(peer) {
            entry.connection = None;
            entry.readers.clear();
        }
        table.tidy(peer);
    }

    /// The number of peers that are connected.
    pub(crate) fn connected(&self) -> usize {
        self.lock().peers.values().filter(|peer| peer.is_connected()).count()
    }

    /// True if there is a connection to a peer.
    pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
        self.lock().is_connected(peer)
    }

    /// The network group of a peer's connection; that of this machine if it has none.
    pub(crate) fn group(&self, peer: &PeerId) -> NetworkGroup {
        self.lock().peers.get(peer).and_then(|peer| peer.connection).unwrap_or(NetworkGroup::Local)
    }

    /// Takes the task that reads a new stream of a peer. The oldest of too many streams gives way.
    pub(crate) fn read(&self, peer: &PeerId, reader: JoinHandle<()>) {
        let mut table = self.lock();
        // The stream of a peer that has gone meanwhile ends by itself.
        let Some(peer) = table.peers.get_mut(peer).filter(|peer| peer.is_connected()) else { return };
        peer.readers.retain(|reader| !reader.is_finished());
        if peer.readers.len() >= limits::STREAMS_PER_PEER {
            peer.readers.remove(0).abort();
        }
        peer.readers.push(reader);
    }

    /// Ends all readers.
    pub(crate) fn stop_reading(&self) {
        for peer in self.lock().peers.values_mut() {
            peer.readers.drain(..).for_each(|reader| reader.abort());
        }
    }

    /// Closes the outbox of a peer.
    pub(crate) fn close(&self, peer: &PeerId) {
        let mut table = self.lock();
        if let Some(entry) = table.peers.get_mut(peer) {
            entry.outbox = None;
        }
        table.tidy(peer);
    }
}

impl Table {
    pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(Peer::is_connected)
    }

    /// Forgets a peer that is not in use.
    pub(crate) fn tidy(&mut self, peer: &PeerId) {
        if self.peers.get(peer).is_some_and(|peer| !peer.is_in_use()) {
            self.peers.remove(peer);
        }
    }

    /// Forgets all peers that are not in use.
    pub(crate) fn tidy_all(&mut self) {
        self.peers.retain(|_, peer| peer.is_in_use());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucketful_over_its_share_is_said_once_and_each_kind_has_a_share_of_its_own() {
        let few = motet_wire::Rate { per_minute: 1, burst: 10 };
        let table = PeerTable::new(Guard { frames: few, puts: few, ..Guard::default() });
        let (peer, stranger) = (PeerId::random(), PeerId::random());
        table.connect(peer, NetworkGroup::Local);
        let over = |kind, peer, count| (0..count).filter(|_| !table.charge(peer, kind, 1)).count();
        assert_eq!(over(Flood::Frames, &peer, 10), 0);
        assert_eq!(over(Flood::Puts, &peer, 11), 1);
        assert_eq!(over(Flood::Gossip, &peer, 10), 0, "what it hands on does not use up its own share");
        assert_eq!(over(Flood::Frames, &peer, 33), 3);
        assert_eq!(over(Flood::Subscriptions, &peer, 100), 0);
        assert_eq!(over(Flood::Frames, &stranger, 100), 0, "it is not connected");
        assert_eq!(table.lock().peers.len(), 1);
    }

    #[test]
    fn a_peer_that_is_not_in_use_has_no_entry() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        let len = || table.lock().peers.len();
        assert!(table.connect(peer, NetworkGroup::V4([203, 0, 113])) && !table.connect(peer, NetworkGroup::Local));
        assert_eq!((len(), table.connected(), table.group(&peer)), (1, 1, NetworkGroup::V4([203, 0, 113])));
        let (outbox, frames) = mpsc::channel(1);
        table.open(peer, outbox);
        table.disconnect(&peer);
        assert_eq!((len(), table.connected(), table.group(&peer)), (1, 0, NetworkGroup::Local));
        drop(frames);
        table.close(&peer);
        assert_eq!(len(), 0);
    }
}
