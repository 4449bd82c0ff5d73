//! Status of a session: the answer of a node when its user asks (`docs/protocol.md` §12).

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, Signature, XOnlyPublicKey};
use motet_wire::{Attempt, AttemptId, Election, RequestId, SignerIndex};

use crate::event::{AbortCause, Completed, Phase, SignedItem};

/// Status of a session at the moment at which its node was asked.
///
/// Times are durations from that moment: deadlines are kept on the node's monotonic clock, whose numbers mean nothing elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SessionStatus {
    /// The request.
    pub request: RequestId,
    /// The signer that has asked.
    pub creator: PublicKey,
    /// The contributions that are being collected, or its end.
    pub phase: Phase,
    /// The current attempt; the one that succeeded, once there are signatures.
    pub attempt: Attempt,
    /// Number of attempts that there may be.
    pub max_attempts: u32,
    /// The session id of [`attempt`](Self::attempt).
    pub session: AttemptId,
    /// The signers, in their order.
    pub signers: Vec<PublicKey>,
    /// The signers whose contribution is missing, in their order.
    pub awaiting: Vec<PublicKey>,
    /// Rule by which the coordinator is chosen.
    pub election: Election,
    /// The place of the signer that has the coordinator's part.
    pub coordinator: SignerIndex,
    /// The items that are signed.
    pub items: Vec<RequestedItem>,
    /// The signatures, one for each item, when there are any.
    pub signatures: Option<Vec<Signature>>,
    /// Time for which the missing contributions are waited for yet; none when the session has ended.
    #[cfg_attr(feature = "serde", serde(rename = "phase_ends_in_ms", with = "crate::json::milliseconds_left"))]
    pub phase_ends_in: Option<Duration>,
    /// Time that the session may take yet in all; none when it has ended.
    #[cfg_attr(feature = "serde", serde(rename = "ends_in_ms", with = "crate::json::milliseconds_left"))]
    pub ends_in: Option<Duration>,
    /// Time since the session last came further here: something new arrived, was made, or ended it.
    #[cfg_attr(feature = "serde", serde(rename = "idle_for_ms", with = "crate::json::milliseconds"))]
    pub idle_for: Duration,
    /// Why it has ended without signatures; none if it goes on or has them, and where a restart came in between.
    #[cfg_attr(feature = "serde", serde(rename = "end"))]
    pub cause: Option<AbortCause>,
    /// Kind of another try; none if it would be refused or cannot help.
    pub retry: Option<Retry>,
    /// The request in whose place this node has asked this one; a restart forgets it.
    pub retry_of: Option<RequestId>,
    /// If it has ended here without signatures: the signers that may still complete it, since this node's partial
    /// signatures have left and theirs have not come.
    pub may_complete: Vec<PublicKey>,
}

/// One item that a session signs. Copies share the message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestedItem {
    /// The key that its signature verifies under.
    pub aggregate_key: XOnlyPublicKey,
    /// The message.
    #[cfg_attr(feature = "serde", serde(with = "crate::json::shared_hex"))]
    pub message: Arc<[u8]>,
}

/// Kind of another try of a session ([`Command::Retry`](crate::Command::Retry)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Retry {
    /// Another attempt of the same request, with fresh nonces.
    Attempt,
    /// A new request on the same terms, which everybody approves anew: not all had joined the old one.
    Request,
}

impl SessionStatus {
    /// The signed items, if there are signatures.
    pub fn completed(&self) -> Option<Completed> {
        let items = self.items.iter().zip(self.signatures.as_ref()?).map(|(item, signature)| SignedItem {
            aggregate_key: item.aggregate_key,
            message: item.message.to_vec(),
            signature: *signature,
        });
        Some(Completed { request: self.request, session: self.session, items: items.collect() })
    }
}
