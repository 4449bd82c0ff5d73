//! The driver: one task that owns the engine, and what it needs of the world around it.
//!
//! ```text
//! network -> admit -> pool: verify -> engine -> pool: sign, verify partials
//!                                        |
//!                                        +----> outbox -> egress: store, then network and user
//! ```
//!
//! All records of a step are durable before anything of that step leaves the node: the engine's outbox sees to that, and
//! `egress` carries out what it hands out. Queues are bounded, and nobody waits for the user.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the driver picks out what concerns it; the engine, which decides, names every case"
)]

mod arrived;
pub(crate) mod bags;
mod clock;
mod contacts;
mod crash;
mod decisions;
mod dht_entry_policy;
mod echoes;
mod egress;
mod ingress;
mod input;
mod internal_effects;
mod load;
mod log;
mod looking;
mod network;
mod pool;
mod rechecks;
mod reports;
mod republisher;
pub(crate) mod request;
mod reserved;
mod rivals;
#[cfg(test)]
mod sample;
mod samples;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_net::{Multiaddr, Net, NetConfig, NetEvent, NetHandle, Reach, parse_address};
use motet_wire::{Channel, Kind, MonotonicMs, NetworkId, PeerId, Validated, Validator, ValidatorLimits, WorkPolicy};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::OsEntropy;
use crate::applications::Applications;
use crate::discovery::{Interests, Wanted};
use crate::error::NodeError;
use crate::events::Events;
use crate::groups::Groups;
use crate::limits;
use crate::node::Node;
use crate::policy::Policy;
use crate::store::Store;
use arrived::{Arrived, Checked};
pub use clock::Clock;
use contacts::Contacts;
pub(crate) use crash::Crash;
#[cfg(feature = "failpoints")]
pub use crash::CrashPoint;
use decisions::{Decisions, HeldCommand};
use echoes::Echoes;
use egress::Egress;
use input::{DriverInput, Next};
use motet_coordinator::event::Event;
use motet_coordinator::{Command, CommandError, CommandId, Config, Effect, Engine, Input, Reply, Signer, StoreError};
use pool::Pool;
use rechecks::Verified;
use reports::Reports;
use request::{Request, Service};
use reserved::Reserved;

/// The parts of a node, as its builder has collected them.
pub(crate) struct Parts {
    pub(crate) net: NetConfig,
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    /// True if the store was given by the program: a node without one serves no signers.
    pub(crate) stored: bool,
    pub(crate) signers: Vec<Arc<dyn Signer>>,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) groups: Groups,
    pub(crate) work: Arc<dyn WorkPolicy>,
    pub(crate) limits: ValidatorLimits,
    pub(crate) crash: Crash,
}

/// Starts the tasks of a node, and returns when its signers are ready.
///
/// # Errors
///
/// [`NodeError`].
pub(crate) async fn start(parts: Parts) -> Result<(Node, Events), NodeError> {
    let Parts { net, config, store, stored, signers, policy, groups, work, limits: validator_limits, crash } = parts;
    let clock = Clock::start();
    let network = net.network.clone();
    let peer = net.keypair.peer_id();
    let reach = net.reach;
    let opened = Arc::clone(&store);
    let snapshot = tokio::task::spawn_blocking(move || opened.load())
        .await
        .map_err(|error| StoreError::Failed(error.to_string()))??;
    let entries = dht_entry_policy::DhtEntryPolicy::new(network.clone(), clock, peer, Arc::clone(&work));
    let (net, net_events) = Net::start(net, Arc::new(entries))?;
    let (events, user) = broadcast::channel(limits::EVENTS);
    let (inputs_in, inputs) = mpsc::channel(limits::INPUTS);
    let (calls_in, calls) = mpsc::channel(limits::PENDING_COMMANDS);
    let egress = Egress::new(store, clock, net.clone(), network.clone(), events.clone(), crash);
    let keys: Vec<PublicKey> = signers.iter().map(|signer| signer.public_key()).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let interests = Interests::default();
    let applications = Applications::default();
    // Members of a private group are connected with each other, so that each hears what waits for it as soon as it is there.
    for contact in contact_addresses(&config) {
        net.dial(contact).await?;
    }
    let driver = Driver {
        contacts: Contacts::new(config.contacts.iter().chain(config.routes.keys())),
        reserved: Reserved::default(),
        unlisted: config.unlisted.clone(),
        connected: BTreeSet::new(),
        is_dht_ready: false,
        engine: Engine::new(config, network.clone(), peer, snapshot),
        validator: Validator::with_work(network.clone(), validator_limits, work),
        clock,
        net: net.clone(),
        network: network.clone(),
        peer,
        signers: signers.into_iter().map(|signer| (signer.public_key(), signer)).collect(),
        policy,
        groups: groups.clone(),
        applications: applications.clone(),
        groups_read: None,
        crash,
        pool: Pool::new(limits::POOL.min(cores), inputs_in.clone()),
        proofs: Pool::new(limits::POOL, inputs_in.clone()),
        devices: Pool::new(limits::DEVICES, inputs_in.clone()),
        reports: Reports::default(),
        echoes: Echoes::default(),
        looking: JoinSet::new(),
        interests: interests.receiver(),
        inputs_in,
        inputs,
        calls,
        events: events.clone(),
        decisions: Decisions::default(),
        verified: Verified::default(),
        next_command: 0,
        reach,
        clocks: BTreeMap::new(),
        senders: BTreeMap::new(),
        backlog: VecDeque::new(),
        waiting: 0,
        egress,
        has_stepped: false,
    };
    tokio::spawn(driver.run(net_events));
    tokio::spawn(rivals::look(network.clone(), net.clone(), calls_in.downgrade()));
    let events = events.downgrade();
    let node = Node { network, calls: calls_in, net, events, interests, stored, groups, applications };
    for signer in keys {
        let added = node.call(Command::AddSigner { signer }).await;
        added.map_err(|error| NodeError::Signer { signer, error })?;
    }
    Ok((node, Events::new(user)))
}

