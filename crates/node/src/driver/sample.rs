//! A signer that seals what a test needs.

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_wire::work::{claim_of_advertisement, mint};
use motet_wire::{
    Criteria, Delegation, Difficulty, Message, NetworkId, PeerId, Sealed, SignerAdvertisement, SignerMetadata,
    SignerUnavailable, TimestampMs, Work, seal,
};

pub(crate) struct Sample {
    pub(crate) key: PublicKey,
    message_key: SecretKey,
    pub(crate) delegation: Delegation,
    now: TimestampMs,
}

impl Sample {
    /// A signer whose delegation ends a day from now.
    pub(crate) fn new(byte: u8, now: TimestampMs) -> Self {
        let signer = SecretKey::from_bytes(&[byte; 32]).unwrap();
        let message_key = SecretKey::from_bytes(&[byte | 128; 32]).unwrap();
        let (key, speaks) = (signer.public_key(), message_key.public_key());
        let peer = PeerId::from_bytes(&[1; 38]).unwrap();
        let not_after = now.saturating_add(core::time::Duration::from_secs(24 * 3_600));
        let digest = Delegation::digest(&NetworkId::test(), &key, &speaks, &peer, not_after);
        let signature = schnorr::sign(&signer, &digest, &[0; 32]).unwrap();
        let delegation = Delegation { signer: key, message_key: speaks, peer, not_after, signature };
        Self { key, message_key, delegation, now }
    }

    pub(crate) fn seal(&self, number: u64, message: impl Into<Message>) -> Sealed {
        seal(&NetworkId::test(), &self.message_key, number, self.now, &message.into(), &[0; 32]).unwrap()
    }

    /// An offer of these types that lives so many minutes, paid with so many bits.
    pub(crate) fn offer(&self, number: u64, types: &[&str], minutes: u64, bits: u8) -> Sealed {
        let transaction_types = types.iter().map(|&name| name.to_owned()).collect();
        let offer = SignerAdvertisement {
            delegation: self.delegation.clone(),
            addresses: Vec::new(),
            criteria: Criteria { transaction_types, ..Criteria::ANY },
            metadata: SignerMetadata::default(),
            created: self.now,
            expires: self.now.saturating_add(core::time::Duration::from_secs(60 * minutes)),
            work: Work::default(),
        };
        let claim = claim_of_advertisement(&NetworkId::test(), &offer).unwrap();
        let work = mint(&claim, Difficulty(bits), |_| core::ops::ControlFlow::Continue(())).unwrap();
        self.seal(number, SignerAdvertisement { work, ..offer })
    }

    /// The withdrawal of an offer.
    pub(crate) fn withdrawal(&self, number: u64, offer: &Sealed) -> Sealed {
        let (delegation, advertisement) = (self.delegation.clone(), offer.id.into());
        self.seal(number, SignerUnavailable { delegation, advertisement, reason: String::new() })
    }
}
