//! Ends of sessions: with signatures, or without them and why, and their proofs.

use std::sync::Arc;

use motet_core_crypto::{PublicKey, Signature, XOnlyPublicKey};
use motet_wire::{AttemptId, Charge, Conviction, RequestId, SignerIndex};

/// Signatures, each verified under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Completed {
    /// The request.
    pub request: RequestId,
    /// The session of the attempt that succeeded.
    pub session: AttemptId,
    /// One for each item.
    pub items: Vec<SignedItem>,
}

/// A signed item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SignedItem {
    /// The key that the signature verifies under.
    pub aggregate_key: XOnlyPublicKey,
    /// The message.
    #[cfg_attr(feature = "serde", serde(with = "hex::serde"))]
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Signature,
}

/// A proven breach of the protocol.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Misbehaviour {
    /// The request in which it happened.
    pub request: RequestId,
    /// The signer that did it.
    pub signer: PublicKey,
    /// Its deed.
    pub charge: Charge,
    /// The proof: the canonical bytes of a [`motet_wire::Evidence`]. Whoever has them can check them alone, with the name of the
    /// network ([`motet_wire::Evidence::verify`]).
    #[cfg_attr(feature = "serde", serde(with = "crate::json::shared_hex"))]
    pub evidence: Arc<[u8]>,
}

impl Misbehaviour {
    /// Charge that some evidence has proven, and its bytes; `None` if it is about no request.
    pub fn new(conviction: &Conviction, evidence: Arc<[u8]>) -> Option<Self> {
        let Conviction { signer, charge, request, .. } = *conviction;
        Some(Self { request: request?, signer, charge, evidence })
    }
}

impl core::fmt::Debug for Misbehaviour {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { request, signer, charge, evidence } = self;
        let mut shown = f.debug_struct("Misbehaviour");
        shown.field("request", request).field("signer", signer).field("charge", charge);
        shown.field("evidence", &format_args!("{} bytes", evidence.len())).finish()
    }
}

/// A session that has ended without signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aborted {
    /// The request.
    pub request: RequestId,
    /// Whose fault that is, as far as it is known.
    pub cause: AbortCause,
    /// The signers that may still complete it: this node's partial signatures have left, and theirs have not come. If they
    /// do, [`Event::SessionComplete`](super::Event::SessionComplete) follows. Empty: there is no signature, and there will be none.
    pub may_complete: Vec<PublicKey>,
}

/// Why a session has ended without signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "why", rename_all = "snake_case")
)]
pub enum AbortCause {
    /// This node's user gave up.
    Cancelled,
    /// A participant gave up, in its words. That blames nobody.
    Refused {
        /// Who.
        by: SignerIndex,
        /// Its key.
        signer: PublicKey,
        /// Why.
        detail: String,
    },
    /// A participant broke the protocol, and evidence proves it.
    Convicted {
        /// Who.
        culprit: PublicKey,
        /// Of what.
        charge: Charge,
    },
    /// Participants did not answer, in every attempt. Silence proves nothing.
    Unresponsive {
        /// Signers that were awaited last.
        awaiting: Vec<SignerIndex>,
        /// Their keys.
        signers: Vec<PublicKey>,
    },
    /// The request ended, or the session took too long.
    Expired,
    /// Newer requests took its place, since nobody here had approved it.
    Crowded,
    /// Another process speaks for a signer of this node: a copy of it, or one that was started later.
    Superseded {
        /// The signer.
        signer: PublicKey,
    },
    /// This node failed.
    #[cfg_attr(feature = "serde", serde(with = "crate::json::detail"))]
    Internal(String),
}

impl AbortCause {
    /// Its name in the JSON form: the value of `why`.
    pub const fn why(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Refused { .. } => "refused",
            Self::Convicted { .. } => "convicted",
            Self::Unresponsive { .. } => "unresponsive",
            Self::Expired => "expired",
            Self::Crowded => "crowded",
            Self::Superseded { .. } => "superseded",
            Self::Internal(_) => "internal",
        }
    }

    /// The signers that the end is about, by key.
    pub fn signers(&self) -> Vec<PublicKey> {
        match self {
            Self::Refused { signer, .. } | Self::Superseded { signer } => vec![*signer],
            Self::Convicted { culprit, .. } => vec![*culprit],
            Self::Unresponsive { signers, .. } => signers.clone(),
            Self::Cancelled | Self::Expired | Self::Crowded | Self::Internal(_) => Vec::new(),
        }
    }

    /// Why the session ended, whose fault that is, and what to do. Signers are called by what `name` says, and words of others are
    /// shown as `quote` makes them.
    pub fn explain(&self, name: impl Fn(&PublicKey) -> String, quote: impl Fn(&str) -> String) -> String {
        match self {
            Self::Cancelled => "cancelled here".to_owned(),
            Self::Refused { signer, detail, .. } => format!("{} refused: {}", name(signer), quote(detail)),
            Self::Convicted { culprit, charge } => {
                format!("{} broke the protocol ({charge:?}); there is proof", name(culprit))
            }
            Self::Unresponsive { signers, .. } => {
                let names: Vec<String> = signers.iter().map(name).collect();
                format!("no answer from {}; check that it runs and is connected, then ask again", names.join(", "))
            }
            Self::Expired => "the request has expired".to_owned(),
            Self::Crowded => "nobody approved it here, and newer requests took its place".to_owned(),
            Self::Superseded { signer } => {
                format!("another process speaks for {}; stop one of the two", name(signer))
            }
            Self::Internal(detail) => format!("this node failed: {}", quote(detail)),
        }
    }
}

/// For people; the words of a participant are shown as it has written them.
impl core::fmt::Display for AbortCause {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.explain(PublicKey::to_string, str::to_owned))
    }
}
