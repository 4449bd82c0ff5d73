//! A signer without an engine: it says what a test lets it say, and signs it like any other.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, schnorr, tagged_hash};
use motet_wire::{
    Criteria, Delegation, Difficulty, Item, Message, Now, PeerId, RequestId, RequestMetadata, RequestOptions,
    SignerAdvertisement, SignerMetadata, SigningRequest, Work, WorkClaim, limits, seal, work,
};

use crate::entropy::Entropy;
use crate::node::network_id;

/// Life of the certificate of a message key.
const DELEGATED_FOR: Duration = Duration::from_secs(23 * 3600);
/// Time to join a request.
const JOIN_WITHIN: Duration = Duration::from_secs(600);

/// A peer that is no node of the cluster, with a signer and a message key. Its frames are signed as they should be; what they say
/// is up to the test.
#[derive(Debug)]
pub struct Stranger {
    key: SecretKey,
    message_key: SecretKey,
    peer: PeerId,
    sequence: u64,
}

#[expect(
    clippy::expect_used,
    reason = "keys of random bytes, and messages within their bounds, which the documentation asks for"
)]
impl Stranger {
    /// The stranger with this number. Its keys and its peer follow from the number.
    pub fn new(number: u64) -> Self {
        let mut entropy = Entropy::from_seed(number ^ 0x5742_4e47_4552);
        let [key, message_key] = [(); 2].map(|()| SecretKey::generate(&mut entropy).expect("random bytes are a key"));
        let mut peer = [0xee; 38];
        peer.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        Self { key, message_key, peer: PeerId::from_bytes(&peer).expect("38 bytes are a peer id"), sequence: 0 }
    }

    /// The key of the signer.
    pub fn signer(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The secret key of the signer.
    pub fn secret_key(&self) -> &SecretKey {
        &self.key
    }

    /// The peer.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The certificate of its message key, for 23 hours from now.
    pub fn delegation(&self, now: Now) -> Delegation {
        let (signer, message_key) = (self.key.public_key(), self.message_key.public_key());
        let not_after = now.wall.saturating_add(DELEGATED_FOR);
        let digest = Delegation::digest(&network_id(), &signer, &message_key, &self.peer, not_after);
        let signature = schnorr::sign(&self.key, &digest, &[0; 32]).expect("a sound key signs");
        Delegation { signer, message_key, peer: self.peer, not_after, signature }
    }

    /// A frame with any message.
    ///
    /// # Panics
    ///
    /// If the message breaks a bound of the format, so that there are no bytes for it.
    pub fn says(&mut self, message: impl Into<Message>, now: Now) -> Arc<[u8]> {
        self.sequence += 1;
        let sequence = now.wall.0 + self.sequence;
        let sealed = seal(&network_id(), &self.message_key, sequence, now.wall, &message.into(), &[0; 32]);
        sealed.expect("a message within the bounds of the format").frame
    }

    /// A frame of its own with other bytes in its body, signed anew: it need not be a message any more. `change` gets the body.
    pub fn says_instead(&self, frame: &[u8], change: impl FnOnce(&mut [u8])) -> Arc<[u8]> {
        let mut changed = frame.to_vec();
        let signed = changed.len().saturating_sub(64);
        if let Some(body) = changed.get_mut(limits::FRAME_OVERHEAD - 64..signed) {
            change(body);
        }
        let network = network_id();
        let name = network.as_str().as_bytes();
        let length = [u8::try_from(name.len()).unwrap_or(u8::MAX)];
        changed.truncate(signed);
        let digest = tagged_hash("motet/envelope/v1", &[&length, name, &changed]);
        let signature = schnorr::sign(&self.message_key, &digest, &[0; 32]).expect("a sound key signs");
        changed.extend_from_slice(&signature.to_bytes());
        changed.into()
    }

    /// A frame with a request for signatures of itself and another signer, and its id. The stamp is worth exactly so many
    /// bits; there is none if they are 0.
    pub fn asks(
        &mut self,
        other: PublicKey,
        items: Vec<Item>,
        options: RequestOptions,
        bits: u8,
        now: Now,
    ) -> (RequestId, Arc<[u8]>) {
        self.sequence += 1;
        let mut salt = [0; 16];
        salt.iter_mut().zip(self.sequence.to_be_bytes()).for_each(|(to, from)| *to = from);
        let mut request = SigningRequest {
            creator: self.delegation(now),
            keys: vec![self.signer(), other],
            items,
            options,
            metadata: RequestMetadata::default(),
            created: now.wall,
            expires: now.wall.saturating_add(JOIN_WITHIN),
            salt,
            work: None,
        };
        if bits > 0 {
            let claim = work::claim_of_request(&network_id(), &request).expect("a request within its bounds");
            request.work = Some(stamp(&claim, bits));
        }
        (request.id(&network_id()).expect("a request within its bounds"), self.says(request, now))
    }

    /// A frame with an advertisement of this life. The stamp is worth exactly so many bits.
    pub fn advertises(&mut self, life: Duration, bits: u8, now: Now) -> Arc<[u8]> {
        let mut offer = SignerAdvertisement {
            delegation: self.delegation(now),
            addresses: Vec::new(),
            criteria: Criteria::ANY,
            metadata: SignerMetadata::default(),
            created: now.wall,
            expires: now.wall.saturating_add(life),
            work: Work::default(),
        };
        let claim = work::claim_of_advertisement(&network_id(), &offer).expect("an advertisement within its bounds");
        offer.work = stamp(&claim, bits);
        self.says(offer, now)
    }
}

/// A stamp that is worth exactly so many bits.
#[expect(clippy::expect_used, reason = "among 2^64 stamps there is one for each small number of bits")]
fn stamp(claim: &WorkClaim, bits: u8) -> Work {
    let epoch = work::epoch(claim.created);
    let mut stamps = (0..).map(|nonce| Work { epoch, nonce });
    stamps.find(|stamp| work::worth(claim, stamp) == Difficulty(bits)).expect("a stamp of so many bits")
}
