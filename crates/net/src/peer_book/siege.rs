//! An eclipse in numbers: a thousand nodes, each restarted ten times among many identities of few networks.
//!
//! The world is a model; what chooses is the peer book itself. A node reaches peers one after the other, until it has eight of its choosing. The Sybils are
//! always there, call in, tell of each other and of peers that do not exist. Honest nodes are there seven times out of ten, and tell of a few others.

use super::*;

const HONEST: usize = 20;
const SYBILS: usize = 200;
const SYBIL_GROUPS: usize = 2;
const OUTBOUND: usize = 8;
const RESTARTS: usize = 10;
const RUNS: u64 = 1_000;
/// Peers that the node tries before it is stopped again, besides those that it chooses: as many as it does in twenty minutes.
const FEELERS: usize = 10;
/// Sybils that the node meets for each peer that it tries.
const SPAM: usize = 5;

/// A peer id that the draws determine, so that every run can be repeated.
fn identity(draw: &mut Draw) -> PeerId {
    let sha2_256 = [0x12, 32].into_iter();
    let digest = (0..4).flat_map(|_| draw.below(usize::MAX).to_le_bytes());
    PeerId::from_bytes(&sha2_256.chain(digest).collect::<Vec<_>>()).unwrap()
}

struct World {
    draw: Draw,
    peers: Vec<PeerId>,
    /// True if groups are told apart.
    defended: bool,
}

impl World {
    fn new(seed: u64, defended: bool) -> Self {
        let mut draw = Draw::from_seed(seed);
        let peers = (0..HONEST + SYBILS).map(|_| identity(&mut draw)).collect();
        Self { draw, peers, defended }
    }

    fn group(&self, number: usize) -> NetworkGroup {
        let [.., network] = (if number < HONEST { number } else { 100 + number % SYBIL_GROUPS }).to_be_bytes();
        if self.defended { NetworkGroup::V4([203, 0, network]) } else { NetworkGroup::Local }
    }

    /// Sybils call in and speak of themselves, of each other, and of nobody in honest networks. The DHT leads to them as well.
    fn spam(&mut self, book: &mut PeerBook) {
        for _ in 0..SPAM {
            let number = HONEST + self.draw.below(SYBILS);
            let somewhere = self.draw.below(HONEST);
            let (said, source) = (self.group(somewhere), self.group(number));
            book.learn(identity(&mut self.draw), Multiaddr::empty(), said, source);
            book.learn(self.peers[number], Multiaddr::empty(), source, source);
            book.reached(self.peers[number], Multiaddr::empty(), source);
        }
    }

    /// A node starts with this book, and with the peers that it had chosen before. Returns whether an honest one is among those that it chooses.
    fn run(&mut self, book: &mut PeerBook, anchors: &mut Vec<PeerId>, is_first: bool) -> bool {
        let mut is_there: Vec<bool> =
            (0..HONEST + SYBILS).map(|number| number >= HONEST || self.draw.below(10) < 7).collect();
        // The node is started for the first time when the one is there that its user has named.
        is_there[0] |= is_first;
        let mut chosen: Vec<usize> = Vec::new();
        let mut left_out = BTreeSet::new();
        for _ in 0..200 {
            self.spam(book);
            if chosen.len() == OUTBOUND {
                break;
            }
            let taken: Vec<NetworkGroup> = chosen.iter().map(|number| self.group(*number)).collect();
            let pick = match anchors.pop() {
                Some(anchor) if book.proven_at(&anchor).is_some() => Some(anchor),
                _ => book.choose(&taken, &left_out, &mut self.draw).map(|pick| pick.peer),
            };
            let Some(peer) = pick else {
                // All have been tried: once more.
                left_out = chosen.iter().map(|number| self.peers[*number]).collect();
                continue;
            };
            left_out.insert(peer);
            match self.peers.iter().position(|known| *known == peer).filter(|number| is_there[*number]) {
                None => book.failed(&peer),
                Some(number) => {
                    book.reached(peer, Multiaddr::empty(), self.group(number));
                    chosen.push(number);
                    for _ in 0..if number < HONEST { 3 } else { 0 } {
                        let other = self.draw.below(HONEST);
                        book.learn(self.peers[other], Multiaddr::empty(), self.group(other), self.group(number));
                    }
                }
            }
        }
        for _ in 0..FEELERS {
            self.spam(book);
            let connected = chosen.iter().map(|number| self.peers[*number]).collect();
            let Some(pick) = book.feeler(&connected, &mut self.draw) else { break };
            match self.peers.iter().position(|known| *known == pick.peer).filter(|number| is_there[*number]) {
                None => book.failed(&pick.peer),
                Some(number) => book.reached(pick.peer, Multiaddr::empty(), self.group(number)),
            }
        }
        *anchors = chosen.iter().map(|number| self.peers[*number]).collect();
        chosen.iter().any(|number| *number < HONEST)
    }

    /// The number of restarts after which the node still has an honest peer of its own choosing.
    fn survives(&mut self) -> bool {
        let mut book = PeerBook::default();
        // It begins at one honest node, which tells of a few.
        for number in 0..4 {
            book.reached(self.peers[number], Multiaddr::empty(), self.group(number));
        }
        let mut anchors = Vec::new();
        (0..=RESTARTS).all(|start| {
            let is_connected = self.run(&mut book, &mut anchors, start == 0);
            // What is kept over a restart is what was proven.
            let kept: Vec<PeerId> = book.proven().map(|(peer, _)| *peer).collect();
            let said: Vec<PeerId> = book.known.keys().filter(|peer| !kept.contains(peer)).copied().collect();
            said.iter().for_each(|peer| book.forget(peer));
            is_connected
        })
    }
}

fn survivors(defended: bool, seeds: core::ops::Range<u64>) -> usize {
    seeds.filter(|seed| World::new(*seed, defended).survives()).count()
}

#[test]
fn two_hundred_identities_of_two_networks_do_not_eclipse_a_node_in_ten_restarts() {
    let survived = survivors(true, 0..RUNS);
    assert!(survived * 1_000 >= usize::try_from(RUNS).unwrap() * 995, "{survived} of {RUNS}");
    // Without network groups the same attack succeeds, mostly.
    let without = survivors(false, 0..100);
    assert!(without <= 50, "{without} of 100: the attack is too weak to show anything");
}
