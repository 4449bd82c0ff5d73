//! One node of a cluster: an engine, and around it the parts of a driver, without tasks and without a clock.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_coordinator::event::{Completed, Event};
use motet_coordinator::{
    CommandError, CommandId, Config, Effect, Engine, Input, Outbox, Refusal, Reply, Signer, Transition,
};
use motet_core_crypto::{PublicKey, SecretKey};
use motet_wire::work::Free;
use motet_wire::{NetworkId, Now, PeerId, RequestId, Topic, Validator, ValidatorLimits};

use crate::entropy::Entropy;
use crate::signer::KeySigner;
use crate::store::Store;

/// The network of every cluster.
pub(crate) fn network_id() -> NetworkId {
    NetworkId::test()
}

/// A pipeline that takes any stamp for a proof of work, and remembers nothing yet.
pub(crate) fn pipeline() -> Validator {
    Validator::with_work(network_id(), ValidatorLimits::default(), Arc::new(Free))
}

/// A node of a [`Cluster`](crate::Cluster), with one signer of its own.
pub struct Node {
    engine: Engine,
    validator: Validator,
    outbox: Outbox,
    store: Store,
    peer: PeerId,
    key: SecretKey,
    signers: Vec<Arc<dyn Signer>>,
    entropy: Entropy,
    events: Vec<Event>,
    replies: BTreeMap<CommandId, Result<Reply, CommandError>>,
    holds: Vec<Duration>,
    topics: BTreeSet<Topic>,
    heard: Vec<Arc<[u8]>>,
    is_down: bool,
    /// The time of its last tick.
    ticked: Option<u64>,
}

/// The consequences of one step of a node's engine.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// The effects that may be carried out, in their order.
    pub(crate) effects: Vec<Effect>,
    /// The next input of the engine, if the store has refused records.
    pub(crate) refusal: Option<Input>,
}

impl Node {
    pub(crate) fn new(config: &Config, peer: PeerId, mut entropy: Entropy, for_signer: Entropy) -> Self {
        let key = SecretKey::generate(&mut entropy);
        #[expect(clippy::expect_used, reason = "seeded randomness does not fail")]
        let key = key.expect("random bytes are a key");
        let mut store = Store::default();
        let engine = Engine::new(config.clone(), network_id(), peer, store.load());
        Self::with_engine(engine, peer, key, store, entropy, for_signer)
    }

    /// A second process with the same key and a copy of the store.
    pub(crate) fn copy(&mut self, config: &Config, peer: PeerId, entropy: Entropy, for_signer: Entropy) -> Self {
        let engine = Engine::new(config.clone(), network_id(), peer, self.store.load());
        Self::with_engine(engine, peer, same(&self.key), self.store.copy(), entropy, for_signer)
    }

    fn with_engine(
        engine: Engine,
        peer: PeerId,
        key: SecretKey,
        store: Store,
        entropy: Entropy,
        for_signer: Entropy,
    ) -> Self {
        Self {
            engine,
            validator: pipeline(),
            outbox: Outbox::new(),
            store,
            peer,
            signers: vec![Arc::new(KeySigner::new(same(&key), for_signer))],
            key,
            entropy,
            events: Vec::new(),
            replies: BTreeMap::new(),
            holds: Vec::new(),
            topics: BTreeSet::new(),
            heard: Vec::new(),
            is_down: false,
            ticked: None,
        }
    }

    /// The protocol machine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The same, to be given inputs past the rest of the node: nothing is stored, and nothing leaves.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The peer that the node is.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The key of the node's own signer.
    pub fn key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The secret key of the node's own signer.
    pub fn secret_key(&self) -> &SecretKey {
        &self.key
    }

    /// The signers that the node has: its own one, and those of [`Cluster::add_signer`](crate::Cluster::add_signer).
    pub fn signers(&self) -> &[Arc<dyn Signer>] {
        &self.signers
    }

    /// Puts another signer in the place of the one with the same key, such as a device that fails. A restart of the node puts
    /// back its own signer.
    pub fn replace_signer(&mut self, signer: impl Signer + 'static) {
        let key = signer.public_key();
        self.signers.retain(|signer| signer.public_key() != key);
        self.signers.push(Arc::new(signer));
    }

    /// The events of the present process, in the order in which its user was told them.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The signatures of a request, if the user has been told them.
    pub fn completed(&self, request: RequestId) -> Option<&Completed> {
        let told = self.events.iter();
        told.filter_map(|event| if let Event::SessionComplete(completed) = event { Some(completed) } else { None })
            .find(|completed| completed.request == request)
    }

    /// The records of the node, which outlive a crash.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The same, to be made to fail.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The frames of other nodes that have reached this one, in their order.
    pub fn heard(&self) -> &[Arc<[u8]>] {
        &self.heard
    }

