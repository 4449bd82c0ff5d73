//! The peers that a node has chosen by itself, and the alarm when they are in fewer networks than before.
//!
//! Others decide who calls in. A few outbound connections of this node's own choosing, in many networks, are what an attacker with many identities
//! cannot take. The last of them are dialled first after a restart.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId};
use motet_wire::NetworkGroup;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::draw::Draw;
use crate::limits;
use crate::peer_book::PeerBook;

/// The chosen peers, and the book that they are chosen from.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) book: PeerBook,
    pub(crate) draw: Draw,
    pub(crate) peers: BTreeMap<PeerId, Chosen>,
    /// Peers that an earlier run had chosen, and that have not been dialled.
    pub(crate) anchors: Vec<(PeerId, Multiaddr)>,
    /// Peers that were tried in vain in this pass.
    tried: BTreeSet<PeerId>,
    /// Passes in which none was reached, and the time from which the next may begin.
    passes: u32,
    next_pass: Instant,
    /// The time of the next look.
    pub(crate) tends: Instant,
    /// The time of the next try of a peer that is known by hearsay.
    pub(crate) feels: Instant,
    /// True if something has changed that is kept over restarts.
    pub(crate) has_changed: bool,
    pub(crate) writing: Option<JoinHandle<()>>,
    most: usize,
    low: u32,
    has_fallen: bool,
}

/// A chosen peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) group: NetworkGroup,
    /// False while it is dialled.
    pub(crate) is_connected: bool,
}

impl Default for Overlay {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            book: PeerBook::default(),
            draw: Draw::unforeseen(),
            peers: BTreeMap::new(),
            anchors: Vec::new(),
            tried: BTreeSet::new(),
            passes: 0,
            next_pass: now,
            tends: now + limits::TENDED_SOON,
            feels: now + limits::FEELER,
            has_changed: false,
            writing: None,
            most: 0,
            low: 0,
            has_fallen: false,
        }
    }
}

impl Overlay {
    /// Something has changed that is kept: the next look comes soon.
    pub(crate) fn note_change(&mut self, now: Instant) {
        self.has_changed = true;
        self.tends = self.tends.min(now + limits::TENDED_SOON);
    }

    /// A peer was tried in vain.
    pub(crate) fn note_tried(&mut self, peer: PeerId) {
        if self.tried.len() < limits::BOOK_HEARSAY + limits::BOOK_PROVEN {
            self.tried.insert(peer);
        }
    }

    /// The peers that were tried in vain in this pass.
    pub(crate) const fn tried(&self) -> &BTreeSet<PeerId> {
        &self.tried
    }

    /// A chosen peer is connected: the pauses between passes begin anew.
    pub(crate) fn note_connected(&mut self, peer: &PeerId) {
        if let Some(chosen) = self.peers.get_mut(peer) {
            chosen.is_connected = true;
            self.passes = 0;
        }
    }

    /// All have been tried. After a pause that doubles they are tried again.
    pub(crate) fn end_pass(&mut self, now: Instant) {
        if now >= self.next_pass {
            self.tried.clear();
            self.next_pass = now + limits::TENDED.saturating_mul(1 << self.passes.min(limits::PASSES));
            self.passes = self.passes.saturating_add(1);
        }
    }

    /// The number of chosen peers that are connected.
    pub(crate) fn chosen(&self) -> usize {
        self.peers.values().filter(|chosen| chosen.is_connected).count()
    }

    /// The number of networks that these are in.
    pub(crate) fn networks(&self) -> usize {
        let connected = self.peers.values().filter(|chosen| chosen.is_connected);
        connected.map(|chosen| chosen.group).collect::<BTreeSet<_>>().len()
    }

    pub(crate) const fn has_fallen(&self) -> bool {
        self.has_fallen
    }

    /// Takes up the number of networks of an earlier run.
    pub(crate) fn expect(&mut self, networks: usize) {
        self.most = self.most.max(networks);
    }

    /// Looks at the number of networks. Returns the largest number so far if it has been less than half of that for some looks, once
    /// until it has risen again.
    pub(crate) fn look(&mut self, networks: usize) -> Option<usize> {
        self.most = self.most.max(networks);
        let is_low = self.most >= limits::DIVERSE && networks.saturating_mul(2) < self.most;
        self.low = if is_low { self.low.saturating_add(1) } else { 0 };
        let before = self.has_fallen;
        self.has_fallen = is_low && (before || self.low >= limits::ALARM_AFTER);
        (self.has_fallen && !before).then_some(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_alarm_is_a_fall_that_lasts_and_it_is_given_once() {
        let mut overlay = Overlay::default();
        let mut looks = |numbers: &[usize]| numbers.iter().map(|number| overlay.look(*number)).collect::<Vec<_>>();
        assert_eq!(looks(&[1, 2, 3, 1, 0, 0, 0, 0]), [None; 8], "a node of a small network has nothing to lose");
        assert_eq!(
            looks(&[8, 4, 4, 4, 4, 3, 3, 5, 3, 3]),
            [None; 10],
            "half of them are enough, and a moment is no fall"
        );
        assert_eq!(looks(&[3, 3, 0, 2]), [Some(8), None, None, None]);
        assert!(overlay.has_fallen());
        assert_eq!(overlay.look(4), None);
        assert!(!overlay.has_fallen());
        // An earlier run had more.
        let mut next = Overlay::default();
        next.expect(6);
        assert_eq!([1, 1, 1].map(|number| next.look(number)), [None, None, Some(6)]);
    }

    #[tokio::test]
    async fn peers_that_are_not_reached_are_tried_again_after_pauses_that_grow() {
        let (mut overlay, peer, mut now) = (Overlay::default(), PeerId::random(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..12 {
            overlay.note_tried(peer);
            let begun = now;
            while !overlay.tried().is_empty() {
                now += limits::TENDED;
                overlay.end_pass(now);
            }
            pauses.push((now - begun).as_secs() / limits::TENDED.as_secs());
        }
        assert_eq!(pauses, [1, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64]);
        for _ in 0..10_000 {
            overlay.note_tried(PeerId::random());
        }
        assert_eq!(overlay.tried().len(), limits::BOOK_HEARSAY + limits::BOOK_PROVEN);
    }
}
