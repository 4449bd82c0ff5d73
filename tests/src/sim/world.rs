//! A world: nodes, what is under way between them, and the time.

mod apart;
mod consequences;
mod ending;
mod faults;
mod frozen;
mod hearing;
mod network;
mod people;
pub mod scripted;
mod stand_still;
mod stored_results;
mod transactions;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use motet_coordinator::{Command, CommandId, Input, Interest, Route};
use motet_core_crypto::PublicKey;
use motet_wire::{Arrival, Channel, Kind, NetworkId, PeerId, Penalty, RequestId, Validated, Validator};

use super::dice::Dice;
use super::disk::Disk;
use super::host::Host;
use super::hostile::Rogue;
use super::invariant::{Breach, Invariant};
use super::ledger::Shared;
use super::plan::{BEGIN, Plan};
use super::tally::{Stage, Tally};
use super::transactions::Transactions;
use super::watch::Watch;
pub(super) use stand_still::Still;

/// Something that will happen. What a node has begun dies with the life in which it began it.
#[derive(Debug)]
pub(super) enum Happening {
    /// A frame reaches a node.
    Arrive { host: usize, channel: Channel, from: PeerId, frame: Arc<[u8]> },
    /// The engine's own deadline.
    Tick { host: usize, life: u32 },
    /// Something that the node itself has started is done.
    Work { host: usize, life: u32, work: Box<Work> },
    /// The disk is done with the first step that waits.
    Committed { host: usize, life: u32 },
    /// What a node has held back leaves.
    Late { host: usize, life: u32 },
    /// A node starts.
    Start { host: usize },
    /// A node that stood still goes on.
    GoOn { host: usize },
    /// A copy of a node wakes up.
    Clone { host: usize },
    /// A wall clock jumps.
    Jump { host: usize, by: i64 },
    /// A disk fills up, or is emptied.
    Disk { host: usize, full: bool },
    /// Somebody asks for signatures.
    Ask { ask: usize },
    /// Somebody changes their mind.
    Cancel { ask: usize },
    /// A node is connected to all others.
    Connect { host: usize },
}

/// What a node waits for.
#[derive(Debug)]
pub(super) enum Work {
    Signer(motet_coordinator::SignerTask),
    Job(motet_coordinator::Job),
    Decision(people::Opinion),
    Command(Command),
    /// The engine hears of the oldest refusal of its disk that it has not heard of.
    Refusal,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    order: u64,
    happening: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// What a command was given for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    AddSigner,
    Ask(usize),
    Other,
}

/// A world that runs.
#[derive(Debug)]
pub struct World {
    /// What was drawn for it.
    pub plan: Plan,
    network: NetworkId,
    dice: Dice,
    /// The world's milliseconds.
    pub time: u64,
    order: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    hosts: Vec<Host>,
    rogues: BTreeMap<usize, Rogue>,
    watch: Watch,
    ledger: Shared,
    /// The transactions that are asked for.
    transactions: Transactions,
    /// What was seen.
    pub tally: Tally,
    story: Option<Vec<String>>,
    /// When each ask was made: later than planned if the node stood still.
    asked: Vec<Option<u64>>,
    /// What each ask became.
    announced: Vec<Option<RequestId>>,
    commands: BTreeMap<CommandId, Purpose>,
    /// Which host a message key is of.
    voices: BTreeMap<PublicKey, usize>,
    /// The newest advertisement of each signer.
    advertised: BTreeMap<usize, Arc<[u8]>>,
    /// A validator of another network, which must believe nothing.
    stranger: Validator,
    /// What rogues have said that a host took, by host, life, session, sender and kind.
    taken: BTreeMap<hearing::Slot, Vec<u8>>,
    /// Hosts that have heard a rogue commit while its session ran, by host and request. What Sync hands on is what its engine said.
    warned: BTreeSet<(usize, RequestId)>,
    /// The contributions that hosts have just taken, and whose.
    taking: Vec<(usize, motet_wire::SignerIndex)>,
    /// In a world without time: what has happened.
    frozen: Option<frozen::Frozen>,
    /// Whether the network has been switched off, to see what nodes give back.
    dark: bool,
    /// When a node was up again for the last time, and connected.
    mended: u64,
    /// When the latest frame of each to each will be there.
    latest: BTreeMap<(usize, usize), u64>,
}

