//! The peer book: addresses of peers, and the choice of those that a node connects to by itself.
//!
//! A peer is *proven* once this node has reached it; all else is hearsay. The choice goes by network groups, so that identities and hearsay buy nothing:
//! first a group is drawn, of those that have been chosen least, then a source that has told of it, and then a peer. Where the book is full, the
//! source or the group that has most gives way.

#[cfg(test)]
mod siege;

use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId};
use motet_wire::NetworkGroup;

use crate::draw::Draw;
use crate::limits;

/// The peers that a node knows of.
#[derive(Debug, Default)]
pub(crate) struct PeerBook {
    known: BTreeMap<PeerId, Known>,
    last: u64,
    counts: Counts,
}

/// The numbers of entries, of each class that has a bound.
#[derive(Debug, Default)]
struct Counts {
    proven: usize,
    hearsay: usize,
    by_group: BTreeMap<(bool, NetworkGroup), usize>,
    /// Hearsay by its source.
    by_source: BTreeMap<NetworkGroup, usize>,
}

impl Counts {
    fn change(&mut self, known: &Known, change: impl Fn(&mut usize)) {
        change(if known.is_proven { &mut self.proven } else { &mut self.hearsay });
        change(self.by_group.entry((known.is_proven, known.group)).or_default());
        if !known.is_proven {
            change(self.by_source.entry(known.source).or_default());
        }
    }

    fn remove(&mut self, known: &Known) {
        self.change(known, |count| *count = count.saturating_sub(1));
        let (group, source) = ((known.is_proven, known.group), known.source);
        if self.of_group(known.is_proven, known.group) == 0 {
            self.by_group.remove(&group);
        }
        if self.of_source(source) == 0 {
            self.by_source.remove(&source);
        }
    }

    fn of_group(&self, is_proven: bool, group: NetworkGroup) -> usize {
        self.by_group.get(&(is_proven, group)).copied().unwrap_or_default()
    }

    fn of_source(&self, source: NetworkGroup) -> usize {
        self.by_source.get(&source).copied().unwrap_or_default()
    }
}

/// A peer, and where it is.
#[derive(Debug, Clone)]
struct Known {
    address: Multiaddr,
    group: NetworkGroup,
    /// The network group that has told of it.
    source: NetworkGroup,
    is_proven: bool,
    /// Tries in vain since the last success.
    failures: u32,
    /// The number of the last change: the smallest is the oldest.
    number: u64,
}

/// A peer that has been chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) peer: PeerId,
    pub(crate) address: Multiaddr,
    pub(crate) group: NetworkGroup,
}

impl PeerBook {
    /// A peer of this group is said to be at this address by a peer of the source's group.
    pub(crate) fn learn(&mut self, peer: PeerId, address: Multiaddr, group: NetworkGroup, source: NetworkGroup) {
        // Hearsay does not change what is known.
        if !self.known.contains_key(&peer) {
            self.put(peer, Known { address, group, source, is_proven: false, failures: 0, number: 0 });
            self.bound_hearsay(group, source);
        }
    }

    /// This node has reached a peer.
    pub(crate) fn reached(&mut self, peer: PeerId, address: Multiaddr, group: NetworkGroup) {
        self.put(peer, Known { address, group, source: group, is_proven: true, failures: 0, number: 0 });
        while group != NetworkGroup::Local && self.counts.of_group(true, group) > limits::BOOK_PER_GROUP {
            self.forget_oldest(|known| known.is_proven && known.group == group);
        }
        while self.counts.proven > limits::BOOK_PROVEN {
            let groups = self.counts.by_group.iter().filter(|((is_proven, _), _)| *is_proven);
            let Some((_, largest)) = groups.max_by_key(|(_, count)| **count).map(|(class, _)| *class) else { return };
            self.forget_oldest(|known| known.is_proven && known.group == largest);
        }
    }

    /// A try to reach a peer was in vain. After a few the peer is forgotten.
    pub(crate) fn failed(&mut self, peer: &PeerId) {
        let Some(known) = self.known.get_mut(peer) else { return };
        known.failures = known.failures.saturating_add(1);
        let most = if known.is_proven { limits::FAILURES_OF_PROVEN } else { limits::FAILURES_OF_HEARSAY };
        if known.failures >= most {
            self.forget(peer);
        }
    }

