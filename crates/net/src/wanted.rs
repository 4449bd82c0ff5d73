//! Peers that the user wants to be connected with: dialled again when they cannot be reached, and when they are lost.
//!
//! Everybody else is dialled when there is something to say to them. Whoever the user names may be all that this node
//! knows of the network, and may start later, or again.

use std::collections::BTreeMap;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::limits;

/// Where they are, and when they are tried again.
#[derive(Debug, Default)]
pub(crate) struct Wanted(BTreeMap<PeerId, Want>);

#[derive(Debug)]
struct Want {
    address: Multiaddr,
    failures: u32,
    again: Option<Instant>,
}

impl Wanted {
    /// The user names a peer, and where it is.
    pub(crate) fn add(&mut self, peer: PeerId, address: Multiaddr) {
        if self.0.len() < limits::WANTED || self.0.contains_key(&peer) {
            self.0.insert(peer, Want { address, failures: 0, again: None });
        }
    }

    /// It is not wanted any more.
    pub(crate) fn remove(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// A peer is connected.
    pub(crate) fn connected(&mut self, peer: &PeerId) {
        if let Some(want) = self.0.get_mut(peer) {
            (want.failures, want.again) = (0, None);
        }
    }

    /// A peer cannot be reached, or has been lost: it is tried again after a pause that doubles.
    pub(crate) fn missed(&mut self, peer: &PeerId, now: Instant) {
        if let Some(want) = self.0.get_mut(peer) {
            let pause = limits::REDIAL.saturating_mul(1 << want.failures.min(limits::REDIAL_DOUBLINGS));
            want.failures = want.failures.saturating_add(1);
            want.again = Some(now + pause);
        }
    }

    /// When somebody is to be tried next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(|want| want.again).min()
    }

    /// Who is to be tried now; each is named once.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(PeerId, Multiaddr)> {
        let due = self.0.iter_mut().filter(|(_, want)| want.again.is_some_and(|again| again <= now));
        due.map(|(peer, want)| {
            want.again = None;
            (*peer, want.address.clone())
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn peer() -> PeerId {
        PeerId::random()
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_begin_anew_with_a_connection() {
        let (mut wanted, somebody, now) = (Wanted::default(), peer(), Instant::now());
        wanted.add(somebody, Multiaddr::empty());
        assert_eq!(wanted.next(), None, "it is being dialled");
        let mut pauses = Vec::new();
        for _ in 0..12 {
            wanted.missed(&somebody, now);
            pauses.push(wanted.next().unwrap() - now);
            assert!(wanted.due(now).is_empty());
            assert_eq!(wanted.due(wanted.next().unwrap()), [(somebody, Multiaddr::empty())]);
            assert_eq!(wanted.next(), None);
        }
        assert_eq!(pauses[..3], [limits::REDIAL, limits::REDIAL * 2, limits::REDIAL * 4]);
        assert_eq!(pauses[11], limits::REDIAL * (1 << limits::REDIAL_DOUBLINGS));
        assert!(pauses[11] <= Duration::from_secs(64));
        wanted.connected(&somebody);
        wanted.missed(&somebody, now);
        assert_eq!(wanted.next(), Some(now + limits::REDIAL));
    }

    #[test]
    fn nobody_else_is_dialled_again_and_not_more_than_there_is_room_for() {
        let (mut wanted, now) = (Wanted::default(), Instant::now());
        wanted.missed(&peer(), now);
        assert_eq!(wanted.next(), None);
        let many: Vec<PeerId> = (0..=limits::WANTED).map(|_| peer()).collect();
        for peer in &many {
            wanted.add(*peer, Multiaddr::empty());
            wanted.missed(peer, now);
        }
        assert_eq!(wanted.due(now + limits::REDIAL).len(), limits::WANTED);
        wanted.missed(&many[0], now);
        wanted.remove(&many[0]);
        assert_eq!(wanted.next(), None);
    }
}