impl World {
    /// The world of a plan; with its story, if somebody wants to read it.
    pub fn new(mut plan: Plan, tell: bool) -> Self {
        let mut dice = Dice::new(plan.seed);
        let hosts: Vec<Host> = plan
            .nodes
            .iter()
            .enumerate()
            .map(|(serves, node)| {
                let disk = Disk::default();
                if node.disk_lies {
                    disk.lie();
                }
                Host::new(serves, node.clone(), disk, &mut dice)
            })
            .collect();
        let honest: BTreeSet<PublicKey> =
            hosts.iter().filter(|host| host.plan.vices.is_empty()).map(|host| host.key).collect();
        // A copy of a signer makes nonces of its own, and signatures with them; so does one whose disk has lost that it had.
        let is_one = |host: &Host| host.plan.cloned.is_none() && !host.plan.disk_lies;
        let all_single = hosts.iter().all(|host| is_one(host) && host.plan.full.is_none());
        let all_honest = honest.len() == hosts.len() && hosts.iter().all(is_one);
        let ledger = Shared::default();
        ledger.open().judge(honest.clone());
        let transactions = Transactions::of(&mut plan, &hosts);
        ledger.open().guard(transactions.groups.keys().flatten().copied().collect());
        if plan.is_private {
            let route = |host: &Host| (host.key, Route { peer: host.peer, addresses: Vec::new() });
            plan.config = plan.config.routes(hosts.iter().map(route).collect());
        }
        let other = NetworkId::main();
        let mut world = Self {
            network: NetworkId::test(),
            dice,
            time: 0,
            order: 0,
            queue: BinaryHeap::new(),
            watch: Watch::new(NetworkId::test(), honest, all_honest, all_single),
            ledger,
            transactions,
            tally: Tally { worlds: 1, ..Tally::default() },
            story: tell.then(Vec::new),
            asked: vec![None; plan.asks.len()],
            announced: vec![None; plan.asks.len()],
            commands: BTreeMap::new(),
            voices: BTreeMap::new(),
            advertised: BTreeMap::new(),
            stranger: Validator::with_work(
                other,
                motet_wire::ValidatorLimits::default(),
                Arc::new(motet_wire::work::Free),
            ),
            taken: BTreeMap::new(),
            warned: BTreeSet::new(),
            taking: Vec::new(),
            frozen: None,
            dark: false,
            mended: 0,
            latest: BTreeMap::new(),
            rogues: BTreeMap::new(),
            hosts,
            plan,
        };
        world.schedule();
        world
    }

    /// What has been told so far.
    pub fn story(&self) -> &[String] {
        self.story.as_deref().unwrap_or_default()
    }

    fn schedule(&mut self) {
        for host in 0..self.hosts.len() {
            self.at(0, Happening::Start { host });
            let node = self.hosts[host].plan.clone();
            for (at, by) in node.jumps {
                self.at(at, Happening::Jump { host, by });
            }
            if let Some((from, until)) = node.full {
                self.at(from, Happening::Disk { host, full: true });
                self.at(until, Happening::Disk { host, full: false });
            }
            if let Some(at) = node.cloned {
                self.at(at, Happening::Clone { host });
            }
            for vice in &node.vices {
                *self.tally.actors.entry(*vice).or_default() += 1;
            }
        }
        if self.plan.is_private {
            for host in 0..self.hosts.len() {
                self.at(self.plan.calm_from.max(BEGIN) + 1, Happening::Connect { host });
            }
        }
        self.count_lasting();
        for line in self.plan.summary() {
            self.tell(|| line);
        }
        for ask in 0..self.plan.asks.len() {
            self.at(self.plan.asks[ask].at, Happening::Ask { ask });
            if let Some((_, at)) = self.plan.asks[ask].cancel {
                self.at(at, Happening::Cancel { ask });
            }
        }
    }