/// The addresses of the contacts whose places are known, each with the peer id at its end.
fn contact_addresses(config: &Config) -> Vec<Multiaddr> {
    let mut addresses = Vec::new();
    for route in config.routes.values() {
        let told = route.addresses.iter().filter_map(motet_net::address_from_wire);
        addresses.extend(told.filter_map(|address| parse_address(&format!("{address}/p2p/{}", route.peer)).ok()));
    }
    addresses
}

/// The engine and what drives it.
struct Driver {
    engine: Engine,
    validator: Validator,
    clock: Clock,
    net: NetHandle,
    network: NetworkId,
    peer: PeerId,
    signers: BTreeMap<PublicKey, Arc<dyn Signer>>,
    policy: Arc<dyn Policy>,
    /// The groups against which requests are checked before the policy is asked.
    groups: Groups,
    /// The applications that hear messages of others.
    applications: Applications,
    /// Time at which the groups were read for the sake of a stranger's request.
    groups_read: Option<MonotonicMs>,
    contacts: Contacts,
    reserved: Reserved,
    crash: Crash,
    /// The place of computations that are too long for the driver's own task.
    pool: Pool,
    /// The place of searches for proofs of work, which may take minutes: no other computation waits for them.
    proofs: Pool,
    /// Where signers are asked that may wait for a person or a device.
    devices: Pool,
    /// Verdicts on frames that the network has no room for yet.
    reports: Reports,
    /// Announcements that came a moment ago.
    echoes: Echoes,
    /// Look-ups of signers in the DHT.
    looking: JoinSet<()>,
    /// Signers of this node that are not to be known in public.
    unlisted: BTreeSet<PublicKey>,
    /// Peers that are connected.
    connected: BTreeSet<PeerId>,
    is_dht_ready: bool,
    /// The offers that the application looks for.
    interests: watch::Receiver<Wanted>,
    inputs_in: mpsc::Sender<DriverInput>,
    inputs: mpsc::Receiver<DriverInput>,
    calls: mpsc::Receiver<Request>,
    events: broadcast::Sender<Arc<Event>>,
    /// Questions to the policy that it has not decided.
    decisions: Decisions,
    /// The groups of transactions that were verified.
    verified: Verified,
    next_command: u64,
    reach: Reach,
    /// Peers whose clocks differ from this node's, and when the user was told.
    clocks: BTreeMap<PeerId, MonotonicMs>,
    /// The points of senders, by their bytes.
    senders: BTreeMap<[u8; 33], PublicKey>,
    /// Inputs and short computations, to be handled before anything else.
    backlog: VecDeque<Next>,
    /// How much waits to be taken in, when this was last looked at.
    waiting: usize,
    egress: Egress,
    /// True if an effect may leave that could not before.
    has_stepped: bool,
}

