//! A cluster: nodes, the network between them, and one clock that only the test moves.

mod delivery;
mod story;
mod time;

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use motet_coordinator::{
    Command, CommandError, CommandId, Config, Decision, Effect, Input, Interest, Job, Proposal, Reply, Signer,
    Transition,
};
use motet_core_crypto::PublicKey;
use motet_wire::{Channel, Difficulty, MonotonicMs, Now, PeerClass, PeerId, Rejection, RequestId, TimestampMs, Topic};

use crate::entropy::{Drawn, Entropy};
use crate::network::{Flight, Network, milliseconds};
use crate::node::Node;
use crate::sent::{Sent, Way};

/// The wall clock when a cluster begins, in milliseconds since 1970.
pub(crate) const WALL: u64 = 1_800_000_000_000;
/// The monotonic clock when a cluster begins.
pub(crate) const MONO: u64 = 1_000_000;

/// The most nodes of a cluster.
const MOST: usize = 200;
/// The marks of the peers of copies come after this one, and after those of all nodes.
const COPIES: usize = 0x76;

/// The answer of a user to a proposal; `None` if a person is asked, who has not answered yet.
type Policy = Box<dyn FnMut(usize, &Proposal) -> Option<Decision>>;

/// A function that sees all that happens on all nodes.
type Observer = Box<dyn FnMut(usize, Seen<'_>)>;

/// Something that happens on a node, for [`Cluster::observe`].
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// The engine gets this input.
    Input(&'a Input),
    /// The engine has answered with these records and effects.
    Transition(&'a Transition),
    /// This effect is carried out: the outbox has released it.
    Effect(&'a Effect),
    /// The pipeline has admitted a frame, whose signatures it checks next.
    Admitted,
    /// The pipeline has rejected a frame.
    Rejected(&'a Rejection),
}

/// Nodes with a signer each, joined by a network in memory. The same seed gives the same story.
///
/// Nodes are named by their numbers, from 0. Every method with such a number panics if there is no such node: a test that names one is wrong.
pub struct Cluster {
    nodes: Vec<Node>,
    network: Network,
    /// Milliseconds since the cluster began.
    clock: u64,
    config: Config,
    /// The offers that users look for.
    interest: Interest,
    drawn: Drawn,
    next_command: u64,
    policy: Policy,
    observers: Vec<Observer>,
    class: PeerClass,
    /// Times of the next proofs of work.
    works: VecDeque<u64>,
    sent: Vec<Sent>,
    accepted: usize,
    /// The nodes whose signers a request of this cluster names.
    asked: BTreeMap<RequestId, Vec<usize>>,
    /// Number of second processes that have been started.
    copies: usize,
}

impl Cluster {
    /// So many nodes with the default configuration, each of which serves a signer of its own. All of them approve every request, until
    /// [`Cluster::set_policy`].
    pub fn new(count: usize, seed: u64) -> Self {
        Self::with_config(count, seed, &Config::default())
    }

    /// The same with another configuration. Proofs of work cost nothing here, whatever it says.
    ///
    /// # Panics
    ///
    /// With more than 200 nodes.
    pub fn with_config(count: usize, seed: u64, config: &Config) -> Self {
        let mut cluster = Self {
            nodes: Vec::new(),
            network: Network::new(seed),
            clock: 0,
            config: config.clone().difficulty(Difficulty(0)),
            interest: Interest::Anything,
            drawn: Drawn::default(),
            next_command: 0,
            policy: Box::new(|_, _| Some(Decision::Approve)),
            observers: Vec::new(),
            class: PeerClass::Participant { sessions: 100 },
            works: VecDeque::new(),
            sent: Vec::new(),
            accepted: 0,
            asked: BTreeMap::new(),
            copies: 0,
        };
        assert!(count <= MOST, "a cluster has at most {MOST} nodes");
        for number in 0..count {
            let peer = peer(number + 1);
            let [entropy, for_signer] = [(); 2].map(|()| cluster.fresh_entropy());
            cluster.nodes.push(Node::new(&cluster.config, peer, entropy, for_signer));
        }
        for node in 0..count {
            cluster.serve_own_signer(node);
        }
        cluster
    }

    /// A node.
    #[expect(clippy::indexing_slicing, reason = "documented: a test that names a node that is not there is wrong")]
    pub fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    /// The same, to be changed.
    #[expect(clippy::indexing_slicing, reason = "documented: a test that names a node that is not there is wrong")]
    pub fn node_mut(&mut self, node: usize) -> &mut Node {
        &mut self.nodes[node]
    }

    /// All nodes, in the order of their numbers.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The network between the nodes.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The key of a node's own signer.
    pub fn key(&self, node: usize) -> PublicKey {
        self.node(node).key()
    }

    /// Lets the user of a node look for these offers from now on. At first all users look for all.
    pub fn set_interest(&mut self, node: usize, interest: Interest) {
        self.input(node, Input::Interest(interest));
    }

    /// Decides from now on what each user answers to each proposal: the number of the node, and the proposal. `None` leaves the question
    /// open, as a person does; [`Cluster::command`] answers it later with [`Command::Join`] or [`Command::Decline`].
    pub fn set_policy(&mut self, policy: impl FnMut(usize, &Proposal) -> Option<Decision> + 'static) {
        self.policy = Box::new(policy);
    }

    /// Lets a function see all that happens from now on: the number of the node, and what happens there.
    pub fn observe(&mut self, observer: impl FnMut(usize, Seen<'_>) + 'static) {
        self.observers.push(Box::new(observer));
    }

    /// The class of every peer and author for the pipelines. At first all are participants of a hundred sessions, so that budgets are
    /// not in the way of a story; [`PeerClass::Stranger`] puts all to the limits of strangers.
    pub fn set_peer_class(&mut self, class: PeerClass) {
        self.class = class;
    }

    /// Times that the next proofs of work take; those after them take none.
    pub fn set_work_times(&mut self, times: impl IntoIterator<Item = Duration>) {
        self.works = times.into_iter().map(milliseconds).collect();
    }

    /// All frames that have left nodes, in their order.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// Forgets the frames of [`Cluster::sent`].
    pub fn forget_sent(&mut self) {
        self.sent.clear();
    }

    /// Forgets the frames of [`Node::heard`], on all nodes.
    pub fn forget_heard(&mut self) {
        self.nodes.iter_mut().for_each(Node::forget_heard);
    }

    /// Number of frames that have passed the pipelines of nodes.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// All 32-byte values that nodes and signers have drawn: secret keys, message keys, and the randomness of nonces are made of
    /// them. A test can search for them where they must not be.
    pub fn randomness(&self) -> Vec<[u8; 32]> {
        self.drawn.all()
    }

    /// The clocks of all nodes.
    pub fn now(&self) -> Now {
        Now { wall: TimestampMs(WALL + self.clock), mono: MonotonicMs(MONO + self.clock) }
    }

    /// Time since the cluster began.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.clock)
    }

    /// Gives a node an input, and carries out what follows. A node that is down gets nothing.
    pub fn input(&mut self, node: usize, input: Input) {
        // All effects of a step happen before the next step begins, as in a driver.
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front().filter(|_| !self.node(node).is_down()) {
            inputs.extend(self.take_step(node, input));
        }
    }

    /// Lets a node's engine take one step. Returns the next inputs that follow from it.
    fn take_step(&mut self, node: usize, input: Input) -> Vec<Input> {
        let now = self.now();
        self.see(node, Seen::Input(&input));
        let transition = self.node_mut(node).handle(now, input);
        self.see(node, Seen::Transition(&transition));
        let step = self.node_mut(node).release(transition, now);
        let mut next: Vec<Input> = step.effects.into_iter().filter_map(|effect| self.carry_out(node, effect)).collect();
        next.extend(step.refusal);
        next
    }

    /// Gives a command and returns its reply, which every command has at once: signers and stores take no time here.
    ///
    /// # Errors
    ///
    /// [`CommandError`], as the node's caller gets it.
    ///
    /// # Panics
    ///
    /// If the node is down, or crashes meanwhile.
    pub fn command(&mut self, node: usize, command: Command) -> Result<Reply, CommandError> {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.input(node, Input::Command(id, command));
        let reply = self.node_mut(node).take_reply(id);
        #[expect(clippy::expect_used, reason = "documented: a node that is down cannot be asked")]
        reply.expect("a node that is up answers every command at once")
    }

    /// Lets a node serve another signer besides its own.
    ///
    /// # Errors
    ///
    /// [`CommandError`].
    pub fn add_signer(&mut self, node: usize, signer: impl Signer + 'static) -> Result<Reply, CommandError> {
        let key = signer.public_key();
        self.node_mut(node).add_signer(Arc::new(signer));
        self.command(node, Command::AddSigner { signer: key })
    }

    /// Kills the process of a node. What is on its way to it is lost; what it has stored stays.
    pub fn crash(&mut self, node: usize) {
        self.node_mut(node).crash();
        self.network.lose_to(node);
    }

    /// Kills the process of a node, and starts another with the same store, the same signer key, and nothing else.
    pub fn restart(&mut self, node: usize) {
        self.crash(node);
        let entropy = self.fresh_entropy();
        let config = self.config.clone();
        self.node_mut(node).start(&config, entropy);
        self.serve_own_signer(node);
    }

    /// Starts a second process with the key of a node and a copy of its store, which runs beside the first. Returns its number.
    pub fn copy(&mut self, node: usize) -> usize {
        let number = self.nodes.len();
        let first = COPIES.max(number - self.copies);
        self.copies += 1;
        let peer = peer(first + self.copies);
        let [for_signer, entropy] = [(); 2].map(|()| self.fresh_entropy());
        let config = self.config.clone();
        let copy = self.node_mut(node).copy(&config, peer, entropy, for_signer);
        self.nodes.push(copy);
        self.serve_own_signer(number);
        number
    }

    fn serve_own_signer(&mut self, node: usize) {
        let signer = self.key(node);
        let served = self.command(node, Command::AddSigner { signer });
        self.input(node, Input::Interest(self.interest.clone()));
        debug_assert!(served.is_ok() || !self.node(node).store().snapshot().delegated.is_empty(), "{served:?}");
    }

    fn fresh_entropy(&mut self) -> Entropy {
        Entropy::recorded(self.network.draw(), self.drawn.clone())
    }

    fn see(&mut self, node: usize, seen: Seen<'_>) {
        for observer in &mut self.observers {
            observer(node, seen);
        }
    }

    /// Carries out one effect. Returns the answer to it, if the node itself has to answer.
    fn carry_out(&mut self, node: usize, effect: Effect) -> Option<Input> {
        if self.node(node).is_down() {
            return None;
        }
        self.see(node, Seen::Effect(&effect));
        match effect {
            Effect::Subscribe(topics) => self.node_mut(node).subscribe(topics),
            Effect::Broadcast { topics, frame } => self.broadcast(node, &topics, &frame),
            Effect::Send { to, frame, .. } => self.send(node, to, frame),
            Effect::Publish { frame, .. } => self.sent.push(Sent { by: node, way: Way::Dht, frame }),
            Effect::Validate { from, channel, frames } => {
                for frame in frames {
                    self.network.hand_in(Flight { by: node, to: node, channel, from, frame }, self.clock);
                }
            }
            Effect::AskSigner(task) => {
                let answer = match self.node(node).signer(task.signer()) {
                    Some(signer) => task.perform(&*signer),
                    None => task.refused(motet_coordinator::SignerError::Unknown),
                };
                return answer.map(Input::SignerAnswered);
            }
            Effect::Compute(job) => {
                if matches!(job, Job::Mint { .. }) {
                    self.clock += self.works.pop_front().unwrap_or_default();
                }
                return Some(Input::Computed(job.run(self.node_mut(node).entropy())));
            }
            Effect::AskPolicy(proposal) => return Some(self.ask(node, &proposal)),
            Effect::Reply(command, reply) => self.node_mut(node).reply(command, reply),
            Effect::Emit(event, _) => self.node_mut(node).tell(event),
            // The outbox has taken the time into account, and a cluster has no DHT.
            Effect::Hold(_) | Effect::LookUp { .. } => {}
        }
        None
    }

    fn ask(&mut self, node: usize, proposal: &Proposal) -> Input {
        let (request, signer, digest) = (proposal.request, proposal.signer, proposal.digest());
        match (self.policy)(node, proposal) {
            Some(decision) => Input::PolicyDecided { request, signer, digest, decision },
            None => Input::PersonAsked { request, signer },
        }
    }

    fn broadcast(&mut self, node: usize, topics: &[Topic], frame: &Arc<[u8]>) {
        self.sent.push(Sent { by: node, way: Way::Broadcast, frame: Arc::clone(frame) });
        for to in 0..self.nodes.len() {
            if to == node || !self.node(to).hears(topics) {
                continue;
            }
            let flight = self.flight(node, to, Channel::Gossip, Arc::clone(frame));
            self.network.gossip(flight, self.clock);
        }
    }

    fn send(&mut self, node: usize, to: PeerId, frame: Arc<[u8]>) {
        self.sent.push(Sent { by: node, way: Way::Direct(to), frame: Arc::clone(&frame) });
        if let Some(to) = self.nodes.iter().position(|other| other.peer() == to) {
            let flight = self.flight(node, to, Channel::Direct, frame);
            self.network.direct(flight, self.clock);
        }
    }

    fn flight(&self, by: usize, to: usize, channel: Channel, frame: Arc<[u8]>) -> Flight {
        Flight { by, to, channel, from: self.node(by).peer(), frame }
    }
}

/// The peer with this mark.
#[expect(clippy::expect_used, reason = "marks are small")]
fn peer(mark: usize) -> PeerId {
    let mark = u8::try_from(mark).expect("fewer than 256 peers");
    PeerId::from_bytes(&[mark; 38]).expect("38 bytes are a peer id")
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("nodes", &self.nodes)
            .field("network", &self.network)
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}
