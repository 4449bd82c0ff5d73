//! Engines joined by a network in memory. Time is a number, and the order of deliveries comes from a seed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{
    Command, CommandError, CommandId, Config, Decision, Effect, Engine, Input, Job, Reply, SessionStatus, Signer,
    SignerTask, SigningRequestSpec, Snapshot, Transition,
};
use motet_core_crypto::{PublicKey, PublicNonce, SecretKey};
use motet_node::{LocalSigner, MemoryStore, Store};
use motet_wire::work::Free;
use motet_wire::{
    Arrival, Attempt, Channel, Criteria, Difficulty, Item, Kind, Message, MonotonicMs, NetworkGroup, NetworkId, Now,
    PeerClass, PeerId, RequestId, RequestMetadata, RequestOptions, SignerMetadata, TimestampMs, Validator,
    ValidatorLimits, peek,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::frozen::Told;
use crate::recorder::{Recorder, Taken};
use crate::stranger::Stranger;

pub(crate) const START: u64 = 1_800_000_000_000;

pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) signers: Vec<Arc<dyn Signer>>,
    pub(crate) peer: PeerId,
    pub(crate) events: Vec<Event>,
    pub(crate) store: MemoryStore,
    pub(crate) replies: BTreeMap<CommandId, Result<Reply, CommandError>>,
    pub(crate) deaf: bool,
    /// What others have sent it, or told everybody.
    pub(crate) heard: Vec<Arc<[u8]>>,
    /// Whether it stands still: what is sent to it waits, and so do partial signatures that it was about to send.
    pub(crate) frozen: bool,
    /// How often it has sent partial signatures to others.
    pub(crate) partials_sent: usize,
    validator: Validator,
    rng: Recorder<ChaCha20Rng>,
    pub(crate) key: [u8; 32],
}

pub(crate) struct Network {
    pub(crate) nodes: Vec<Node>,
    queue: VecDeque<(usize, Channel, PeerId, Arc<[u8]>)>,
    pub(crate) clock: u64,
    order: ChaCha20Rng,
    pub(crate) shuffle: bool,
    /// Percent of direct frames between nodes that are lost.
    pub(crate) loss: u32,
    next_command: u64,
    pub(crate) decision: Decision,
    /// Whether nobody answers what the policy is asked.
    pub(crate) undecided: bool,
    config: Config,
    signed: Vec<(Attempt, Vec<u8>, Vec<u8>)>,
    /// All frames that have left a node.
    pub(crate) frames: Vec<Arc<[u8]>>,
    /// Those of them that were put into the DHT.
    pub(crate) put: Vec<Arc<[u8]>>,
    /// How many frames have passed the pipelines of nodes.
    pub(crate) validated: usize,
    /// How many milliseconds the next proofs of work take; those after them take none.
    pub(crate) works: VecDeque<u64>,
    /// For how long requests can be joined.
    pub(crate) lifetime: core::time::Duration,
    /// For how long steps are held back.
    pub(crate) holds: Vec<core::time::Duration>,
    /// All randomness that nodes and signers have taken.
    pub(crate) taken: Taken,
    /// Whether nodes hold each other to what strangers may send.
    pub(crate) strict: bool,
    /// What was said to peers that are no nodes of this network.
    pub(crate) outside: Vec<(PeerId, Arc<[u8]>)>,
    told: Told,
}

fn recorder(seed: u64, taken: &Taken) -> Recorder<ChaCha20Rng> {
    Recorder { source: ChaCha20Rng::seed_from_u64(seed), taken: Arc::clone(taken) }
}

