//! The message keys and the peers that take part in sessions.
//!
//! Every frame that arrives is looked up here, by its sender and by the peer that brought it: how many sessions listen to them
//! says what they may use of this node. So sessions that listen are in groups of their own, and a look-up costs the same however
//! many sessions have ended. A join costs the same however many others have joined.

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wire::{PeerId, RequestId, SignerIndex};

use super::groups::Groups;

/// The entries of one session.
#[derive(Debug, Default)]
struct Listed {
    keys: Vec<PublicKey>,
    /// The peer of each signer's newest join.
    peers: BTreeMap<SignerIndex, PeerId>,
    listens: bool,
}

/// The message keys and the peers of all sessions.
#[derive(Debug, Default)]
pub(super) struct Participants {
    listed: BTreeMap<RequestId, Listed>,
    by_key: Groups<PublicKey>,
    by_peer: Groups<PeerId>,
    /// Sessions that listen, by message key.
    listening_to_key: Groups<PublicKey>,
    /// Sessions that listen, by peer.
    listening_to_peer: Groups<PeerId>,
    /// Number of times that a peer was the first or the last of its group.
    changes_of_peers: u64,
}

impl Participants {
    /// Takes in a message key of a session's signer, and the peer of that signer's newest join.
    pub(super) fn join(&mut self, id: RequestId, key: PublicKey, index: SignerIndex, peer: PeerId) {
        let listed = self.listed.entry(id).or_default();
        if self.by_key.insert(key, id) {
            listed.keys.push(key);
        }
        let before = listed.peers.insert(index, peer);
        // A signer that has come back on another peer takes it along, unless the peer serves another signer of the session.
        let left = before.filter(|before| listed.peers.values().all(|other| other != before));
        let listens = listed.listens;
        self.by_peer.insert(peer, id);
        if listens {
            self.listening_to_key.insert(key, id);
            self.listen_to_peer(peer, id);
        }
        if let Some(left) = left {
            self.by_peer.remove(&left, &id);
            self.leave_peer(&left, &id);
        }
    }

    /// Says whether messages about a session still count.
    pub(super) fn set_listening(&mut self, id: RequestId, listens: bool) {
        let listed = self.listed.entry(id).or_default();
        if listed.listens == listens {
            return;
        }
        listed.listens = listens;
        for key in &listed.keys {
            if listens {
                self.listening_to_key.insert(*key, id);
            } else {
                self.listening_to_key.remove(key, &id);
            }
        }
        let peers: Vec<PeerId> = listed.peers.values().copied().collect();
        for peer in peers {
            if listens {
                self.listen_to_peer(peer, id);
            } else {
                self.leave_peer(&peer, &id);
            }
        }
    }

    fn listen_to_peer(&mut self, peer: PeerId, id: RequestId) {
        let is_first = self.listening_to_peer.count(&peer) == 0;
        self.listening_to_peer.insert(peer, id);
        self.changes_of_peers += u64::from(is_first);
    }

    fn leave_peer(&mut self, peer: &PeerId, id: &RequestId) {
        let was_there = self.listening_to_peer.remove(peer, id);
        let is_last = was_there && self.listening_to_peer.count(peer) == 0;
        self.changes_of_peers += u64::from(is_last);
    }

    /// Forgets a session.
    pub(super) fn remove(&mut self, id: &RequestId) {
        self.set_listening(*id, false);
        let Listed { keys, peers, .. } = self.listed.remove(id).unwrap_or_default();
        for key in &keys {
            self.by_key.remove(key, id);
        }
        for peer in peers.values() {
            self.by_peer.remove(peer, id);
        }
    }

    /// The sessions in which a message key speaks.
    pub(super) fn of_key(&self, key: &PublicKey) -> impl Iterator<Item = &RequestId> {
        self.by_key.of(key)
    }

    /// The sessions in which a peer serves a signer.
    pub(super) fn of_peer(&self, peer: &PeerId) -> impl Iterator<Item = &RequestId> {
        self.by_peer.of(peer)
    }

    /// Number of sessions that listen and in which a message key speaks.
    pub(super) fn listening_to_key(&self, key: &PublicKey) -> usize {
        self.listening_to_key.count(key)
    }

    /// Number of sessions that listen and in which a peer serves a signer.
    pub(super) fn listening_to_peer(&self, peer: &PeerId) -> usize {
        self.listening_to_peer.count(peer)
    }

    /// The peers that serve a signer of a session that listens, in their order.
    pub(super) fn listened_to(&self) -> impl Iterator<Item = &PeerId> {
        self.listening_to_peer.keys()
    }

    /// Number of times that these peers have become others.
    pub(super) const fn changes_of_peers(&self) -> u64 {
        self.changes_of_peers
    }
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;

    use super::*;

    fn key(number: u8) -> PublicKey {
        SecretKey::from_bytes(&[number; 32]).unwrap().public_key()
    }

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes(&[number; 38]).unwrap()
    }

    fn id(number: u8) -> RequestId {
        RequestId::from_bytes([number; 32])
    }

    #[test]
    fn only_sessions_that_listen_are_counted_and_all_are_found() {
        let mut participants = Participants::default();
        for session in 1..=3 {
            participants.join(id(session), key(1), SignerIndex(0), peer(1));
            participants.set_listening(id(session), true);
            participants.join(id(session), key(2), SignerIndex(1), peer(2));
        }
        assert_eq!((participants.listening_to_key(&key(1)), participants.listening_to_peer(&peer(2))), (3, 3));
        participants.set_listening(id(2), false);
        participants.join(id(2), key(3), SignerIndex(2), peer(3));
        for number in 1..=2 {
            assert_eq!(participants.listening_to_key(&key(number)), 2);
            assert_eq!(participants.listening_to_peer(&peer(number)), 2);
            assert_eq!(participants.of_key(&key(number)).count(), 3);
            assert_eq!(participants.of_peer(&peer(number)).count(), 3);
        }
        assert_eq!((participants.listening_to_key(&key(3)), participants.listening_to_peer(&peer(3))), (0, 0));
        assert_eq!(participants.listened_to().collect::<Vec<_>>(), [&peer(1), &peer(2)]);
        assert_eq!(participants.changes_of_peers(), 2, "each peer came once, in whatever number of sessions");
        for session in 1..=3 {
            participants.remove(&id(session));
        }
        assert_eq!(participants.changes_of_peers(), 4, "and went once");
        assert_eq!((participants.listening_to_key(&key(1)), participants.listening_to_peer(&peer(1))), (0, 0));
        assert_eq!((participants.of_key(&key(3)).count(), participants.of_peer(&peer(3)).count()), (0, 0));
    }

    #[test]
    fn a_peer_leaves_a_session_when_its_last_signer_has_moved_to_another_peer() {
        let mut participants = Participants::default();
        participants.set_listening(id(1), true);
        participants.join(id(1), key(1), SignerIndex(0), peer(1));
        participants.join(id(1), key(2), SignerIndex(1), peer(1));
        assert_eq!(participants.listening_to_peer(&peer(1)), 1, "one session, though it serves two signers");
        // The first signer comes back with another message key on another peer; its earlier key still speaks.
        participants.join(id(1), key(3), SignerIndex(0), peer(2));
        assert_eq!((participants.listening_to_peer(&peer(1)), participants.listening_to_peer(&peer(2))), (1, 1));
        participants.join(id(1), key(4), SignerIndex(1), peer(2));
        assert_eq!((participants.listening_to_peer(&peer(1)), participants.of_peer(&peer(1)).count()), (0, 0));
        assert_eq!(participants.listening_to_key(&key(1)), 1);
    }
}
