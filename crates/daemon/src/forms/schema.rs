//! Schemas of the node's own JSON forms, for the OpenAPI document alone. `docs/operations.md` describes each key.

#![expect(dead_code, reason = "these types only describe the form of others")]

use utoipa::ToSchema;

/// Status of a session.
#[derive(ToSchema)]
pub(crate) struct SessionStatus {
    request: String,
    creator: String,
    /// `joining`, `nonce commitments`, `nonces`, `partial signatures`, `complete` or `aborted`.
    phase: String,
    attempt: u32,
    max_attempts: u32,
    session: String,
    signers: Vec<String>,
    awaiting: Vec<String>,
    election: String,
    coordinator: u16,
    items: Vec<RequestedItem>,
    signatures: Option<Vec<String>>,
    phase_ends_in_ms: Option<u64>,
    ends_in_ms: Option<u64>,
    idle_for_ms: u64,
    end: Option<End>,
    retry: Option<String>,
    retry_of: Option<String>,
    may_complete: Vec<String>,
}

/// An item that a session signs.
#[derive(ToSchema)]
pub(crate) struct RequestedItem {
    aggregate_key: String,
    message: String,
}

/// The reason why a session has ended without signatures.
#[derive(ToSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub(crate) enum End {
    /// This node's user gave up.
    Cancelled,
    /// A participant gave up, in its words.
    Refused { by: u16, signer: String, detail: String },
    /// A participant broke the protocol, and evidence proves it.
    Convicted { culprit: String, charge: String },
    /// Participants did not answer: their places in the request, and their keys.
    Unresponsive { awaiting: Vec<u16>, signers: Vec<String> },
    /// The request ended, or the session took too long.
    Expired,
    /// Newer requests took its place, since nobody here had approved it.
    Crowded,
    /// Another process speaks for a signer of this node.
    Superseded { signer: String },
    /// This node failed.
    Internal { detail: String },
}

/// Signatures.
#[derive(ToSchema)]
pub(crate) struct Completed {
    request: String,
    session: String,
    items: Vec<SignedItem>,
}

/// A signed item.
#[derive(ToSchema)]
pub(crate) struct SignedItem {
    aggregate_key: String,
    message: String,
    signature: String,
}

/// A proof that a signer broke the protocol.
#[derive(ToSchema)]
pub(crate) struct Misbehaviour {
    request: String,
    signer: String,
    charge: String,
    evidence: String,
}
