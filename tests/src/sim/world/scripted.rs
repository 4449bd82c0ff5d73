//! A world whose course somebody else decides, move by move (`crate::fuzz_coordinator`).
//!
//! It is frozen as for `crate::sim::explore`, but everything that is under way may come next, a node's own messages and
//! what people say included, and everything that can go wrong may go wrong at any time, as often as one likes. After
//! every move the invariants of safety hold, and whatever was done, in the end nodes give back what they took.

use std::cmp::Reverse;
use std::sync::Arc;

use motet_coordinator::Command;
use motet_wire::{Channel, PeerId, peek};

use super::{Happening, Host, Purpose, World};
use crate::sim::dice::EntropyFault;
use crate::sim::invariant::Invariant;
use crate::sim::ledger::Terms;
use crate::sim::plan::{Crash, NodePlan, Vice};
use crate::sim::watch::End;
use crate::wire_forge::{BODY, Forged, SEQUENCE};

/// Frames that are remembered, to be repeated or forged.
const MEMORY: usize = 128;
/// Events in a world, and events under way, that no sensible script needs.
const EVENTS: u32 = 20_000;
/// Crashes in a world at most.
const RETURNS: usize = 8;
/// Where forged messages begin to be counted: after all that the rogue and its engine say.
const FORGED: u64 = u64::MAX / 4 * 3;

/// One change to a frame before it is signed anew.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    /// Other bits at this place of the body.
    Flip(usize, u8),
    /// A small number of four bytes at this place of the body.
    Number(usize, u8),
    /// So many bytes from this place on of another remembered frame, at the same place.
    Graft(usize, usize, usize),
    /// The body ends here.
    Cut(usize),
}

/// What somebody tells a node to do.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Approve a request.
    Join,
    /// Refuse it.
    Decline,
    /// Give it up.
    Abort,
    /// Forget it.
    Close,
    /// Begin another attempt.
    Retry,
    /// The three steps of a session that waits for the application.
    Commit,
    /// Reveal nonces.
    Reveal,
    /// Sign.
    Sign,
    /// Serve the signer again.
    AddSigner,
}

/// One move. Numbers wrap around: every script is a world.
#[derive(Debug, Clone, Copy)]
pub enum Move {
    /// Of what is under way this comes next, and then so many more in the order in which they were begun.
    Next(usize, usize),
    /// This never comes, if it is a message from another node.
    Lose(usize),
    /// This comes, and will come again.
    Double(usize),
    /// This comes with other bits at a place, from a hostile peer. Transport is authenticated: honest peers do not do that.
    Corrupt(usize, usize, u8),
    /// What was said before is said again: which frame, to whom, how.
    Repeat(usize, usize, Channel),
    /// A node crashes before it carries out the consequence after so many others, and is back soon.
    Crash(usize, u64),
    /// A copy of a node wakes up.
    Clone(usize),
    /// Time moves to the next deadline, so many times, and all nodes look at their clocks.
    Pass(usize),
    /// Everything stands still for so many milliseconds.
    Sleep(u64),
    /// A node looks at its clock.
    Tick(usize),
    /// A wall clock jumps by so many milliseconds.
    Jump(usize, i64),
    /// A disk fills up, or is emptied.
    Disk(usize, bool),
    /// A person changes its mind about everything: declines, or approves something else than what it is shown.
    Mind(usize, bool, bool),
    /// Somebody gives an order, about the newest request or an earlier one.
    Order(usize, Order, usize),
    /// The next request is made.
    Ask,
}

/// A frame as it came: what, from whom, how.
type Remembered = (Arc<[u8]>, PeerId, Channel);

/// What is known of a script's course.
#[derive(Debug, Default)]
pub struct Script {
    frames: Vec<Remembered>,
    asked: usize,
    forged: u64,
    events: u32,
    /// Whether anything has happened that may keep the first request from being signed.
    marred: bool,
}

