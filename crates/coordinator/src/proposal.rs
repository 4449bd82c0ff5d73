//! Proposals: the requests that a signer's user is asked to approve.
//!
//! An approval binds the digest of exactly what was shown: request id, items, derivations, and the keys that were
//! computed from them. The engine signs nothing without one.

use motet_core_crypto::{PublicKey, XOnlyPublicKey, tagged_hash};
use motet_wire::{RequestId, SigningRequest};

/// A request as it is put before the user of one signer.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The request.
    pub request: RequestId,
    /// Which of this node's signers is asked.
    pub signer: PublicKey,
    /// The request's terms.
    pub terms: Box<SigningRequest>,
    /// The keys that the items will verify under, computed here.
    pub keys: Vec<XOnlyPublicKey>,
}

/// The digest of a proposal, which an approval names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalDigest([u8; 32]);

impl ProposalDigest {
    /// `tagged_hash("motet/approval/v1", request id | signer | keys)`. The request id covers everything else shown.
    pub(crate) fn new(request: &RequestId, signer: &PublicKey, keys: &[XOnlyPublicKey]) -> Self {
        let keys: Vec<u8> = keys.iter().flat_map(XOnlyPublicKey::to_bytes).collect();
        Self(tagged_hash("motet/approval/v1", &[request.as_bytes(), &signer.to_bytes(), &keys]))
    }

    /// The digest with these bytes, as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl Proposal {
    /// The digest that an approval of this proposal binds.
    pub fn digest(&self) -> ProposalDigest {
        ProposalDigest::new(&self.request, &self.signer, &self.keys)
    }
}

/// The user's answer to a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Sign exactly this.
    Approve,
    /// Do not.
    Decline {
        /// Why, for the others; at most 256 bytes.
        reason: String,
    },
}
