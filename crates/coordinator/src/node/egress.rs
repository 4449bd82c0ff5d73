//! The way out: persist, then send, then emit.
//!
//! Batches are taken in the order in which the engine made them. The records of all batches that wait are committed in
//! one transaction, so that a busy node pays for one sync of the disk, not for a hundred; only then does anything of
//! those batches leave.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_net::NetHandle;
use motet_wire::{Address, DhtKey, Index, NetworkId, PeerId, Shard, Topic};
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::Span;

use super::crash::crash_if;
use super::held::Held;
use super::{Back, CrashPoint, log};
use crate::engine::{Input, Reply};
use crate::error::CommandError;
use crate::event::Event;
use crate::limits;
use crate::pace::Pace;
use crate::store::{Record, Store, StoreError};

/// One consequence of a step, on its way out.
pub(super) enum Released {
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
}

/// What the way out needs.
pub(super) struct Egress {
    pub(super) store: Arc<dyn Store>,
    pub(super) net: NetHandle,
    pub(super) network: NetworkId,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) inputs: mpsc::Sender<Back>,
    pub(super) batches: mpsc::Receiver<Vec<Released>>,
    pub(super) crash: Option<CrashPoint>,
}

/// Runs until the driver is gone.
pub(super) async fn run(mut egress: Egress) {
    let mut published = VecDeque::new();
    let mut batches = Vec::new();
    let mut held = Held::default();
    loop {
        tokio::select! {
            received = egress.batches.recv_many(&mut batches, limits::BATCHES) => if received == 0 { break },
            Some(released) = held.next() => egress.release(released, &mut published).await,
        }
        let records: Vec<Record> = batches
            .iter()
            .flatten()
            .filter_map(|released| if let Released::Persist(record) = released { Some(record.clone()) } else { None })
            .collect();
        if let Err(error) = egress.commit(records.clone()).await {
            egress.refuse(&mut batches, &records, &error).await;
        }
        for batch in batches.drain(..) {
            for released in held.pass(batch) {
                egress.release(released, &mut published).await;
            }
        }
    }
    for released in held.rest() {
        egress.release(released, &mut published).await;
    }
}

impl Egress {
    async fn commit(&self, records: Vec<Record>) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let crash = self.crash;
        crash_if(crash.is_some_and(|crash| records.iter().any(|record| crash.is_before_storing(record))));
        let store = Arc::clone(&self.store);
        let pace = store.pace();
        let storing = move || {
            let stored = store.commit(&records);
            crash_if(crash.is_some_and(|crash| records.iter().any(|record| crash.is_after_storing(record))));
            stored
        };
        match pace {
            Pace::Computes => storing(),
            Pace::Waits => {
                let stored = tokio::task::spawn_blocking(storing).await;
                stored.unwrap_or_else(|error| Err(StoreError(error.to_string())))
            }
        }
    }

    /// What could not be stored does not leave.
    async fn refuse(&self, batches: &mut Vec<Vec<Released>>, records: &[Record], error: &StoreError) {
        tracing::error!(%error, "the store failed; nothing that depends on it is sent");
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

    async fn release(&self, released: Released, published: &mut VecDeque<(Vec<DhtKey>, Arc<[u8]>)>) {
        // The network has stopped only when the node is stopping.
        match released {
            Released::Persist(_) | Released::Hold(_) => {}
            Released::Broadcast { topic, frame } => {
                crash_if(self.crash.is_some_and(|crash| crash.is_before_sending(&frame)));
                drop(self.net.publish(topic, Arc::clone(&frame)).await);
                self.crash_after(&frame).await;
            }
            Released::Send { to, addresses, frame } => {
                crash_if(self.crash.is_some_and(|crash| crash.is_before_sending(&frame)));
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
                if published.len() >= limits::PUBLISHED {
                    published.pop_front();
                }
                published.push_back((keys, frame));
            }
            Released::Republish => {
                for (keys, frame) in published.iter() {
                    for key in keys {
                        drop(self.net.put(*key, Arc::clone(frame)).await);
                    }
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
        if self.crash.is_some_and(|crash| crash.is_after_sending(frame)) {
            // The network is asked something, so that it has taken what came before.
            drop(self.net.stats().await);
            crash_if(true);
        }
    }
}
