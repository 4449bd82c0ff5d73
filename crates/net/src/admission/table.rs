//! The connections of a node, and the rule that decides about one more.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::PeerId;
use libp2p::swarm::ConnectionId;
use motet_wire::NetworkGroup;
use tokio::time::Instant;

use crate::connections::Direction;
use crate::limits;

/// The numbers of connections that there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// In all. What is left besides the next two is reserved.
    pub(crate) all: usize,
    /// Connections that strangers have opened.
    pub(crate) inbound: usize,
    /// Connections to strangers that this node has opened.
    pub(crate) outbound: usize,
    /// Inbound ones of strangers of one network group; outbound ones as well.
    pub(crate) per_group: usize,
}

impl Shares {
    /// Half of all places are for callers, and three eighths for calls of this node.
    pub(crate) fn of(connections: u32, per_group: u32) -> Self {
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let all = number(connections);
        Self { all, inbound: all / 2, outbound: all.saturating_mul(3) / 8, per_group: number(per_group) }
    }

    /// The inbound places that rotate: a quarter of the share.
    const fn visitors(self) -> usize {
        self.inbound / 4
    }
}

/// A connection that is established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) peer: PeerId,
    pub(crate) group: NetworkGroup,
    pub(crate) direction: Direction,
    pub(crate) since: Instant,
}

/// The reason for which a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The peer is banned.
    #[error("the peer is banned")]
    Banned,
    /// The peer's network group is banned.
    #[error("the peer's network is banned")]
    GroupBanned,
    /// The peer has as many connections as one may have.
    #[error("the peer has as many connections as one peer may have")]
    Peer,
    /// The peer's network group has as many connections as one may have.
    #[error("the peer's network has as many connections as one network may have")]
    Group,
    /// Too many peers of the network group have shown themselves lately.
    #[error("too many peers of its network have come lately")]
    Often,
    /// There is no place for it.
    #[error("there is no place for another connection")]
    Full,
    /// The process uses as much memory as it may.
    #[error("this process uses as much memory as it may")]
    Memory,
}

/// The answer to one connection more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Enter,
    /// It may, and this one goes.
    InPlaceOf(ConnectionId),
    Refuse(Refusal),
}

/// The connections of a node. Its bound is the number of all connections, and the peers that are reserved have one of their own.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) shares: Shares,
    all: BTreeMap<ConnectionId, Connection>,
    /// Peers that have a right to a place.
    reserved: BTreeSet<PeerId>,
    /// Peers that this node has chosen to stay connected with: they do not give way to others.
    kept: BTreeSet<PeerId>,
}

impl Connections {
    pub(crate) const fn new(shares: Shares) -> Self {
        Self { shares, all: BTreeMap::new(), reserved: BTreeSet::new(), kept: BTreeSet::new() }
    }

    /// Says which peers have a right to a place; of too many, the first by their ids.
    pub(crate) fn reserve(&mut self, peers: impl IntoIterator<Item = PeerId>) {
        self.reserved = peers.into_iter().take(limits::RESERVED).collect();
    }

    pub(crate) fn is_reserved(&self, peer: &PeerId) -> bool {
        self.reserved.contains(peer)
    }

    /// Says which peers this node has chosen.
    pub(crate) fn keep(&mut self, peers: impl IntoIterator<Item = PeerId>) {
        self.kept = peers.into_iter().take(limits::OUTBOUND_MOST).collect();
    }

    pub(crate) fn is_kept(&self, peer: &PeerId) -> bool {
        self.kept.contains(peer)
    }

    pub(crate) fn insert(&mut self, id: ConnectionId, connection: Connection) {
        self.all.insert(id, connection);
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        self.all.remove(&id);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.all.iter().map(|(id, connection)| (*id, connection))
    }

    /// The connections of strangers, of one direction, those first that came first.
    fn strangers(&self, direction: Direction) -> impl DoubleEndedIterator<Item = (ConnectionId, &Connection)> {
        let of = move |connection: &Connection| connection.direction == direction;
        let all = self.all.iter().map(|(id, connection)| (*id, connection));
        all.filter(move |(_, connection)| of(connection) && !self.is_reserved(&connection.peer))
    }

    /// The number of connections of one direction, strangers' and all.
    pub(crate) fn count(&self, direction: Direction) -> usize {
        self.all.values().filter(|connection| connection.direction == direction).count()
    }