impl Network {
    pub(crate) fn new(count: usize, seed: u64, config: &Config) -> Self {
        let mut order = ChaCha20Rng::seed_from_u64(seed);
        let taken = Taken::default();
        let network = NetworkId::test();
        let config = config.clone().difficulty(Difficulty(0));
        let nodes = (0..count)
            .map(|index| {
                let peer = PeerId::from_bytes(&[index as u8 + 1; 38]).unwrap();
                let mut rng = recorder(order.next_u64(), &taken);
                let key = SecretKey::generate(&mut rng).unwrap();
                let bytes = *key.dangerous_to_bytes();
                let signer = LocalSigner::new(key, recorder(order.next_u64(), &taken));
                Node {
                    engine: Engine::new(config.clone(), network.clone(), peer, Snapshot::default()),
                    signers: vec![Arc::new(signer)],
                    validator: Validator::with_work(network.clone(), ValidatorLimits::default(), Arc::new(Free)),
                    peer,
                    events: Vec::new(),
                    store: MemoryStore::default(),
                    replies: BTreeMap::new(),
                    deaf: false,
                    heard: Vec::new(),
                    frozen: false,
                    partials_sent: 0,
                    rng,
                    key: bytes,
                }
            })
            .collect();
        let mut this = Self {
            nodes,
            queue: VecDeque::new(),
            clock: 0,
            order,
            shuffle: false,
            loss: 0,
            next_command: 0,
            decision: Decision::Approve,
            undecided: false,
            config,
            signed: Vec::new(),
            frames: Vec::new(),
            put: Vec::new(),
            works: VecDeque::new(),
            lifetime: core::time::Duration::from_secs(60),
            holds: Vec::new(),
            validated: 0,
            taken,
            strict: false,
            outside: Vec::new(),
            told: Told::default(),
        };
        for index in 0..count {
            for signer in this.nodes[index].signers.clone() {
                this.command(index, Command::AddSigner { signer: signer.public_key() }).unwrap();
            }
        }
        this
    }

    pub(crate) fn key(&self, node: usize) -> PublicKey {
        self.nodes[node].signers[0].public_key()
    }

    /// Stops a node and starts it again, with what it has stored, the same signer key, and nothing else. What was on its
    /// way to it is lost.
    pub(crate) fn restart(&mut self, node: usize) {
        let snapshot = self.nodes[node].store.load().unwrap();
        let network = NetworkId::test();
        let target = &mut self.nodes[node];
        target.engine = Engine::new(self.config.clone(), network.clone(), target.peer, snapshot);
        target.validator = Validator::with_work(network, ValidatorLimits::default(), Arc::new(Free));
        target.events.clear();
        let seed = self.order.next_u64();
        let key = SecretKey::from_bytes(&target.key).unwrap();
        target.signers = vec![Arc::new(LocalSigner::new(key, recorder(seed, &self.taken)))];
        self.queue.retain(|(to, ..)| *to != node);
        let signer = self.key(node);
        self.command(node, Command::AddSigner { signer }).unwrap();
    }

    fn now(&self) -> Now {
        Now { wall: TimestampMs(START + self.clock), mono: MonotonicMs(1_000_000 + self.clock) }
    }

    /// Gives a command and returns its reply, which every command has at once when computations take no time.
    pub(crate) fn command(&mut self, node: usize, command: Command) -> Result<Reply, CommandError> {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.input(node, Input::Command(id, command));
        self.nodes[node].replies.remove(&id).expect("a reply")
    }

    pub(crate) fn advertise_all(&mut self) {
        for index in 0..self.nodes.len() {
            self.advertise(index);
        }
        self.run();
    }

    pub(crate) fn advertise(&mut self, node: usize) {
        let signer = self.key(node);
        let metadata = SignerMetadata { nickname: format!("node {node}"), ..SignerMetadata::default() };
        let lifetime = core::time::Duration::from_secs(3600);
        let advertise =
            Command::Advertise { signer, criteria: Criteria::ANY, metadata, addresses: Vec::new(), lifetime };
        self.command(node, advertise).unwrap();
    }

