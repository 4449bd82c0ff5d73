//! The way out: carries out what the engine's outbox hands out, and has stored what it wants stored.
//!
//! The driver owns the outbox and carries its effects out itself, since to wake another task costs more than to send. Only
//! the store works on a thread beside: a disk takes its time, and the engine goes on meanwhile.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use motet_coordinator::event::Event;
use motet_coordinator::{
    CommandError, CommandId, Effect, Input, Outbox, Pace, Record, Refusal, Reply, SignerTask, StoreError, Transition,
};
use motet_net::NetHandle;
use motet_wire::{MonotonicMs, NetworkId, Topic};
use tokio::sync::{broadcast, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::bags;
use super::clock::Clock;
use super::crash::Crash;
use super::log;
use super::republisher::{Published, Republisher};
use crate::limits;
use crate::store::Store;

/// The way out of the engine, and everything that it leads to.
pub(crate) struct Egress {
    outbox: Outbox,
    clock: Clock,
    store: Arc<dyn Store>,
    net: NetHandle,
    network: NetworkId,
    events: broadcast::Sender<Arc<Event>>,
    crash: Crash,
    callers: BTreeMap<CommandId, oneshot::Sender<Result<Reply, CommandError>>>,
    /// Frames that may leave.
    frames: VecDeque<Effect>,
    /// Replies, events, and frames for the DHT, which leave after the frames for peers.
    told: VecDeque<Effect>,
    /// Tasks of signers that waited for the store, for the driver.
    tasks: VecDeque<SignerTask>,
    /// True if frames have left since [`Egress::has_sent`] was asked.
    sent: bool,
    published: Republisher,
    /// Puts into deeper bags, which wait for answers of the DHT.
    deeper: JoinSet<()>,
    /// The commit that is under way on a thread beside.
    storing: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Egress {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        net: NetHandle,
        network: NetworkId,
        events: broadcast::Sender<Arc<Event>>,
        crash: Crash,
    ) -> Self {
        Self {
            outbox: Outbox::new(),
            clock,
            store,
            net,
            network,
            events,
            crash,
            callers: BTreeMap::new(),
            frames: VecDeque::new(),
            told: VecDeque::new(),
            tasks: VecDeque::new(),
            sent: false,
            published: Republisher::default(),
            deeper: JoinSet::new(),
            storing: None,
        }
    }

    /// Takes what the engine has made.
    pub(crate) fn push(&mut self, transition: Transition, now: MonotonicMs) {
        self.outbox.push(transition, now);
        self.sort(now);
    }

    /// Takes from the outbox what may leave now.
    fn sort(&mut self, now: MonotonicMs) {
        while let Some(effect) = self.outbox.pop(now) {
            match effect {
                Effect::AskSigner(task) => self.tasks.push_back(task),
                Effect::Broadcast { .. } | Effect::Send { .. } => self.frames.push_back(effect),
                _ => self.told.push_back(effect),
            }
        }
    }

    /// True if a frame may leave, or a commit can begin.
    pub(crate) fn is_ready(&self) -> bool {
        !self.frames.is_empty() || (self.storing.is_none() && self.outbox.waiting() > 0)
    }

    /// True if frames have left since this was asked.
    pub(crate) fn has_sent(&mut self) -> bool {
        core::mem::take(&mut self.sent)
    }

    /// Notes who is to be given the answer to a command.
    pub(crate) fn await_reply(&mut self, command: CommandId, caller: oneshot::Sender<Result<Reply, CommandError>>) {
        self.callers.insert(command, caller);
    }

    /// The next task of a signer that the store has made way for.
    pub(crate) fn next_task(&mut self) -> Option<SignerTask> {
        self.tasks.pop_front()
    }

    /// The node subscribes to these topics from now on.
    pub(crate) fn subscribe(&mut self, topics: BTreeSet<Topic>) {
        self.told.push_back(Effect::Subscribe(topics));
    }

    /// Frames that have been published are put into the DHT again.
    pub(crate) fn republish(&mut self) {
        self.published.put_all_again();
    }

    /// True while so much waits for the store that nothing new should be taken in.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.waiting() >= limits::BATCHES
    }

    /// When something leaves that is held back, or is put into the DHT again.
    pub(crate) fn next_due(&self) -> Option<MonotonicMs> {
        self.outbox.next_due().into_iter().chain(self.published.next_due()).min()
    }

    /// Sends the frames that may leave, and has stored what is to be stored. What the engine is to hear, if the store refuses.
    pub(crate) async fn flush(&mut self) -> Option<Input> {
        for published in self.published.take_due(self.clock.now().mono) {
            self.put(published).await;
        }
        loop {
            self.sort(self.clock.now().mono);
            while let Some(frame) = self.frames.pop_front() {
                self.sent = true;
                self.carry_out(frame).await;
            }
            let records = self.outbox.next_commit()?;
            let storing = storing(Arc::clone(&self.store), records, self.crash);
            if self.store.pace() == Pace::Waits {
                self.storing = Some(tokio::task::spawn_blocking(storing));
                return None;
            }
            let refused = self.on_stored(storing());
            if refused.is_some() {
                return refused;
            }
        }
    }

    /// Gives replies and events to those that wait for them, and frames to the DHT.
    pub(crate) async fn tell(&mut self) {
        while let Some(effect) = self.told.pop_front() {
            self.carry_out(effect).await;
        }
    }

    /// Waits until the commit has ended that is under way. Nothing is lost if nobody waits to the end.
    pub(crate) async fn stored(&mut self) -> Result<(), StoreError> {
        let Some(storing) = &mut self.storing else { return core::future::pending().await };
        let result = storing.await;
        self.storing = None;
        result.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))
    }

    /// Takes how a commit has ended. What the engine is to hear, if the store has refused it.
    pub(crate) fn on_stored(&mut self, result: Result<(), StoreError>) -> Option<Input> {
        if let Err(error) = &result {
            tracing::error!(%error, "the store failed; nothing that depends on it is sent");
        }
        let Refusal { input, .. } = self.outbox.on_committed(result, self.clock.now().mono)?;
        Some(input)
    }

    /// Stores and lets out everything, also what is held back: the node is stopping.
    pub(crate) async fn finish(mut self) {
        // The engine does not hear of refusals any more.
        while self.flush().await.is_some() || self.storing.is_some() {
            if self.storing.is_some() {
                let result = self.stored().await;
                drop(self.on_stored(result));
            }
        }
        self.sort(MonotonicMs(u64::MAX));
        while let Some(effect) = self.frames.pop_front() {
            self.carry_out(effect).await;
        }
        self.tell().await;
    }

    async fn carry_out(&mut self, effect: Effect) {
        // The network has stopped only when the node is stopping.
        match effect {
            Effect::Broadcast { topics, frame } => {
                self.crash.before_sending(&frame);
                drop(self.net.publish(topics, Arc::clone(&frame)).await);
                self.crash_after(&frame).await;
            }
            Effect::Send { to, addresses, frame } => {
                self.crash.before_sending(&frame);
                drop(self.net.send(to, addresses, Arc::clone(&frame)).await);
                self.crash_after(&frame).await;
            }
            Effect::Publish { key, indexes, signer, frame } => {
                let published = self.published.add(signer, key, indexes, frame, self.clock.now());
                self.put(published).await;
            }
            Effect::Subscribe(topics) => drop(self.net.subscribe(topics).await),
            // Whoever asked or listened may have gone.
            Effect::Reply(id, result) => drop(self.callers.remove(&id).map(|caller| caller.send(result))),
            Effect::Emit(event, span) => {
                span.in_scope(|| log::event(&event));
                drop(self.events.send(Arc::new(event)));
            }
            // The driver takes these out, and the outbox has done the waiting.
            Effect::AskSigner(_)
            | Effect::Compute(_)
            | Effect::LookUp { .. }
            | Effect::AskPolicy(_)
            | Effect::Validate { .. }
            | Effect::Hold(_) => {}
        }
    }

    /// Puts something into the DHT. Whether it has to lie in deeper bags is asked beside.
    async fn put(&mut self, published: Published) {
        drop(bags::put(&self.net, &self.network, &published).await);
        while self.deeper.try_join_next().is_some() {}
        if !published.indexes.is_empty() && self.deeper.len() < limits::DEEPER {
            let (net, network) = (self.net.clone(), self.network.clone());
            self.deeper.spawn(async move { drop(bags::put_deeper(&net, &network, &published).await) });
        }
    }

    /// Dies here if this is the place after which to die.
    async fn crash_after(&self, frame: &[u8]) {
        if self.crash.is_after_sending(frame) {
            // The network is asked something, so that it has taken what came before.
            drop(self.net.stats().await);
            self.crash.die();
        }
    }
}