    /// Decides about one connection more.
    pub(crate) fn ask(&self, peer: &PeerId, group: NetworkGroup, direction: Direction) -> Answer {
        let of_peer = self.all.values().filter(|connection| connection.peer == *peer).count();
        if of_peer >= limits::CONNECTIONS_PER_PEER {
            return Answer::Refuse(Refusal::Peer);
        }
        if self.is_reserved(peer) {
            return self.ask_reserved();
        }
        let of_group = self.strangers(direction).filter(|(_, connection)| connection.group == group).count();
        if group != NetworkGroup::Local && of_group >= self.shares.per_group {
            return Answer::Refuse(Refusal::Group);
        }
        let (share, strangers) = match direction {
            Direction::Inbound => (self.shares.inbound, self.strangers(direction).count()),
            Direction::Outbound => (self.shares.outbound, self.strangers(direction).count()),
        };
        let gives_way = match direction {
            Direction::Inbound => self.visitor(),
            Direction::Outbound => self.lately_unused(),
        };
        if strangers < share && self.all.len() < self.shares.all {
            return Answer::Enter;
        }
        gives_way.map_or(Answer::Refuse(Refusal::Full), Answer::InPlaceOf)
    }

    /// One that has a right to a place takes that of a stranger if there is no other.
    fn ask_reserved(&self) -> Answer {
        if self.all.len() < self.shares.all {
            return Answer::Enter;
        }
        let last =
            self.strangers(Direction::Inbound).next_back().or_else(|| self.strangers(Direction::Outbound).next_back());
        last.map_or(Answer::Refuse(Refusal::Full), |(id, _)| Answer::InPlaceOf(id))
    }

    /// The visitor that has been here longest: of the inbound connections, all that came last but a few.
    fn visitor(&self) -> Option<ConnectionId> {
        let newest = self.strangers(Direction::Inbound).rev().take(self.shares.visitors());
        newest.last().map(|(id, _)| id)
    }

    /// The oldest of the connections that this node has opened for one question, and not to stay connected.
    fn lately_unused(&self) -> Option<ConnectionId> {
        let mut opened = self.strangers(Direction::Outbound);
        opened.find(|(_, connection)| !self.is_kept(&connection.peer)).map(|(id, _)| id)
    }

