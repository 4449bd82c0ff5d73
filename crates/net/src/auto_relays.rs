//! The relays that a private node finds by itself: which peers relay, which of them are asked, and which have refused.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId};
use motet_wire::NetworkGroup;
use tokio::time::Instant;

use crate::limits;
use crate::reach;

/// The relays of a node that are not in its configuration.
#[derive(Debug, Default)]
pub(crate) struct AutoRelays {
    /// Connected peers that relay, and the address of each.
    known: BTreeMap<PeerId, Multiaddr>,
    /// Those of them that this node listens at, or has asked.
    chosen: BTreeSet<PeerId>,
    /// Peers that have refused or ended it, and the time at which they are asked again.
    refused: BTreeMap<PeerId, Instant>,
    /// Time of the next search in the DHT, while relays are missing.
    search: Option<Instant>,
}

impl AutoRelays {
    /// A connected peer relays, and is reached at this address.
    pub(crate) fn offer(&mut self, peer: PeerId, address: Multiaddr) {
        if self.known.len() < limits::KNOWN_RELAYS || self.known.contains_key(&peer) {
            self.known.insert(peer, address);
        }
    }

    /// A peer is not connected any more, or does not relay.
    pub(crate) fn lost(&mut self, peer: &PeerId) {
        self.known.remove(peer);
    }

    /// A relay that was chosen has refused, or has ended it. It is not asked again for a while.
    pub(crate) fn failed(&mut self, peer: &PeerId, now: Instant) {
        if self.chosen.remove(peer) {
            self.refused.retain(|_, until| *until > now);
            if self.refused.len() < limits::KNOWN_RELAYS {
                self.refused.insert(*peer, now + limits::RELAY_PAUSE);
            }
        }
    }

    /// The relays that are to be asked now, as many as are missing; first those of networks that no other is in. `is_good` says which
    /// addresses are worth asking at.
    pub(crate) fn choose(&mut self, now: Instant, is_good: impl Fn(&Multiaddr) -> bool) -> Vec<(PeerId, Multiaddr)> {
        let mut asked = Vec::new();
        for needs_new_network in [true, false] {
            for (peer, address) in &self.known {
                if self.chosen.len() >= limits::OWN_RELAYS {
                    break;
                }
                let is_refused = self.refused.get(peer).is_some_and(|until| *until > now);
                if is_refused
                    || !is_good(address)
                    || self.chosen.contains(peer)
                    || (needs_new_network && self.has_one_near(address))
                {
                    continue;
                }
                self.chosen.insert(*peer);
                asked.push((*peer, address.clone()));
            }
        }
        // While relays are missing, others are looked for.
        let is_missing = self.chosen.len() < limits::OWN_RELAYS;
        self.search = is_missing.then(|| self.search.unwrap_or(now + limits::SETTLING));
        asked
    }

    fn has_one_near(&self, address: &Multiaddr) -> bool {
        let group = |address: &Multiaddr| reach::ip(address).map(NetworkGroup::of);
        let chosen = self.chosen.iter().filter_map(|peer| self.known.get(peer));
        group(address).is_some_and(|own| chosen.map(group).any(|other| other == Some(own)))
    }

    /// The relays that are known, and the address of each.
    pub(crate) fn known(&self) -> impl Iterator<Item = (&PeerId, &Multiaddr)> {
        self.known.iter()
    }

    /// Time of the next search.
    pub(crate) const fn next_search(&self) -> Option<Instant> {
        self.search
    }

    /// A search begins now; the next comes after a pause.
    pub(crate) fn searches(&mut self, now: Instant) {
        self.search = Some(now + limits::RELAY_SEARCH);
    }

    /// The node needs no relays any more. Returns those that it has.
    pub(crate) fn release(&mut self) -> BTreeSet<PeerId> {
        self.search = None;
        core::mem::take(&mut self.chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(network: usize) -> (PeerId, Multiaddr) {
        (PeerId::random(), format!("/ip4/203.0.{network}.7/tcp/1").parse().unwrap())
    }

    #[test]
    fn relays_of_several_networks_are_chosen_and_others_take_the_place_of_those_that_fail() {
        let (mut relays, now) = (AutoRelays::default(), Instant::now());
        assert!(relays.choose(now, |_| true).is_empty());
        assert!(relays.next_search().is_some(), "none is known: they are looked for");
        let near: Vec<_> = (0..5).map(|_| relay(1)).collect();
        let far = relay(2);
        for (peer, address) in near.iter().chain([&far]) {
            relays.offer(*peer, address.clone());
        }
        let chosen = relays.choose(now, |_| true);
        assert_eq!(chosen.len(), limits::OWN_RELAYS);
        assert!(chosen.contains(&far), "one of each network first");
        assert_eq!(relays.next_search(), None);
        assert!(relays.choose(now, |_| true).is_empty());
        relays.failed(&far.0, now);
        let [(next, _)] = relays.choose(now, |_| true).try_into().unwrap();
        assert_ne!(next, far.0, "it has just refused");
        let later = now + limits::RELAY_PAUSE;
        relays.failed(&next, later);
        relays.lost(&next);
        assert_eq!(relays.choose(later, |_| true), [far], "it is asked again");
        assert_eq!(relays.release().len(), limits::OWN_RELAYS);
        assert!(relays.chosen.is_empty());
    }

    #[test]
    fn what_is_known_of_relays_is_bounded() {
        let (mut relays, now) = (AutoRelays::default(), Instant::now());
        for _ in 0..1_000 {
            let (peer, address) = relay(1);
            relays.offer(peer, address);
            for (peer, _) in relays.choose(now, |_| true) {
                relays.failed(&peer, now);
            }
        }
        assert!(relays.known.len() <= limits::KNOWN_RELAYS && relays.refused.len() <= limits::KNOWN_RELAYS);
        assert!(relays.chosen.len() <= limits::OWN_RELAYS);
    }
}