/// Commits records, in whatever thread it is called.
fn storing(
    store: Arc<dyn Store>,
    records: Arc<[Record]>,
    crash: Crash,
) -> impl FnOnce() -> Result<(), StoreError> + Send + 'static {
    move || {
        crash.before_storing(&records);
        let stored = store.commit(&records);
        crash.after_storing(&records);
        stored
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::atomic::{AtomicBool, Ordering};

    use motet_coordinator::Snapshot;
    use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig, NetEvent, parse_address};
    use motet_wire::RequestId;
    use tokio::sync::mpsc;

    use super::*;

    /// Refuses the first commit.
    #[derive(Debug)]
    struct RefusesOnce {
        refused: AtomicBool,
        pace: Pace,
    }

    impl Store for RefusesOnce {
        fn pace(&self) -> Pace {
            self.pace
        }

        fn commit(&self, _: &[Record]) -> Result<(), StoreError> {
            let refused = self.refused.swap(true, Ordering::Relaxed);
            if refused { Ok(()) } else { Err(StoreError::Failed("full".to_owned())) }
        }

        fn load(&self) -> Result<Snapshot, StoreError> {
            Ok(Snapshot::default())
        }
    }

    #[derive(Debug)]
    struct Nothing;

    impl EntryPolicy for Nothing {
        fn entry(&self, _: &[u8; 32], _: &[u8]) -> Option<Entry> {
            None
        }
    }

    fn says(number: u8) -> Effect {
        Effect::Broadcast { topics: vec![Topic::AllOffers], frame: Arc::from([number]) }
    }

    fn makes(records: Vec<Record>, effects: Vec<Effect>) -> Transition {
        let mut transition = Transition::default();
        transition.records = records;
        transition.effects = effects;
        transition
    }

    fn record() -> Record {
        Record::Ended { request: RequestId::from_bytes([1; 32]), result: None }
    }

    fn local() -> NetConfig {
        NetConfig::local(NetworkId::test(), Keypair::generate())
    }

    /// A way out, and what a neighbour hears of it.
    async fn egress(refused: bool, pace: Pace) -> (Egress, mpsc::Receiver<NetEvent>) {
        let (neighbour, mut heard) = Net::start(local(), Arc::new(Nothing)).unwrap();
        neighbour.subscribe([Topic::AllOffers].into()).await.unwrap();
        let place = loop {
            if let NetEvent::Listening { address } = heard.recv().await.unwrap() {
                break parse_address(&format!("{address}/p2p/{}", neighbour.peer_id())).unwrap();
            }
        };
        let mut config = local();
        config.bootstrap.push(place);
        let (net, mut events) = Net::start(config, Arc::new(Nothing)).unwrap();
        while !matches!(events.recv().await, Some(NetEvent::PeerConnected { .. })) {}
        // Both are there for as long as the test.
        tokio::spawn(async move {
            let _neighbour = neighbour;
            while events.recv().await.is_some() {}
        });
        let store = Arc::new(RefusesOnce { refused: AtomicBool::new(refused), pace });
        (Egress::new(store, Clock::start(), net, NetworkId::test(), broadcast::channel(16).0, Crash::default()), heard)
    }

    async fn first_heard(heard: &mut mpsc::Receiver<NetEvent>) -> Arc<[u8]> {
        let first = async {
            loop {
                if let NetEvent::Received { bytes, .. } = heard.recv().await.unwrap() {
                    return bytes;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), first).await.unwrap()
    }

    #[tokio::test]
    async fn a_refused_commit_is_told_to_its_caller_and_to_the_engine_and_nothing_of_it_leaves() {
        for pace in [Pace::Computes, Pace::Waits] {
            let (mut egress, mut heard) = egress(false, pace).await;
            let (caller, answer) = oneshot::channel();
            egress.await_reply(CommandId(1), caller);
            let now = egress.clock.now().mono;
            egress.push(makes(vec![record()], vec![says(1), Effect::Reply(CommandId(1), Ok(Reply::Done))]), now);
            let mut told = egress.flush().await;
            // What is made while the store is at work may follow from what it refuses.
            egress.push(makes(vec![], vec![says(2)]), now);
            if pace == Pace::Waits {
                assert!(told.is_none());
                let result = egress.stored().await;
                told = egress.on_stored(result);
            }
            assert!(matches!(told, Some(Input::PersistFailed { .. })));
            assert!(egress.flush().await.is_none());
            egress.tell().await;
            assert!(matches!(answer.await, Ok(Err(CommandError::Store(_)))));
            drop(egress.net.publish(vec![Topic::AllOffers], Arc::from([3])).await);
            assert_eq!(*first_heard(&mut heard).await, [3]);
        }
    }

    #[tokio::test]
    async fn what_has_nothing_to_be_stored_leaves_without_another_task() {
        let (mut egress, mut heard) = egress(true, Pace::Waits).await;
        let now = egress.clock.now().mono;
        egress.push(makes(vec![], vec![says(1)]), now);
        assert!(egress.flush().await.is_none() && egress.storing.is_none());
        assert_eq!(*first_heard(&mut heard).await, [1]);
    }

    #[tokio::test]
    async fn frames_leave_before_anything_is_told() {
        let (mut egress, mut heard) = egress(true, Pace::Waits).await;
        let mut told = egress.events.subscribe();
        let now = egress.clock.now().mono;
        let event = Event::DhtReady;
        egress.push(makes(vec![], vec![Effect::Emit(event.clone(), tracing::Span::none()), says(1)]), now);
        assert!(egress.is_ready());
        assert!(egress.flush().await.is_none() && egress.has_sent() && !egress.has_sent());
        assert_eq!(*first_heard(&mut heard).await, [1]);
        assert!(told.try_recv().is_err());
        egress.tell().await;
        assert_eq!(told.try_recv(), Ok(Arc::new(event)));
    }

    #[tokio::test]
    async fn a_computation_does_not_begin_while_a_commit_can_begin() {
        let (mut egress, _heard) = egress(true, Pace::Waits).await;
        let now = egress.clock.now().mono;
        assert!(!egress.is_ready());
        egress.push(makes(vec![record()], vec![says(1)]), now);
        assert!(egress.is_ready());
        assert!(egress.flush().await.is_none());
        assert!(!egress.is_ready() && !egress.has_sent(), "the disk is at work, and the frame waits for it");
        let result = egress.stored().await;
        assert!(egress.on_stored(result).is_none());
        assert!(egress.flush().await.is_none() && egress.has_sent());
    }

    #[tokio::test]
    async fn a_node_that_stops_stores_and_sends_everything_even_what_it_held_back() {
        let (mut egress, mut heard) = egress(true, Pace::Waits).await;
        let now = egress.clock.now().mono;
        egress.push(makes(vec![record()], vec![Effect::Hold(Duration::from_secs(3_600)), says(1)]), now);
        assert!(egress.flush().await.is_none());
        egress.push(makes(vec![record()], vec![says(2)]), now);
        let net = egress.net.clone();
        egress.finish().await;
        assert_eq!(*first_heard(&mut heard).await, [1]);
        // A new neighbour is told twice what was published before it was known to listen.
        while *first_heard(&mut heard).await != [2] {}
        net.stop().await;
    }
}
