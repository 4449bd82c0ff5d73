//! Engines joined in memory, on one core: no sockets, no runtime, no disk.
//!
//! Every message goes through the real pipeline of its receiver, and every copy that a broadcast and a direct message
//! make of it arrives. What is timed separately is the arithmetic: signers' tasks, jobs, and the signatures of envelopes,
//! made and checked. The rest is overhead: the engine's own work, the cheap half of validation, stores in memory.

#![expect(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a session that does not succeed cannot be measured"
)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use motet_coordinator::{Command, CommandId, Effect, Engine, Input, Transition};
use motet_core_crypto::PublicKey;
use motet_node::event::Event;
use motet_node::{Config, Decision, LocalSigner, MemoryStore, OsEntropy, Signer, Snapshot, Store};
use motet_wire::work::Free;
use motet_wire::{
    Arrival, Attempt, AttemptId, Channel, Commitments, Criteria, Difficulty, MonotonicMs, NetworkId, Now, PeerClass,
    PeerId, RequestId, SignerMetadata, TimestampMs, Validator, seal,
};

use super::group::unlimited;
use super::{request, secret};

/// Milliseconds that pass between two sessions: enough for an author to announce again.
const PAUSE: u64 = 60_000;

/// Where the time of one session went, all engines together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Split {
    /// All of it.
    pub total: Duration,
    /// What signers did.
    pub signers: Duration,
    /// What jobs did.
    pub jobs: Duration,
    /// Checking signatures of envelopes, and parsing what they vouch for.
    pub checks: Duration,
    /// Signing envelopes, from their number and the time that one takes.
    pub seals: Duration,
    /// Key aggregation, once for each engine, from the time that one takes.
    pub keys: Duration,
    /// Frames that arrived, copies included.
    pub frames: u32,
}

impl Split {
    /// Everything that any implementation of the protocol has to compute.
    pub fn arithmetic(&self) -> Duration {
        self.signers + self.jobs + self.checks + self.seals + self.keys
    }

    /// What is left, as a part of the arithmetic.
    pub fn overhead(&self) -> f64 {
        self.total.saturating_sub(self.arithmetic()).as_secs_f64() / self.arithmetic().as_secs_f64()
    }
}

#[derive(Debug)]
struct Node {
    engine: Engine,
    validator: Validator,
    signer: Arc<dyn Signer>,
    store: MemoryStore,
    peer: PeerId,
}

/// Engines that know each other's peers.
#[derive(Debug)]
pub struct Engines {
    nodes: Vec<Node>,
    queue: VecDeque<(usize, Channel, PeerId, Arc<[u8]>)>,
    clock: u64,
    sessions: u64,
    completed: usize,
    sealed: u32,
    split: Split,
    one_seal: Duration,
    one_context: Duration,
}

impl Engines {
    /// So many engines with a signer each.
    pub fn new(count: usize) -> Self {
        let config = Config::default().difficulty(Difficulty(0)).max_signers(count.max(15));
        let nodes = (0..count).map(|index| {
            let peer = PeerId::from_bytes(&[index as u8 + 1; 38]).expect("38 bytes");
            Node {
                engine: Engine::new(config.clone(), NetworkId::test(), peer, Snapshot::default()),
                validator: Validator::with_work(NetworkId::test(), unlimited(), Arc::new(Free)),
                signer: Arc::new(LocalSigner::new(secret("signer", index), OsEntropy)),
                store: MemoryStore::default(),
                peer,
            }
        });
        let mut this = Self {
            nodes: nodes.collect(),
            queue: VecDeque::new(),
            clock: 1_000_000,
            sessions: 0,
            completed: 0,
            sealed: 0,
            split: Split::default(),
            one_seal: Duration::ZERO,
            one_context: Duration::ZERO,
        };
        for (index, signer) in this.keys().into_iter().enumerate() {
            this.input(index, Input::Command(CommandId(0), Command::AddSigner { signer }));
            let advertise = Command::Advertise {
                signer,
                criteria: Criteria::ANY,
                metadata: SignerMetadata::default(),
                addresses: Vec::new(),
                lifetime: Duration::from_secs(24 * 60 * 60),
            };
            this.input(index, Input::Command(CommandId(0), advertise));
        }
        this.deliver();
        this.one_seal = fastest(|| this.seal_one());
        let keys = this.keys();
        let item = request(keys.clone(), secret("signer", 0).public_key(), Commitments::On, 0).items.remove(0);
        this.one_context = fastest(|| drop(item.key_context(&keys).expect("a key")));
        this
    }

    fn keys(&self) -> Vec<PublicKey> {
        self.nodes.iter().map(|node| node.signer.public_key()).collect()
    }

    fn now(&self) -> Now {
        Now { wall: TimestampMs(1_800_000_000_000 + self.clock), mono: MonotonicMs(self.clock) }
    }

