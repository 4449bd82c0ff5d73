//! One step of the engine: what it is lent, and the order in which its consequences are released.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use motet_wire::{Address, Kind, NetworkId, Now, PeerId, Topic, Validated};
use rand_core::TryCryptoRng;
use tracing::Span;

use super::input::{CommandId, Effect, Reply, Transition};
use crate::config::Config;
use crate::entropy::EntropyError;
use crate::error::CommandError;
use crate::event::Event;
use crate::job::Job;
use crate::record::Record;
use crate::signer::SignerTask;

/// Context of one call of [`super::Engine::handle`]: values that it is lent, and effects that it wants.
pub(crate) struct Ctx<'a> {
    pub(crate) now: Now,
    pub(crate) rng: &'a mut dyn TryCryptoRng<Error = EntropyError>,
    pub(crate) config: &'a Config,
    pub(crate) network: &'a NetworkId,
    /// The peer id of this node.
    pub(crate) here: PeerId,
    records: Vec<Record>,
    send: Vec<Effect>,
    emit: Vec<Effect>,
    /// The messages that this node has sealed in this step, and that peers may hand back.
    sealed: Vec<Validated>,
    /// Own messages that are still to be handled here.
    unheard: VecDeque<Validated>,
}

impl<'a> Ctx<'a> {
    pub(crate) fn new(
        now: Now,
        rng: &'a mut dyn TryCryptoRng<Error = EntropyError>,
        config: &'a Config,
        network: &'a NetworkId,
        here: PeerId,
    ) -> Self {
        Self {
            now,
            rng,
            config,
            network,
            here,
            records: Vec::new(),
            send: Vec::new(),
            emit: Vec::new(),
            sealed: Vec::new(),
            unheard: VecDeque::new(),
        }
    }

    pub(crate) fn persist(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Takes a message that this node has just sealed. If it concerns this node, too, the step handles it before it ends.
    pub(crate) fn sealed(&mut self, own: Validated) {
        match own.kind() {
            Kind::SignerAdvertisement
            | Kind::SignerUnavailable
            | Kind::ParticipantJoined
            | Kind::ParticipantDeclined
            | Kind::SessionReady
            | Kind::NonceCommit
            | Kind::NonceShare
            | Kind::PartialSigShare
            | Kind::SignatureFinalized
            | Kind::SessionAbort => {
                self.unheard.push_back(own.clone());
                self.sealed.push(own);
            }
            // The engine opens its session itself, before it answers the caller.
            Kind::SigningRequest => self.sealed.push(own),
            // They are for other nodes, and no peer hands them on.
            Kind::SyncRequest | Kind::SyncResponse | Kind::ResourceAnnouncement | Kind::ApplicationMessage => {}
        }
    }

    /// The next own message that is to be handled.
    pub(crate) fn next_unheard(&mut self) -> Option<Validated> {
        self.unheard.pop_front()
    }

    pub(crate) fn broadcast(&mut self, topics: Vec<Topic>, frame: &Arc<[u8]>) {
        self.send.push(Effect::Broadcast { topics, frame: Arc::clone(frame) });
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
        self.emit.push(Effect::Emit(event, Span::none()));
    }

    /// 32 random bytes for a signature; zeros where there are none, which BIP-340 allows.
    pub(crate) fn aux(&mut self) -> [u8; 32] {
        let mut aux = [0; 32];
        if self.rng.try_fill_bytes(&mut aux).is_err() {
            aux = [0; 32];
        }
        aux
    }

    /// True if anything of it leaves the node.
    pub(crate) fn sends(&self) -> bool {
        self.send.iter().any(Effect::leaves_node)
    }

    /// Holds frames of this step back for so long.
    pub(crate) fn hold(&mut self, time: Duration) {
        self.send.insert(0, Effect::Hold(time));
    }

    /// The step is over: what is sent comes before what the user is told, each event in the span that belongs to it.
    pub(crate) fn into_transition(self, known_refusals: u64, span_of: impl Fn(&Event) -> Span) -> Transition {
        let mut effects = self.send;
        effects.extend(self.emit);
        for effect in &mut effects {
            if let Effect::Emit(event, span) = effect {
                *span = span_of(event);
            }
        }
        Transition { records: self.records, effects, sealed: self.sealed, known_refusals }
    }
}

impl core::fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ctx").field("now", &self.now).finish_non_exhaustive()
    }
}
