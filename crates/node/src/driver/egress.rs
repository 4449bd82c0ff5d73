//! The way out: persist, then send, then emit.
//!
//! Batches are taken in the order in which the engine made them. The records of all batches that wait are committed in
//! one transaction, so that a busy node pays for one sync of the disk, not for a hundred; only then does anything of
//! those batches leave.
//!
//! The way out is a task of its own, since a disk takes its time. A batch that has nothing to wait for, with nothing
//! in front of it, is let out by the driver itself: it would cost more to wake the task.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use motet_coordinator::event::Event;
use motet_coordinator::{CommandError, Input, Pace, Record, Reply, StoreError};
use motet_core_crypto::PublicKey;
use motet_net::NetHandle;
use motet_wire::{Address, DhtKey, Index, NetworkId, PeerId, Shard, Topic};
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::Span;

use super::DriverInput;
use super::crash::Crash;
use super::held::Held;
use super::log;
use super::republisher::Republisher;
use crate::limits;
use crate::store::Store;

/// One consequence of a step, on its way out.
pub(crate) enum Released {
    Persist(Record),
    /// What follows in this step and leaves the node does so later.
    Hold(Duration),
    Broadcast {
        topic: Topic,
        frame: Arc<[u8]>,
    },
    Send {
        to: PeerId,
        addresses: Vec<Address>,
        frame: Arc<[u8]>,
    },
    Publish {
        key: DhtKey,
        indexes: Vec<Index>,
        signer: PublicKey,
        frame: Arc<[u8]>,
    },
    /// Put again what has been published: the DHT has just got its first peers.
    Republish,
    Reply(oneshot::Sender<Result<Reply, CommandError>>, Box<Result<Reply, CommandError>>),
    /// Tell the user, and the log inside this span.
    Emit(Box<Event>, Span),
    /// The engine knows what the store has refused: what follows takes it into account.
    Heard,
}

impl Released {
    /// Whether others hear of it.
    const fn leaves(&self) -> bool {
        matches!(self, Self::Broadcast { .. } | Self::Send { .. } | Self::Publish { .. })
    }
}

/// What the way out needs. Clones are the same way.
#[derive(Clone)]
pub(crate) struct Egress {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) net: NetHandle,
    pub(crate) network: NetworkId,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) inputs: mpsc::Sender<DriverInput>,
    pub(crate) crash: Crash,
    /// Batches that the task has not let out.
    pub(crate) waiting: Arc<AtomicUsize>,
    /// How often the store has refused something that the engine has not heard of.
    pub(crate) unheard: Arc<AtomicUsize>,
}

/// Runs until the driver is gone.
pub(crate) async fn run(egress: Egress, mut queue: mpsc::Receiver<Vec<Released>>) {
    let mut published = Republisher::default();
    let mut batches = Vec::new();
    let mut held = Held::default();
    loop {
        tokio::select! {
            received = queue.recv_many(&mut batches, limits::BATCHES) => if received == 0 { break },
            Some(released) = held.next() => egress.release(released, &mut published).await,
        }
        let received = batches.len();
        egress.store(&mut batches).await;
        for batch in batches.drain(..) {
            for released in held.pass(batch) {
                egress.release(released, &mut published).await;
            }
        }
        egress.waiting.fetch_sub(received, Ordering::Release);
    }
    for released in held.rest() {
        egress.release(released, &mut published).await;
    }
}

impl Egress {
    /// Whether a batch can leave at once: everything before it has left, and there is nothing that it has to wait for.
    pub(crate) fn is_free_for(&self, batch: &[Released]) -> bool {
        let stays = self.store.pace() == Pace::Waits;
        let waits = |released: &Released| match released {
            Released::Persist(_) => stays,
            Released::Hold(_) | Released::Publish { .. } | Released::Republish | Released::Heard => true,
            Released::Broadcast { .. } | Released::Send { .. } | Released::Reply(..) | Released::Emit(..) => false,
        };
        let first = self.waiting.load(Ordering::Acquire) == 0 && self.unheard.load(Ordering::Acquire) == 0;
        first && !batch.iter().any(waits)
    }

    /// Lets a batch out that is free to leave.
    pub(crate) async fn let_out(&self, batch: Vec<Released>) {
        let mut batches = vec![batch];
        self.store(&mut batches).await;
        for released in batches.into_iter().flatten() {
            self.release(released, &mut Republisher::default()).await;
        }
    }

    /// Commits the records of batches; those whose records are refused are gone afterwards.
    async fn store(&self, batches: &mut Vec<Vec<Released>>) {
        let records: Vec<Record> = batches
            .iter()
            .flatten()
            .filter_map(|released| if let Released::Persist(record) = released { Some(record.clone()) } else { None })
            .collect();
        if let Err(error) = self.commit(records.clone()).await {
            self.refuse(batches, &records, &error).await;
        }
        // What the engine has made since may follow from what is not there. Whoever misses it asks for it.
        for batch in batches {
            if batch.iter().any(|released| matches!(released, Released::Heard)) {
                self.unheard.fetch_sub(1, Ordering::AcqRel);
            }
            if self.unheard.load(Ordering::Acquire) > 0 {
                batch.retain(|released| !released.leaves());
            }
        }
    }

