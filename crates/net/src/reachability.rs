//! The tests whether other nodes can open connections to this one: what a router has mapped, and the results of AutoNAT.

use std::collections::BTreeSet;

use libp2p::Multiaddr;
use motet_wire::AddressScope;

use crate::limits;
use crate::reach::{self, is_circuit};

/// The answer to the question whether other nodes can open connections to this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reachability {
    /// No test has ended yet.
    #[default]
    Unknown,
    /// They can.
    Public,
    /// They cannot, but through a relay.
    Private,
}

/// The results of tests.
#[derive(Debug, Default)]
pub(crate) struct Tests {
    /// Addresses at which a peer has called this node, or that a router has mapped.
    proven: BTreeSet<Multiaddr>,
    /// Addresses at which a peer could not call it.
    failed: BTreeSet<Multiaddr>,
}

impl Tests {
    /// An address leads here. Returns whether that is new.
    pub(crate) fn prove(&mut self, address: &Multiaddr) -> bool {
        if is_circuit(address) || self.proven.len() >= limits::CANDIDATES {
            return false;
        }
        self.failed.remove(address);
        self.proven.insert(address.clone())
    }

    /// An address does not lead here, as far as one peer can tell. Returns whether that is new. A single peer may lie, so that it takes
    /// nothing back that another has proven.
    pub(crate) fn fail(&mut self, address: &Multiaddr) -> bool {
        let is_known = is_circuit(address) || self.proven.contains(address) || self.failed.len() >= limits::CANDIDATES;
        !is_known && self.failed.insert(address.clone())
    }

    /// A router maps an address no more. Returns whether it did.
    pub(crate) fn end(&mut self, address: &Multiaddr) -> bool {
        self.proven.remove(address)
    }

    /// This machine is in another network now: nothing of this holds. Returns the addresses that were proven.
    pub(crate) fn forget(&mut self) -> BTreeSet<Multiaddr> {
        self.failed.clear();
        core::mem::take(&mut self.proven)
    }

    /// The answer, of a node that listens on addresses of its own or does not, and whose user has named these external ones.
    pub(crate) fn answer(&self, listens: bool, external: &[Multiaddr]) -> Reachability {
        if !external.is_empty() || !self.proven.is_empty() {
            Reachability::Public
        } else if !listens || !self.failed.is_empty() {
            Reachability::Private
        } else {
            Reachability::Unknown
        }
    }

    /// The addresses at which this node is, as far as it is known: those that its user names, those that are proven, and those that it
    /// listens on. Of the last, one that is public and at which a peer could not call is left out.
    pub(crate) fn own(&self, listening: &[Multiaddr], external: &[Multiaddr]) -> Vec<Multiaddr> {
        let mut own: Vec<Multiaddr> = Vec::new();
        let works =
            |address: &&Multiaddr| !self.failed.contains(*address) || reach::scope(address) != AddressScope::Internet;
        for address in external.iter().chain(&self.proven).chain(listening.iter().filter(works)) {
            if !own.contains(address) {
                own.push(address.clone());
            }
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_node_is_private_when_a_test_has_failed_and_public_when_one_has_succeeded() {
        let home = [address("/ip4/192.168.7.1/tcp/1")];
        let (router, other) = (address("/ip4/203.0.113.5/tcp/1"), address("/ip4/203.0.113.6/tcp/1"));
        let mut tests = Tests::default();
        assert_eq!(tests.answer(true, &[]), Reachability::Unknown);
        assert_eq!(tests.answer(false, &[]), Reachability::Private, "it listens nowhere");
        assert!(tests.fail(&router) && !tests.fail(&router));
        assert_eq!(tests.answer(true, &[]), Reachability::Private);
        assert_eq!(tests.answer(true, core::slice::from_ref(&other)), Reachability::Public, "the user knows better");
        assert!(tests.prove(&other) && !tests.prove(&other));
        assert_eq!(tests.answer(true, &[]), Reachability::Public);
        assert!(!tests.fail(&other), "one peer takes nothing back");
        assert_eq!(tests.own(&home, &[]), [other.clone(), home[0].clone()]);
        assert!(tests.end(&other) && !tests.end(&other));
        assert_eq!(tests.answer(true, &[]), Reachability::Private);
        tests.prove(&other);
        assert_eq!(tests.forget(), [other].into());
        assert_eq!(tests.answer(true, &[]), Reachability::Unknown);
    }

    #[test]
    fn a_public_address_that_a_firewall_closes_is_not_told() {
        let listening = [address("/ip6/2001:db8::1/tcp/1"), address("/ip4/192.168.7.1/tcp/1")];
        let mut tests = Tests::default();
        assert_eq!(tests.own(&listening, &[]), listening);
        tests.fail(&listening[0]);
        tests.fail(&listening[1]);
        assert_eq!(tests.own(&listening, &[]), listening[1..], "its own network may reach it");
    }

    #[test]
    fn results_are_bounded_and_circuits_are_none() {
        let mut tests = Tests::default();
        for port in 0..1_000 {
            tests.prove(&address(&format!("/ip4/203.0.113.5/tcp/{port}")));
            tests.fail(&address(&format!("/ip4/203.0.113.6/tcp/{port}")));
        }
        assert_eq!((tests.proven.len(), tests.failed.len()), (limits::CANDIDATES, limits::CANDIDATES));
        let circuit = format!("/ip4/203.0.113.7/tcp/1/p2p/{}/p2p-circuit", libp2p::PeerId::random());
        let mut tests = Tests::default();
        assert!(!tests.prove(&address(&circuit)) && !tests.fail(&address(&circuit)));
    }
}
