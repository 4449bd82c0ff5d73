//! Messages that overtook what they refer to. They wait here, bounded, and are never punished.
//!
//! There are three rooms: for senders that take part in a session of this node or are asked to, for others that have advertised a
//! signer, and for strangers. A room that is full loses its own oldest message, so that strangers push out messages of strangers alone.
//! Every look-up is by what is awaited or by the sender, however many messages wait.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::PublicKey;
use motet_wire::{AttemptId, MonotonicMs, RequestId, Validated};

use crate::limits;

/// Time for which an early message waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// The message that an early message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Awaits {
    /// A request.
    Request(RequestId),
    /// A session, or its sender's join.
    Session(AttemptId),
}

/// Which room a message waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// That of participants.
    Participants,
    /// That of others that have advertised a signer.
    Advertised,
    /// That of all others.
    Strangers,
}

#[derive(Debug)]
struct Waiting {
    awaits: Awaits,
    sender: PublicKey,
    until: MonotonicMs,
    message: Box<Validated>,
}

/// Messages by the order of their arrival, with the ways to find them.
#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    by_awaits: BTreeMap<Awaits, BTreeSet<u64>>,
    by_sender: BTreeMap<PublicKey, usize>,
}

impl Queue {
    fn insert(&mut self, number: u64, waiting: Waiting) {
        if self.waiting.len() >= limits::EARLY_MESSAGES
            && let Some(oldest) = self.waiting.keys().next().copied()
        {
            self.remove(oldest);
        }
        self.by_awaits.entry(waiting.awaits).or_default().insert(number);
        *self.by_sender.entry(waiting.sender).or_default() += 1;
        self.waiting.insert(number, waiting);
    }

    fn remove(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        if let Some(numbers) = self.by_awaits.get_mut(&waiting.awaits) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_awaits.remove(&waiting.awaits);
            }
        }
        if let Some(count) = self.by_sender.get_mut(&waiting.sender) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_sender.remove(&waiting.sender);
            }
        }
        Some(waiting)
    }

    fn of_sender(&self, sender: &PublicKey) -> usize {
        self.by_sender.get(sender).copied().unwrap_or_default()
    }
}

/// Early messages.
#[derive(Debug, Default)]
pub(super) struct DeferredMessages {
    participants: Queue,
    advertised: Queue,
    strangers: Queue,
    next: u64,
}

impl DeferredMessages {
    /// Keeps a message until what it awaits is there.
    pub(super) fn defer(&mut self, room: Room, awaits: Awaits, message: Validated, now: MonotonicMs) {
        let sender = *message.sender();
        if self.of_sender(&sender) >= limits::EARLY_PER_SENDER {
            return;
        }
        self.next = self.next.wrapping_add(1);
        let until = now.saturating_add(PATIENCE);
        let queue = match room {
            Room::Participants => &mut self.participants,
            Room::Advertised => &mut self.advertised,
            Room::Strangers => &mut self.strangers,
        };
        queue.insert(self.next, Waiting { awaits, sender, until, message: Box::new(message) });
    }

    fn queues(&self) -> [&Queue; 3] {
        [&self.participants, &self.advertised, &self.strangers]
    }

    fn queues_mut(&mut self) -> [&mut Queue; 3] {
        [&mut self.participants, &mut self.advertised, &mut self.strangers]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues().iter().all(|queue| queue.waiting.is_empty())
    }

    pub(super) fn of_sender(&self, sender: &PublicKey) -> usize {
        self.queues().iter().map(|queue| queue.of_sender(sender)).sum()
    }

    /// Takes out all messages that wait for one of these, in the order of their arrival.
    pub(super) fn take(&mut self, awaited: impl IntoIterator<Item = Awaits>) -> Vec<Validated> {
        let mut taken = BTreeMap::new();
        for awaits in awaited {
            for queue in self.queues_mut() {
                for number in queue.by_awaits.get(&awaits).cloned().unwrap_or_default() {
                    taken.extend(queue.remove(number).map(|waiting| (number, *waiting.message)));
                }
            }
        }
        taken.into_values().collect()
    }

    pub(super) fn expire(&mut self, now: MonotonicMs) {
        for queue in self.queues_mut() {
            // All wait equally long, so that the first has come first.
            while let Some((number, _)) = queue.waiting.first_key_value().filter(|(_, first)| first.until <= now) {
                let number = *number;
                queue.remove(number);
            }
        }
    }

    pub(super) fn next_expiry(&self) -> Option<MonotonicMs> {
        let first = |queue: &Queue| queue.waiting.first_key_value().map(|(_, waiting)| waiting.until);
        self.queues().into_iter().filter_map(first).min()
    }
}
