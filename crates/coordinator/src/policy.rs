//! Whether to sign what one is asked to sign.
//!
//! An approval binds the digest of exactly what was shown: request id, items, derivations, and the keys that were
//! computed from them. The engine signs nothing without one.
//!
//! [`Policy`] is what users implement. [`RulePolicy`] decides by rules, in the order in which they are written, and asks
//! another policy, such as a prompt, where they say so.

mod condition;
mod explanation;
mod facts;
pub mod limits;
mod rate;
mod rule_policy;
mod rules;

use async_trait::async_trait;
use motet_core_crypto::{PublicKey, XOnlyPublicKey, tagged_hash};
use motet_wire::{RequestId, SigningRequest};

use crate::event::AbortCause;

pub use condition::{Condition, Mismatch};
pub use explanation::{DecidedBy, Explanation, PassedOver, RuleRef};
pub use facts::Facts;
pub use rate::Rate;
pub use rule_policy::RulePolicy;
pub use rules::{Place, Remark, Rule, RuleError, Rules, Verdict};

/// What is put before the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The request.
    pub request: RequestId,
    /// Which of this node's signers is asked.
    pub signer: PublicKey,
    /// What is asked.
    pub terms: Box<SigningRequest>,
    /// The keys that the items will verify under, computed here.
    pub keys: Vec<XOnlyPublicKey>,
}

/// The digest of a proposal: what an approval is for.
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
    /// What an approval of this is for.
    pub fn digest(&self) -> ProposalDigest {
        ProposalDigest::new(&self.request, &self.signer, &self.keys)
    }
}

/// What the user says.
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

/// Decides, and may take its time: a person may have to be asked. It is asked in the node's own task first, so what takes
/// time has to be awaited, and may not block.
///
/// A request may end before it has been decided on: it expires, its asker gives it up, another signer declines. It may also be
/// answered by [`Handle::join_signing_request`](crate::node::Handle::join_signing_request) or
/// [`Handle::decline_signing_request`](crate::node::Handle::decline_signing_request). Then nobody waits for the decision:
/// [`Policy::over`] says so, and the future of [`Policy::decide`] is dropped. A question on a screen has to go with it.
#[async_trait]
pub trait Policy: Send + Sync + core::fmt::Debug {
    /// Decides on one proposal. The future is dropped when the request is over.
    async fn decide(&self, proposal: Proposal) -> Decision;

    /// Is told, just before the future of [`Policy::decide`] is dropped, that the request is over for this signer, and
    /// why the session has ended, if it has. It is called in the node's own task and may not block.
    fn over(&self, _request: &RequestId, _signer: &PublicKey, _cause: Option<&AbortCause>) {}
}

/// Approves everything: for scripts and tests on keys that hold nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApproveAll;

#[async_trait]
impl Policy for ApproveAll {
    async fn decide(&self, _: Proposal) -> Decision {
        Decision::Approve
    }
}

/// Declines everything: for nodes that only ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeclineAll;

#[async_trait]
impl Policy for DeclineAll {
    async fn decide(&self, _: Proposal) -> Decision {
        Decision::Decline { reason: "this node signs only what it asks for itself".to_owned() }
    }
}
