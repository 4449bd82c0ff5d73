//! The connections of this node: the other end of each, and those that a lost address of this machine takes along.
//!
//! The system does not say that it has taken a connection along: the connection stays, and what is written to it arrives nowhere.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use motet_wire::NetworkGroup;
use tokio::time::Instant;

use crate::config::{LocalGroups, Reach};
use crate::grouping::Grouping;
use crate::limits;
use crate::peers;
use crate::reach;

/// A connection to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerConnection {
    /// The peer.
    pub peer: motet_wire::PeerId,
    /// The address of the connection's other end.
    pub address: Multiaddr,
    /// The end that has begun the connection.
    pub direction: Direction,
    /// True if it goes through a relay.
    pub relayed: bool,
    /// The network group of the other end; of a connection through a relay, that of the relay.
    pub group: NetworkGroup,
}

/// The end that has begun a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

#[derive(Debug)]
struct Connection {
    peer: PeerId,
    shown: PeerConnection,
    /// The own address that a peer has called.
    called: Option<IpAddr>,
}

/// The connections. The swarm bounds them.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: BTreeMap<ConnectionId, Connection>,
    /// Connections whose peer has called from another address since, and the time at which each is closed.
    superseded: VecDeque<(Instant, ConnectionId)>,
}

impl Connections {
    /// A connection has been opened. If its peer has called from another address than that of an earlier connection, the peer may have
    /// moved, and the earlier one is closed soon.
    pub(crate) fn opened(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        endpoint: &ConnectedPoint,
        (reach, now): (Reach, Instant),
    ) {
        let (direction, called) = match endpoint {
            ConnectedPoint::Dialer { .. } => (Direction::Outbound, None),
            ConnectedPoint::Listener { local_addr, .. } => (Direction::Inbound, reach::ip(local_addr)),
        };
        let shown = PeerConnection {
            peer: peers::to_wire(&peer),
            address: endpoint.get_remote_address().clone(),
            direction,
            relayed: endpoint.is_relayed(),
            group: Grouping { reach, local: LocalGroups::Free }.of_connection(endpoint),
        };
        if !shown.relayed && direction == Direction::Inbound {
            let ip = reach::ip(&shown.address);
            let elsewhere = |earlier: &Connection| {
                let is_direct = earlier.peer == peer && !earlier.shown.relayed;
                is_direct && reach::ip(&earlier.shown.address).is_some_and(|earlier| Some(earlier) != ip)
            };
            let earlier = self.open.iter().filter(|(_, earlier)| elsewhere(earlier)).map(|(id, _)| *id);
            self.superseded.extend(earlier.map(|id| (now + limits::SUPERSEDED, id)));
        }
        self.open.insert(id, Connection { peer, shown, called });
    }

    /// All connections, the oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &PeerConnection> {
        self.open.values().map(|connection| &connection.shown)
    }

    pub(crate) fn closed(&mut self, id: ConnectionId) {
        self.open.remove(&id);
        self.superseded.retain(|(_, superseded)| *superseded != id);
    }

    /// Time at which the next superseded connection is closed.
    pub(crate) fn next_superseded(&self) -> Option<Instant> {
        self.superseded.front().map(|(at, _)| *at)
    }

    /// The superseded connections that are to be closed now.
    pub(crate) fn take_superseded(&mut self, now: Instant) -> Vec<ConnectionId> {
        let due = self.superseded.iter().take_while(|(at, _)| *at <= now).count();
        self.superseded.drain(..due).map(|(_, id)| id).collect()
    }

    /// The connections that do not work any more, or may not, when this machine has lost an address. Those that this node has dialled
    /// are among them: they are opened again from the address that it has now.
    pub(crate) fn cut_by(&self, lost: IpAddr) -> Vec<ConnectionId> {
        let is_cut = |connection: &Connection| match (connection.shown.relayed, connection.shown.direction) {
            (true, _) => false,
            (false, Direction::Outbound) => true,
            (false, Direction::Inbound) => connection.called == Some(lost),
        };
        self.open.iter().filter(|(_, connection)| is_cut(connection)).map(|(id, _)| *id).collect()
    }

    /// The connections to a peer through relays.
    pub(crate) fn relayed(&self, peer: &PeerId) -> Vec<ConnectionId> {
        let relayed = |connection: &Connection| connection.shown.relayed && connection.peer == *peer;
        self.open.iter().filter(|(_, connection)| relayed(connection)).map(|(id, _)| *id).collect()
    }
}

