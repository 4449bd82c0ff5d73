//! Peers that the user wants to be connected with: dialled again when they cannot be reached, and when they are lost.
//!
//! Other peers are dialled when there is a frame for them. A peer that the user names may be the only one that this
//! node knows of the network, and it may start later, or again.

use std::collections::BTreeMap;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::limits;

/// The way in which a peer was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// By a call. It may be a guess: a note that another process has left, or an address that was read elsewhere.
    Called,
    /// In the configuration. The user relies on it, and is told if it is not reached.
    Configured,
}

/// A peer that the configuration names, with the result of dialling it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The address by which the user has named it.
    pub address: Multiaddr,
    /// The result of dialling it.
    pub contact: Contact,
}

/// The result of dialling a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// It is being dialled, and nothing has come of it yet.
    Dialling,
    /// It is connected.
    Connected,
    /// It is not reached, or is another node than the one named; the reason, in words. It is tried again.
    Failed(String),
}

/// The addresses of the named peers, and the times of the next tries.
#[derive(Debug, Default)]
pub(crate) struct PersistentPeers(BTreeMap<PeerId, Want>);

#[derive(Debug)]
struct Want {
    address: Multiaddr,
    contact: Contact,
    naming: Naming,
    /// The last failure that was told.
    told: Option<String>,
    failures: u32,
    again: Option<Instant>,
    /// The time of its connection, while it is connected.
    since: Option<Instant>,
}

impl PersistentPeers {
    /// The user names a peer, and where it is.
    pub(crate) fn add(&mut self, peer: PeerId, address: Multiaddr, naming: Naming) {
        if self.0.len() < limits::WANTED || self.0.contains_key(&peer) {
            let want = self.0.entry(peer).or_insert_with(|| Want {
                address: address.clone(),
                contact: Contact::Dialling,
                naming,
                told: None,
                failures: 0,
                again: None,
                since: None,
            });
            (want.address, want.failures, want.again) = (address, 0, None);
            want.naming = want.naming.max(naming);
        }
    }

    /// True if no peer is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The peers that the user has named.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &PeerId> {
        self.0.keys()
    }

    /// The result of dialling each peer of the configuration.
    pub(crate) fn named(&self) -> Vec<Named> {
        let named = |want: &Want| Named { address: want.address.clone(), contact: want.contact.clone() };
        self.0.values().filter(|want| want.naming == Naming::Configured).map(named).collect()
    }

    /// A peer is not reached, or is another node than the one named. Returns the address by which the configuration
    /// names it, if it does, and if this reason was not told yet.
    pub(crate) fn failed(&mut self, peer: &PeerId, reason: &str) -> Option<Multiaddr> {
        let want = self.0.get_mut(peer)?;
        want.contact = Contact::Failed(reason.to_owned());
        let is_new = want.told.as_deref() != Some(reason);
        want.told = Some(reason.to_owned());
        (is_new && want.naming == Naming::Configured).then(|| want.address.clone())
    }

    /// It is not wanted any more.
    pub(crate) fn remove(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// A peer is connected.
    pub(crate) fn connected(&mut self, peer: &PeerId, now: Instant) {
        if let Some(want) = self.0.get_mut(peer) {
            (want.contact, want.told, want.again) = (Contact::Connected, None, None);
            want.since.get_or_insert(now);
        }
    }

    /// The last connection to a peer is gone. If it did not last, the pauses go on growing: the peer may have no lasting place for this node, and it
    /// has other peers to serve.
    pub(crate) fn lost(&mut self, peer: &PeerId, now: Instant) {
        let Some(want) = self.0.get_mut(peer) else { return };
        if want.since.take().is_some_and(|since| now.saturating_duration_since(since) >= limits::LASTING) {
            want.failures = 0;
        }
        if want.contact == Contact::Connected {
            want.contact = Contact::Failed("the connection was lost".to_owned());
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

    /// Time of the next try.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(|want| want.again).min()
    }

    /// The peers to be tried now, each once.
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
    fn pauses_double_up_to_a_bound_and_begin_anew_after_a_connection_that_lasts() {
        let (mut wanted, somebody, now) = (PersistentPeers::default(), peer(), Instant::now());
        wanted.add(somebody, Multiaddr::empty(), Naming::Called);
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
        wanted.connected(&somebody, now);
        assert_eq!(wanted.next(), None);
        let soon = now + limits::LASTING / 2;
        wanted.lost(&somebody, soon);
        wanted.missed(&somebody, soon);
        assert_eq!(wanted.next(), Some(soon + pauses[11]), "it was let in for a moment only");
        wanted.connected(&somebody, soon);
        wanted.lost(&somebody, soon + limits::LASTING);
        wanted.missed(&somebody, now);
        assert_eq!(wanted.next(), Some(now + limits::REDIAL));
    }

    #[test]
    fn nobody_else_is_dialled_again_and_not_more_than_there_is_room_for() {
        let (mut wanted, now) = (PersistentPeers::default(), Instant::now());
        wanted.missed(&peer(), now);
        assert_eq!(wanted.next(), None);
        let many: Vec<PeerId> = (0..=limits::WANTED).map(|_| peer()).collect();
        for peer in &many {
            wanted.add(*peer, Multiaddr::empty(), Naming::Called);
            wanted.missed(peer, now);
        }
        assert_eq!(wanted.due(now + limits::REDIAL).len(), limits::WANTED);
        wanted.missed(&many[0], now);
        wanted.remove(&many[0]);
        assert_eq!(wanted.next(), None);
    }

    #[test]
    fn a_failure_is_told_once_for_each_reason_and_of_peers_in_the_configuration() {
        let (mut wanted, listed, guessed) = (PersistentPeers::default(), peer(), peer());
        let place: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        wanted.add(listed, place.clone(), Naming::Configured);
        wanted.add(guessed, Multiaddr::empty(), Naming::Called);
        // A call about the same peer takes nothing away.
        wanted.add(listed, place.clone(), Naming::Called);
        assert_eq!(wanted.failed(&guessed, "a reason"), None);
        assert_eq!(wanted.failed(&listed, "a reason"), Some(place.clone()));
        assert_eq!(wanted.failed(&listed, "a reason"), None);
        assert_eq!(wanted.failed(&listed, "another"), Some(place.clone()));
        let failed = Named { address: place.clone(), contact: Contact::Failed("another".to_owned()) };
        assert_eq!(wanted.named(), [failed]);
        wanted.connected(&listed, Instant::now());
        assert_eq!(wanted.named().pop().unwrap().contact, Contact::Connected);
        wanted.lost(&listed, Instant::now());
        assert!(matches!(wanted.named().pop().unwrap().contact, Contact::Failed(_)));
        assert_eq!(wanted.failed(&listed, "another"), Some(place.clone()), "it was there meanwhile");
    }
}