impl World {
    /// Makes a move. What does not hold is found afterwards.
    pub fn make(&mut self, script: &mut Script, what: Move) {
        self.tell(|| format!("-> {what:?}"));
        let hosts = self.hosts.len();
        script.marred |= !matches!(what, Move::Next(..) | Move::Double(_) | Move::Tick(_));
        match what {
            Move::Next(at, then) => {
                self.next(script, at);
                for _ in 0..then {
                    self.next(script, 0);
                }
            }
            Move::Lose(at) => self.lose_message(at),
            Move::Double(at) => self.double(script, at),
            Move::Corrupt(at, place, bits) => self.corrupt(at, place, bits),
            Move::Repeat(frame, to, channel) => self.repeat(script, frame, to % hosts, channel),
            Move::Crash(host, after) => self.crash_after(host % hosts, after),
            Move::Clone(host) => {
                if hosts == self.plan.nodes.len() && self.is_honest(host % hosts) {
                    self.plan.nodes[host % hosts].cloned = Some(self.time);
                    self.clone_host(host % hosts);
                }
            }
            Move::Pass(times) => {
                for _ in 0..times {
                    self.turn();
                }
            }
            Move::Sleep(time) => {
                self.write_back();
                self.time += time;
                // What is slept through belongs to no round: the next begins when they wake up.
                for seen in self.watch.seen.iter_mut().flat_map(|seen| seen.values_mut()) {
                    seen.opened += time + time / 16;
                }
                self.catch_up();
            }
            Move::Tick(host) => self.input(host % hosts, motet_coordinator::Input::Tick),
            Move::Jump(host, by) => self.happen(Happening::Jump { host: host % hosts, by }),
            Move::Disk(host, full) => self.happen(Happening::Disk { host: host % hosts, full }),
            Move::Mind(host, declines, confuses) => {
                let person = &mut self.hosts[host % hosts].plan.person;
                person.declines = if declines { 1_000 } else { 0 };
                person.confuses = if confuses { 1_000 } else { 0 };
            }
            Move::Order(host, order, which) => self.order(host % hosts, order, which),
            Move::Ask => {
                script.asked += 1;
                if script.asked < self.plan.asks.len() {
                    self.on_ask(script.asked);
                }
            }
        }
        if script.events > EVENTS || self.queue.len() > EVENTS as usize {
            self.watch.breach(Invariant::Livelock, "a script has no end");
        }
    }

    /// A hostile node makes something of a remembered frame, and signs it with the key that it is known by.
    pub fn forge(&mut self, script: &mut Script, frame: usize, to: usize, channel: Channel, edits: &[Edit]) {
        let rogues: Vec<usize> = self.rogues.keys().copied().collect();
        let (Some(rogue), Some((template, ..))) = (cyclic(&rogues, frame / MEMORY), cyclic(&script.frames, frame))
        else {
            return;
        };
        let mut forged = Forged::from_bytes(template);
        for edit in edits {
            forged = edited(forged, *edit, &script.frames);
        }
        script.forged += 1;
        script.marred = true;
        let host = to % self.hosts.len();
        let frame = self.rogues[rogue].forge(forged.set(SEQUENCE, &(FORGED + script.forged).to_le_bytes()));
        let from = self.hosts[*rogue].peer;
        // Whoever can say anything can join as often as it likes, so that others go on for longer.
        self.plan.nodes[*rogue].vices.insert(Vice::JoinsTwice);
        self.tell(|| {
            let kind = peek(&frame).map_or("?", |peek| peek.kind.name());
            format!("node {rogue} forges {kind} for node {host}: {edits:?}")
        });
        self.at(self.time, Happening::Arrive { host, channel, from, frame });
    }

    /// Ends a world: everything that is under way comes, time passes until every session is over, and then until
    /// nobody remembers it.
    pub fn finish(&mut self, script: &mut Script) {
        for host in &mut self.hosts {
            host.disk.set_full(false);
            host.plan.person = crate::sim::plan::Person { thinks: 0, declines: 0, confuses: 0 };
        }
        let mut turns = 0;
        while self.watch.breaches.is_empty() && turns < 400 {
            while self.next(script, 0) {}
            if script.events > EVENTS {
                return self.watch.breach(Invariant::Livelock, "messages bring messages for ever");
            }
            if self.is_idle() {
                break;
            }
            self.turn();
            turns += 1;
        }
        let works = |node: &NodePlan| !matches!(node.entropy, EntropyFault::Fails(_));
        let starts = self.plan.config.rounds == motet_node::Rounds::Automatic;
        if !script.marred && starts && self.rogues.is_empty() && self.plan.nodes.iter().all(works) {
            self.check_unmarred();
        }
        if self.watch.breaches.is_empty() {
            self.check_returned();
        }
    }

    /// Whether no session goes on where somebody honest is.
    fn is_idle(&self) -> bool {
        let quiet = |host: &Host| host.running.as_ref().is_some_and(|run| run.engine.active_sessions() == 0);
        (0..self.hosts.len()).all(|host| !self.is_honest(host) || quiet(&self.hosts[host]))
    }

