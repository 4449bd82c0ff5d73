//! A request of this node on its way to its signers (`docs/protocol.md` §5): directly to their peers, by gossip if the peer of one is
//! not known or not reached, and into the DHT for signers that are absent.

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, PeerId, RequestId, Topic};

use super::ctx::Ctx;
use super::directory::Directory;
use super::input::Effect;

/// A request that not all signers have joined.
#[derive(Debug)]
struct Asked {
    frame: Arc<[u8]>,
    /// The signers that are asked.
    signers: Vec<PublicKey>,
    /// True if it has been gossiped.
    is_gossiped: bool,
    /// The effect that puts it into the DHT, until it has been carried out.
    publish: Option<Effect>,
}

/// Own requests that not all signers have joined.
#[derive(Debug, Default)]
pub(super) struct Asking {
    requests: BTreeMap<RequestId, Asked>,
}

impl Asking {
    /// Asks these signers, all of other nodes. `publish` puts the request into the DHT.
    pub(super) fn ask(
        &mut self,
        id: RequestId,
        signers: Vec<PublicKey>,
        publish: Effect,
        frame: Arc<[u8]>,
        directory: &Directory,
        ctx: &mut Ctx<'_>,
    ) {
        let routes: Vec<_> = signers.iter().map(|signer| directory.of_signer(signer)).collect();
        let is_gossiped = routes.iter().any(Option::is_none);
        if is_gossiped {
            ctx.broadcast(Topic::Requests, &frame);
        }
        let known = routes.into_iter().flatten().map(|known| &known.advertisement);
        let peers: BTreeMap<PeerId, Vec<Address>> =
            known.map(|offer| (offer.delegation.peer, offer.addresses.clone())).collect();
        for (peer, addresses) in peers {
            ctx.send(peer, addresses, &frame);
        }
        self.requests.insert(id, Asked { frame, signers, is_gossiped, publish: Some(publish) });
    }

    /// Puts a request into the DHT, unless it has been put there. To be stored by twenty nodes costs them and this node more than the
    /// whole session.
    pub(super) fn publish(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        if let Some(publish) = self.requests.get_mut(id).and_then(|asked| asked.publish.take()) {
            ctx.effect(publish);
        }
    }

    /// Tells everybody of requests to signers whose peer is not reached: they may be at another. `has_joined` says whether a
    /// signer has joined a request.
    pub(super) fn gossip(
        &mut self,
        peer: &PeerId,
        directory: &Directory,
        has_joined: impl Fn(&RequestId, &PublicKey) -> bool,
        ctx: &mut Ctx<'_>,
    ) {
        for (id, asked) in self.requests.iter_mut().filter(|(_, asked)| !asked.is_gossiped) {
            let is_there = |signer: &PublicKey| {
                directory.of_signer(signer).is_none_or(|known| known.advertisement.delegation.peer == *peer)
            };
            if asked.signers.iter().any(|signer| is_there(signer) && !has_joined(id, signer)) {
                asked.is_gossiped = true;
                ctx.broadcast(Topic::Requests, &asked.frame);
            }
        }
    }

    /// Asks for a request no more: all have joined, or it has ended.
    pub(super) fn remove(&mut self, id: &RequestId) {
        self.requests.remove(id);
    }
}
