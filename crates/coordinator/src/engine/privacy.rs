//! Measures by which an observer of a node's connections learns less (`docs/protocol.md` §10), if its user wants it.
//!
//! *Delay*: what a step sends leaves a random time later. Nothing of the step's records and events waits, and the order of
//! what is sent does not change, so that a delay is to the others what a slow network is. It is bounded three times: by
//! [`limits::HOLD`], by the time limits of this node, and by a quarter of the time that is left to any session.
//!
//! *Cover*: now and then a frame of no meaning goes to a node that serves some signer. It is an answer to a question that
//! nobody asked, about a request that does not exist: every node has always been bound to check its signature and to
//! drop it, without a penalty for anybody. Nothing about it is new to the receiver.

use core::time::Duration;

use motet_wire::{MonotonicMs, PeerId, RequestId, SyncResponse, limits as wire};

use super::ctx::Ctx;
use super::directory::Directory;
use super::identities::Identities;
use crate::limits;

/// Holds back what a step sends for a random time, if it sends something and its node wants that. `first_limit` is the first time
/// limit of all sessions.
pub(super) fn hold(first_limit: Option<MonotonicMs>, ctx: &mut Ctx<'_>) {
    let config = ctx.config;
    let most = config.privacy.delay.min(limits::HOLD).min(config.round_timeout / 8).min(config.join_timeout / 8);
    if most.is_zero() || !ctx.sends() {
        return;
    }
    let now = ctx.now.mono;
    let left = first_limit.map(|limit| limit.since(now) / 4);
    let most = u64::try_from(left.map_or(most, |left| left.min(most)).as_millis()).unwrap_or(u64::MAX);
    // Without randomness everything is late by the same time, which hides nothing and breaks nothing.
    let drawn = random(ctx).map_or(most, |random| random % most.saturating_add(1));
    ctx.hold(Duration::from_millis(drawn));
}

/// Times of frames of no meaning.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// Time at which the next is due.
    at: Option<MonotonicMs>,
}

impl Cover {
    /// Sends a frame of no meaning, if it is time for one.
    pub(super) fn send_due(&mut self, directory: &Directory, identities: &mut Identities, ctx: &mut Ctx<'_>) {
        let Some(mean) = ctx.config.privacy.cover else { return };
        let now = ctx.now.mono;
        if self.at.is_some_and(|at| at > now) {
            return;
        }
        if self.at.is_some() {
            send(directory, identities, ctx);
        }
        let twice = u64::try_from(mean.max(limits::COVER_INTERVAL).as_millis()).unwrap_or(u64::MAX).saturating_mul(2);
        let wait = random(ctx).map_or(twice / 2, |random| random % twice).max(1);
        self.at = Some(now.saturating_add(Duration::from_millis(wait)));
    }

    /// Time at which the next frame of no meaning is due.
    pub(super) const fn next_deadline(&self) -> Option<MonotonicMs> {
        self.at
    }
}

fn send(directory: &Directory, identities: &mut Identities, ctx: &mut Ctx<'_>) {
    let Some(signer) = identities.speaker() else { return };
    let peers: Vec<PeerId> = directory.peers().filter(|peer| *peer != ctx.here).collect();
    let (Some(choice), Some(size)) = (random(ctx), random(ctx)) else { return };
    let count = u64::try_from(peers.len()).unwrap_or(u64::MAX);
    let chosen = choice.checked_rem(count).and_then(|index| usize::try_from(index).ok());
    let Some(to) = chosen.and_then(|index| peers.get(index)) else { return };
    let (least, most) = limits::COVER_BYTES;
    let size = usize::try_from(size).unwrap_or(usize::MAX) % (most - least + 1) + least;
    let mut noise = vec![0; size.max(wire::FRAME_OVERHEAD + 1)];
    let mut request = [0; 32];
    if ctx.rng.try_fill_bytes(&mut noise).is_err() || ctx.rng.try_fill_bytes(&mut request).is_err() {
        return;
    }
    let nothing = SyncResponse { request: RequestId::from_bytes(request), frames: vec![noise] };
    let addresses = directory.addresses_of(to);
    if let Ok(sealed) = identities.seal(&signer, nothing, ctx) {
        ctx.send(*to, addresses, &sealed.frame);
    }
}

fn random(ctx: &mut Ctx<'_>) -> Option<u64> {
    ctx.rng.try_next_u64().ok()
}
