//! A signer key certifies a message key (`docs/protocol.md` §1).
//!
//! The key that holds money signs one certificate a day and MuSig2 partial signatures, nothing else. The certificate is
//! a BIP-340 signature by the signer key over `tagged_hash("motet/delegation/v1", network | signer | message key | peer |
//! not after)`, where `network` and `peer` have their length in front (one byte) and `not after` is 8 bytes big endian.
//! It is the only binding between a signer and a peer; nothing that a peer says of itself counts.

use motet_core_crypto::schnorr;
use motet_core_crypto::{PublicKey, Signature, Tag};

use crate::codec::{Bytes, ParseError};
use crate::id::{NetworkId, PeerId};
use crate::limits;
use crate::mirror::mirror;
use crate::time::TimestampMs;

static DELEGATION: Tag = Tag::new("motet/delegation/v1");

/// A signer's statement that a message key and a peer speak for it until a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The key that holds money.
    pub signer: PublicKey,
    /// The key that signs envelopes.
    pub message_key: PublicKey,
    /// The node that both are served by.
    pub peer: PeerId,
    /// End of the delegation: at most 24 hours ahead.
    pub not_after: TimestampMs,
    /// By the signer key, over [`Delegation::digest`].
    pub signature: Signature,
}

/// The signature of a delegation is not the signer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the delegation is not signed by its signer")]
pub struct DelegationError;

impl Delegation {
    /// The 32 bytes that the signer key signs.
    pub fn digest(
        network: &NetworkId,
        signer: &PublicKey,
        message_key: &PublicKey,
        peer: &PeerId,
        not_after: TimestampMs,
    ) -> [u8; 32] {
        digest(network, &signer.to_bytes(), &message_key.to_bytes(), peer, not_after)
    }

    /// Checks the signature; not the time, which is the caller's to know.
    ///
    /// # Errors
    ///
    /// [`DelegationError`] when the signature is not the signer's on this network.
    pub fn verify(&self, network: &NetworkId) -> Result<(), DelegationError> {
        let digest = Self::digest(network, &self.signer, &self.message_key, &self.peer, self.not_after);
        schnorr::verify(&self.signer.x_only(), &digest, &self.signature).map_err(|_| DelegationError)
    }
}

/// A delegation whose signature has been checked, on the network that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDelegation {
    delegation: Delegation,
    network: NetworkId,
}

impl VerifiedDelegation {
    /// Checks the signature.
    ///
    /// # Errors
    ///
    /// [`DelegationError`] when the signature is not the signer's on this network.
    pub fn new(delegation: Delegation, network: &NetworkId) -> Result<Self, DelegationError> {
        delegation.verify(network)?;
        Ok(Self { delegation, network: network.clone() })
    }

    /// The delegation.
    pub const fn delegation(&self) -> &Delegation {
        &self.delegation
    }

    /// True if this is the proof of that delegation on that network.
    pub(crate) fn proves(&self, delegation: &Delegation, network: &NetworkId) -> bool {
        self.delegation == *delegation && self.network == *network
    }
}

mirror! {
    /// A delegation as the bytes say it: keys that may be no points.
    RawDelegation of Delegation {
        signer: [u8; 33],
        message_key: [u8; 33],
        peer: Bytes<{ limits::PEER_ID }>,
        not_after: u64,
        signature: [u8; 64],
    }
}

impl RawDelegation {
    /// Bytes of the encoding.
    pub(crate) fn encoded_length(&self) -> usize {
        33 + 33 + 4 + self.peer.as_slice().len() + 8 + 64
    }

    pub(crate) fn peer(&self) -> Result<PeerId, ParseError> {
        PeerId::from_bytes(self.peer.as_slice()).map_err(|_| ParseError::Length)
    }

    pub(crate) fn digest(&self, network: &NetworkId) -> Result<[u8; 32], ParseError> {
        let peer = self.peer()?;
        Ok(digest(network, &self.signer, &self.message_key, &peer, TimestampMs(self.not_after)))
    }
}

fn digest(
    network: &NetworkId,
    signer: &[u8; 33],
    message_key: &[u8; 33],
    peer: &PeerId,
    not_after: TimestampMs,
) -> [u8; 32] {
    let length = u8::try_from(peer.as_bytes().len()).unwrap_or(u8::MAX);
    DELEGATION.hash(&[&network.prefix(), signer, message_key, &[length], peer.as_bytes(), &not_after.0.to_be_bytes()])
}
