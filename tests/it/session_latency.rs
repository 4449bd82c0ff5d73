//! How many message delays a session takes, in virtual time: `docs/protocol.md` §7 promises four from announcement to
//! signature, three without commitments, and nothing else on the critical path.
//!
//! Engines with real arithmetic, joined by a network in which every message takes the same time and everything else
//! takes none. A delay more, or a timer on the critical path, fails the test; no clock is read.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use motet_coordinator::{Command, CommandId, Effect, Engine, Infallible, Input};
use motet_core_crypto::{PublicKey, SecretKey};
use motet_node::event::Event;
use motet_node::{Config, Decision, LocalSigner, Signer, SigningRequestSpec, Snapshot};
use motet_wire::work::Free;
use motet_wire::{
    Arrival, Channel, Commitments, Criteria, Derivation, Difficulty, Item, MonotonicMs, NetworkId, Now, PeerClass,
    PeerId, RequestMetadata, RequestOptions, SignerMetadata, TimestampMs, Validator, ValidatorLimits,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// What every message between two nodes takes.
const DELAY: u64 = 50;
/// What a session may take besides its delays; computations take no virtual time.
const SLACK: u64 = 20;

/// Which way messages go. A session needs one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paths {
    All,
    /// No gossip: the signers have to know of each other.
    Direct,
    /// The participants have never heard of each other before the request.
    Strangers,
}

struct Node {
    engine: Engine,
    validator: Validator,
    signer: Arc<dyn Signer>,
    peer: PeerId,
    rng: Infallible<ChaCha20Rng>,
    completed: Option<u64>,
}

/// A frame on its way.
struct Flight {
    to: usize,
    channel: Channel,
    from: PeerId,
    frame: Arc<[u8]>,
}

struct World {
    nodes: Vec<Node>,
    paths: Paths,
    clock: u64,
    /// What is on its way, in the order in which it arrives.
    flying: BTreeMap<(u64, u64), Flight>,
    sent: u64,
    /// Requests that went into the DHT.
    published: usize,
    /// A node that hears nothing.
    deaf: Option<usize>,
}

impl World {
    fn new(count: usize, paths: Paths) -> Self {
        let mut seeds = ChaCha20Rng::seed_from_u64(count as u64);
        let mut rng = || Infallible(ChaCha20Rng::seed_from_u64(seeds.next_u64()));
        let config = Config::default().difficulty(Difficulty(0)).max_signers(count);
        let nodes = (0..count).map(|index| {
            let peer = PeerId::from_bytes(&[index as u8 + 1; 38]).unwrap();
            let key = SecretKey::generate(&mut rng()).unwrap();
            Node {
                engine: Engine::new(config.clone(), NetworkId::test(), peer, Snapshot::default()),
                validator: Validator::with_work(NetworkId::test(), ValidatorLimits::default(), Arc::new(Free)),
                signer: Arc::new(LocalSigner::new(key, rng())),
                peer,
                rng: rng(),
                completed: None,
            }
        });
        // Advertisements travel by gossip, whatever follows.
        let mut world = Self {
            nodes: nodes.collect(),
            paths: Paths::All,
            clock: 0,
            flying: BTreeMap::new(),
            sent: 0,
            published: 0,
            deaf: None,
        };
        for node in 0..count {
            let signer = world.key(node);
            world.input(node, Input::Command(CommandId(0), Command::AddSigner { signer }));
            if paths != Paths::Strangers {
                world.advertise(node);
            }
        }
        world.settle();
        world.published = 0;
        world.paths = paths;
        world
    }

    fn key(&self, node: usize) -> PublicKey {
        self.nodes[node].signer.public_key()
    }

    fn advertise(&mut self, node: usize) {
        let advertise = Command::Advertise {
            signer: self.key(node),
            criteria: Criteria::ANY,
            metadata: SignerMetadata::default(),
            addresses: Vec::new(),
            lifetime: Duration::from_secs(3600),
        };
        self.input(node, Input::Command(CommandId(1), advertise));
    }

    fn now(&self) -> Now {
        Now { wall: TimestampMs(1_800_000_000_000 + self.clock), mono: MonotonicMs(1_000_000 + self.clock) }
    }

    /// Announces a request for signatures of all nodes, and says after how many milliseconds each node has them.
    fn sign(&mut self, commitments: Commitments) -> Vec<u64> {
        let begin = self.clock;
        self.announce(commitments);
        self.settle();
        self.nodes.iter().map(|node| node.completed.expect("every node has the signature") - begin).collect()
    }

    fn announce(&mut self, commitments: Commitments) {
        let announcement = SigningRequestSpec {
            creator: self.key(0),
            keys: (0..self.nodes.len()).map(|node| self.key(node)).collect(),
            items: vec![Item { message: vec![7; 32], derivation: Derivation::Taproot { merkle_root: None } }],
            options: RequestOptions { commitments, ..RequestOptions::default() },
            metadata: RequestMetadata::default(),
            lifetime: Duration::from_secs(60),
        };
        for node in &mut self.nodes {
            node.completed = None;
        }
        self.input(0, Input::Command(CommandId(2), Command::Announce(announcement)));
    }

    /// Lets time pass until something is due.
    fn sleep(&mut self) {
        self.clock = self.clock.max(self.next_timer().expect("something is due"));
        (0..self.nodes.len()).for_each(|node| self.input(node, Input::Tick));
        self.settle();
    }

