//! The user's contacts, as the pipeline treats them (`docs/protocol.md` §4, §10).
//!
//! A contact is a signer key. A frame claims to come from one by the delegation that it carries, or by a message key that a contact has
//! certified before; a peer is a contact's if a contact's delegation names it. Claims are checked by the pipeline, and a peer that
//! has claimed falsely is believed no more.

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wire::{Delegation, Peek, PeerClass, PeerId, TimestampMs};

/// The contacts by their compressed keys, each with the delegation of theirs that ends last, of those that have been proven.
#[derive(Debug, Default)]
pub(crate) struct Contacts(BTreeMap<[u8; 33], Option<Delegation>>);

impl Contacts {
    pub(crate) fn new<'a>(signers: impl IntoIterator<Item = &'a PublicKey>) -> Self {
        Self(signers.into_iter().map(|signer| (signer.to_bytes(), None)).collect())
    }

    /// From here on, a signer is a contact or is none.
    pub(crate) fn set(&mut self, signer: &PublicKey, is_contact: bool) {
        if is_contact {
            self.0.entry(signer.to_bytes()).or_default();
        } else {
            self.0.remove(&signer.to_bytes());
        }
    }

    /// A delegation has been proven. Returns true if a contact is at another peer than before.
    pub(crate) fn learn(&mut self, delegation: &Delegation) -> bool {
        let Some(known) = self.0.get_mut(&delegation.signer.to_bytes()) else { return false };
        if known.as_ref().is_some_and(|known| known.not_after > delegation.not_after) {
            return false;
        }
        let before = known.replace(delegation.clone());
        before.is_none_or(|before| before.peer != delegation.peer)
    }

    /// The class of the author that a frame claims, if it takes part in no session.
    pub(crate) fn class_of_author(&self, claimed: &Peek, now: TimestampMs) -> PeerClass {
        let names_one = claimed.signer.is_some_and(|signer| self.0.contains_key(&signer));
        class(names_one || self.certified(now).any(|known| known.message_key.to_bytes() == claimed.sender))
    }

    /// The class of a peer, if it takes part in no session.
    pub(crate) fn class_of_peer(&self, peer: &PeerId, now: TimestampMs) -> PeerClass {
        class(self.certified(now).any(|known| known.peer == *peer))
    }

    /// The peers of the contacts that are known.
    pub(crate) fn peers(&self, now: TimestampMs) -> impl Iterator<Item = PeerId> {
        self.certified(now).map(|known| known.peer)
    }

    fn certified(&self, now: TimestampMs) -> impl Iterator<Item = &Delegation> {
        self.0.values().flatten().filter(move |known| known.not_after > now)
    }
}

const fn class(is_contact: bool) -> PeerClass {
    if is_contact { PeerClass::Contact } else { PeerClass::Stranger }
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::{SecretKey, schnorr};
    use motet_wire::{Kind, NetworkId};

    use super::*;

    fn key(number: u8) -> SecretKey {
        SecretKey::from_bytes(&[number; 32]).unwrap()
    }

    /// A delegation of a signer for a message key at a peer.
    fn delegation(signer: u8, message_key: u8, until: u64) -> Delegation {
        let (signer, not_after) = (key(signer), TimestampMs(until));
        let (own, message_key) = (signer.public_key(), key(message_key).public_key());
        let peer = PeerId::from_bytes(&[message_key.to_bytes()[5]; 38]).unwrap();
        let digest = Delegation::digest(&NetworkId::test(), &own, &message_key, &peer, not_after);
        Delegation {
            signer: own,
            message_key,
            peer,
            not_after,
            signature: schnorr::sign(&signer, &digest, &[0; 32]).unwrap(),
        }
    }

    fn frame(kind: Kind, sender: u8, signer: Option<u8>) -> Peek {
        let bytes = |number| key(number).public_key().to_bytes();
        Peek { kind, sender: bytes(sender), sequence: 1, timestamp: TimestampMs(1), signer: signer.map(bytes) }
    }

    #[test]
    fn contacts_are_known_by_their_delegations_and_for_as_long_as_these_last() {
        let (alice, mallory) = (1, 2);
        let mut contacts = Contacts::new([&key(alice).public_key()]);
        let now = TimestampMs(100);
        let request = |signer| contacts_class(&contacts, &frame(Kind::SigningRequest, 9, Some(signer)), now);
        assert_eq!((request(alice), request(mallory)), (PeerClass::Contact, PeerClass::Stranger));
        // Its message key and its peer are known when it has been heard.
        let (first, second, other) =
            (delegation(alice, 11, 200), delegation(alice, 12, 300), delegation(mallory, 13, 300));
        let share = frame(Kind::NonceShare, 11, None);
        assert_eq!(contacts.class_of_author(&share, now), PeerClass::Stranger);
        assert!(contacts.learn(&first) && !contacts.learn(&first) && !contacts.learn(&other));
        assert_eq!(contacts.peers(now).collect::<Vec<_>>(), [first.peer]);
        assert_eq!(contacts.class_of_author(&share, now), PeerClass::Contact);
        assert_eq!(contacts.class_of_author(&frame(Kind::NonceShare, 13, None), now), PeerClass::Stranger);
        assert_eq!(contacts.class_of_peer(&first.peer, now), PeerClass::Contact);
        assert_eq!(contacts.class_of_peer(&other.peer, now), PeerClass::Stranger);
        assert_eq!(contacts.class_of_peer(&first.peer, TimestampMs(200)), PeerClass::Stranger, "it has ended");
        assert!(contacts.learn(&second) && !contacts.learn(&first));
        assert_eq!(contacts.class_of_peer(&second.peer, TimestampMs(200)), PeerClass::Contact);
        assert_eq!(contacts.class_of_peer(&first.peer, now), PeerClass::Stranger, "an older one is no news");
    }

    fn contacts_class(contacts: &Contacts, claimed: &Peek, now: TimestampMs) -> PeerClass {
        contacts.class_of_author(claimed, now)
    }
}