impl Driver {
    async fn run(mut self, mut network: mpsc::Receiver<NetEvent>) {
        let stopped = loop {
            self.waiting = network.len() + self.inputs.len();
            // What is here already is stored together: a commit of many steps takes as long as that of one.
            let mut steps = 0;
            while steps < limits::STEPS_AT_ONCE
                && let Some(next) = self.next()
            {
                self.on_next(next);
                steps += 1;
            }
            if core::mem::take(&mut self.has_stepped) {
                self.reserve();
                let refused = self.egress.flush().await;
                self.backlog.extend(refused.map(Next::from));
                if self.egress.has_sent() {
                    // The tasks that write to peers run before more is taken in: others wait for these frames.
                    tokio::task::yield_now().await;
                }
                self.egress.tell().await;
                while let Some(task) = self.egress.next_task() {
                    self.ask_signer(task);
                }
            }
            if !self.backlog.is_empty() {
                continue;
            }
            let wait = self.engine.next_deadline().map(|deadline| self.clock.until(deadline));
            let held = self.egress.next_due().map(|due| self.clock.until(due));
            // While the way out is full, nothing new is taken in; what is on its way back still is.
            let open = !self.egress.is_full();
            // The same holds of the network while what it has brought waits.
            let hears = open && self.reports.is_empty() && !self.pool.is_full();
            tokio::select! {
                result = self.egress.stored() => {
                    self.backlog.extend(self.egress.on_stored(result).map(Next::from));
                    self.has_stepped = true;
                }
                () = sleep(held) => self.has_stepped = true,
                Ok(()) = self.interests.changed(), if open => {
                    let interest = self.interests.borrow_and_update().interest();
                    self.handle(Input::Interest(interest));
                }
                Some(back) = self.inputs.recv() => self.on_back(back),
                call = self.calls.recv(), if open => match call {
                    None => break None,
                    Some(Request::Stop(done)) => {
                        // What could wait until now.
                        self.handle(Input::Tick);
                        break Some(done);
                    }
                    Some(call) => self.on_call(call),
                },
                Ok(place) = self.pool.place(), if self.pool.is_waiting() => self.pool.start(place),
                Ok(place) = self.proofs.place(), if self.proofs.is_waiting() => self.proofs.start(place),
                Ok(place) = self.devices.place(), if self.devices.is_waiting() => self.devices.start(place),
                () = self.net.room(), if !self.reports.is_empty() => self.reports.send(&self.net),
                event = network.recv(), if hears => match event {
                    None => break None,
                    Some(event) => self.on_net(event, &mut network),
                },
                () = sleep(wait) => self.handle(Input::Tick),
            }
        };
        self.finish().await;
        if let Some(stopped) = stopped {
            // Whoever asked may not wait for the answer.
            let _ = stopped.send(());
        }
    }

    /// Lets what the engine has said leave, and stops the network part.
    async fn finish(self) {
        let Self { egress, net, inputs, decisions, applications, .. } = self;
        applications.close();
        // Nothing that comes back is handled any more, and nobody waits for decisions.
        drop((inputs, decisions));
        egress.finish().await;
        net.stop().await;
    }

    /// The next thing to do, if there is any that waits for nothing. On an idle node a computation does not begin while frames can
    /// leave or records can be stored: other nodes and the disk work meanwhile. A busy node sends and stores more at once.
    fn next(&mut self) -> Option<Next> {
        let is_idle = self.waiting < limits::BUSY && self.engine.active_sessions() < limits::BUSY;
        if is_idle && matches!(self.backlog.front(), Some(Next::Work(_))) && self.egress.is_ready() {
            return None;
        }
        self.backlog.pop_front().or_else(|| self.inputs.try_recv().ok().map(Next::Back))
    }

    fn on_next(&mut self, next: Next) {
        match next {
            Next::Back(back) => self.on_back(back),
            Next::Work(work) => {
                if let Some(back) = work() {
                    self.on_back(back);
                }
            }
            Next::Held(HeldCommand { command, caller }) => self.command(*command, caller),
        }
    }

