//! Where this node can be reached, whom it does not reach, and who else speaks for its signers.

use motet_core_crypto::PublicKey;
use motet_wire::{Address, Delegation, PeerId, RequestId, TimestampMs, VerifiedDelegation};

use super::Engine;
use super::ctx::Ctx;
use super::identities::is_newer;
use crate::event::Event;
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
            is_unreached || self.route_to(session, index).is_none()
        };
        if is_silent || session.joins.missing().into_iter().any(is_absent) {
            self.asking.publish(id, ctx);
        }
    }

    /// Looks whether a certificate that others hand on is of another process that speaks for a signer of this node.
    /// `said` is when the message was made that it came with.
    ///
    /// An earlier process of this node is no other process, and what it has said still goes around: its certificate is older,
    /// and it has said nothing since this process has begun.
    pub(super) fn look_for_rival(&mut self, delegation: &Delegation, said: Option<TimestampMs>, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        let Some(identity) = self.identities.get_mut(&delegation.signer) else { return };
        let Some(own) = identity.delegation.as_ref().map(VerifiedDelegation::delegation) else { return };
        let is_own = own.message_key == delegation.message_key;
        let is_later = is_newer(delegation, own) || said.is_some_and(|said| said > identity.since);
        let is_told = identity.rival_told.is_some_and(|told| now.since(told) < limits::TOLD_AGAIN);
        if is_own || !is_later || is_told {
            return;
        }
        identity.rival_told = Some(now);
        // The other process finds what this one says in the DHT, as the newest. By gossip others may not take it so soon (rule V-30).
        self.announcements.renew_now(&delegation.signer, now);
        ctx.emit(Event::IdentityConflict { signer: delegation.signer, peer: delegation.peer });
    }
}