    /// The connections to be closed, so that `target` of strangers are left: those of the network group that has most, and of these the
    /// newest. Peers of which this holds stay, and connections that are young.
    pub(crate) fn surplus(
        &self,
        target: usize,
        stays: impl Fn(&PeerId) -> bool,
        now: Instant,
    ) -> Vec<(PeerId, ConnectionId)> {
        let is_free = |connection: &Connection| !self.is_reserved(&connection.peer);
        let mut left = self.all.values().filter(|connection| is_free(connection)).count();
        let mut counts = BTreeMap::<NetworkGroup, usize>::new();
        for connection in self.all.values() {
            *counts.entry(connection.group).or_default() += 1;
        }
        let mut can_go: Vec<(ConnectionId, Connection)> = self
            .iter()
            .filter(|(_, connection)| {
                is_free(connection) && !self.is_kept(&connection.peer) && !stays(&connection.peer)
            })
            .filter(|(_, connection)| now.saturating_duration_since(connection.since) >= limits::PRUNED_FROM)
            .map(|(id, connection)| (id, *connection))
            .collect();
        let mut gone = Vec::new();
        while left > target {
            let size = |connection: &Connection| counts.get(&connection.group).copied().unwrap_or_default();
            let most = can_go.iter().enumerate().max_by_key(|(_, (id, connection))| (size(connection), *id));
            let Some(index) = most.map(|(index, _)| index) else { break };
            let (id, connection) = can_go.swap_remove(index);
            if let Some(count) = counts.get_mut(&connection.group) {
                *count = count.saturating_sub(1);
            }
            left -= 1;
            gone.push((connection.peer, id));
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const IN: Direction = Direction::Inbound;
    const OUT: Direction = Direction::Outbound;

    fn group(number: usize) -> NetworkGroup {
        let [.., a, b] = number.to_be_bytes();
        NetworkGroup::V4([10, a, b])
    }

    struct World {
        table: Connections,
        last: usize,
        now: Instant,
    }

    impl World {
        fn new(connections: u32) -> Self {
            Self { table: Connections::new(Shares::of(connections, 8)), last: 0, now: Instant::now() }
        }

        /// A connection is tried. Returns the answer, which has been carried out.
        fn add(&mut self, peer: PeerId, group: NetworkGroup, direction: Direction) -> Answer {
            let answer = self.table.ask(&peer, group, direction);
            if let Answer::InPlaceOf(id) = answer {
                self.table.remove(id);
            }
            if !matches!(answer, Answer::Refuse(_)) {
                self.last += 1;
                let connection = Connection { peer, group, direction, since: self.now };
                self.table.insert(ConnectionId::new_unchecked(self.last), connection);
            }
            assert!(self.table.all.len() <= self.table.shares.all);
            answer
        }

        fn has(&self, peer: &PeerId) -> bool {
            self.table.all.values().any(|connection| connection.peer == *peer)
        }
    }

    #[test]
    fn one_host_with_two_hundred_identities_gets_the_places_of_its_group_and_no_others() {
        let mut world = World::new(128);
        let entered = (0..200).filter(|_| world.add(PeerId::random(), group(1), IN) == Answer::Enter).count();
        assert_eq!((entered, world.table.all.len()), (8, 8));
        // Others are dialled and dial in.
        assert_eq!(world.add(PeerId::random(), group(2), IN), Answer::Enter);
        assert_eq!(world.add(PeerId::random(), group(1), OUT), Answer::Enter);
        // So do peers of the same group that have a right to it, and those that belong to no group.
        let member = PeerId::random();
        world.table.reserve([member]);
        assert_eq!(world.add(member, group(1), IN), Answer::Enter);
        assert_eq!(world.add(member, group(1), IN), Answer::Enter);
        assert_eq!(world.add(member, group(1), IN), Answer::Refuse(Refusal::Peer));
        assert!((0..20).all(|_| world.add(PeerId::random(), NetworkGroup::Local, IN) == Answer::Enter));
    }

    #[test]
    fn a_flood_from_many_networks_leaves_the_shares_of_outbound_and_of_reserved_peers_alone() {
        let mut world = World::new(128);
        let settled = PeerId::random();
        world.add(settled, group(0), IN);
        for number in 0..5_000 {
            world.add(PeerId::random(), group(1 + number / 8), IN);
        }
        assert_eq!((world.table.count(IN), world.table.count(OUT)), (64, 0));
        assert!(world.has(&settled), "whoever came first stays");
        // A newcomer always gets a place.
        let newcomer = PeerId::random();
        world.add(newcomer, group(9_999), IN);
        assert!(world.has(&newcomer));
        for _ in 0..48 {
            assert_eq!(world.add(PeerId::random(), NetworkGroup::Local, OUT), Answer::Enter);
        }
        // One that was chosen stays while others are dialled.
        let chosen = world.table.strangers(OUT).next().unwrap().1.peer;
        world.table.keep([chosen]);
        for _ in 0..200 {
            assert!(matches!(world.add(PeerId::random(), NetworkGroup::Local, OUT), Answer::InPlaceOf(_)));
        }
        assert!(world.has(&chosen) && world.table.count(OUT) == 48);
        let members: Vec<PeerId> = (0..40).map(|_| PeerId::random()).collect();
        world.table.reserve(members.clone());
        for (number, member) in members.iter().enumerate() {
            let direction = if number % 2 == 0 { IN } else { OUT };
            assert!(!matches!(world.add(*member, group(1), direction), Answer::Refuse(_)), "{number}");
        }
        assert!(members.iter().all(|member| world.has(member)));
        assert_eq!(world.table.all.len(), 128);
    }

    #[test]
    fn a_node_of_few_connections_has_them_for_the_peers_that_its_user_names() {
        let mut world = World::new(1);
        let named = PeerId::random();
        assert_eq!(world.add(PeerId::random(), NetworkGroup::Local, IN), Answer::Refuse(Refusal::Full));
        world.table.reserve([named]);
        assert_eq!(world.add(named, NetworkGroup::Local, OUT), Answer::Enter);
        assert_eq!(world.add(named, NetworkGroup::Local, OUT), Answer::Refuse(Refusal::Full));
    }

    #[test]
    fn surplus_connections_are_those_of_the_largest_group_and_never_of_peers_that_stay() {
        let mut world = World::new(128);
        let crowd: Vec<PeerId> = (0..8).map(|_| PeerId::random()).collect();
        let (mesh, kept, named) = (crowd[0], crowd[1], crowd[2]);
        crowd.iter().for_each(|peer| assert_eq!(world.add(*peer, group(1), IN), Answer::Enter));
        for number in 2..8 {
            world.add(PeerId::random(), group(number), IN);
        }
        world.table.reserve([named]);
        world.table.keep([kept]);
        let stays = |peer: &PeerId| *peer == mesh;
        let early = world.now + limits::PRUNED_FROM - Duration::from_millis(1);
        assert_eq!(world.table.surplus(0, stays, early), []);
        let late = world.now + limits::PRUNED_FROM;
        assert_eq!(world.table.surplus(13, stays, late), []);
        let gone: Vec<PeerId> = world.table.surplus(8, stays, late).into_iter().map(|(peer, _)| peer).collect();
        assert_eq!(gone, [crowd[7], crowd[6], crowd[5], crowd[4], crowd[3]]);
        assert_eq!(world.table.surplus(0, stays, late).len(), 11, "three stay");
    }

    #[test]
    fn the_peers_that_have_a_right_to_a_place_are_bounded() {
        let mut world = World::new(128);
        world.table.reserve((0..3 * limits::RESERVED).map(|_| PeerId::random()));
        world.table.keep((0..3 * limits::OUTBOUND_MOST).map(|_| PeerId::random()));
        assert_eq!((world.table.reserved.len(), world.table.kept.len()), (limits::RESERVED, limits::OUTBOUND_MOST));
    }
}
