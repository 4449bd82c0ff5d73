//! The outboxes of peers: the event loop opens them, and everything that holds the node fills those that are open.
//!
//! A frame to a peer that is spoken to already goes to the task that writes to it, and does not pass through the loop,
//! which has all of libp2p to look after.

use std::sync::Arc;

use libp2p::PeerId;
use tokio::sync::mpsc;

use crate::limits;
use crate::peer_table::{PeerTable, Table};

impl PeerTable {
    /// Number of frames that were put into outboxes, and of frames for which there was no room.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let table = self.lock();
        (table.sent, table.dropped)
    }

    /// The numbers of frames that wait in outboxes, and of streams.
    pub(crate) fn lengths(&self) -> Lengths {
        let mut lengths = Lengths::default();
        for peer in self.lock().peers.values() {
            lengths.readers += peer.open_readers();
            if let Some(outbox) = peer.outbox.as_ref().filter(|outbox| !outbox.is_closed()) {
                let waiting = outbox.max_capacity().saturating_sub(outbox.capacity());
                lengths.writers += 1;
                lengths.waiting += waiting;
                lengths.longest = lengths.longest.max(waiting);
            }
        }
        lengths
    }

    /// True if there is room for another outbox; if not, a frame counts as dropped.
    pub(crate) fn has_room_for(&self, peer: &PeerId) -> bool {
        let mut table = self.lock();
        table.tidy_all();
        let has_room = table.peers.contains_key(peer) || table.peers.len() < limits::PEERS;
        table.dropped += u64::from(!has_room);
        has_room
    }

    /// Opens an outbox in place of one that has been closed, if there was one.
    pub(crate) fn open(&self, peer: PeerId, outbox: mpsc::Sender<Arc<[u8]>>) {
        self.lock().peers.entry(peer).or_default().outbox = Some(outbox);
    }

    /// Closes all outboxes. Frames that are in them are still written.
    pub(crate) fn close_all(&self) {
        for peer in self.lock().peers.values_mut() {
            peer.outbox = None;
        }
    }

    /// Puts a frame into a peer's outbox; without room it is dropped. Returns true if the outbox is open.
    pub(crate) fn put(&self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        self.lock().put(peer, frame)
    }

    /// Puts a frame into the outbox of a connected peer. Returns true if the frame needs no work of the event loop. Otherwise
    /// the caller passes it to the loop, which calls [`Self::arrive`].
    pub(crate) fn send(&self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        let mut table = self.lock();
        let done = table.put_first(peer, frame);
        if !done {
            table.set_out(peer);
        }
        done
    }

    /// A frame for a peer has come to the event loop.
    pub(crate) fn arrive(&self, peer: &PeerId) {
        let mut table = self.lock();
        if let Some(peer) = table.peers.get_mut(peer) {
            peer.detours = peer.detours.saturating_sub(1);
        }
        table.tidy(peer);
    }
}

/// Numbers of frames and streams of all peers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lengths {
    /// Frames in all outboxes.
    pub(crate) waiting: usize,
    /// Frames in the fullest outbox.
    pub(crate) longest: usize,
    /// Streams that are read.
    pub(crate) readers: usize,
    /// Outboxes that are open; each writes to one stream.
    pub(crate) writers: usize,
}

impl Table {
    /// Puts a frame into the outbox of a connected peer, unless others on their way to it would be overtaken.
    fn put_first(&mut self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        let is_free = self.peers.get(peer).is_some_and(|peer| peer.is_connected() && peer.detours == 0);
        is_free && self.put(peer, frame)
    }

    fn set_out(&mut self, peer: &PeerId) {
        self.peers.entry(*peer).or_default().detours += 1;
    }

    fn put(&mut self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        let outbox = self.peers.get(peer).and_then(|peer| peer.outbox.as_ref());
        match outbox.map(|outbox| outbox.try_send(Arc::clone(frame))) {
            Some(Ok(())) => self.sent += 1,
            Some(Err(mpsc::error::TrySendError::Full(_))) => self.dropped += 1,
            Some(Err(mpsc::error::TrySendError::Closed(_))) | None => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use motet_wire::NetworkGroup;

    use super::*;

    fn opened(table: &PeerTable, peer: PeerId) -> mpsc::Receiver<Arc<[u8]>> {
        let (outbox, frames) = mpsc::channel(2);
        table.open(peer, outbox);
        frames
    }

    fn frame(number: u8) -> Arc<[u8]> {
        Arc::from([number])
    }

    #[test]
    fn nothing_overtakes_what_passes_through_the_loop() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        table.connect(peer, NetworkGroup::Local);
        assert!(!table.send(&peer, &frame(1)));
        let mut frames = opened(&table, peer);
        assert!(!table.send(&peer, &frame(3)));
        // The loop takes them in their order.
        table.arrive(&peer);
        assert!(table.put(&peer, &frame(1)));
        assert!(!table.send(&peer, &frame(4)), "the third is still on its way");
        table.arrive(&peer);
        table.arrive(&peer);
        assert_eq!(frames.try_recv(), Ok(frame(1)));
        assert!(table.send(&peer, &frame(5)));
        assert_eq!(frames.try_recv(), Ok(frame(5)));
    }

    #[test]
    fn a_full_outbox_drops_and_a_closed_one_is_none() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        let frames = opened(&table, peer);
        assert!(!table.send(&peer, &frame(0)), "it is not connected: it has to be dialled");
        table.arrive(&peer);
        table.connect(peer, NetworkGroup::Local);
        assert!((1..=3).all(|number| table.send(&peer, &frame(number))));
        assert_eq!(table.counts(), (2, 1));
        drop(frames);
        assert!(!table.send(&peer, &frame(4)));
        table.disconnect(&peer);
        assert!(table.connected() == 0 && !table.is_connected(&peer));
    }
}
