//! A request of this node on its way to its signers (`docs/protocol.md` §5): directly to their peers, by gossip if the peer of one is
//! not known or not reached, and into the DHT for signers that are absent.

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, PeerId, RequestId, Topic};

use super::Engine;
use super::ctx::Ctx;
use super::input::Effect;
use crate::limits;

/// A request that not all signers have joined.
#[derive(Debug)]
pub(super) struct Asking {
    frame: Arc<[u8]>,
    /// The signers that are asked.
    signers: Vec<PublicKey>,
    /// True if it has been gossiped.
    is_gossiped: bool,
    /// The effect that puts it into the DHT, until it has been carried out.
    publish: Option<Effect>,
}

impl Engine {
    /// Asks signers of other nodes.
    pub(super) fn ask(
        &mut self,
        id: RequestId,
        signers: Vec<PublicKey>,
        frame: Arc<[u8]>,
        publish: Effect,
        ctx: &mut Ctx<'_>,
    ) {
        let elsewhere: Vec<PublicKey> =
            signers.into_iter().filter(|signer| !self.identities.contains_key(signer)).collect();
        let routes: Vec<_> = elsewhere.iter().map(|signer| self.directory.of_signer(signer)).collect();
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
        let asking = Asking { frame, signers: elsewhere, is_gossiped, publish: Some(publish) };
        self.asking.insert(id, asking);
    }

    /// Puts a request of this node into the DHT if a signer that has not joined may not have got it directly: its peer is not known, was not
    /// reached, or has been silent for long. To be stored by twenty nodes costs them and this node more than the whole session.
    pub(super) fn publish_for_absent(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let is_silent = session.active().is_some_and(|active| active.sync.asked >= limits::ASKED_IN_VAIN);
        let is_absent = |index| {
            let is_unreached = session.key(index).is_some_and(|signer| self.unreachable.contains_key(signer));
            is_unreached || self.route_to(session, index).is_none()
        };
        if (is_silent || session.joins.missing().into_iter().any(is_absent))
            && let Some(publish) = self.asking.get_mut(id).and_then(|asking| asking.publish.take())
        {
            ctx.effect(publish);
        }
    }

    /// Tells everybody of requests to signers whose peer is not reached: they may be at another.
    pub(super) fn gossip_asked(&mut self, peer: &PeerId, ctx: &mut Ctx<'_>) {
        let directory = &self.directory;
        for (id, asking) in self.asking.iter_mut().filter(|(_, asking)| !asking.is_gossiped) {
            let session = self.sessions.get(id);
            let has_joined = |signer: &PublicKey| {
                session.is_some_and(|session| {
                    session.request.index_of(signer).is_some_and(|index| session.joins.at(index).is_some())
                })
            };
            let is_there = |signer: &PublicKey| {
                directory.of_signer(signer).is_none_or(|known| known.advertisement.delegation.peer == *peer)
            };
            if asking.signers.iter().any(|signer| is_there(signer) && !has_joined(signer)) {
                asking.is_gossiped = true;
                ctx.broadcast(Topic::Requests, &asking.frame);
            }
        }
    }
}