    /// L1: where everything came, in whatever order, everybody has the signatures.
    fn check_unmarred(&mut self) {
        let ends = self.ends();
        if ends.iter().any(|end| *end != Some(End::Complete)) {
            self.watch.breach(Invariant::Completion, format!("everything came, and yet: {ends:?}"));
        }
    }

    /// Time moves to the next deadline, unless some have been slept through.
    fn turn(&mut self) {
        self.write_back();
        if !self.catch_up() {
            self.pass();
        }
        if self.watch.breaches.is_empty() {
            self.check_bounds();
        }
    }

    /// Disks are done with what they have been given, and engines have heard what was refused: both may be slow, but not slower than
    /// any deadline.
    fn write_back(&mut self) {
        let at_work = |world: &Self| {
            (0..world.hosts.len()).find(|host| {
                world.hosts[*host].running.as_ref().is_some_and(|running| running.outbox.committing().is_some())
            })
        };
        loop {
            if let Some(host) = at_work(self) {
                let told =
                    |happening: &Happening| matches!(happening, Happening::Committed { host: of, .. } if *of == host);
                self.queue.retain(|Reverse(entry)| !told(&entry.happening));
                self.on_committed(host);
            } else if !(0..self.hosts.len()).any(|host| self.hear_refusal(host)) {
                return;
            }
        }
    }

    /// All nodes look at their clocks, if one should have. Whatever comes later finds them awake.
    fn catch_up(&mut self) -> bool {
        let time = self.time;
        let due = |host: &Host| host.running.as_ref().and_then(|running| running.tick_at).is_some_and(|at| at <= time);
        let late = self.hosts.iter().any(due);
        for host in 0..self.hosts.len() {
            if late {
                self.input(host, motet_coordinator::Input::Tick);
            }
        }
        late
    }

    /// Takes out something that is under way: a message, a piece of work, a start.
    fn pluck(&mut self, at: usize) -> Option<Happening> {
        let time = self.time;
        let comes = |entry: &super::Entry| {
            entry.at <= time && !matches!(entry.happening, Happening::Tick { .. } | Happening::Ask { .. })
        };
        let mut orders: Vec<(u64, u64)> = self
            .queue
            .iter()
            .filter(|Reverse(entry)| comes(entry))
            .map(|Reverse(entry)| (entry.at, entry.order))
            .collect();
        if orders.is_empty() {
            return None;
        }
        let at = at % orders.len();
        let (_, (_, order), _) = orders.select_nth_unstable(at);
        let order = *order;
        let mut taken = None;
        let mut rest = core::mem::take(&mut self.queue).into_vec();
        if let Some(place) = rest.iter().position(|Reverse(entry)| entry.order == order) {
            taken = Some(rest.swap_remove(place).0.happening);
        }
        self.queue = rest.into();
        taken
    }

    fn next(&mut self, script: &mut Script, at: usize) -> bool {
        let Some(happening) = self.pluck(at) else { return false };
        if let Happening::Arrive { channel, from, frame, .. } = &happening
            && script.frames.len() < MEMORY
            && !script.frames.iter().any(|(known, ..)| known == frame)
        {
            script.frames.push((Arc::clone(frame), *from, *channel));
        }
        if matches!(happening, Happening::Start { .. }) {
            // A process does not start in the millisecond in which another one did.
            self.time += 1;
            self.catch_up();
        }
        script.events += 1;
        self.happen(happening);
        script.events <= EVENTS
    }

    /// The network loses messages; a node's own work is not lost as long as it lives.
    fn lose_message(&mut self, at: usize) {
        let Some(happening) = self.pluck(at) else { return };
        if !matches!(&happening, Happening::Arrive { channel, .. } if *channel != Channel::Store) {
            self.happen(happening);
        }
    }

    fn double(&mut self, script: &mut Script, at: usize) {
        let Some(happening) = self.pluck(at) else { return };
        if let Happening::Arrive { host, channel, from, frame } = &happening {
            let again = Happening::Arrive { host: *host, channel: *channel, from: *from, frame: Arc::clone(frame) };
            self.at(self.time, again);
        }
        script.events += 1;
        self.happen(happening);
    }

    fn corrupt(&mut self, at: usize, place: usize, bits: u8) {
        let Some(rogue) = self.rogues.keys().next().copied() else { return };
        let Some(happening) = self.pluck(at) else { return };
        let Happening::Arrive { host, channel, frame, .. } = happening else { return self.happen(happening) };
        let mut bytes = frame.to_vec();
        let length = bytes.len();
        bytes[place % length] ^= bits;
        let channel = if channel == Channel::Store { Channel::Direct } else { channel };
        self.happen(Happening::Arrive { host, channel, from: self.hosts[rogue].peer, frame: bytes.into() });
    }

