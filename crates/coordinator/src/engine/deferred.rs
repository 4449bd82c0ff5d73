//! Messages that overtook what they refer to. They wait here, bounded, and are never punished.

use core::time::Duration;
use std::collections::VecDeque;

use motet_core_crypto::PublicKey;
use motet_wire::{AttemptId, MonotonicMs, RequestId, Validated};

use crate::limits;

/// How long an early message waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// What an early message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaits {
    /// A request.
    Request(RequestId),
    /// A session, or its sender's join.
    Session(AttemptId),
}

#[derive(Debug)]
struct Waiting {
    awaits: Awaits,
    sender: PublicKey,
    until: MonotonicMs,
    message: Box<Validated>,
}

/// Early messages, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct DeferredMessages {
    waiting: VecDeque<Waiting>,
}

impl DeferredMessages {
    pub(super) fn defer(&mut self, awaits: Awaits, message: Validated, now: MonotonicMs) {
        let sender = *message.sender();
        if self.of_sender(&sender) >= limits::EARLY_PER_SENDER {
            return;
        }
        if self.waiting.len() >= limits::EARLY_MESSAGES {
            self.waiting.pop_front();
        }
        let until = now.saturating_add(PATIENCE);
        self.waiting.push_back(Waiting { awaits, sender, until, message: Box::new(message) });
    }

    pub(super) fn of_sender(&self, sender: &PublicKey) -> usize {
        self.waiting.iter().filter(|waiting| waiting.sender == *sender).count()
    }

    /// Takes out all messages that wait for one of these.
    pub(super) fn take(&mut self, is_there: impl Fn(&Awaits) -> bool) -> Vec<Validated> {
        let (ready, rest) =
            core::mem::take(&mut self.waiting).into_iter().partition(|waiting| is_there(&waiting.awaits));
        self.waiting = rest;
        let ready: VecDeque<Waiting> = ready;
        ready.into_iter().map(|waiting| *waiting.message).collect()
    }

    pub(super) fn expire(&mut self, now: MonotonicMs) {
        // All wait equally long, so that the first has come first.
        while self.waiting.front().is_some_and(|first| first.until <= now) {
            self.waiting.pop_front();
        }
    }

    pub(super) fn next_expiry(&self) -> Option<MonotonicMs> {
        self.waiting.front().map(|waiting| waiting.until)
    }
}