    /// One session of all engines, to everybody's signature and until nothing is on its way.
    pub fn sign(&mut self) -> Split {
        self.clock += PAUSE;
        self.sessions += 1;
        let creator = self.keys().first().copied().expect("a signer");
        let announcement = request(self.keys(), creator, Commitments::On, self.sessions);
        (self.completed, self.sealed, self.split) = (0, 0, Split::default());
        let begin = Instant::now();
        self.input(0, Input::Command(CommandId(1), Command::Announce(announcement)));
        loop {
            self.deliver();
            // What engines say when they have nothing else to do.
            let now = self.now().mono;
            let idle = |node: &Node| node.engine.next_deadline().is_some_and(|deadline| deadline <= now);
            let Some(node) = self.nodes.iter().position(idle) else { break };
            self.input(node, Input::Tick);
        }
        self.split.total = begin.elapsed();
        assert_eq!(self.completed, self.nodes.len(), "every engine has the signature");
        self.split.seals = self.one_seal * self.sealed;
        self.split.keys = self.one_context * self.nodes.len() as u32;
        self.split
    }

    fn deliver(&mut self) {
        while let Some((node, channel, from, bytes)) = self.queue.pop_front() {
            self.receive(node, channel, from, bytes);
        }
    }

    fn receive(&mut self, node: usize, channel: Channel, from: PeerId, bytes: Arc<[u8]>) {
        let now = self.now();
        self.split.frames += 1;
        let member = PeerClass::Participant { sessions: 100 };
        let arrival = Arrival::new(bytes, channel, from).standing(member, member);
        let Some(target) = self.nodes.get_mut(node) else { return };
        if let Ok(admitted) = target.validator.admit(arrival, now) {
            let begin = Instant::now();
            let message = admitted.verify().expect("everybody is honest");
            self.split.checks += begin.elapsed();
            self.input(node, Input::Message(Box::new(message)));
        }
    }

    fn input(&mut self, node: usize, input: Input) {
        let now = self.now();
        let Some(target) = self.nodes.get_mut(node) else { return };
        let mut last: Option<Arc<[u8]>> = None;
        let Transition { records, effects, sealed, .. } = target.engine.handle(now, input, &mut OsEntropy);
        for own in &sealed {
            target.validator.note_own(own, now);
        }
        if !records.is_empty() {
            target.store.commit(&records).expect("memory takes it");
        }
        for action in effects {
            if let Effect::Broadcast { frame, .. } | Effect::Send { frame, .. } = &action
                && last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, frame))
            {
                self.sealed += 1;
                last = Some(Arc::clone(frame));
            }
            self.act(node, action);
        }
    }

    fn act(&mut self, node: usize, action: Effect) {
        let Some(acting) = self.nodes.get(node) else { return };
        let from = acting.peer;
        match action {
            Effect::Broadcast { frame, .. } => {
                for other in (0..self.nodes.len()).filter(|other| *other != node) {
                    self.queue.push_back((other, Channel::Gossip, from, Arc::clone(&frame)));
                }
            }
            Effect::Send { to, frame, .. } => {
                let other = self.nodes.iter().position(|other| other.peer == to).expect("a known peer");
                self.queue.push_back((other, Channel::Direct, from, frame));
            }
            Effect::Validate { from, channel, frames } => {
                self.queue.extend(frames.into_iter().map(|frame| (node, channel, from, frame)));
            }
            Effect::AskSigner(task) => {
                let begin = Instant::now();
                let answer = task.perform(&*acting.signer);
                self.split.signers += begin.elapsed();
                if let Some(answer) = answer {
                    self.input(node, Input::SignerAnswered(answer));
                }
            }
            Effect::Compute(job) => {
                let begin = Instant::now();
                let outcome = job.run(&mut OsEntropy);
                self.split.jobs += begin.elapsed();
                self.input(node, Input::Computed(outcome));
            }
            Effect::AskPolicy(proposal) => {
                let (request, signer, digest) = (proposal.request, proposal.signer, proposal.digest());
                self.input(node, Input::PolicyDecided { request, signer, digest, decision: Decision::Approve });
            }
            Effect::Emit(Event::SessionComplete(_), _) => self.completed += 1,
            _ => {}
        }
    }

    /// Seals a message that could be any.
    fn seal_one(&self) {
        let message_key = secret("message", 0);
        let commit = motet_wire::NonceCommit {
            session: AttemptId::derive(&RequestId::from_bytes([1; 32]), Attempt(1)),
            attempt: Attempt(1),
            commitment: motet_core_crypto::NonceCommitment::from_bytes(&[2; 32]),
        };
        seal(&NetworkId::test(), &message_key, 1, self.now().wall, &commit.into(), &[0; 32]).expect("a sound message");
    }
}

/// The fastest of many runs: what something takes when nothing is in its way.
fn fastest(mut run: impl FnMut()) -> Duration {
    let runs = (0..50).map(|_| {
        let begin = Instant::now();
        run();
        begin.elapsed()
    });
    runs.min().unwrap_or_default()
}