    /// Lets messages arrive, and what they cause, until none is on its way. Timers go off when they are due.
    fn settle(&mut self) {
        while let Some(((time, _), Flight { to: node, channel, from, frame })) = self.flying.pop_first() {
            while let Some(due) = self.next_timer().filter(|due| *due < time) {
                self.clock = self.clock.max(due);
                (0..self.nodes.len()).for_each(|node| self.input(node, Input::Tick));
            }
            self.clock = time;
            let now = self.now();
            let member = PeerClass::Participant { sessions: 100 };
            let arrival = Arrival::new(frame, channel, from).standing(member, member);
            if let Ok(message) = self.nodes[node].validator.validate(arrival, now) {
                self.input(node, Input::Message(Box::new(message)));
            }
        }
    }

    fn next_timer(&self) -> Option<u64> {
        let timers = self.nodes.iter().filter_map(|node| node.engine.next_deadline());
        timers.min().map(|timer| timer.0.saturating_sub(1_000_000))
    }

    fn input(&mut self, node: usize, input: Input) {
        let now = self.now();
        let target = &mut self.nodes[node];
        for action in target.engine.handle(now, input, &mut target.rng).effects {
            self.act(node, action);
        }
    }

    fn act(&mut self, node: usize, action: Effect) {
        let from = self.nodes[node].peer;
        match action {
            Effect::Hold(_) => {}
            Effect::Broadcast { frame, .. } => {
                self.fly(node, node, Channel::Loopback, from, Arc::clone(&frame));
                let listeners = if self.paths == Paths::Direct { 0 } else { self.nodes.len() };
                for other in (0..listeners).filter(|other| *other != node) {
                    self.fly(node, other, Channel::Gossip, from, Arc::clone(&frame));
                }
            }
            Effect::Send { to, frame, .. } => {
                let other = self.nodes.iter().position(|other| other.peer == to).unwrap();
                let channel = if other == node { Channel::Loopback } else { Channel::Direct };
                self.fly(node, other, channel, from, frame);
            }
            Effect::Validate { from, channel, frames } => {
                for frame in frames {
                    self.fly(node, node, channel, from, frame);
                }
            }
            Effect::AskSigner(task) => {
                let signer = Arc::clone(&self.nodes[node].signer);
                if let Some(answer) = task.perform(&*signer) {
                    self.input(node, Input::SignerAnswered(answer));
                }
            }
            Effect::Compute(job) => {
                let outcome = job.run(&mut self.nodes[node].rng);
                self.input(node, Input::Computed(outcome));
            }
            Effect::AskPolicy(proposal) => {
                let (request, signer, digest) = (proposal.request, proposal.signer, proposal.digest());
                self.input(node, Input::PolicyDecided { request, signer, digest, decision: Decision::Approve });
            }
            Effect::Emit(Event::SessionComplete(_), _) => self.nodes[node].completed = Some(self.clock),
            Effect::Publish { .. } => self.published += 1,
            Effect::Reply(..) | Effect::Emit(..) => {}
        }
    }

    /// Sends a frame off: to another node it takes its time, to oneself none.
    fn fly(&mut self, sender: usize, to: usize, channel: Channel, from: PeerId, frame: Arc<[u8]>) {
        if self.deaf == Some(to) {
            return;
        }
        let arrives = if sender == to { self.clock } else { self.clock + DELAY };
        self.sent += 1;
        self.flying.insert((arrives, self.sent), Flight { to, channel, from, frame });
    }
}

fn every_node_has_it_within(count: usize, paths: Paths, commitments: Commitments, delays: u64) {
    let mut world = World::new(count, paths);
    // The second session finds delegations verified and peers known, and takes as long.
    for session in 0..2 {
        for (node, took) in world.sign(commitments).into_iter().enumerate() {
            let story = format!("node {node} of {count}, session {session}, {paths:?}, {commitments:?}: {took} ms");
            assert!(took <= delays * DELAY + SLACK, "{story}");
            // No signature comes before everybody's partial signature can have come: the test measures something.
            assert!(took >= (delays - 1) * DELAY, "{story}");
        }
    }
}

#[test]
fn a_session_takes_four_message_delays() {
    for count in [2, 3, 5, 15] {
        every_node_has_it_within(count, Paths::All, Commitments::On, 4);
    }
}

#[test]
fn a_session_without_commitments_takes_three_message_delays() {
    for count in [2, 3, 5, 15] {
        every_node_has_it_within(count, Paths::All, Commitments::Off, 3);
    }
}

#[test]
fn direct_streams_alone_are_as_fast() {
    every_node_has_it_within(3, Paths::Direct, Commitments::On, 4);
    every_node_has_it_within(3, Paths::Direct, Commitments::Off, 3);
}

#[test]
fn strangers_need_one_delay_more_since_the_creator_makes_them_known_to_each_other() {
    for count in [2, 3, 5, 15] {
        every_node_has_it_within(count, Paths::Strangers, Commitments::On, 5);
        every_node_has_it_within(count, Paths::Strangers, Commitments::Off, 4);
    }
}

#[test]
fn only_a_request_that_somebody_has_not_heard_goes_into_the_dht() {
    let mut world = World::new(3, Paths::All);
    world.sign(Commitments::On);
    assert_eq!(world.published, 0, "everybody was there");
    world.deaf = Some(2);
    world.announce(Commitments::On);
    world.settle();
    assert_eq!(world.published, 0, "nobody is late yet");
    let begin = world.clock;
    while world.published == 0 {
        world.sleep();
    }
    let took = world.clock - begin;
    assert!((5_000..16_000).contains(&took), "somebody is, whose peer is known: {took} ms");
    world.sleep();
    assert_eq!(world.published, 1, "once is enough");
}
