//! Catching up on messages from before a node came (`docs/protocol.md` §9): it asks peers that it meets for the advertisements that
//! they know, page by page.
//!
//! Question and answer are a SyncRequest and a SyncResponse about an id that stands for the directory of a network; the attempt
//! is the *position* from which on advertisements are wanted, the first bits of the signer's key. A node that does not know this takes it for a
//! request that it has never heard of, and is silent. Every advertisement passes the whole pipeline here, so that whoever answers can leave
//! out, and not make up. Pages that nobody asked for are not looked at, and nobody is told more than a few pages in ten minutes.
//!
//! A *walk* is the way through what one peer knows, once around. Three begin at different positions, so that each peer is asked for other
//! signers first. A walk that is not through when its peer has told enough goes on with another peer.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use motet_core_crypto::tagged_hash;
use motet_wire::{
    Attempt, Channel, Have, Kind, MonotonicMs, NetworkId, PeerId, RequestId, Subject, SyncRequest, SyncResponse,
    Validated, peek,
};

use super::ctx::Ctx;
use super::directory::{Directory, position};
use super::identities::Identities;
use super::input::Effect;
use crate::config::CatchUp as CatchUpMode;
use crate::limits;

/// For how long it is remembered who was asked, and who was answered.
const PERIOD: Duration = Duration::from_secs(10 * 60);

/// A way through what peers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Walk {
    start: u32,
    /// The position that is to be asked for next.
    at: u32,
    /// True if it has passed the last position, and goes on from the first.
    wrapped: bool,
}

impl Walk {
    const fn from(start: u32) -> Self {
        Self { start, at: start, wrapped: false }
    }

    /// The walk after a page of these positions, and how many of them are new. `None` in the place of the walk if it is through. A page that is not full
    /// is the last before the first.
    fn after(self, page: &[u32], full: bool) -> (Option<Self>, usize) {
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return (None, 0) };
        if self.wrapped && *first < self.at {
            // Nobody is left between here and the start.
            return (None, 0);
        }
        // The peer knows nobody from here on, and has begun again.
        let wrapped = self.wrapped || *first < self.at;
        let new = if wrapped { page.iter().filter(|position| **position < self.start).count() } else { page.len() };
        let (at, wrapped_now) = match last.checked_add(1) {
            Some(next) if full || wrapped => (next, wrapped),
            _ => (0, true),
        };
        // Once around: from the first position on there is nothing new behind the start.
        let through = wrapped_now && (at >= self.start || (wrapped && !full));
        ((!through).then_some(Self { at, wrapped: wrapped_now, ..self }), new)
    }
}

/// A peer that is asked.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// The walk whose next page is awaited; none, if there are no more.
    walk: Option<Walk>,
    pages: u32,
}

/// The peers that this node has asked, and those that it has answered.
#[derive(Debug)]
pub(super) struct CatchUp {
    /// The id that stands for the directory of the network where the id of a request would stand.
    directory: RequestId,
    on: CatchUpMode,
    /// True while the user looks for offers: others are asked for them then alone.
    looks: bool,
    /// Peers that were met and not asked, because nobody looks for offers, nobody here could speak, or enough were asked.
    met: BTreeSet<PeerId>,
    asked: BTreeMap<PeerId, Asked>,
    asked_since: MonotonicMs,
    /// Walks that nobody is asked for.
    waiting: VecDeque<Walk>,
    /// Number of pages that each peer has been told.
    answered: BTreeMap<PeerId, u32>,
    answered_since: MonotonicMs,
}

impl CatchUp {
    pub(super) fn new(network: &NetworkId, on: CatchUpMode) -> Self {
        let name = network.as_str().as_bytes();
        // A network's name has 32 bytes at most.
        let length = [u8::try_from(name.len()).unwrap_or(u8::MAX)];
        Self {
            directory: RequestId::from_bytes(tagged_hash("motet/catch-up/v2", &[&length, name])),
            on,
            looks: false,
            met: BTreeSet::new(),
            asked: BTreeMap::new(),
            asked_since: MonotonicMs::default(),
            waiting: walks(),
            answered: BTreeMap::new(),
            answered_since: MonotonicMs::default(),
        }
    }

    /// True if a subject is the directory, and not a request.
    pub(super) fn is_about(&self, subject: Subject) -> bool {
        subject == Subject::Request(self.directory)
    }

    /// The user looks for offers from now on, or does so no more.
    pub(super) const fn look(&mut self, looks: bool) {
        self.looks = looks;
    }

    /// A peer is connected: if it is one of the first, it is asked.
    pub(super) fn on_peer_connected(&mut self, peer: PeerId, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        if ctx.now.mono.since(self.asked_since) >= PERIOD {
            self.asked_since = ctx.now.mono;
            // What was not answered goes on where it stopped.
            let stopped = core::mem::take(&mut self.asked).into_values().filter_map(|asked| asked.walk);
            self.waiting.extend(stopped);
            if self.waiting.is_empty() {
                self.waiting = walks();
            }
        }
        if !self.asked.contains_key(&peer) && self.met.len() < limits::CATCH_UP_MET {
            self.met.insert(peer);
        }
        self.ask_whom_we_met(identities, ctx);
    }

    /// Asks the peers that were met, as far as there is something to ask for and this node can sign the question.
    pub(super) fn ask_whom_we_met(&mut self, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        while self.looks
            && self.on == CatchUpMode::On
            && identities.can_exchange()
            && self.asked.len() < limits::CATCH_UP_WALKS
            && let Some(walk) = self.waiting.front().copied()
            && let Some(peer) = self.met.pop_first()
        {
            self.waiting.pop_front();
            self.ask_for_page(peer, Asked { walk: Some(walk), pages: 0 }, identities, ctx);
        }
    }