    /// A second process with the same key and the same store, which runs beside the first.
    pub(crate) fn copy(&mut self, node: usize) -> usize {
        let twin = self.nodes.len();
        let source = &self.nodes[node];
        let snapshot = source.store.load().unwrap();
        let network = NetworkId::test();
        let peer = PeerId::from_bytes(&[0x77; 38]).unwrap();
        let key = SecretKey::from_bytes(&source.key).unwrap();
        let key_bytes = source.key;
        let [nonces, own] = [(); 2].map(|()| recorder(self.order.next_u64(), &self.taken));
        self.nodes.push(Node {
            engine: Engine::new(self.config.clone(), network.clone(), peer, snapshot),
            signers: vec![Arc::new(LocalSigner::new(key, nonces))],
            validator: Validator::with_work(network, ValidatorLimits::default(), Arc::new(Free)),
            peer,
            events: Vec::new(),
            store: MemoryStore::default(),
            replies: BTreeMap::new(),
            deaf: false,
            heard: Vec::new(),
            frozen: false,
            partials_sent: 0,
            rng: own,
            key: key_bytes,
        });
        self.clock += 5;
        let signer = self.key(twin);
        self.command(twin, Command::AddSigner { signer }).unwrap();
        twin
    }

    /// Everything that was ever signed: the attempt, the signer's own public nonces, and what they were used with.
    pub(crate) fn signed(&self) -> &[(Attempt, Vec<u8>, Vec<u8>)] {
        &self.signed
    }

    pub(crate) fn announce(&mut self, items: Vec<Item>, options: RequestOptions) -> RequestId {
        let keys = (0..self.nodes.len()).map(|index| self.key(index)).collect();
        self.announce_to(keys, items, options)
    }

