//! Admission as a behaviour of libp2p: it refuses connections, and closes those that give way or are banned.

use core::task::{Context, Poll};
use std::collections::{BTreeSet, VecDeque};

use libp2p::core::transport::PortUse;
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, DialFailure, ListenFailure};
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use motet_wire::NetworkGroup;
use tokio::time::Instant;

use super::table::{Answer, Connection, Connections, Refusal, Shares};
use crate::bans::{Banned, Bans};
use crate::buckets::Buckets;
use crate::config::Guard;
use crate::connections::Direction;
use crate::grouping::Grouping;
use crate::limits;
use crate::memory::Memory;

/// The connections and the bans of a node.
pub(crate) struct Admission {
    pub(crate) connections: Connections,
    pub(crate) bans: Bans,
    grouping: Grouping,
    local: PeerId,
    /// Connections whose other end has not shown its identity.
    pending: BTreeSet<ConnectionId>,
    /// Strangers that have shown their identity, by network group.
    identities: Buckets<NetworkGroup>,
    memory: Memory,
    orders: VecDeque<(PeerId, CloseConnection)>,
}

impl Admission {
    pub(crate) fn new(local: PeerId, connections: u32, grouping: Grouping, guard: &Guard) -> Self {
        Self {
            connections: Connections::new(Shares::of(connections, guard.group_connections)),
            bans: Bans::default(),
            grouping,
            local,
            pending: BTreeSet::new(),
            identities: Buckets::new(guard.identities, limits::CHECK_GROUPS),
            memory: Memory::new(guard.memory),
            orders: VecDeque::new(),
        }
    }

    /// Bans a peer, and closes its connections; if its network group is banned for it, those of strangers of the group as well. This node itself
    /// is not banned.
    pub(crate) fn ban(&mut self, peer: PeerId, now: Instant) -> Option<Banned> {
        if peer == self.local {
            return None;
        }
        let connection = self.connections.iter().find(|(_, connection)| connection.peer == peer);
        let group = connection.map_or(NetworkGroup::Local, |(_, connection)| connection.group);
        let banned = self.bans.ban(peer, group, now);
        self.orders.push_back((peer, CloseConnection::All));
        if let Some(group) = banned.group {
            let table = &self.connections;
            let others = table.iter().filter(|(_, other)| {
                other.group == group && other.direction == Direction::Inbound && !table.is_reserved(&other.peer)
            });
            self.orders.extend(others.map(|(id, other)| (other.peer, CloseConnection::One(id))));
        }
        Some(banned)
    }

    /// Closes a connection.
    pub(crate) fn close(&mut self, peer: PeerId, id: ConnectionId) {
        self.orders.push_back((peer, CloseConnection::One(id)));
    }

    fn enter(&mut self, peer: &PeerId, group: NetworkGroup, direction: Direction) -> Result<(), Refusal> {
        let now = Instant::now();
        if self.bans.is_banned(peer, now) {
            return Err(Refusal::Banned);
        }
        match self.connections.ask(peer, group, direction) {
            Answer::Enter => {}
            Answer::InPlaceOf(id) => {
                let gone = self.connections.iter().find(|(other, _)| *other == id).map(|(_, other)| other.peer);
                if let Some(gone) = gone {
                    self.close(gone, id);
                    self.connections.remove(id);
                }
            }
            Answer::Refuse(refusal) => return Err(refusal),
        }
        Ok(())
    }

    fn calls_in(&mut self, id: ConnectionId, peer: &PeerId, endpoint: &ConnectedPoint) -> Result<(), Refusal> {
        self.pending.remove(&id);
        let group = self.grouping.of_connection(endpoint);
        if !self.connections.is_reserved(peer) {
            if group != NetworkGroup::Local && !self.identities.take(group, 1, Instant::now()) {
                return Err(Refusal::Often);
            }
            if self.bans.is_group_banned(group, Instant::now()) {
                return Err(Refusal::GroupBanned);
            }
            if self.memory.is_full(Instant::now()) {
                return Err(Refusal::Memory);
            }
        }
        self.enter(peer, group, Direction::Inbound)
    }

    /// A connection whose other end is not known yet: it costs nothing to refuse it now.
    fn knocks(&mut self, id: ConnectionId, endpoint: &ConnectedPoint) -> Result<(), Refusal> {
        let (group, now) = (self.grouping.of_connection(endpoint), Instant::now());
        if self.bans.is_group_banned(group, now) {
            return Err(Refusal::GroupBanned);
        }
        if group != NetworkGroup::Local && !self.identities.holds(group, 1, now) {
            return Err(Refusal::Often);
        }
        if self.pending.len() >= limits::PENDING_CONNECTIONS {
            return Err(Refusal::Full);
        }
        self.pending.insert(id);
        Ok(())
    }
}

fn listener(local: &Multiaddr, remote: &Multiaddr) -> ConnectedPoint {
    ConnectedPoint::Listener { local_addr: local.clone(), send_back_addr: remote.clone() }
}

