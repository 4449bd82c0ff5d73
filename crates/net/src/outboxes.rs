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
    /// Frames for a peer that are on their way through the event loop: nothing may overtake them.
    detours: BTreeMap<PeerId, usize>,
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
    /// Whether nothing else has to be done; if not, it has to pass through the event loop, and [`Self::arrive`] there.
    pub(crate) fn send(&self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        let mut shared = self.lock();
        let done = shared.has_been_sent(peer, frame) || shared.put_first(peer, frame);
        if !done {
            shared.set_out(peer);
        }
        done
    }

    /// Puts a frame into the open outboxes of connected peers. Those to whom it has to pass through the event loop, and
    /// [`Self::arrive`] there.
    pub(crate) fn publish(&self, frame: &Arc<[u8]>) -> Reached {
        let mut shared = self.lock();
        let connected = shared.connected.clone();
        let (reached, others): (BTreeSet<PeerId>, BTreeSet<PeerId>) =
            connected.into_iter().partition(|peer| shared.put_first(peer, frame));
        for peer in &others {
            shared.set_out(peer);
        }
        shared.published = Some((Arc::clone(frame), reached.clone()));
        Reached { reached, others }
    }

    /// A frame for a peer has come to the event loop.
    pub(crate) fn arrive(&self, peer: &PeerId) {
        let mut shared = self.lock();
        if let Some(count) = shared.detours.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                shared.detours.remove(peer);
            }
        }
    }

    /// The connected peers besides those that a published frame has been sent to; from now on it counts as sent to them.
    pub(crate) fn missed(&self, frame: &Arc<[u8]>, reached: &Reached) -> BTreeSet<PeerId> {
        for peer in &reached.others {
            self.arrive(peer);
        }
        let mut shared = self.lock();
        let missed: BTreeSet<PeerId> = shared.connected.difference(&reached.reached).copied().collect();
        if let Some((last, sent)) = shared.published.as_mut()
            && Arc::ptr_eq(last, frame)
        {
            sent.extend(missed.iter().copied());
        }
        missed
    }

    /// Whether a frame is the one that was published last, and a peer has been sent it.
    pub(crate) fn has_been_sent(&self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        self.lock().has_been_sent(peer, frame)
    }

    /// Whether a frame is the one that was published last.
    pub(crate) fn is_published(&self, frame: &Arc<[u8]>) -> bool {
        self.lock().published.as_ref().is_some_and(|(last, _)| Arc::ptr_eq(last, frame))
    }
}

/// Whom a published frame has been sent to directly, and for whom it passes through the event loop.
#[derive(Debug)]
pub(crate) struct Reached {
    reached: BTreeSet<PeerId>,
    others: BTreeSet<PeerId>,
}

impl Shared {
    /// Puts a frame into the outbox of a connected peer, unless others on their way to it would be overtaken.
    fn put_first(&mut self, peer: &PeerId, frame: &Arc<[u8]>) -> bool {
        !self.detours.contains_key(peer) && self.connected.contains(peer) && self.put(peer, frame)
    }

    fn set_out(&mut self, peer: &PeerId) {
        *self.detours.entry(*peer).or_default() += 1;
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(outboxes: &Outboxes, peer: PeerId) -> mpsc::Receiver<Arc<[u8]>> {
        let (outbox, frames) = mpsc::channel(2);
        outboxes.open(peer, outbox);
        frames
    }

    fn frame(number: u8) -> Arc<[u8]> {
        Arc::from([number])
    }

    #[test]
    fn everybody_gets_what_is_published_once_whenever_an_outbox_opens() {
        let (outboxes, open, late) = (Outboxes::default(), PeerId::random(), PeerId::random());
        assert!(outboxes.connect(open) && outboxes.connect(late) && !outboxes.connect(late));
        let mut frames = opened(&outboxes, open);
        let (one, two) = (frame(1), frame(2));
        let reached = outboxes.publish(&one);
        assert_eq!(reached.reached, BTreeSet::from([open]));
        assert!(outboxes.send(&open, &one), "it has it coming");
        assert!(!outboxes.send(&late, &one), "it has no outbox");
        // Before the loop comes to it, another is published, and the outbox opens for something else.
        let reached_later = outboxes.publish(&two);
        let mut late_frames = opened(&outboxes, late);
        assert_eq!(outboxes.missed(&one, &reached), BTreeSet::from([late]));
        assert_eq!(outboxes.missed(&two, &reached_later), BTreeSet::from([late]));
        assert!(outboxes.send(&late, &two), "the loop does that");
        assert!(outboxes.put(&late, &two));
        assert_eq!([frames.try_recv(), frames.try_recv()], [Ok(one), Ok(two.clone())]);
        assert_eq!((frames.try_recv().ok(), late_frames.try_recv()), (None, Ok(two)));
    }

    #[test]
    fn nothing_overtakes_what_passes_through_the_loop() {
        let (outboxes, peer) = (Outboxes::default(), PeerId::random());
        outboxes.connect(peer);
        assert!(!outboxes.send(&peer, &frame(1)));
        let mut frames = opened(&outboxes, peer);
        let second = frame(2);
        let reached = outboxes.publish(&second);
        assert!(!outboxes.send(&peer, &frame(3)));
        // The loop takes them in their order.
        outboxes.arrive(&peer);
        assert!(outboxes.put(&peer, &frame(1)));
        assert_eq!(outboxes.missed(&second, &reached), BTreeSet::from([peer]));
        assert!(!outboxes.send(&peer, &frame(4)), "the third is still on its way");
        outboxes.arrive(&peer);
        outboxes.arrive(&peer);
        assert_eq!(frames.try_recv(), Ok(frame(1)));
        assert!(outboxes.send(&peer, &frame(5)));
        assert_eq!(frames.try_recv(), Ok(frame(5)));
    }

    #[test]
    fn a_full_outbox_drops_and_a_closed_one_is_none() {
        let (outboxes, peer) = (Outboxes::default(), PeerId::random());
        let frames = opened(&outboxes, peer);
        assert!(!outboxes.send(&peer, &frame(0)), "it is not connected: it has to be dialled");
        outboxes.arrive(&peer);
        outboxes.connect(peer);
        assert!((1..=3).all(|number| outboxes.send(&peer, &frame(number))));
        assert_eq!(outboxes.counts(), (2, 1));
        drop(frames);
        assert!(!outboxes.send(&peer, &frame(4)));
        outboxes.disconnect(&peer);
        assert!(outboxes.connected().is_empty() && !outboxes.is_connected(&peer));
    }
}
