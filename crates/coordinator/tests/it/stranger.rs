//! A signer without an engine: it says what a test lets it say, and signs it like anybody.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_wire::{
    Criteria, Delegation, Difficulty, Message, NetworkId, PeerId, RequestId, RequestMetadata, RequestOptions,
    SignerAdvertisement, SignerMetadata, SigningRequest, TimestampMs, Work, WorkClaim, seal, work,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::network::{Network, START};
use crate::recorder::{Recorder, Taken};
use crate::session::items;

pub(crate) struct Stranger {
    pub(crate) key: SecretKey,
    message_key: SecretKey,
    pub(crate) peer: PeerId,
    sequence: u64,
}

impl Stranger {
    /// The stranger with this number, which its peer is made of, too.
    pub(crate) fn new(number: u64) -> Self {
        let source = ChaCha20Rng::seed_from_u64(number ^ 0x5742_4e47_4552);
        let mut rng = Recorder { source, taken: Taken::default() };
        let [key, message_key] = [(); 2].map(|()| SecretKey::generate(&mut rng).unwrap());
        let mut peer = [0xee; 38];
        peer[..8].copy_from_slice(&number.to_be_bytes());
        Self { key, message_key, peer: PeerId::from_bytes(&peer).unwrap(), sequence: 0 }
    }

    pub(crate) fn signer(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The certificate of its message key, for 23 hours from then.
    pub(crate) fn delegation(&self, now: u64) -> Delegation {
        let (signer, message_key) = (self.key.public_key(), self.message_key.public_key());
        let not_after = TimestampMs(START + now + 23 * 3_600_000);
        let digest = Delegation::digest(&NetworkId::test(), &signer, &message_key, &self.peer, not_after);
        let signature = schnorr::sign(&self.key, &digest, &[0; 32]).unwrap();
        Delegation { signer, message_key, peer: self.peer, not_after, signature }
    }

    /// A frame of it.
    pub(crate) fn says(&mut self, message: impl Into<Message>, now: u64) -> Arc<[u8]> {
        self.sequence += 1;
        let at = TimestampMs(START + now);
        let sequence = START + now + self.sequence;
        seal(&NetworkId::test(), &self.message_key, sequence, at, &message.into(), &[0; 32]).unwrap().frame
    }

    /// A request for a signature of it and another signer, and its id.
    pub(crate) fn asks(
        &mut self,
        network: &Network,
        other: PublicKey,
        options: RequestOptions,
    ) -> (RequestId, Arc<[u8]>) {
        self.asks_with(network, other, options, 0)
    }

    /// The same, with a stamp that is worth exactly so many bits; with none, if they are none.
    pub(crate) fn asks_with(
        &mut self,
        network: &Network,
        other: PublicKey,
        options: RequestOptions,
        bits: u8,
    ) -> (RequestId, Arc<[u8]>) {
        let now = network.clock;
        self.sequence += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.sequence.to_be_bytes());
        let mut request = SigningRequest {
            creator: self.delegation(now),
            keys: vec![self.signer(), other],
            items: items(2),
            options,
            metadata: RequestMetadata::default(),
            created: TimestampMs(START + now),
            expires: TimestampMs(START + now + 600_000),
            salt,
            work: None,
        };
        if bits > 0 {
            let claim = work::claim_of_request(&NetworkId::test(), &request).unwrap();
            request.work = Some(stamp(&claim, bits));
        }
        (request.id(&NetworkId::test()).unwrap(), self.says(request, now))
    }

    /// An offer with this life, whose stamp is worth exactly so many bits.
    pub(crate) fn advertises(&mut self, network: &Network, life: Duration, bits: u8) -> Arc<[u8]> {
        let now = network.clock;
        let created = TimestampMs(START + now);
        let mut offer = SignerAdvertisement {
            delegation: self.delegation(now),
            addresses: Vec::new(),
            criteria: Criteria::ANY,
            metadata: SignerMetadata::default(),
            created,
            expires: created.saturating_add(life),
            work: Work::default(),
        };
        offer.work = stamp(&work::claim_of_advertisement(&NetworkId::test(), &offer).unwrap(), bits);
        self.says(offer, now)
    }
}

/// A stamp that is worth exactly so many bits.
fn stamp(claim: &WorkClaim, bits: u8) -> Work {
    let epoch = work::epoch(claim.created);
    let stamps = (0..).map(|nonce| Work { epoch, nonce });
    stamps.into_iter().find(|stamp| work::worth(claim, stamp) == Difficulty(bits)).unwrap()
}
