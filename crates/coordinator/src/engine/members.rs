//! The peers that serve the signers of a session: the messages of a session go to them and to nobody else
//! (`docs/protocol.md` §5).
//!
//! An advertisement names the peer of a signer, and so does a join; the request names the creator's. A signer that does not know
//! the peers of some others asks the creator for their joins, as soon as it has joined itself. The creator hands on the joins that
//! come later. As soon as a node learns where a signer is, it sends there what it has said before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, Delegation, Kind, PeerId, RequestId, SignerIndex, SyncRequest, peek};

use super::Engine;
use super::ctx::Ctx;
use super::identities::is_newer;
use super::session::{Collecting, Session};

impl Session {
    /// The peers at which processes of a signer have joined, apart from the newest: a copy of a node has another peer id.
    fn earlier_peers_of(&self, index: SignerIndex) -> BTreeSet<PeerId> {
        let newest = self.joins.at(index).map(|join| join.body.delegation.peer);
        let joins = self.message_keys.values().filter(|(slot, _)| *slot == index);
        joins.map(|(_, join)| join.body.delegation.peer).filter(|peer| Some(*peer) != newest).collect()
    }
}

impl Engine {
    /// The other peers that serve the signers of a session, each once, and the addresses at which they may be reached.
    pub(super) fn peers_of(&self, session: &Session) -> BTreeMap<PeerId, Vec<Address>> {
        let mut peers = BTreeMap::new();
        for index in (0u16..).map(SignerIndex).take(session.request.keys.len()) {
            if let Some((peer, addresses)) = self.route_to(session, index) {
                peers.entry(peer).or_insert(addresses);
            }
        }
        peers.remove(&self.peer);
        peers
    }

    /// The peer that serves a signer of a session, and where it may be reached, as far as anybody has said.
    pub(super) fn route_to(&self, session: &Session, index: SignerIndex) -> Option<(PeerId, Vec<Address>)> {
        let known = self.directory.of_signer(session.key(index)?).map(|known| &known.advertisement);
        let peer = *session.peer_of(index).or_else(|| known.map(|known| &known.delegation.peer))?;
        let addresses = known.filter(|known| known.delegation.peer == peer).map(|known| known.addresses.clone());
        Some((peer, addresses.unwrap_or_default()))
    }

    /// Sends a message to every member of a session at another node. What this node has sealed, it handles itself.
    pub(super) fn send_to_session(&self, request: &RequestId, frame: &Arc<[u8]>, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(request) else { return };
        for (peer, addresses) in self.peers_of(session) {
            ctx.send(peer, addresses, frame);
        }
    }

    /// Sends a message to every member of a session, and keeps it for members whose peers are not known yet.
    pub(super) fn say_to_session(&mut self, request: &RequestId, frame: &Arc<[u8]>, ctx: &mut Ctx<'_>) {
        self.send_to_session(request, frame, ctx);
        if let Some(session) = self.sessions.get_mut(request) {
            session.said.push(Arc::clone(frame));
        }
    }

    /// Sends on what follows for others from a join that has just come. `before` is the peer that this node knew for its signer.
    pub(super) fn introduce(
        &self,
        id: &RequestId,
        index: SignerIndex,
        peer: PeerId,
        before: Option<PeerId>,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(newest) = session.joins.at(index) else { return };
        // Of two processes that speak for one signer the older has to hear of the newer, and stops.
        let mut older = session.earlier_peers_of(index);
        older.extend(before.filter(|before| *before != newest.body.delegation.peer));
        if older.contains(&peer) {
            older.retain(|older| *older == peer);
        }
        for peer in older.into_iter().filter(|peer| *peer != self.peer) {
            ctx.send(peer, self.directory.addresses_of(&peer), &newest.frame);
        }
        // Others may not know its author's peer, nor their peers its author.
        for (asker, addresses) in session.askers.iter().filter_map(|index| self.route_to(session, *index)) {
            if asker != peer {
                ctx.send(asker, addresses, &newest.frame);
            }
        }
        if before != Some(peer) {
            self.repeat_to(session, peer, ctx);
        }
    }

    /// Sends to a peer what this node has said in a session before it knew that the peer is a member.
    fn repeat_to(&self, session: &Session, peer: PeerId, ctx: &mut Ctx<'_>) {
        if peer == self.peer {
            return;
        }
        // Nonces are of the first attempt. When it has begun or ended, Sync has what is missing.
        let joins = session.collecting() == Some(Collecting::Joins);
        let is_join = |frame: &[u8]| peek(frame).is_some_and(|peek| peek.kind == Kind::ParticipantJoined);
        for frame in session.said.iter().filter(|frame| joins || is_join(frame)) {
            ctx.send(peer, self.directory.addresses_of(&peer), frame);
        }
    }

    /// An advertisement has told where a signer is, or that its node has been restarted. `before` is what the advertisement before it has told.
    pub(super) fn meet_advertised(&self, signer: &PublicKey, before: Option<&Delegation>, ctx: &mut Ctx<'_>) {
        let Some(now) = self.directory.of_signer(signer).map(|known| &known.advertisement.delegation) else { return };
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
            self.repeat_to(session, now.peer, ctx);
        }
        for session in self.sessions.of_signer(signer).filter(|session| session.listens()) {
            let Some(index) = session.request.index_of(signer) else { continue };
            // A join says better where it is.
            if session.peer_of(index).is_some() {
                continue;
            }
            if session.collecting() == Some(Collecting::Joins) && session.request.creator.peer == self.peer {
                ctx.send(now.peer, self.directory.addresses_of(&now.peer), &session.frame);
            }
            self.repeat_to(session, now.peer, ctx);
        }
    }

    /// Asks the creator for the joins of signers whose peers nobody has told this node.
    pub(super) fn ask_creator(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let creator = session.request.creator.peer;
        let lacks = session.others().into_iter().any(|index| self.route_to(session, index).is_none());
        if creator == self.peer || !lacks || session.collecting() != Some(Collecting::Joins) {
            return;
        }
        let Some(signer) = session.voice() else { return };
        let question = SyncRequest { request: *id, attempt: session.attempt.number, have: session.have() };
        let addresses = self.directory.addresses_of(&creator);
        if let Ok(sealed) = self.identities.seal(&signer, question, ctx) {
            ctx.send(creator, addresses, &sealed.frame);
        }
    }

    /// Remembers that a signer has asked this node, the creator's, while joins are collected.
    pub(super) fn note_asker(&mut self, id: &RequestId, sender: &PublicKey) {
        let here = self.peer;
        let Some(session) = self.sessions.get_mut(id).filter(|session| session.request.creator.peer == here) else {
            return;
        };
        let joins = session.collecting() == Some(Collecting::Joins);
        if let Some(index) = session.slot_of(sender).filter(|_| joins) {
            session.askers.insert(index);
        }
    }

    /// Tells all members of an end that one of them has told this node, the creator's: its author may not know them all. Those that have not
    /// heard that its author has joined would not believe it.
    pub(super) fn pass_on_end(&self, id: &RequestId, frame: &Arc<[u8]>, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id).filter(|session| session.request.creator.peer == self.peer) else {
            return;
        };
        if session.collecting() == Some(Collecting::Joins) {
            if let Some(join) = session.join_of(frame) {
                self.send_to_session(id, &Arc::from(join), ctx);
            }
            self.send_to_session(id, frame, ctx);
        }
    }
}