    fn ask_for_page(&mut self, peer: PeerId, asked: Asked, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        let Some(walk) = asked.walk else { return };
        let question = SyncRequest { request: self.directory, attempt: Attempt(walk.at), have: Have::default() };
        if let Some(frame) = identities.seal_exchange(question, ctx) {
            self.asked.insert(peer, asked);
            ctx.send(peer, Vec::new(), &frame);
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
        if to == ctx.here || self.on == CatchUpMode::Off || !identities.can_exchange() {
            return;
        }
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
        if let Some(frame) = identities.seal_exchange(answer, ctx) {
            ctx.send(to, Vec::new(), &frame);
        }
    }

    /// A page has come.
    pub(super) fn on_page(&mut self, message: Validated<SyncResponse>, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        let from = *message.from();
        // Only what was asked for, and once.
        let Some(asked) = self.asked.get_mut(&from) else { return };
        let Some(walk) = asked.walk.take() else { return };
        let pages = asked.pages.saturating_add(1);
        let frames = message.into_message().frames;
        let bytes: usize = frames.iter().map(Vec::len).sum();
        // A page without room for the largest advertisement may have stopped for that.
        let room = limits::CATCH_UP_BYTES.saturating_sub(motet_wire::limits::FRAME_SIGNER_ADVERTISEMENT);
        let full = frames.len() >= limits::CATCH_UP_FRAMES || bytes > room;
        let offer = |frame: Vec<u8>| {
            let signer = peek(&frame).filter(|peek| peek.kind == Kind::SignerAdvertisement)?.signer?;
            Some((position(&signer), Arc::from(frame)))
        };
        let (positions, mut frames): (Vec<u32>, Vec<Arc<[u8]>>) = frames.into_iter().filter_map(offer).unzip();
        let (next, new) = walk.after(&positions, full);
        frames.truncate(new);
        if !frames.is_empty() {
            ctx.effect(Effect::Validate { from, channel: Channel::Sync, frames });
        }
        match next {
            Some(walk) if pages < limits::CATCH_UP_PAGES => {
                self.ask_for_page(from, Asked { walk: Some(walk), pages }, identities, ctx);
            }
            Some(walk) => {
                self.waiting.push_back(walk);
                self.ask_whom_we_met(identities, ctx);
            }
            None => {}
        }
    }
}

/// The walks that a node begins with.
fn walks() -> VecDeque<Walk> {
    [0, u32::MAX / 3, u32::MAX / 3 * 2].map(Walk::from).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of a peer that knows these: so many from a position on, or from the first if there are none.
    fn page(known: &[u32], at: u32, most: usize) -> Vec<u32> {
        let from_here = known.iter().copied().filter(|position| *position >= at);
        let page: Vec<u32> = from_here.take(most).collect();
        if page.is_empty() { known.iter().copied().take(most).collect() } else { page }
    }

    #[test]
    fn a_walk_hears_everything_once_wherever_it_begins() {
        const MOST: usize = 4;
        for count in 0..30_u32 {
            let known: Vec<u32> = (0..count).map(|number| number * (u32::MAX / 29)).collect();
            for start in [0, 1, u32::MAX / 3, u32::MAX / 3 * 2, u32::MAX] {
                let (mut walk, mut heard, mut pages) = (Some(Walk::from(start)), Vec::new(), 0);
                while let Some(now) = walk {
                    let page = page(&known, now.at, MOST);
                    let (next, new) = now.after(&page, page.len() == MOST);
                    heard.extend(page.into_iter().take(new));
                    walk = next;
                    pages += 1;
                    assert!(pages <= 12, "{count} known, from {start}: {now:?}");
                }
                heard.sort_unstable();
                assert_eq!(heard, known, "from {start}");
            }
        }
    }

    #[test]
    fn a_walk_goes_on_with_another_peer_where_the_one_before_has_stopped() {
        let most = limits::CATCH_UP_FRAMES;
        let known: Vec<u32> = (0..4_096_u32).map(|number| number * (u32::MAX / 4_096)).collect();
        let (mut heard, mut peers) = (BTreeSet::new(), 0);
        let mut waiting = walks();
        while let Some(walk) = waiting.pop_front() {
            peers += 1;
            let mut walk = Some(walk);
            for _ in 0..limits::CATCH_UP_PAGES {
                let Some(now) = walk else { break };
                let page = page(&known, now.at, most);
                let (next, new) = now.after(&page, page.len() == most);
                heard.extend(page.into_iter().take(new));
                walk = next;
            }
            waiting.extend(walk);
            if peers == 3 {
                // The first three peers tell of different signers.
                assert_eq!(heard.len(), 3 * 512);
            }
            if heard.len() == known.len() {
                break;
            }
        }
        assert_eq!(heard.into_iter().collect::<Vec<_>>(), known);
        assert!(peers <= limits::CATCH_UP_WALKS, "{peers}");
    }

    #[test]
    fn a_walk_ends_whatever_is_answered() {
        let mut walk = Some(Walk::from(u32::MAX / 2));
        for page in [&[u32::MAX - 5, 4, u32::MAX - 1][..], &[u32::MAX, 1], &[7, 1], &[]] {
            if let Some(now) = walk {
                walk = now.after(page, true).0;
            }
        }
        assert_eq!(walk, None);
    }
}