    /// The same, to these signers.
    pub(crate) fn announce_to(&mut self, keys: Vec<PublicKey>, items: Vec<Item>, options: RequestOptions) -> RequestId {
        let announcement = SigningRequestSpec {
            creator: self.key(0),
            keys,
            items,
            options,
            metadata: RequestMetadata::default(),
            lifetime: self.lifetime,
        };
        match self.command(0, Command::Announce(announcement)).unwrap() {
            Reply::Announced { request, .. } => request,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn status(&mut self, node: usize, request: RequestId) -> SessionStatus {
        match self.command(node, Command::Status { request }).unwrap() {
            Reply::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// Delivers messages until a session is in this phase on this node.
    pub(crate) fn run_until(&mut self, node: usize, request: RequestId, phase: Phase) {
        loop {
            match self.command(node, Command::Status { request }) {
                Ok(Reply::Status(status)) if status.phase == phase => return,
                _ => assert!(self.deliver_one(), "the session never came to {phase}"),
            }
        }
    }

    /// The requests that a node knows.
    pub(crate) fn sessions_of(&mut self, node: usize) -> Vec<RequestId> {
        match self.command(node, Command::Sessions).unwrap() {
            Reply::Sessions(sessions) => sessions.iter().map(|session| session.request).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Delivers messages until there are none.
    pub(crate) fn run(&mut self) {
        while self.deliver_one() {}
    }

    pub(crate) fn deliver_one(&mut self) -> bool {
        let waits = |(to, _, from, frame): &(usize, Channel, PeerId, Arc<[u8]>)| {
            let partial = || peek(frame).is_some_and(|peek| peek.kind == Kind::PartialSigShare);
            self.nodes[*to].frozen || self.nodes.iter().any(|node| node.peer == *from && node.frozen && partial())
        };
        let nobody_waits = self.nodes.iter().all(|node| !node.frozen);
        let ready: Vec<usize> = if nobody_waits {
            (0..self.queue.len().min(if self.shuffle { usize::MAX } else { 1 })).collect()
        } else {
            (0..self.queue.len()).filter(|at| !waits(&self.queue[*at])).collect()
        };
        if ready.is_empty() {
            return false;
        }
        let position = ready[if self.shuffle { self.order.next_u64() as usize % ready.len() } else { 0 }];
        let (node, channel, from, bytes) = self.queue.remove(position).unwrap();
        self.receive(node, channel, from, bytes);
        true
    }

    /// Loses all frames of one kind that are on their way from node to node.
    pub(crate) fn lose(&mut self, kind: Kind) {
        self.queue.retain(|(_, channel, _, frame)| {
            *channel == Channel::Loopback || peek(frame).is_none_or(|peek| peek.kind != kind)
        });
    }

    /// Loses all that is on its way from a node to others.
    pub(crate) fn lose_words_of(&mut self, node: usize) {
        let peer = self.nodes[node].peer;
        self.queue.retain(|(to, _, from, _)| *to == node || *from != peer);
    }

    /// Loses all that is on its way.
    pub(crate) fn lose_everything(&mut self) {
        self.queue.clear();
    }

    /// Lets time pass until the next deadline of any node.
    pub(crate) fn sleep_to_next_deadline(&mut self) {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.sleep_to_next_deadline_of(&all);
    }

    /// The same, while the others stand still.
    pub(crate) fn sleep_to_next_deadline_of(&mut self, awake: &[usize]) {
        let next = awake.iter().filter_map(|node| self.nodes[*node].engine.next_deadline()).min().expect("a deadline");
        self.clock = self.clock.max(next.0.saturating_sub(1_000_000));
        for index in awake {
            self.input(*index, Input::Tick);
        }
    }

    fn receive(&mut self, node: usize, channel: Channel, from: PeerId, bytes: Arc<[u8]>) {
        let now = self.now();
        let target = &mut self.nodes[node];
        if target.deaf {
            return;
        }
        if from != target.peer {
            target.heard.push(Arc::clone(&bytes));
        }
        let member = if self.strict { PeerClass::Stranger } else { PeerClass::Participant { sessions: 100 } };
        let arrival = Arrival::new(bytes, channel, from).standing(member, member);
        if let Ok(message) = target.validator.validate(arrival, now) {
            self.validated += 1;
            self.input(node, Input::Message(Box::new(message)));
        }
    }

    /// Lets a node hear a frame of another as if it had never heard it before.
    pub(crate) fn hear(&mut self, node: usize, other: usize, frame: &Arc<[u8]>) {
        self.take_in(node, Arrival::new(Arc::clone(frame), Channel::Direct, self.nodes[other].peer));
    }

    /// Lets a node hear a frame straight from a peer that is no node of this network.
    pub(crate) fn hear_stranger(&mut self, node: usize, from: PeerId, frame: &Arc<[u8]>) {
        self.hear_over(node, from, NetworkGroup::Local, frame);
    }

    /// The same, over a connection of this network group.
    pub(crate) fn hear_over(&mut self, node: usize, from: PeerId, group: NetworkGroup, frame: &Arc<[u8]>) {
        self.take_in(node, Arrival::new(Arc::clone(frame), Channel::Direct, from).group(group));
    }

    /// What has been said to a stranger.
    pub(crate) fn messages_to(&self, stranger: &Stranger) -> Vec<Message> {
        let limits = ValidatorLimits::default();
        let mut validator = Validator::with_work(NetworkId::test(), limits, Arc::new(Free));
        let member = PeerClass::Participant { sessions: 100 };
        let to = self.outside.iter().filter(|(to, _)| *to == stranger.peer);
        let arrivals =
            to.map(|(to, frame)| Arrival::new(Arc::clone(frame), Channel::Direct, *to).standing(member, member));
        arrivals.map(|arrival| validator.validate(arrival, self.now()).unwrap().into_message()).collect()
    }

    fn take_in(&mut self, node: usize, arrival: Arrival) {
        let limits = ValidatorLimits::default();
        let mut forgetful = Validator::with_work(NetworkId::test(), limits, Arc::new(Free));
        let message = forgetful.validate(arrival, self.now()).unwrap();
        self.validated += 1;
        self.input(node, Input::Message(Box::new(message)));
    }

    /// Lets a node find a frame in the DHT, as if it had never heard of it before.
    pub(crate) fn find(&mut self, node: usize, frame: &Arc<[u8]>) {
        self.take_in(node, Arrival::new(Arc::clone(frame), Channel::Dht, self.nodes[node].peer));
    }

    pub(crate) fn input(&mut self, node: usize, input: Input) {
        let now = self.now();
        let target = &mut self.nodes[node];
        tracing::trace!(?input, pretty = format!("{input:#?}"), "a test");
        let Transition { records, effects, .. } = target.engine.handle(now, input, &mut target.rng);
        if !records.is_empty() {
            tracing::trace!(?records, pretty = format!("{records:#?}"), "a test");
            target.store.commit(&records).unwrap();
        }
        for action in effects {
            tracing::trace!(?action, pretty = format!("{action:#?}"), "a test");
            self.act(node, action);
        }
    }

    fn act(&mut self, node: usize, action: Effect) {
        let from = self.nodes[node].peer;
        match action {
            Effect::Hold(time) => self.holds.push(time),
            Effect::Broadcast { frame, .. } => {
                self.frames.push(Arc::clone(&frame));
                for index in 0..self.nodes.len() {
                    let channel = if index == node { Channel::Loopback } else { Channel::Gossip };
                    if index == node || !self.nodes[node].deaf {
                        self.queue.push_back((index, channel, from, Arc::clone(&frame)));
                    }
                }
            }
            Effect::Send { to, frame, .. } => {
                self.frames.push(Arc::clone(&frame));
                if to != from && peek(&frame).is_some_and(|peek| peek.kind == Kind::PartialSigShare) {
                    self.nodes[node].partials_sent += 1;
                }
                let Some(index) = self.nodes.iter().position(|other| other.peer == to) else {
                    return self.outside.push((to, frame));
                };
                let lost = index != node && self.order.next_u32() % 100 < self.loss;
                let channel = if index == node { Channel::Loopback } else { Channel::Direct };
                if !lost && (index == node || !self.nodes[node].deaf) {
                    self.queue.push_back((index, channel, from, frame));
                }
            }
            Effect::Publish { frame, .. } => {
                self.put.push(Arc::clone(&frame));
                self.frames.push(frame);
            }
            Effect::Validate { from, channel, frames } => {
                for frame in frames {
                    self.queue.push_back((node, channel, from, frame));
                }
            }
            Effect::AskSigner(task) => {
                if let SignerTask::Sign { nonce_id, items, nonces } = &task {
                    let bytes =
                        |nonces: &[PublicNonce]| nonces.iter().flat_map(PublicNonce::to_bytes).collect::<Vec<u8>>();
                    let own = bytes(&nonces[nonce_id.index.as_usize()]);
                    let mut transcript: Vec<u8> = nonces.iter().flat_map(|nonces| bytes(nonces)).collect();
                    for item in items.iter() {
                        transcript.extend(item.context.aggregate_key().to_bytes());
                        transcript.extend(&*item.message);
                    }
                    self.signed.push((nonce_id.attempt, own, transcript));
                }
                let signer = self.nodes[node].signers.iter().find(|signer| signer.public_key() == *task.signer());
                if let Some(answer) = task.perform(signer.unwrap().clone().as_ref()) {
                    self.input(node, Input::SignerAnswered(answer));
                }
            }
            Effect::Compute(job) => {
                if matches!(job, Job::Mint { .. }) {
                    self.clock += self.works.pop_front().unwrap_or_default();
                }
                let outcome = job.run(&mut self.nodes[node].rng);
                self.input(node, Input::Computed(outcome));
            }
            Effect::AskPolicy(proposal) if self.undecided => {
                self.input(node, Input::PersonAsked { request: proposal.request, signer: proposal.signer });
            }
            Effect::AskPolicy(proposal) => {
                let (request, signer, digest) = (proposal.request, proposal.signer, proposal.digest());
                let decision = self.decision.clone();
                self.input(node, Input::PolicyDecided { request, signer, digest, decision });
            }
            Effect::Reply(id, reply) => {
                self.nodes[node].replies.insert(id, reply);
            }
            Effect::Emit(event, _) => {
                self.told.add(node, &event);
                self.nodes[node].events.push(event);
            }
        }
    }
}
