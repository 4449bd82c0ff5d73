//! One step of the engine: what it is lent, and the order in which its consequences are released.

use core::time::Duration;
use std::sync::Arc;

use motet_wire::{Address, Now, PeerId, Topic};
use rand_core::TryCryptoRng;

use super::input::{Action, CommandId, Reply};
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::event::Event;
use crate::job::Job;
use crate::record::Record;
use crate::signer::SignerTask;

/// What one call of [`super::Engine::handle`] is lent, and what it wants done afterwards.
pub(crate) struct Step<'a> {
    pub(crate) now: Now,
    pub(crate) rng: &'a mut dyn TryCryptoRng<Error = EntropyError>,
    persist: Vec<Action>,
    send: Vec<Action>,
    emit: Vec<Action>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(now: Now, rng: &'a mut dyn TryCryptoRng<Error = EntropyError>) -> Self {
        Self { now, rng, persist: Vec::new(), send: Vec::new(), emit: Vec::new() }
    }

    pub(crate) fn persist(&mut self, record: Record) {
        self.persist.push(Action::Persist(record));
    }

    pub(crate) fn broadcast(&mut self, topic: Topic, frame: &Arc<[u8]>) {
        self.send.push(Action::Broadcast { topic, frame: Arc::clone(frame) });
    }

    pub(crate) fn send(&mut self, to: PeerId, addresses: Vec<Address>, frame: &Arc<[u8]>) {
        self.send.push(Action::Send { to, addresses, frame: Arc::clone(frame) });
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.send.push(action);
    }

    pub(crate) fn ask_signer(&mut self, task: SignerTask) {
        self.send.push(Action::AskSigner(task));
    }

    pub(crate) fn compute(&mut self, job: Job) {
        self.send.push(Action::Compute(job));
    }

    pub(crate) fn reply(&mut self, command: CommandId, result: Result<Reply, CommandError>) {
        self.emit.push(Action::Reply(command, result));
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.emit.push(Action::Emit(event));
    }

    /// 32 random bytes for a signature; zeros where there are none, which BIP-340 allows.
    pub(crate) fn aux(&mut self) -> [u8; 32] {
        let mut aux = [0; 32];
        if self.rng.try_fill_bytes(&mut aux).is_err() {
            aux = [0; 32];
        }
        aux
    }

    /// Whether anything of it leaves the node.
    pub(crate) fn sends(&self) -> bool {
        let leaves =
            |action: &Action| matches!(action, Action::Broadcast { .. } | Action::Send { .. } | Action::Publish { .. });
        self.send.iter().any(leaves)
    }

    /// What leaves the node does so later.
    pub(crate) fn hold(&mut self, time: Duration) {
        self.send.insert(0, Action::Hold(time));
    }

    /// Persist, then send, then emit.
    pub(crate) fn into_actions(self) -> Vec<Action> {
        let mut actions = self.persist;
        actions.extend(self.send);
        actions.extend(self.emit);
        actions
    }
}

impl core::fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Step").field("now", &self.now).finish_non_exhaustive()
    }
}