    /// Times by which the engine has held frames back ([`Effect::Hold`]).
    pub fn holds(&self) -> &[Duration] {
        &self.holds
    }

    /// True if the node has crashed, and has not been restarted.
    pub fn is_down(&self) -> bool {
        self.is_down
    }

    pub(crate) fn crash(&mut self) {
        self.is_down = true;
        self.outbox = Outbox::new();
    }

    pub(crate) fn start(&mut self, config: &Config, for_signer: Entropy) {
        self.engine = Engine::new(config.clone(), network_id(), self.peer, self.store.load());
        self.validator = pipeline();
        self.outbox = Outbox::new();
        self.events.clear();
        self.replies.clear();
        self.signers = vec![Arc::new(KeySigner::new(same(&self.key), for_signer))];
        self.is_down = false;
        self.topics.clear();
        self.ticked = None;
    }

    pub(crate) fn subscribe(&mut self, topics: BTreeSet<Topic>) {
        self.topics = topics;
    }

    /// True if the node subscribes to one of these topics.
    pub(crate) fn hears(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.topics.contains(topic))
    }

    /// The gossip topics that the node subscribes to.
    pub const fn topics(&self) -> &BTreeSet<Topic> {
        &self.topics
    }

    pub(crate) fn validator(&mut self) -> &mut Validator {
        &mut self.validator
    }

    pub(crate) fn entropy(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    pub(crate) fn signer(&self, key: &PublicKey) -> Option<Arc<dyn Signer>> {
        self.signers.iter().find(|signer| signer.public_key() == *key).map(Arc::clone)
    }

    pub(crate) fn add_signer(&mut self, signer: Arc<dyn Signer>) {
        self.signers.push(signer);
    }

    pub(crate) fn note_heard(&mut self, frame: Arc<[u8]>) {
        self.heard.push(frame);
    }

    pub(crate) fn forget_heard(&mut self) {
        self.heard.clear();
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    pub(crate) fn reply(&mut self, command: CommandId, reply: Result<Reply, CommandError>) {
        self.replies.insert(command, reply);
    }

    pub(crate) fn take_reply(&mut self, command: CommandId) -> Option<Result<Reply, CommandError>> {
        self.replies.remove(&command)
    }

    /// Gives the engine an input.
    pub(crate) fn handle(&mut self, now: Now, input: Input) -> Transition {
        if matches!(input, Input::Tick) {
            self.ticked = Some(now.mono.0);
        }
        let transition = self.engine.handle(now, input, &mut self.entropy);
        for own in &transition.sealed {
            self.validator.note_own(own, now);
        }
        self.holds.extend(
            transition
                .effects
                .iter()
                .filter_map(|effect| if let Effect::Hold(time) = effect { Some(*time) } else { None }),
        );
        transition
    }

    /// Takes a transition on its way out, stores its records, and hands out what may leave.
    pub(crate) fn release(&mut self, transition: Transition, now: Now) -> Step {
        self.outbox.push(transition, now.mono);
        let mut step = Step::default();
        if let Some(records) = self.outbox.next_commit() {
            let Some(result) = self.store.commit(&records) else {
                self.crash();
                return step;
            };
            if let Some(Refusal { input, dropped }) = self.outbox.on_committed(result, now.mono) {
                // Nothing of these leaves the node, and a driver has begun with them before the store has answered.
                step.effects.extend(dropped.into_iter().filter(Effect::is_internal));
                step.refusal = Some(input);
            }
        }
        step.effects.extend(self.due(now));
        step
    }

    /// The effects that may leave by now.
    pub(crate) fn due(&mut self, now: Now) -> Vec<Effect> {
        core::iter::from_fn(|| self.outbox.pop(now.mono)).collect()
    }

    /// The time on the monotonic clock at which frames leave that are held back.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.outbox.next_due().map(|due| due.0)
    }

    /// The time on the monotonic clock at which the node wants its next tick. One millisecond has one tick.
    pub(crate) fn next_tick(&self) -> Option<u64> {
        let deadline = self.engine.next_deadline().filter(|_| !self.is_down)?;
        Some(self.ticked.map_or(deadline.0, |ticked| deadline.0.max(ticked.saturating_add(1))))
    }
}

/// A secret key has no `Clone`: it is copied for a second process of the same signer, and for nothing else.
fn same(key: &SecretKey) -> SecretKey {
    let copy = SecretKey::from_bytes(&key.dangerous_to_bytes());
    #[expect(clippy::expect_used, reason = "the bytes are those of a key")]
    copy.expect("the bytes are those of a key")
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("engine", &self.engine)
            .field("peer", &self.peer)
            .field("signers", &self.signers)
            .field("store", &self.store)
            .field("is_down", &self.is_down)
            .finish_non_exhaustive()
    }
}