/// True if a lost address may have had connections to other machines. Link-local ones come and go with every container.
pub(crate) fn is_of_importance(lost: IpAddr) -> bool {
    let is_local = match lost {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !is_local && !lost.is_loopback() && !lost.is_unspecified()
}

#[cfg(test)]
mod tests {
    use libp2p::core::Endpoint;
    use libp2p::core::transport::PortUse;

    use super::*;

    #[test]
    fn a_lost_address_takes_its_own_connections_along_and_those_that_were_dialled() {
        let address = |text: &str| text.parse::<Multiaddr>().unwrap();
        let id = ConnectionId::new_unchecked;
        let (mut connections, peer, now) = (Connections::default(), PeerId::random(), Instant::now());
        let called = |at: &str| ConnectedPoint::Listener {
            local_addr: address(at),
            send_back_addr: address("/ip4/203.0.113.9/tcp/9"),
        };
        let dialled = |to: &str| ConnectedPoint::Dialer {
            address: address(to),
            role_override: Endpoint::Dialer,
            port_use: PortUse::Reuse,
        };
        connections.opened(id(1), peer, &called("/ip4/192.168.7.1/tcp/1"), (Reach::Public, now));
        connections.opened(id(2), peer, &called("/ip4/10.0.0.1/tcp/1"), (Reach::Public, now));
        connections.opened(id(3), peer, &dialled("/ip4/203.0.113.7/tcp/1"), (Reach::Public, now));
        let circuit = format!("/ip4/203.0.113.7/tcp/1/p2p/{}/p2p-circuit/p2p/{peer}", PeerId::random());
        connections.opened(id(4), peer, &dialled(&circuit), (Reach::Public, now));
        assert_eq!(connections.cut_by([192, 168, 7, 1].into()), [id(1), id(3)]);
        assert_eq!(connections.relayed(&peer), [id(4)]);
        let shown: Vec<_> = connections.all().map(|shown| (shown.direction, shown.relayed)).collect();
        let (inbound, outbound) = (Direction::Inbound, Direction::Outbound);
        assert_eq!(shown, [(inbound, false), (inbound, false), (outbound, false), (outbound, true)]);
        assert!(connections.relayed(&PeerId::random()).is_empty());
        connections.closed(id(3));
        assert_eq!(connections.cut_by([10, 0, 0, 1].into()), [id(2)]);
        for (ip, expected) in [("127.0.0.1", false), ("fe80::1", false), ("192.168.7.1", true), ("2001:db8::1", true)] {
            assert_eq!(is_of_importance(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[test]
    fn a_peer_that_calls_from_another_address_is_not_written_to_at_the_earlier_one() {
        let id = ConnectionId::new_unchecked;
        let (mut connections, now) = (Connections::default(), Instant::now());
        let (peer, other) = (PeerId::random(), PeerId::random());
        let called = |from: &str| ConnectedPoint::Listener {
            local_addr: "/ip4/203.0.113.1/tcp/1".parse().unwrap(),
            send_back_addr: from.parse().unwrap(),
        };
        let mut open =
            |number, peer, from: &str| connections.opened(id(number), peer, &called(from), (Reach::Public, now));
        open(1, peer, "/ip4/203.0.113.5/tcp/1");
        open(2, peer, "/ip4/203.0.113.5/tcp/2");
        open(3, other, "/ip4/203.0.113.5/tcp/3");
        open(4, peer, "/ip4/203.0.113.6/tcp/4");
        let at = connections.next_superseded().unwrap();
        assert!(at > now && connections.take_superseded(now).is_empty(), "a test by that peer may still end");
        connections.closed(id(2));
        assert_eq!(connections.take_superseded(at), [id(1)]);
        assert_eq!(connections.next_superseded(), None);
    }
}
