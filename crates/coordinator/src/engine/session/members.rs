//! The peers that serve the signers of a session: its messages go to them and to nobody else
//! (`docs/protocol.md` §5).
//!
//! An advertisement names the peer of a signer, and so does a join; the request names the creator's. A signer that does not know
//! the peers of some others asks the creator for their joins, as soon as it has joined itself. The creator hands on the joins that
//! come later. As soon as a node learns where a signer is, it sends there what it has said before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, Kind, PeerId, SignerIndex, SyncRequest, peek};

use super::{Collecting, Session};
use crate::engine::ctx::Ctx;
use crate::engine::directory::Directory;
use crate::engine::input::Effect;
use crate::engine::lent::Lent;

impl Session {
    /// The peers at which processes of a signer have joined, apart from the newest: a copy of a node has another peer id.
    fn earlier_peers_of(&self, index: SignerIndex) -> BTreeSet<PeerId> {
        let newest = self.joins.at(index).map(|join| join.body.delegation.peer);
        let joins = self.joins_of(index);
        joins.map(|join| join.body.delegation.peer).filter(|peer| Some(*peer) != newest).collect()
    }

    /// The other peers that serve its signers, each once, and the addresses at which they may be reached.
    fn peers(&self, lent: &Lent<'_, '_>) -> BTreeMap<PeerId, Vec<Address>> {
        let mut peers = BTreeMap::new();
        for index in (0u16..).map(SignerIndex).take(self.request.keys.len()) {
            if let Some((peer, addresses)) = self.route_to(index, lent.directory) {
                peers.entry(peer).or_insert(addresses);
            }
        }
        peers.remove(&lent.step.here);
        peers
    }

    /// The peer that serves a signer, and where it may be reached, as far as anybody has said.
    pub(crate) fn route_to(&self, index: SignerIndex, directory: &Directory) -> Option<(PeerId, Vec<Address>)> {
        let known = directory.route_of(self.key(index)?);
        let peer = self.peer_of(index).copied().or_else(|| known.as_ref().map(|(peer, _)| *peer))?;
        let addresses = known.filter(|(known, _)| *known == peer).map(|(_, addresses)| addresses);
        Some((peer, addresses.unwrap_or_default()))
    }

    /// Sends a message to every member at another node. What this node has sealed, it handles itself.
    pub(crate) fn send(&self, frame: &Arc<[u8]>, lent: &mut Lent<'_, '_>) {
        for (peer, addresses) in self.peers(lent) {
            lent.step.send(peer, addresses, frame);
        }
    }

    /// Sends a message to every member, and keeps it for members whose peers are not known yet.
    pub(crate) fn say(&mut self, frame: &Arc<[u8]>, lent: &mut Lent<'_, '_>) {
        self.send(frame, lent);
        self.said.push(Arc::clone(frame));
    }

    /// Sends on what follows for others from a join that has just come. `before` is the peer that this node knew for its signer.
    pub(crate) fn introduce(&self, index: SignerIndex, peer: PeerId, before: Option<PeerId>, lent: &mut Lent<'_, '_>) {
        let Some(newest) = self.joins.at(index) else { return };
        // Of two processes that speak for one signer the older has to hear of the newer, and stops.
        let mut older = self.earlier_peers_of(index);
        older.extend(before.filter(|before| *before != newest.body.delegation.peer));
        if older.contains(&peer) {
            older.retain(|older| *older == peer);
        }
        let here = lent.step.here;
        for peer in older.into_iter().filter(|peer| *peer != here) {
            lent.step.send(peer, lent.directory.addresses_of(&peer), &newest.frame);
        }
        // Others may not know its author's peer, nor their peers its author.
        for (asker, addresses) in self.askers.iter().filter_map(|index| self.route_to(*index, lent.directory)) {
            if asker != peer {
                lent.step.send(asker, addresses, &newest.frame);
            }
        }
        if before != Some(peer) {
            self.repeat_to(peer, lent.directory, lent.step);
        }
    }

    /// Sends to a peer what this node has said before it knew that the peer is a member.
    pub(crate) fn repeat_to(&self, peer: PeerId, directory: &Directory, ctx: &mut Ctx<'_>) {
        if peer == ctx.here {
            return;
        }
        // Nonces are of the first attempt. When it has begun or ended, Sync has what is missing.
        let joins = self.collecting() == Some(Collecting::Joins);
        let is_join = |frame: &[u8]| peek(frame).is_some_and(|peek| peek.kind == Kind::ParticipantJoined);
        for frame in self.said.iter().filter(|frame| joins || is_join(frame)) {
            ctx.send(peer, directory.addresses_of(&peer), frame);
        }
    }

    /// Has the members looked up whose peers nobody has told this node: it may have been restarted, and be the creator, that all others
    /// ask.
    pub(crate) fn look_for_members(&self, lent: &mut Lent<'_, '_>) {
        let lost = self.others().into_iter().filter(|index| self.route_to(*index, lent.directory).is_none());
        let signers: Vec<PublicKey> = lost.filter_map(|index| self.key(index).copied()).collect();
        if !signers.is_empty() && !self.is_private() {
            lent.step.effect(Effect::LookUp { signers });
        }
    }

    /// Asks the creator for the joins of signers whose peers nobody has told this node.
    pub(crate) fn ask_creator(&mut self, lent: &mut Lent<'_, '_>) {
        let creator = self.request.creator.peer;
        let lacks = self.others().into_iter().any(|index| self.route_to(index, lent.directory).is_none());
        if creator == lent.step.here || !lacks || self.collecting() != Some(Collecting::Joins) {
            return;
        }
        let Some(signer) = self.voice() else { return };
        let question = SyncRequest { request: self.id, attempt: self.attempt.number, have: self.have() };
        let addresses = lent.directory.addresses_of(&creator);
        if let Ok(sealed) = lent.seal(&signer, question) {
            lent.step.send(creator, addresses, &sealed.frame);
        }
    }

    /// Remembers that a signer has asked this node, the creator's, while joins are collected.
    pub(crate) fn note_asker(&mut self, sender: &PublicKey, here: PeerId) {
        let joins = self.request.creator.peer == here && self.collecting() == Some(Collecting::Joins);
        if let Some(index) = self.slot_of(sender).filter(|_| joins) {
            self.askers.insert(index);
        }
    }

    /// Tells all members of an end that one of them has told this node, the creator's: its author may not know them all. Those that have not
    /// heard that its author has joined would not believe it.
    pub(crate) fn pass_on_end(&self, frame: &Arc<[u8]>, lent: &mut Lent<'_, '_>) {
        if self.request.creator.peer == lent.step.here && self.collecting() == Some(Collecting::Joins) {
            if let Some(join) = self.join_of(frame) {
                self.send(&Arc::from(join), lent);
            }
            self.send(frame, lent);
        }
    }
}