    fn on_back(&mut self, back: DriverInput) {
        match back {
            DriverInput::Input(input) => self.handle(*input),
            DriverInput::Proposed { proposal, checked } => self.on_proposed(*proposal, checked),
            DriverInput::Found(frames) => {
                let asked = |frame| Arrived::asked(frame, Channel::Dht, self.peer);
                let arrivals = frames.into_iter().map(asked).collect();
                self.validate_batch(arrivals, None);
            }
            DriverInput::Verified { results, done } => {
                let requests = |looked: &Checked| {
                    let message = looked.result.as_ref().ok()?;
                    (message.kind() == Kind::SigningRequest).then(|| Validated::clone(message))
                };
                let done = done.map(|done| (done, results.iter().filter_map(requests).collect()));
                for looked in results {
                    self.on_checked(looked);
                }
                if let Some((done, requests)) = done {
                    // The caller may have gone.
                    let _ = done.send(requests);
                }
            }
        }
    }

    fn on_call(&mut self, call: Request) {
        match call {
            Request::Command(command, caller) => {
                let Some(HeldCommand { command, caller }) = self.decisions.hold(HeldCommand { command, caller }) else {
                    return;
                };
                if let Command::SetContact { signer, is_contact } = *command {
                    // A member of a registered group stays a contact: private requests of the group come from its members.
                    if !is_contact && self.groups.has_member(&signer, true) {
                        drop(caller.send(Ok(Reply::Done)));
                        return;
                    }
                    self.command(*command, caller);
                    self.contacts.set(&signer, self.engine.has_contact(&signer));
                    self.reserved.is_due = true;
                    return;
                }
                let removed = if let Command::RemoveSigner { signer } = *command { Some(signer) } else { None };
                self.command(*command, caller);
                // The engine has asked it for the last time.
                if let Some(signer) = removed.filter(|signer| !self.engine.serves(signer)) {
                    self.signers.remove(&signer);
                }
            }
            Request::AddSigner(signer, caller) => {
                let key = signer.public_key();
                if !self.engine.serves(&key) {
                    self.signers.insert(key, signer);
                }
                self.command(Command::AddSigner { signer: key }, caller);
                if self.is_dht_ready {
                    self.fetch_requests_for(key);
                }
            }
            Request::Samples(asker) => drop(asker.send(self.samples())),
            Request::Counts(asker) => drop(asker.send(self.message_counts())),
            Request::Serves(signer, asker) => {
                let service = match self.engine.serves(&signer) {
                    false => Service::None,
                    true if self.unlisted.contains(&signer) => Service::Unlisted,
                    true => Service::Listed,
                };
                let _ = asker.send(service);
            }
            Request::AskedAgain { request, replace, asker } => {
                let again = self.engine.asked_again(&request, &replace, self.clock.now());
                let _ = asker.send(again.map(Box::new));
            }
            Request::Signers(asker) => drop(asker.send(self.listed().collect())),
            Request::Ingest { frames, channel, done } => {
                let arrivals = frames.into_iter().map(|frame| Arrived::asked(frame, channel, self.peer)).collect();
                self.validate_batch(arrivals, Some(done));
            }
            Request::Stop(_) => {}
        }
    }

    fn command(&mut self, command: Command, caller: oneshot::Sender<Result<Reply, CommandError>>) {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.egress.await_reply(id, caller);
        self.handle(Input::Command(id, command));
    }

    /// One step of the engine, and everything that follows from it.
    fn handle(&mut self, input: Input) {
        let now = self.clock.now();
        self.decisions.made(&input);
        let mut transition = self.engine.handle(now, input, &mut OsEntropy);
        for own in &transition.sealed {
            self.validator.note_own(own, now);
        }
        for effect in transition.take_internal() {
            match effect {
                Effect::AskSigner(task) => self.ask_signer(task),
                Effect::Compute(job) => self.compute(job),
                Effect::AskPolicy(proposal) => self.ask_policy(*proposal),
                Effect::Validate { from, channel, frames } => {
                    let arrivals = frames.into_iter().map(|frame| Arrived::asked(frame, channel, from)).collect();
                    self.validate_batch(arrivals, None);
                }
                Effect::Subscribe(topics) => self.egress.subscribe(topics),
                Effect::LookUp { signers } => self.look_up(signers),
                // Nothing else is internal.
                _ => {}
            }
        }
        for effect in &transition.effects {
            if let Effect::Emit(event, _) = effect {
                self.decisions.follow(event, &*self.policy);
                self.verified.follow(event);
            }
        }
        self.egress.push(transition, now.mono);
        self.has_stepped = true;
    }
}

async fn sleep(wait: Option<core::time::Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => core::future::pending().await,
    }
}