    fn repeat(&mut self, script: &Script, frame: usize, to: usize, channel: Channel) {
        let Some((frame, from, came)) = cyclic(&script.frames, frame).cloned() else { return };
        let rogue = self.rogues.keys().next().map(|rogue| self.hosts[*rogue].peer);
        // The honest repeat themselves, too, but as they said it first, and not to themselves.
        let (from, channel) = rogue.map_or((from, came), |rogue| (rogue, channel));
        if rogue.is_none() && from == self.hosts[to].peer {
            return;
        }
        self.at(self.time, Happening::Arrive { host: to, channel, from, frame });
    }

    fn crash_after(&mut self, host: usize, after: u64) {
        // The judge knows sixteen attempts, and each return adds one.
        let returns: usize = self.plan.nodes.iter().map(|node| node.crashes.len()).sum();
        if !self.is_honest(host) || returns >= RETURNS {
            return;
        }
        // Whoever comes back adds an attempt: how long a session may take depends on it.
        let serves = self.hosts[host].serves;
        let crash = Crash { boundary: 0, down: 0 };
        self.plan.nodes[serves].crashes.push(crash);
        let Some(boundaries) = self.hosts[host].running.as_ref().map(|running| running.boundaries) else { return };
        self.hosts[host].crashes.push_front(Crash { boundary: boundaries.saturating_add(after), ..crash });
        if after == 0 {
            self.crash(host);
        }
    }

    fn order(&mut self, host: usize, order: Order, which: usize) {
        let requests: Vec<motet_wire::RequestId> = self.watch.requests.keys().copied().collect();
        let signer = self.hosts[host].key;
        let Some(request) = cyclic(&requests, which).copied() else { return };
        let command = match order {
            // A hostile engine has the message key that its owner has calculated.
            Order::AddSigner if !self.is_honest(host) => return,
            Order::Join => {
                if let Some(known) = self.watch.requests.get(&request) {
                    let items = known.request.items.iter().map(|item| item.message.clone());
                    let terms: Terms = known.keys.iter().copied().zip(items).collect();
                    self.ledger.open().approve(request, signer, terms);
                }
                Command::Join { request, signer }
            }
            Order::Decline => Command::Decline { request, signer, reason: "no".to_owned() },
            Order::Abort => Command::Abort { request, detail: "enough".to_owned() },
            Order::Close => Command::Close { request },
            Order::Retry if self.plan.nodes.iter().any(|node| node.crashes.len() >= RETURNS) => return,
            Order::Retry => {
                // As whoever comes back, it adds an attempt.
                let serves = self.hosts[host].serves;
                self.plan.nodes[serves].crashes.push(Crash { boundary: 0, down: 0 });
                // Of what has ended it makes a request anew, which is then the one that was asked for.
                let Some(ask) = self.announced.iter().position(|known| *known == Some(request)) else { return };
                return self.command(host, Command::Retry { request, replace: Vec::new() }, Purpose::Ask(ask));
            }
            Order::Commit => Command::StartNonceCommitment { request },
            Order::Reveal => Command::StartRound1 { request },
            Order::Sign => Command::StartRound2 { request },
            Order::AddSigner => Command::AddSigner { signer },
        };
        self.command(host, command, Purpose::Other);
    }
}

/// One of a list, by a number that may be too large.
fn cyclic<T>(list: &[T], at: usize) -> Option<&T> {
    at.checked_rem(list.len()).and_then(|at| list.get(at))
}

fn edited(forged: Forged, edit: Edit, frames: &[Remembered]) -> Forged {
    let length = forged.body().len();
    if length < 8 {
        return forged;
    }
    match edit {
        Edit::Flip(at, bits) => {
            let byte = forged.body()[at % length] ^ bits;
            forged.set_body(at % length, &[byte])
        }
        Edit::Number(at, value) => forged.set_body(at % (length - 3), &u32::from(value).to_le_bytes()),
        Edit::Graft(at, count, from) => {
            let Some((donor, ..)) = cyclic(frames, from) else { return forged };
            let (at, donor) = (at % length, donor.get(BODY..donor.len().saturating_sub(64)).unwrap_or_default());
            let end = at.saturating_add(count).min(length).min(donor.len());
            if at < end { forged.set_body(at, &donor[at..end]) } else { forged }
        }
        Edit::Cut(at) => forged.splice_body(at % length..length, &[]),
    }
}