impl NetworkBehaviour for Admission {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = core::convert::Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.knocks(id, &listener(local, remote)).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.calls_in(id, &peer, &listener(local, remote)).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if peer.is_some_and(|peer| self.bans.is_banned(&peer, Instant::now())) {
            return Err(ConnectionDenied::new(Refusal::Banned));
        }
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let group = self.grouping.of(address);
        self.enter(&peer, group, Direction::Outbound).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events say nothing about connections")]
    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished { peer_id, connection_id, endpoint, .. }) => {
                let direction = if endpoint.is_dialer() { Direction::Outbound } else { Direction::Inbound };
                let group = self.grouping.of_connection(endpoint);
                let connection = Connection { peer: peer_id, group, direction, since: Instant::now() };
                self.connections.insert(connection_id, connection);
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. }) => {
                self.connections.remove(connection_id);
            }
            FromSwarm::ListenFailure(ListenFailure { connection_id, .. })
            | FromSwarm::DialFailure(DialFailure { connection_id, .. }) => {
                self.pending.remove(&connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.orders.pop_front() {
            Some((peer_id, connection)) => Poll::Ready(ToSwarm::CloseConnection { peer_id, connection }),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LocalGroups, NetConfig, Reach};

    struct World {
        admission: Admission,
        last: usize,
    }

    impl World {
        fn new() -> Self {
            let config = NetConfig::local(motet_wire::NetworkId::test(), crate::config::Keypair::generate());
            let grouping = Grouping { reach: Reach::Local, local: LocalGroups::Counted };
            let admission = Admission::new(config.keypair.libp2p_id(), config.connections, grouping, &config.guard);
            Self { admission, last: 0 }
        }

        fn from(network: usize) -> ConnectedPoint {
            let [.., a, b] = network.to_be_bytes();
            let here = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
            listener(&here, &format!("/ip4/10.{a}.{b}.1/tcp/1").parse().unwrap())
        }

        /// A socket knocks from a network. Returns its number.
        fn knocks(&mut self, network: usize) -> Result<ConnectionId, Refusal> {
            self.last += 1;
            let id = ConnectionId::new_unchecked(self.last);
            self.admission.knocks(id, &Self::from(network)).map(|()| id)
        }

        fn calls(&mut self, network: usize, peer: &PeerId) -> Result<(), Refusal> {
            let id = self.knocks(network)?;
            self.admission.calls_in(id, peer, &Self::from(network))?;
            let group = self.admission.grouping.of_connection(&Self::from(network));
            let connection = Connection { peer: *peer, group, direction: Direction::Inbound, since: Instant::now() };
            self.admission.connections.insert(id, connection);
            Ok(())
        }
    }

    #[test]
    fn identities_without_end_are_refused_before_the_handshake_once_their_network_has_shown_many() {
        let mut world = World::new();
        let mut refusals = Vec::new();
        for _ in 0..10_000 {
            refusals.extend(world.calls(1, &PeerId::random()).err());
        }
        let after = |refusal| refusals.iter().filter(|other| **other == refusal).count();
        assert!((40..=60).contains(&after(Refusal::Group)), "{}", after(Refusal::Group));
        assert_eq!(after(Refusal::Often) + after(Refusal::Group) + 8, 10_000);
        assert!(world.knocks(1).is_err());
        assert_eq!(world.calls(2, &PeerId::random()), Ok(()));
    }

    #[test]
    fn knocks_connections_and_closings_are_bounded_whatever_comes() {
        let mut world = World::new();
        let waiting = (0..10_000).filter(|number| world.knocks(*number).is_ok()).count();
        assert_eq!(
            (waiting, world.admission.pending.len()),
            (limits::PENDING_CONNECTIONS, limits::PENDING_CONNECTIONS)
        );
        world.admission.pending.clear();
        for number in 0..10_000 {
            let peer = PeerId::random();
            let _ = world.calls(number, &peer);
            let _ = world.admission.ban(peer, Instant::now());
            assert!(world.admission.pending.is_empty());
            // Each is closed by the swarm, which takes the order and says so.
            assert!(world.admission.orders.len() <= 2);
            while let Some((closed, _)) = world.admission.orders.pop_front() {
                let all = world.admission.connections.iter();
                let of_peer: Vec<ConnectionId> =
                    all.filter(|(_, other)| other.peer == closed).map(|(id, _)| id).collect();
                of_peer.into_iter().for_each(|id| world.admission.connections.remove(id));
            }
        }
        assert_eq!(world.admission.connections.iter().count(), 0);
    }

    #[test]
    fn a_banned_peer_is_refused_also_if_it_has_a_right_to_a_place_and_this_node_never() {
        let mut world = World::new();
        let (peer, local, now) = (PeerId::random(), world.admission.local, Instant::now());
        world.admission.connections.reserve([peer]);
        assert_eq!(world.calls(1, &peer), Ok(()));
        assert!(world.admission.ban(peer, now).is_some_and(|banned| banned.is_new));
        assert_eq!(world.calls(1, &peer), Err(Refusal::Banned));
        assert_eq!(world.admission.ban(local, now), None);
    }
}