    fn put(&mut self, peer: PeerId, known: Known) {
        self.last = self.last.wrapping_add(1);
        self.forget(&peer);
        self.counts.change(&known, |count| *count = count.saturating_add(1));
        self.known.insert(peer, Known { number: self.last, ..known });
    }

    fn forget(&mut self, peer: &PeerId) {
        if let Some(known) = self.known.remove(peer) {
            self.counts.remove(&known);
        }
    }

    /// Forgets the entry of which this holds and that has not changed for longest.
    fn forget_oldest(&mut self, is_meant: impl Fn(&Known) -> bool) {
        let meant = self.known.iter().filter(|(_, known)| is_meant(known));
        if let Some(oldest) = meant.min_by_key(|(_, known)| known.number).map(|(peer, _)| *peer) {
            self.forget(&oldest);
        }
    }

    fn bound_hearsay(&mut self, group: NetworkGroup, source: NetworkGroup) {
        if self.counts.of_source(source) > limits::BOOK_PER_SOURCE {
            self.forget_oldest(|known| !known.is_proven && known.source == source);
        }
        if group != NetworkGroup::Local && self.counts.of_group(false, group) > limits::BOOK_PER_GROUP {
            let mut sources = BTreeMap::<NetworkGroup, usize>::new();
            for known in self.known.values().filter(|known| !known.is_proven && known.group == group) {
                *sources.entry(known.source).or_default() += 1;
            }
            if let Some((largest, _)) = sources.into_iter().max_by_key(|(_, count)| *count) {
                self.forget_oldest(|known| !known.is_proven && known.group == group && known.source == largest);
            }
        }
        if self.counts.hearsay > limits::BOOK_HEARSAY
            && let Some((largest, _)) =
                self.counts.by_source.iter().max_by_key(|(_, count)| **count).map(|(source, count)| (*source, *count))
        {
            self.forget_oldest(|known| !known.is_proven && known.source == largest);
        }
    }

    /// A peer to stay connected with, besides those of the groups that are taken, and not one to be left out; every other time one of hearsay, if
    /// there is any. At most [`limits::OUTBOUND_PER_GROUP`] of a group are chosen.
    pub(crate) fn choose(&self, taken: &[NetworkGroup], left_out: &BTreeSet<PeerId>, draw: &mut Draw) -> Option<Pick> {
        let is_proven = draw.below(2) == 0;
        self.draw(Some(is_proven), taken, left_out, draw).or_else(|| self.draw(Some(!is_proven), taken, left_out, draw))
    }

    /// A peer of hearsay, to be tried.
    pub(crate) fn feeler(&self, left_out: &BTreeSet<PeerId>, draw: &mut Draw) -> Option<Pick> {
        self.draw(Some(false), &[], left_out, draw)
    }

    fn draw(
        &self,
        is_proven: Option<bool>,
        taken: &[NetworkGroup],
        left_out: &BTreeSet<PeerId>,
        draw: &mut Draw,
    ) -> Option<Pick> {
        let mut groups = BTreeMap::<(usize, NetworkGroup), BTreeMap<NetworkGroup, Vec<(&PeerId, &Known)>>>::new();
        for (peer, known) in &self.known {
            let counted = if known.group == NetworkGroup::Local { 0 } else { times(taken, known.group) };
            let fits = counted < limits::OUTBOUND_PER_GROUP && is_proven.is_none_or(|wanted| wanted == known.is_proven);
            if fits && !left_out.contains(peer) {
                let sources = groups.entry((counted, known.group)).or_default();
                sources.entry(known.source).or_default().push((peer, known));
            }
        }
        let fewest = groups.keys().next().map(|(counted, _)| *counted)?;
        let groups: Vec<_> = groups.into_iter().filter(|((counted, _), _)| *counted == fewest).collect();
        let (_, sources) = draw.one_of(&groups)?;
        let sources: Vec<_> = sources.values().collect();
        let peers = draw.one_of(&sources)?;
        let (peer, known) = draw.one_of(peers)?;
        Some(Pick { peer: **peer, address: known.address.clone(), group: known.group })
    }

