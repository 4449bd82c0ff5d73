//! The peers of a node: the state of each while it is in use, and the bans.
//!
//! The event loop opens connections and outboxes. All holders of the node's handle fill the outboxes that are open
//! ([`crate::outboxes`]), without passing through the loop.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use motet_wire::NetworkGroup;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::limits;

/// The table, shared by everything that sends.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeerTable(Arc<Mutex<Table>>);

/// The peers that are in use. A peer that is not has no entry, so that connections and outboxes bound the map; bans have a bound of
/// their own.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) peers: BTreeMap<PeerId, Peer>,
    /// The peers that are blocked, and when each ban lapses: all last equally long, so that the oldest is the first.
    bans: VecDeque<(Instant, PeerId)>,
    /// The last published frame and the peers that it was sent to directly.
    pub(crate) published: Option<(Arc<[u8]>, BTreeSet<PeerId>)>,
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

/// The change that a ban has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Banned {
    /// True if the peer was not banned before.
    pub(crate) is_new: bool,
    /// The peer whose ban is forgotten because there are too many.
    pub(crate) forgotten: Option<PeerId>,
}

impl PeerTable {
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

    /// Bans a peer for [`limits::BAN`], and closes its outbox. A second ban does not prolong the first.
    pub(crate) fn ban(&self, peer: PeerId, now: Instant) -> Banned {
        let mut table = self.lock();
        if let Some(entry) = table.peers.get_mut(&peer) {
            entry.outbox = None;
        }
        table.tidy(&peer);
        let is_new = table.bans.iter().all(|(_, banned)| *banned != peer);
        if is_new {
            table.bans.push_back((now + limits::BAN, peer));
        }
        let is_full = table.bans.len() > limits::BANS;
        let forgotten = if is_full { table.bans.pop_front().map(|(_, peer)| peer) } else { None };
        Banned { is_new, forgotten }
    }

    /// The time at which the next ban lapses.
    pub(crate) fn next_lapse(&self) -> Option<Instant> {
        self.lock().bans.front().map(|(until, _)| *until)
    }

    /// The peers whose bans have lapsed; each is named once.
    pub(crate) fn lapsed(&self, now: Instant) -> Vec<PeerId> {
        let mut table = self.lock();
        let over = table.bans.iter().take_while(|(until, _)| *until <= now).count();
        table.bans.drain(..over).map(|(_, peer)| peer).collect()
    }

    /// The number of peers that are banned.
    pub(crate) fn banned(&self) -> usize {
        self.lock().bans.len()
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
    fn a_ban_lapses_after_its_time_and_is_not_prolonged() {
        let (table, peer, now) = (PeerTable::default(), PeerId::random(), Instant::now());
        assert_eq!(table.ban(peer, now), Banned { is_new: true, forgotten: None });
        assert_eq!(table.ban(peer, now + limits::BAN / 2), Banned { is_new: false, forgotten: None });
        let until = table.next_lapse().unwrap();
        assert_eq!((until, table.banned()), (now + limits::BAN, 1));
        assert!(table.lapsed(until - core::time::Duration::from_millis(1)).is_empty());
        assert_eq!(table.lapsed(until), [peer]);
        assert_eq!((table.lapsed(until), table.banned(), table.next_lapse()), (Vec::new(), 0, None));
    }

    #[test]
    fn the_oldest_of_too_many_bans_is_forgotten() {
        let (table, now) = (PeerTable::default(), Instant::now());
        let peers: Vec<PeerId> = (0..limits::BANS + 10).map(|_| PeerId::random()).collect();
        let forgotten: Vec<PeerId> = peers.iter().filter_map(|peer| table.ban(*peer, now).forgotten).collect();
        assert_eq!(forgotten, peers[..10]);
        assert_eq!(table.banned(), limits::BANS);
    }

    #[test]
    fn a_peer_that_is_not_in_use_has_no_entry() {
        let (table, peer, now) = (PeerTable::default(), PeerId::random(), Instant::now());
        let len = || table.lock().peers.len();
        assert!(table.connect(peer, NetworkGroup::V4([203, 0, 113])) && !table.connect(peer, NetworkGroup::Local));
        assert_eq!((len(), table.connected(), table.group(&peer)), (1, 1, NetworkGroup::V4([203, 0, 113])));
        let (outbox, frames) = mpsc::channel(1);
        table.open(peer, outbox);
        table.disconnect(&peer);
        assert_eq!((len(), table.connected(), table.group(&peer)), (1, 0, NetworkGroup::Local));
        drop(frames);
        table.ban(peer, now);
        assert_eq!(len(), 0);
    }
}