    fn at(&mut self, at: u64, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse(Entry { at: at.max(self.time), order: self.order, happening }));
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(format!("{:>8} ms  {}", self.time, line()));
        }
    }

    /// Runs until everything has ended, or something is wrong: that is handed back.
    pub fn run(&mut self) -> Option<Breach> {
        let mut events = 0u64;
        while let Some(Reverse(entry)) = self.queue.pop() {
            self.time = entry.at;
            self.happen(entry.happening);
            events += 1;
            if let Some(breach) = self.found() {
                return Some(breach);
            }
            if events.is_multiple_of(16) {
                if events > ending::EVENTS {
                    return Some(Breach {
                        invariant: Invariant::Livelock,
                        detail: format!("{events} events and no end"),
                    });
                }
                self.check_bounds();
                if self.has_ended() {
                    break;
                }
            }
        }
        self.close();
        self.found()
    }

    /// What does not hold, if anything does not.
    pub fn found(&mut self) -> Option<Breach> {
        let mut ledger = self.ledger.open().take_breaches();
        if ledger.is_empty() { self.watch.breaches.pop() } else { ledger.pop() }
    }

    fn is_honest(&self, host: usize) -> bool {
        self.hosts[host].plan.vices.is_empty()
    }

    fn lives(&self, host: usize, life: u32) -> bool {
        self.hosts[host].running.is_some() && self.hosts[host].life == life
    }

    fn happen(&mut self, happening: Happening) {
        let Some(happening) = self.unless_standing(happening) else { return };
        match happening {
            Happening::Arrive { host, channel, from, frame } => self.on_arrival(host, channel, from, frame),
            Happening::Tick { host, life } => {
                if self.lives(host, life)
                    && self.hosts[host].running.as_ref().is_some_and(|run| run.tick_at == Some(self.time))
                {
                    self.input(host, Input::Tick);
                }
            }
            Happening::Work { host, life, work } => {
                if self.lives(host, life) {
                    self.on_work(host, *work);
                }
            }
            Happening::Committed { host, life } => {
                if self.lives(host, life) {
                    self.on_committed(host);
                }
            }
            Happening::Late { host, life } => {
                if self.lives(host, life) {
                    self.pump(host);
                }
            }
            Happening::Start { host } => self.start(host),
            Happening::GoOn { host } => self.go_on(host),
            Happening::Clone { host } => self.clone_host(host),
            Happening::Jump { host, by } => {
                self.tally.fault("wall clock jumps");
                self.tell(|| format!("node {host}: the wall clock jumps by {by} ms"));
                self.hosts[host].clock.offset += by;
            }
            Happening::Disk { host, full } => {
                self.tally.fault("disk full");
                self.watch.all_single = false;
                self.tell(|| format!("node {host}: the disk is {}", if full { "full" } else { "empty again" }));
                self.hosts[host].disk.set_full(full);
            }
            Happening::Ask { ask } => self.on_ask(ask),
            Happening::Cancel { ask } => self.on_cancel(ask),
            Happening::Connect { host } => self.connect(host),
        }
    }

    fn start(&mut self, host: usize) {
        self.hosts[host].start(&self.network, &self.plan.config, &self.ledger);
        self.watch.on_start(host);
        self.mended = self.mended.max(self.time);
        let life = self.hosts[host].life;
        self.tell(|| format!("node {host} starts, life {life}"));
        let signer = self.hosts[host].key;
        if !self.is_honest(host) {
            self.turn_rogue(host);
        }
        self.command(host, Command::AddSigner { signer }, Purpose::AddSigner);
        if self.looks(host) {
            self.input(host, Input::Interest(Interest::Anything));
        }
        if self.plan.is_private && life > 1 {
            self.at(self.time + 100, Happening::Connect { host });
        }
        if life > 1 || self.time > 0 {
            // What others advertise is asked of a neighbour.
            let known: Vec<(usize, Arc<[u8]>)> =
                self.advertised.iter().map(|(serves, frame)| (*serves, Arc::clone(frame))).collect();
            for (serves, frame) in known {
                if self.looks(host) && serves != self.hosts[host].serves {
                    let from = self.hosts[serves].peer;
                    let at = self.time + self.dice.between(20, 400);
                    self.at(at, Happening::Arrive { host, channel: Channel::Dht, from, frame });
                }
            }
        }
    }

    /// Every other node looks for offers. The others learn where signers are when they have to speak to them.
    fn looks(&self, host: usize) -> bool {
        self.hosts[host].serves.is_multiple_of(2)
    }

    fn command(&mut self, host: usize, command: Command, purpose: Purpose) {
        let id = CommandId(self.commands.len() as u64);
        self.commands.insert(id, purpose);
        self.input(host, Input::Command(id, command));
    }

    /// One step of a node's engine, and everything that follows from it, as `node` does it.
    fn input(&mut self, host: usize, input: Input) {
        let now = self.hosts[host].clock.now(self.time);
        let Some(running) = &mut self.hosts[host].running else { return };
        self.tally.inputs += 1;
        let transition = running.engine.handle(now, input, &mut running.entropy);
        self.carry_out(host, now, transition);
    }

    fn on_arrival(&mut self, host: usize, channel: Channel, from: PeerId, frame: Arc<[u8]>) {
        if self.dark {
            return;
        }
        let (peer, author) = (self.hosts[host].standing_of_peer(&from), self.hosts[host].standing_of_author(&frame));
        let now = self.hosts[host].clock.now(self.time);
        let Some(running) = &mut self.hosts[host].running else { return self.on_missed(host, channel, from, frame) };
        self.tally.frames += 1;
        let arrival = Arrival::new(Arc::clone(&frame), channel, from).standing(peer, author);
        let result = running.validator.validate(arrival, now);
        if !self.is_honest(host) {
            if let Ok(message) = result {
                self.provoke(host, &message);
                self.input(host, Input::Message(Box::new(message)));
            }
            return;
        }
        match result {
            Ok(message) => self.on_believed(host, message),
            Err(rejection) => {
                *self.tally.refused.entry(rejection.rule.code()).or_default() += 1;
                let kind = rejection.kind.map_or("?", Kind::name);
                self.tell(|| format!("node {host} refuses {kind} from {}: {}", mark(&from), rejection.rule));
                let punished =
                    matches!(rejection.penalty, Penalty::Malformed | Penalty::InvalidSignature | Penalty::Ban);
                if punished && self.plan.is_honest(mark(&from)) {
                    let detail = format!("host {host} punishes the honest node {} for {}", mark(&from), rejection.rule);
                    self.watch.breach(Invariant::Reputation, detail);
                }
                if let Some(frame) = rejection.signed_frame {
                    self.input(host, Input::Malformed { frame });
                }
            }
        }
    }

    fn on_believed(&mut self, host: usize, message: Validated) {
        let subject = self.watch.request_of_message(&message);
        let stage = subject.map_or(Stage::Unknown, |request| self.watch.stage(host, &request));
        let voice = self.voices.get(message.sender()).copied();
        let vice = voice.and_then(|voice| self.hosts[voice].plan.vices.first().copied());
        *self.tally.cells.entry((stage, message.kind(), vice)).or_default() += 1;
        self.tell(|| {
            let of = voice.map_or_else(|| "?".to_owned(), |voice| voice.to_string());
            format!(
                "node {host} hears {} of node {of} from node {} ({:?})",
                message.kind().name(),
                mark(message.from()),
                message.channel()
            )
        });
        if let motet_wire::Message::SessionAbort(abort) = message.message() {
            self.watch.on_abort(message.id().to_bytes(), abort);
        }
        if message.channel() == Channel::Gossip {
            self.relay(host, &message);
        }
        self.note_commitment(&message);
        self.note_warning(host, subject, voice, &message);
        self.hear_alone(host, subject, voice, message);
    }
}

/// Which node a peer is.
fn mark(peer: &PeerId) -> usize {
    peer.as_bytes().first().map_or(usize::MAX, |mark| usize::from(*mark) - 1)
}

/// The beginning of a long text.
fn brief(text: &str) -> String {
    text.chars().take(160).collect()
}
