//! Addresses of this node, signers that it does not reach, and other processes that speak for its signers.

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, Delegation, PeerId, RequestId, TimestampMs};

use super::Engine;
use super::ctx::Ctx;
use super::identities::is_newer;
use super::session::{Collecting, Session};
use crate::limits;

impl Engine {
    /// Others are to be told these addresses from now on.
    pub(super) fn on_addresses(&mut self, addresses: Vec<Address>, ctx: &Ctx<'_>) {
        if !self.routes.set_own(addresses) {
            return;
        }
        self.announcements.follow_addresses(ctx.now.mono);
    }

    /// A message was for a peer that was not reached: whoever waits for its signers should know why they may be silent.
    pub(super) fn on_peer_unreachable(&mut self, peer: &PeerId, reason: &str, ctx: &mut Ctx<'_>) {
        let sessions = &self.sessions;
        let has_joined = |id: &RequestId, signer: &PublicKey| {
            let joins = sessions.get(id).map(|session| (session, session.request.index_of(signer)));
            joins.is_some_and(|(session, index)| index.is_some_and(|index| session.joins.at(index).is_some()))
        };
        self.asking.gossip(peer, &self.directory, has_joined, ctx);
        // What is sent to hide what is sent concerns nobody.
        if self.active_sessions() == 0 {
            return;
        }
        let served = self.directory.signers_at(peer).filter(|signer| !self.identities.contains_key(signer));
        self.routes.note_unreachable(served, reason, ctx);
    }

    /// Puts a request of this node into the DHT if a signer that has not joined may not have got it directly: its peer is not known, was not
    /// reached, or has been silent for long.
    pub(super) fn publish_for_absent(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let is_silent = session.active().is_some_and(|active| active.sync.asked >= limits::ASKED_IN_VAIN);
        let is_absent = |index| {
            let is_unreached = session.key(index).is_some_and(|signer| self.routes.is_unreachable(signer));
            is_unreached || session.route_to(index, &self.directory).is_none()
        };
        if is_silent || session.joins.missing().into_iter().any(is_absent) {
            self.asking.publish(id, ctx);
        }
    }

    /// Sends a new advertisement of a signer to the peers that it shares sessions with: they look for its addresses, and perhaps for no
    /// offers.
    pub(super) fn tell_members(&self, signer: &PublicKey, frame: &Arc<[u8]>, ctx: &mut Ctx<'_>) {
        let sessions = self.sessions.of_signer(signer).filter(|session| session.listens());
        let mut peers: BTreeMap<PeerId, Vec<Address>> = BTreeMap::new();
        for session in sessions {
            let routes = session.others().into_iter().filter_map(|index| session.route_to(index, &self.directory));
            peers.extend(routes);
        }
        peers.remove(&ctx.here);
        for (peer, addresses) in peers {
            ctx.send(peer, addresses, frame);
        }
    }

    /// Looks whether a certificate that others hand on is of another process that speaks for a signer of this node.
    /// `said` is when the message was made that it came with.
    pub(super) fn look_for_rival(&mut self, delegation: &Delegation, said: Option<TimestampMs>, ctx: &mut Ctx<'_>) {
        if self.identities.meets_rival(delegation, said, ctx) {
            // The other process finds what this one says in the DHT, as the newest. By gossip others may not take it so soon (rule V-30).
            self.announcements.renew_now(&delegation.signer, ctx.now.mono);
        }
    }

    /// An advertisement has told where a signer is, or that its node has been restarted. `before` is what the advertisement before it has told.
    pub(super) fn meet_advertised(&mut self, signer: &PublicKey, before: Option<&Delegation>, ctx: &mut Ctx<'_>) {
        let Some(now) = self.directory.of_signer(signer).map(|known| &known.advertisement.delegation) else { return };
        let peer = now.peer;
        if before.is_some_and(|before| (before.peer, before.message_key) == (now.peer, now.message_key)) {
            return;
        }
        // It may know nobody any more, and ask nobody: those that have joined with it come to it. What it has missed it asks them for then.
        let has_left = |session: &&Session| {
            let join = session.request.index_of(signer).and_then(|index| session.joins.at(index));
            let is_new = |join: &Delegation| join.message_key != now.message_key && is_newer(now, join);
            join.is_some_and(|join| is_new(&join.body.delegation))
        };
        for session in self.sessions.of_peer(&now.peer).filter(has_left) {
            session.repeat_to(now.peer, &self.directory, ctx);
        }
        // A join says better where it is.
        let is_unmet = |session: &&Session| {
            let index = session.request.index_of(signer);
            session.listens() && index.is_some_and(|index| session.peer_of(index).is_none())
        };
        let unmet: Vec<RequestId> =
            self.sessions.of_signer(signer).filter(is_unmet).map(|session| session.id).collect();
        for id in unmet {
            self.lend(&id, ctx, |session, lent| {
                if session.collecting() == Some(Collecting::Joins) && session.request.creator.peer == lent.step.here {
                    session.hand_over(peer, lent.directory.addresses_of(&peer), lent);
                }
                session.repeat_to(peer, lent.directory, lent.step);
            });
        }
    }
}