    async fn commit(&self, records: Vec<Record>) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let crash = self.crash;
        crash.before_storing(&records);
        let store = Arc::clone(&self.store);
        let pace = store.pace();
        let storing = move || {
            let stored = store.commit(&records);
            crash.after_storing(&records);
            stored
        };
        match pace {
            Pace::Computes => storing(),
            Pace::Waits => {
                let stored = tokio::task::spawn_blocking(storing).await;
                stored.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))
            }
        }
    }

    /// What could not be stored does not leave.
    async fn refuse(&self, batches: &mut Vec<Vec<Released>>, records: &[Record], error: &StoreError) {
        tracing::error!(%error, "the store failed; nothing that depends on it is sent");
        self.unheard.fetch_add(1, Ordering::AcqRel);
        let depends = |batch: &mut Vec<Released>| batch.iter().any(|one| matches!(one, Released::Persist(_)));
        for released in batches.extract_if(.., depends).flatten() {
            if let Released::Reply(caller, _) = released {
                drop(caller.send(Err(CommandError::Store(error.clone()))));
            }
        }
        let input = Input::PersistFailed { records: records.to_vec(), detail: error.to_string() };
        let inputs = self.inputs.clone();
        tokio::spawn(async move { drop(inputs.send(input.into()).await) });
    }

    async fn release(&self, released: Released, published: &mut Republisher) {
        // The network has stopped only when the node is stopping.
        match released {
            Released::Persist(_) | Released::Hold(_) | Released::Heard => {}
            Released::Broadcast { topic, frame } => {
                self.crash.before_sending(&frame);
                drop(self.net.publish(topic, Arc::clone(&frame)).await);
                self.crash_after(&frame).await;
            }
            Released::Send { to, addresses, frame } => {
                self.crash.before_sending(&frame);
                drop(self.net.send(to, addresses, Arc::clone(&frame)).await);
                self.crash_after(&frame).await;
            }
            Released::Publish { key, indexes, signer, frame } => {
                let keys: Vec<DhtKey> = core::iter::once(key)
                    .chain(indexes.into_iter().map(|index| self.bag_of(&index, &signer)))
                    .collect();
                for key in &keys {
                    drop(self.net.put(*key, Arc::clone(&frame)).await);
                }
                published.add(signer, keys, frame);
            }
            Released::Republish => {
                for (key, frame) in published.iter() {
                    drop(self.net.put(*key, Arc::clone(frame)).await);
                }
            }
            // Whoever asked or listened may have gone.
            Released::Reply(caller, result) => drop(caller.send(*result)),
            Released::Emit(event, span) => {
                span.in_scope(|| log::event(&event));
                drop(self.events.send(*event));
            }
        }
    }

    /// A request lies in the bag of the signer that is asked, everything else in its author's.
    fn bag_of(&self, index: &Index, signer: &PublicKey) -> DhtKey {
        DhtKey::bag(&self.network, index, Shard::of(signer, Shard::INITIAL_DEPTH))
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

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::atomic::AtomicBool;

    use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig, NetEvent};
    use motet_wire::{Channel, RequestId};

    use super::*;
    use motet_coordinator::Snapshot;

    /// Refuses the first commit.
    #[derive(Debug, Default)]
    struct RefusesOnce(AtomicBool);

    impl Store for RefusesOnce {
        fn commit(&self, _: &[Record]) -> Result<(), StoreError> {
            if self.0.swap(true, Ordering::Relaxed) { Ok(()) } else { Err(StoreError::Failed("full".to_owned())) }
        }

        fn load(&self) -> Result<Snapshot, StoreError> {
            Ok(Snapshot::default())
        }
    }

    #[derive(Debug)]
    struct Nothing;

    impl EntryPolicy for Nothing {
        fn entry(&self, _: &[u8], _: &[u8]) -> Option<Entry> {
            None
        }
    }

    fn says(number: u8) -> Released {
        Released::Broadcast { topic: Topic::Sessions, frame: Arc::from([number]) }
    }

    fn record() -> Released {
        Released::Persist(Record::Ended { request: RequestId::from_bytes([1; 32]), result: None })
    }

    #[tokio::test]
    async fn nothing_leaves_that_was_made_before_the_engine_knew_what_was_refused() {
        let config = NetConfig::local(NetworkId::test(), Keypair::generate());
        let (net, mut heard) = Net::start(config, Arc::new(Nothing)).unwrap();
        let (events, _user) = broadcast::channel(16);
        let (inputs, mut back) = mpsc::channel(16);
        let (queue, batches) = mpsc::channel(16);
        let egress = Egress {
            store: Arc::new(RefusesOnce::default()),
            net,
            network: NetworkId::test(),
            events,
            inputs,
            crash: Crash::default(),
            waiting: Arc::default(),
            unheard: Arc::default(),
        };
        let (caller, answer) = oneshot::channel();
        let reply = Released::Reply(caller, Box::new(Ok(Reply::Done)));
        egress.waiting.store(5, Ordering::Release);
        queue.send(vec![record(), says(1), reply]).await.unwrap();
        queue.send(vec![says(2)]).await.unwrap();
        let way_out = tokio::spawn(run(egress.clone(), batches));
        assert!(matches!(answer.await, Ok(Err(CommandError::Store(_)))));
        assert!(
            matches!(back.recv().await, Some(DriverInput::Input(input)) if matches!(*input, Input::PersistFailed { .. }))
        );
        // The engine is told, and has not been yet: what it makes meanwhile may follow from what is not there.
        queue.send(vec![record(), says(3)]).await.unwrap();
        assert!(!egress.is_free_for(&[says(4)]));
        queue.send(vec![Released::Heard]).await.unwrap();
        queue.send(vec![record(), says(5)]).await.unwrap();
        drop(queue);
        way_out.await.unwrap();
        assert!(egress.is_free_for(&[says(6)]));
        assert!(!egress.is_free_for(&[record()]), "a disk takes its time");
        let first = async {
            loop {
                if let NetEvent::Received { bytes, channel: Channel::Loopback, .. } = heard.recv().await.unwrap() {
                    return bytes;
                }
            }
        };
        assert_eq!(*tokio::time::timeout(Duration::from_secs(60), first).await.unwrap(), [5]);
    }
}
