//! What a node missed before it came (`docs/protocol.md` §9): it asks the first peers that it meets for the advertisements that
//! they know, page by page.
//!
//! Question and answer are a SyncRequest and a SyncResponse about an id that stands for the directory of a network; the attempt
//! counts pages. A node that does not know this takes it for a request that it has never heard of, and is silent. Every
//! advertisement passes the whole pipeline here, so that whoever answers can leave out, and not make up. Pages that
//! nobody asked for are not looked at, and nobody is told more than a few pages in ten minutes.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::tagged_hash;
use motet_wire::{
    Attempt, Channel, Have, Kind, MonotonicMs, NetworkId, PeerId, RequestId, Subject, SyncRequest, SyncResponse,
    Validated, peek,
};

use super::Engine;
use super::ctx::Ctx;
use super::input::Effect;
use crate::limits;

/// For how long it is remembered who was asked, and who was answered.
const PERIOD: Duration = Duration::from_secs(10 * 60);

/// Whom this node has asked, and whom it has answered.
#[derive(Debug)]
pub(super) struct CatchUp {
    /// What stands for the directory of the network where a request would stand.
    directory: RequestId,
    /// Peers that came before anybody here could speak.
    met: BTreeSet<PeerId>,
    /// Which page is awaited of whom; none, if there are no more.
    asked: BTreeMap<PeerId, Option<Attempt>>,
    asked_since: MonotonicMs,
    /// How many pages each peer has been told.
    answered: BTreeMap<PeerId, u32>,
    answered_since: MonotonicMs,
}

impl CatchUp {
    pub(super) fn new(network: &NetworkId) -> Self {
        let name = network.as_str().as_bytes();
        // A network's name has 32 bytes at most.
        let length = [u8::try_from(name.len()).unwrap_or(u8::MAX)];
        Self {
            directory: RequestId::from_bytes(tagged_hash("motet/catch-up/v1", &[&length, name])),
            met: BTreeSet::new(),
            asked: BTreeMap::new(),
            asked_since: MonotonicMs::default(),
            answered: BTreeMap::new(),
            answered_since: MonotonicMs::default(),
        }
    }

    /// True if a subject is the directory, and not a request.
    pub(super) fn is_about(&self, subject: Subject) -> bool {
        subject == Subject::Request(self.directory)
    }
}

impl Engine {
    /// A peer is connected: if it is one of the first, it is asked.
    pub(super) fn on_peer_connected(&mut self, peer: PeerId, ctx: &mut Ctx<'_>) {
        let state = &mut self.catch_up;
        if ctx.now.mono.since(state.asked_since) >= PERIOD {
            state.asked.clear();
            state.asked_since = ctx.now.mono;
        }
        if state.asked.contains_key(&peer) || state.asked.len() >= limits::CATCH_UP_PEERS {
            return;
        }
        if self.identities.speaker().is_none() {
            let met = &mut self.catch_up.met;
            if met.len() < limits::CATCH_UP_PEERS {
                met.insert(peer);
            }
            return;
        }
        self.ask_for_page(peer, Attempt::FIRST, ctx);
    }

    /// Somebody here can speak: those who were met before are asked.
    pub(super) fn ask_whom_we_met(&mut self, ctx: &mut Ctx<'_>) {
        for peer in core::mem::take(&mut self.catch_up.met) {
            self.on_peer_connected(peer, ctx);
        }
    }

    fn ask_for_page(&mut self, peer: PeerId, page: Attempt, ctx: &mut Ctx<'_>) {
        let Some(signer) = self.identities.speaker() else { return };
        let question = SyncRequest { request: self.catch_up.directory, attempt: page, have: Have::default() };
        if let Ok(sealed) = self.identities.seal(&signer, question, ctx) {
            self.catch_up.asked.insert(peer, Some(page));
            ctx.send(peer, Vec::new(), &sealed.frame);
        }
    }

    /// Somebody asks what this node knows.
    pub(super) fn on_page_wanted(&mut self, message: &Validated<SyncRequest>, ctx: &mut Ctx<'_>) {
        let to = *message.from();
        let Some(signer) = self.identities.speaker().filter(|_| to != self.peer) else { return };
        let frames = self.directory.page(message.message().attempt.0);
        if frames.is_empty() {
            return;
        }
        let state = &mut self.catch_up;
        if ctx.now.mono.since(state.answered_since) >= PERIOD {
            state.answered.clear();
            state.answered_since = ctx.now.mono;
        }
        let room = state.answered.len() < limits::CATCH_UP_ASKERS || state.answered.contains_key(&to);
        let told = state.answered.get(&to).copied().unwrap_or_default();
        if !room || told >= limits::CATCH_UP_PAGES {
            return;
        }
        state.answered.insert(to, told.saturating_add(1));
        let answer = SyncResponse { request: self.catch_up.directory, frames };
        if let Ok(sealed) = self.identities.seal(&signer, answer, ctx) {
            ctx.send(to, Vec::new(), &sealed.frame);
        }
    }

    /// A page has come.
    pub(super) fn on_page(&mut self, message: Validated<SyncResponse>, ctx: &mut Ctx<'_>) {
        let from = *message.from();
        // Only what was asked for, and once.
        let Some(page) = self.catch_up.asked.get_mut(&from).and_then(Option::take) else { return };
        let is_advertisement = |frame: &[u8]| peek(frame).is_some_and(|peek| peek.kind == Kind::SignerAdvertisement);
        let frames = message.into_message().frames.into_iter().filter(|frame| is_advertisement(frame));
        let frames: Vec<Arc<[u8]>> = frames.map(Arc::from).collect();
        if frames.is_empty() {
            return;
        }
        ctx.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        if let Some(next) = page.next().filter(|next| next.0 < limits::CATCH_UP_PAGES) {
            self.ask_for_page(from, next, ctx);
        }
    }
}
