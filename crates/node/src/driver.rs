//! The driver: one task that owns the engine, and what it needs of the world around it.
//!
//! ```text
//! network -> admit -> pool: verify -> engine -> pool: sign, verify partials
//!                                        |
//!                                        +----> egress: store, then network, then user
//! ```
//!
//! All records of a step are durable before anything of that step leaves the node; that is the one job of
//! `egress`, which takes the engine's actions in their order. Queues are bounded, and nobody waits for the user.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the driver picks out what concerns it; the engine, which decides, names every case"
)]

mod clock;
mod contacts;
mod crash;
mod decisions;
mod dht_entry_policy;
mod egress;
mod held;
mod ingress;
mod load;
mod log;
mod network;
mod pool;
mod reports;
mod republisher;
mod rivals;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use motet_core_crypto::PublicKey;
use motet_net::{Net, NetConfig, NetEvent, NetHandle, Reach};
use motet_wire::{Channel, MonotonicMs, PeerId, Validator, ValidatorLimits, WorkPolicy};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::OsEntropy;
use crate::error::NodeError;
use crate::events::Events;
use crate::limits;
use crate::node::Node;
use crate::policy::Policy;
use crate::store::Store;
pub use clock::Clock;
use contacts::Contacts;
pub(crate) use crash::Crash;
#[cfg(feature = "failpoints")]
pub use crash::CrashPoint;
use decisions::Decisions;
use egress::{Egress, Released};
use ingress::Arrived;
use motet_coordinator::event::Event;
use motet_coordinator::{
    Command, CommandError, CommandId, Config, Effect, Engine, Input, Reply, Signer, StoreError, Transition,
};
use pool::Pool;
use reports::Reports;

/// The parts of a node, as its builder has collected them.
pub(crate) struct Parts {
    pub(crate) net: NetConfig,
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) signers: Vec<Arc<dyn Signer>>,
    pub(crate) policy: Arc<dyn Policy>,
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
    let Parts { net, config, store, signers, policy, work, limits: validator_limits, crash } = parts;
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
    let (released, batches) = mpsc::channel(limits::BATCHES);
    let egress = Egress {
        store,
        net: net.clone(),
        network: network.clone(),
        events: events.clone(),
        inputs: inputs_in.clone(),
        crash,
        waiting: Arc::default(),
        unheard: Arc::default(),
    };
    let way_out = tokio::spawn(egress::run(egress.clone(), batches));
    let keys: Vec<PublicKey> = signers.iter().map(|signer| signer.public_key()).collect();
    let driver = Driver {
        contacts: Contacts::new(&config.contacts),
        engine: Engine::new(config, network.clone(), peer, snapshot),
        validator: Validator::with_work(network.clone(), validator_limits, work),
        clock,
        net: net.clone(),
        peer,
        signers: signers.into_iter().map(|signer| (signer.public_key(), signer)).collect(),
        policy,
        crash,
        pool: Pool::new(limits::POOL, inputs_in.clone()),
        devices: Pool::new(limits::DEVICES, inputs_in.clone()),
        reports: Reports::default(),
        inputs_in,
        inputs,
        calls,
        released,
        events: events.clone(),
        callers: BTreeMap::new(),
        decisions: Decisions::default(),
        next_command: 0,
        reach,
        clocks: BTreeMap::new(),
        deferred: VecDeque::new(),
        senders: BTreeMap::new(),
        backlog: VecDeque::new(),
        waiting: 0,
        soon: VecDeque::new(),
        holds: false,
        egress,
        way_out,
    };
    tokio::spawn(driver.run(net_events));
    tokio::spawn(rivals::look(network.clone(), net.clone(), calls_in.downgrade(), keys.clone()));
    let node = Node::new(network, calls_in, net, events);
    for signer in keys {
        let added = node.call(Command::AddSigner { signer }).await;
        added.map_err(|error| NodeError::Signer { signer, error })?;
    }
    Ok((node, Events::new(user)))
}

/// A request to the driver from outside.
pub(crate) enum Request {
    /// A command, and whom to answer.
    Command(Box<Command>, oneshot::Sender<Result<Reply, CommandError>>),
    /// Frames that were asked for, to be validated and handled; answered when that is done.
    Ingest { frames: Vec<Arc<[u8]>>, channel: Channel, done: oneshot::Sender<()> },
    /// Stop.
    Stop(oneshot::Sender<()>),
}

/// An input of the driver, from its helpers.
pub(crate) enum DriverInput {
    /// An input for the engine.
    Input(Box<Input>),
    /// Frames that have been looked at.
    Verified { results: Vec<ingress::Checked>, done: Option<oneshot::Sender<()>> },
}