    /// The peers that this node has reached, for a restart.
    pub(crate) fn proven(&self) -> impl Iterator<Item = (&PeerId, &Multiaddr)> {
        self.known.iter().filter(|(_, known)| known.is_proven).map(|(peer, known)| (peer, &known.address))
    }

    /// The address at which a peer was reached, if it was.
    pub(crate) fn proven_at(&self, peer: &PeerId) -> Option<&Multiaddr> {
        self.known.get(peer).filter(|known| known.is_proven).map(|known| &known.address)
    }
}

fn times(groups: &[NetworkGroup], group: NetworkGroup) -> usize {
    groups.iter().filter(|other| **other == group).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(number: usize) -> NetworkGroup {
        let [.., a, b] = number.to_be_bytes();
        NetworkGroup::V4([10, a, b])
    }

    fn nowhere() -> Multiaddr {
        "/ip4/10.0.0.1/tcp/1".parse().unwrap()
    }

    #[test]
    fn no_group_is_chosen_more_than_twice_and_none_twice_before_all_are_chosen_once() {
        let (mut book, mut draw) = (PeerBook::default(), Draw::from_seed(1));
        for number in 0..90 {
            // One large group and two small ones.
            let group = group(if number < 80 { 1 } else { number % 2 + 2 });
            book.reached(PeerId::random(), nowhere(), group);
        }
        let (mut taken, mut left_out) = (Vec::new(), BTreeSet::new());
        while let Some(pick) = book.choose(&taken, &left_out, &mut draw) {
            assert!(left_out.insert(pick.peer));
            taken.push(pick.group);
        }
        assert_eq!(taken.len(), 6);
        assert!((1..=3).all(|number| times(&taken, group(number)) == 2 && times(&taken[..3], group(number)) == 1));
        // Peers of this machine belong to no group.
        let mut book = PeerBook::default();
        (0..20).for_each(|_| book.reached(PeerId::random(), nowhere(), NetworkGroup::Local));
        assert!(book.choose(&[NetworkGroup::Local; 8], &BTreeSet::new(), &mut draw).is_some());
        assert_eq!(book.known.len(), 20);
    }

    #[test]
    fn a_flood_of_hearsay_fills_the_share_of_its_sources_and_hides_no_other() {
        let mut book = PeerBook::default();
        let (honest, proven) = (PeerId::random(), PeerId::random());
        book.learn(honest, nowhere(), group(1), group(2));
        book.reached(proven, nowhere(), group(3));
        for number in 0..2_000 {
            // Of any group, also of the honest ones.
            book.learn(PeerId::random(), nowhere(), group(number % 40), group(1_000 + number % 2));
            book.learn(proven, "/ip4/10.9.9.9/tcp/9".parse().unwrap(), group(9), group(1_000));
        }
        assert_eq!(book.known.len(), 2 + 2 * limits::BOOK_PER_SOURCE);
        assert!(book.known.contains_key(&honest));
        assert_eq!(book.proven_at(&proven), Some(&nowhere()));
        for number in 0..3_000 {
            book.learn(PeerId::random(), nowhere(), group(number), group(number / 50));
            book.reached(PeerId::random(), nowhere(), group(number / 10));
        }
        let proven = book.proven().count();
        assert_eq!((proven, book.known.len()), (limits::BOOK_PROVEN, limits::BOOK_PROVEN + limits::BOOK_HEARSAY));
    }

    #[test]
    fn a_peer_that_is_not_reached_is_forgotten_hearsay_sooner() {
        let (mut book, proven, said) = (PeerBook::default(), PeerId::random(), PeerId::random());
        book.reached(proven, nowhere(), group(1));
        book.learn(said, nowhere(), group(1), group(1));
        for _ in 0..limits::FAILURES_OF_HEARSAY {
            book.failed(&proven);
            book.failed(&said);
        }
        assert_eq!(book.known.keys().collect::<Vec<_>>(), [&proven]);
        book.reached(proven, nowhere(), group(1));
        (1..limits::FAILURES_OF_PROVEN).for_each(|_| book.failed(&proven));
        assert_eq!(book.known.len(), 1, "it was reached meanwhile");
        book.failed(&proven);
        assert!(book.known.is_empty() && book.counts.by_group.is_empty() && book.counts.by_source.is_empty());
    }
}
