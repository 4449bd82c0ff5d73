//! Catching up on messages from before a node came (`docs/protocol.md` §9): it asks the first peers that it meets for the advertisements that
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

use super::ctx::Ctx;
use super::directory::Directory;
use super::identities::Identities;
use super::input::Effect;
use crate::limits;

/// For how long it is remembered who was asked, and who was answered.
const PERIOD: Duration = Duration::from_secs(10 * 60);

/// Whom this node has asked, and whom it has answered.
#[derive(Debug)]
pub(super) struct CatchUp {
    /// The id that stands for the directory of the network where the id of a request would stand.
    directory: RequestId,
    /// Peers that came before anybody here could speak.
    met: BTreeSet<PeerId>,
    /// Which page is awaited of whom; none, if there are no more.
    asked: BTreeMap<PeerId, Option<Attempt>>,
    asked_since: MonotonicMs,
    /// Number of pages that each peer has been told.
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

    /// A peer is connected: if it is one of the first, it is asked.
    pub(super) fn on_peer_connected(&mut self, peer: PeerId, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        if ctx.now.mono.since(self.asked_since) >= PERIOD {
            self.asked.clear();
            self.asked_since = ctx.now.mono;
        }
        if self.asked.contains_key(&peer) || self.asked.len() >= limits::CATCH_UP_PEERS {
            return;
        }
        if identities.speaker().is_none() {
            if self.met.len() < limits::CATCH_UP_PEERS {
                self.met.insert(peer);
            }
            return;
        }
        self.ask_for_page(peer, Attempt::FIRST, identities, ctx);
    }

    /// Somebody here can speak: those who were met before are asked.
    pub(super) fn ask_whom_we_met(&mut self, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        for peer in core::mem::take(&mut self.met) {
            self.on_peer_connected(peer, identities, ctx);
        }
    }

    fn ask_for_page(&mut self, peer: PeerId, page: Attempt, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        let Some(signer) = identities.speaker() else { return };
        let question = SyncRequest { request: self.directory, attempt: page, have: Have::default() };
        if let Ok(sealed) = identities.seal(&signer, question, ctx) {
            self.asked.insert(peer, Some(page));
            ctx.send(peer, Vec::new(), &sealed.frame);
        }
    }

    /// Somebody asks what this node knows.
    pub(super) fn on_page_wanted(
        &mut self,
        message: &Validated<SyncRequest>,
        directory: &Directory,
        identities: &mut Identities,
        ctx: &mut Ctx<'_>,
    ) {
        let to = *message.from();
        let Some(signer) = identities.speaker().filter(|_| to != ctx.here) else { return };
        let frames = directory.page(message.message().attempt.0);
        if frames.is_empty() {
            return;
        }
        if ctx.now.mono.since(self.answered_since) >= PERIOD {
            self.answered.clear();
            self.answered_since = ctx.now.mono;
        }
        let room = self.answered.len() < limits::CATCH_UP_ASKERS || self.answered.contains_key(&to);
        let told = self.answered.get(&to).copied().unwrap_or_default();
        if !room || told >= limits::CATCH_UP_PAGES {
            return;
        }
        self.answered.insert(to, told.saturating_add(1));
        let answer = SyncResponse { request: self.directory, frames };
        if let Ok(sealed) = identities.seal(&signer, answer, ctx) {
            ctx.send(to, Vec::new(), &sealed.frame);
        }
    }

    /// A page has come.
    pub(super) fn on_page(&mut self, message: Validated<SyncResponse>, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        let from = *message.from();
        // Only what was asked for, and once.
        let Some(page) = self.asked.get_mut(&from).and_then(Option::take) else { return };
        let is_advertisement = |frame: &[u8]| peek(frame).is_some_and(|peek| peek.kind == Kind::SignerAdvertisement);
        let frames = message.into_message().frames.into_iter().filter(|frame| is_advertisement(frame));
        let frames: Vec<Arc<[u8]>> = frames.map(Arc::from).collect();
        if frames.is_empty() {
            return;
        }
        ctx.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        if let Some(next) = page.next().filter(|next| next.0 < limits::CATCH_UP_PAGES) {
            self.ask_for_page(from, next, identities, ctx);
        }
    }
}