impl From<Input> for DriverInput {
    fn from(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}

/// The engine and what drives it.
struct Driver {
    engine: Engine,
    validator: Validator,
    clock: Clock,
    net: NetHandle,
    peer: PeerId,
    signers: BTreeMap<PublicKey, Arc<dyn Signer>>,
    policy: Arc<dyn Policy>,
    contacts: Contacts,
    crash: Crash,
    /// Where computations run.
    pool: Pool,
    /// Where signers are asked that may wait for a person or a device.
    devices: Pool,
    /// Verdicts on frames that the network has no room for yet.
    reports: Reports,
    inputs_in: mpsc::Sender<DriverInput>,
    inputs: mpsc::Receiver<DriverInput>,
    calls: mpsc::Receiver<Request>,
    released: mpsc::Sender<Vec<Released>>,
    events: broadcast::Sender<Event>,
    callers: BTreeMap<CommandId, oneshot::Sender<Result<Reply, CommandError>>>,
    /// What the policy has been asked and has not decided.
    decisions: Decisions,
    next_command: u64,
    reach: Reach,
    /// Peers whose clocks differ from this node's, and when the user was told.
    clocks: BTreeMap<PeerId, MonotonicMs>,
    deferred: VecDeque<Vec<Released>>,
    /// The points of senders, by their bytes.
    senders: BTreeMap<[u8; 33], PublicKey>,
    /// What came of computations that were done at once, to be handled before anything else.
    backlog: VecDeque<DriverInput>,
    /// How much waits to be taken in, when this was last looked at.
    waiting: usize,
    /// What the current step has let loose.
    soon: VecDeque<Vec<Released>>,
    /// Whether anything has ever been held back: then only the task knows what may leave.
    holds: bool,
    egress: Egress,
    way_out: tokio::task::JoinHandle<()>,
}

impl Driver {
    async fn run(mut self, mut network: mpsc::Receiver<NetEvent>) {
        let stopped = loop {
            self.waiting = network.len() + self.inputs.len();
            while let Some(back) = self.backlog.pop_front() {
                self.on_back(back);
            }
            if !self.soon.is_empty() {
                self.let_out().await;
                // What has been said leaves before more is taken in; first of all before it is heard here, too.
                tokio::task::yield_now().await;
            }
            let wait = self.engine.next_deadline().map(|deadline| self.clock.until(deadline));
            let released = self.released.clone();
            // While the way out is full, nothing new is taken in; what is on its way back still is.
            let open = self.deferred.is_empty();
            // The same holds of the network while what it has brought waits.
            let hears = open && self.reports.is_empty() && !self.pool.is_full();
            tokio::select! {
                permit = released.reserve(), if !open => match permit {
                    Ok(permit) => {
                        if let Some(batch) = self.deferred.pop_front() {
                            permit.send(batch);
                        }
                    }
                    Err(_) => break None,
                },
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
        let Self { released, deferred, soon, way_out, net, inputs, decisions, .. } = self;
        // Nothing that comes back is handled any more, and nobody waits for decisions.
        drop((inputs, decisions));
        for batch in deferred.into_iter().chain(soon) {
            drop(released.send(batch).await);
        }
        drop(released);
        drop(way_out.await);
        net.stop().await;
    }

    fn on_back(&mut self, back: DriverInput) {
        match back {
            DriverInput::Input(input) => {
                if matches!(*input, Input::PersistFailed { .. }) {
                    self.soon.push_back(vec![Released::Heard]);
                }
                self.handle(*input);
            }
            DriverInput::Verified { results, done } => {
                for looked in results {
                    self.on_checked(looked);
                }
                if let Some(done) = done {
                    let _ = done.send(());
                }
            }
        }
    }

    fn on_call(&mut self, call: Request) {
        match call {
            Request::Command(command, caller) => {
                self.next_command += 1;
                let id = CommandId(self.next_command);
                self.callers.insert(id, caller);
                self.handle(Input::Command(id, *command));
            }
            Request::Ingest { frames, channel, done } => {
                let arrivals = frames.into_iter().map(|frame| Arrived::asked(frame, channel, self.peer)).collect();
                self.validate_batch(arrivals, Some(done));
            }
            Request::Stop(_) => {}
        }
    }

    /// One step of the engine, and everything that follows from it.
    fn handle(&mut self, input: Input) {
        let now = self.clock.now();
        self.decisions.made(&input);
        let Transition { records, effects, .. } = self.engine.handle(now, input, &mut OsEntropy);
        let mut batch: Vec<Released> = records.into_iter().map(Released::Persist).collect();
        for action in effects {
            match action {
                Effect::AskSigner(task) => self.ask_signer(task),
                Effect::Compute(job) => self.compute(job),
                Effect::AskPolicy(proposal) => self.ask_policy(*proposal),
                Effect::Validate { from, channel, frames } => {
                    let arrivals = frames.into_iter().map(|frame| Arrived::asked(frame, channel, from)).collect();
                    self.validate_batch(arrivals, None);
                }
                Effect::Hold(time) => batch.push(Released::Hold(time)),
                Effect::Broadcast { topic, frame } => batch.push(Released::Broadcast { topic, frame }),
                Effect::Send { to, addresses, frame } => batch.push(Released::Send { to, addresses, frame }),
                Effect::Publish { key, indexes, signer, frame } => {
                    batch.push(Released::Publish { key, indexes, signer, frame });
                }
                Effect::Reply(id, result) => {
                    if let Some(caller) = self.callers.remove(&id) {
                        batch.push(Released::Reply(caller, Box::new(result)));
                    }
                }
                Effect::Emit(event, span) => {
                    self.decisions.follow(&event, &*self.policy);
                    batch.push(Released::Emit(Box::new(event), span));
                }
            }
        }
        if !batch.is_empty() {
            self.soon.push_back(batch);
        }
    }

    /// Lets out what the last steps have let loose: at once what is free to leave, the rest in its turn.
    async fn let_out(&mut self) {
        while let Some(batch) = self.soon.pop_front() {
            self.holds = self.holds || batch.iter().any(|released| matches!(released, Released::Hold(_)));
            if self.deferred.is_empty() && !self.holds && self.egress.is_free_for(&batch) {
                self.egress.let_out(batch).await;
            } else {
                self.release(batch);
            }
        }
    }

    /// Hands a step's consequences to the way out, or keeps them until it has room: their order is never changed.
    fn release(&mut self, batch: Vec<Released>) {
        self.egress.waiting.fetch_add(1, Ordering::AcqRel);
        if !self.deferred.is_empty() {
            return self.deferred.push_back(batch);
        }
        if let Err(mpsc::error::TrySendError::Full(batch)) = self.released.try_send(batch) {
            self.deferred.push_back(batch);
        }
    }
}

async fn sleep(wait: Option<core::time::Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => core::future::pending().await,
    }
}
