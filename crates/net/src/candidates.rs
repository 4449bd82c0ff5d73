//! The client of AutoNAT: asks peers to call this node at the addresses at which others say they have seen it.
//!
//! A peer may say whatever it likes about the address that it has seen, and each test sends up to 100 KB to some server. libp2p's
//! client tests and remembers every address; this one lets only [`limits::CANDIDATES`] through.

use core::task::{Context, Poll};
use std::collections::BTreeSet;

use libp2p::autonat::v2::client;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NewExternalAddrCandidate, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use crate::limits;
use crate::reach;

/// AutoNAT's client, with a bound.
pub(crate) struct Candidates {
    inner: client::Behaviour,
    admitted: Admitted,
}

/// The addresses that are or were tested.
#[derive(Debug, Default)]
struct Admitted(BTreeSet<Multiaddr>);

impl Admitted {
    /// True if an address may be tested.
    fn admits(&mut self, address: &Multiaddr) -> bool {
        if reach::is_circuit(address) || reach::ip(address).is_none() {
            return false;
        }
        let admits = self.0.contains(address) || self.0.len() < limits::CANDIDATES;
        if admits {
            self.0.insert(address.clone());
        }
        admits
    }
}

impl Candidates {
    pub(crate) fn new() -> Self {
        Self { inner: client::Behaviour::default(), admitted: Admitted::default() }
    }

    /// An address of which this node itself thinks that it may be reached there.
    pub(crate) fn propose(&mut self, address: &Multiaddr) {
        self.on_swarm_event(FromSwarm::NewExternalAddrCandidate(NewExternalAddrCandidate { addr: address }));
    }

    /// This machine is in another network now: as many addresses may be tested anew.
    pub(crate) fn begin_anew(&mut self) {
        self.admitted = Admitted::default();
    }
}

impl NetworkBehaviour for Candidates {
    type ConnectionHandler = THandler<client::Behaviour>;
    type ToSwarm = client::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::NewExternalAddrCandidate(candidate) = &event
            && !self.admitted.admits(candidate.addr)
        {
            return;
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, event: THandlerOutEvent<Self>) {
        self.inner.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<client::Event, THandlerInEvent<Self>>> {
        self.inner.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_peers_say_of_ones_address_is_tested_within_a_bound() {
        let mut admitted = Admitted::default();
        let address = |port: usize| format!("/ip4/203.0.113.7/tcp/{port}").parse().unwrap();
        assert!((1..=limits::CANDIDATES).all(|port| admitted.admits(&address(port))));
        assert!(!(1..=10_000).all(|port| admitted.admits(&address(port))));
        assert_eq!(admitted.0.len(), limits::CANDIDATES);
        assert!(admitted.admits(&address(1)), "it may be said again");
        let circuit = format!("/ip4/203.0.113.7/tcp/1/p2p/{}/p2p-circuit", PeerId::random());
        for nowhere in [circuit.as_str(), "/p2p-circuit", "/dns4/node.example/tcp/1"] {
            assert!(!Admitted::default().admits(&nowhere.parse().unwrap()), "{nowhere}");
        }
    }
}
