//! One step of the engine: what it is lent, and the order in which its consequences are released.

use core::time::Duration;
use std::sync::Arc;

use motet_wire::{Address, Now, PeerId, Topic};
use rand_core::TryCryptoRng;

use super::input::{CommandId, Effect, Reply};
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::event::Event;
use crate::job::Job;
use crate::record::Record;
use crate::signer::SignerTask;

/// What one call of [`super::Engine::handle`] is lent, and what it wants done afterwards.
pub(crate) struct Ctx<'a> {
    pub(crate) now: Now,
    pub(crate) rng: &'a mut dyn TryCryptoRng<Error = EntropyError>,
    persist: Vec<Effect>,
    send: Vec<Effect>,
    emit: Vec<Effect>,
}

impl<'a> Ctx<'a> {
    pub(crate) fn new(now: Now, rng: &'a mut dyn TryCryptoRng<Error = EntropyError>) -> Self {
        Self { now, rng, persist: Vec::new(), send: Vec::new(), emit: Vec::new() }
    }

    pub(crate) fn persist(&mut self, record: Record) {
        self.persist.push(Effect::Persist(record));
    }

    pub(crate) fn broadcast(&mut self, topic: Topic, frame: &Arc<[u8]>) {
        self.send.push(Effect::Broadcast { topic, frame: Arc::clone(frame) });
    }

    pub(crate) fn send(&mut self, to: PeerId, addresses: Vec<Address>, frame: &Arc<[u8]>) {
        self.send.push(Effect::Send { to, addresses, frame: Arc::clone(frame) });
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.send.push(effect);
    }

    pub(crate) fn ask_signer(&mut self, task: SignerTask) {
        self.send.push(Effect::AskSigner(task));
    }

    pub(crate) fn compute(&mut self, job: Job) {
        self.send.push(Effect::Compute(job));
    }

    pub(crate) fn reply(&mut self, command: CommandId, result: Result<Reply, CommandError>) {
        self.emit.push(Effect::Reply(command, result));
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.emit.push(Effect::Emit(event));
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
            |effect: &Effect| matches!(effect, Effect::Broadcast { .. } | Effect::Send { .. } | Effect::Publish { .. });
        self.send.iter().any(leaves)
    }

    /// What leaves the node does so later.
    pub(crate) fn hold(&mut self, time: Duration) {
        self.send.insert(0, Effect::Hold(time));
    }

    /// Persist, then send, then emit.
    pub(crate) fn into_effects(self) -> Vec<Effect> {
        let mut effects = self.persist;
        effects.extend(self.send);
        effects.extend(self.emit);
        effects
    }
}

impl core::fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ctx").field("now", &self.now).finish_non_exhaustive()
    }
}
