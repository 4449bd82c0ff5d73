//! Sessions, results and proofs.

use motet_node::event::{Completed, Misbehaviour};
use motet_node::{PublicKey, RequestId, SessionStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::schema;
use crate::cursor::Cursor;

/// A session, and the place in the journal of its last change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The place of its last event: wait from here for the next.
    #[schema(value_type = String, example = "00c0ffee00c0ffee-17")]
    pub revision: Cursor,
    /// Where it is.
    #[serde(flatten)]
    #[schema(value_type = schema::SessionStatus)]
    pub status: SessionStatus,
}

/// A list of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    /// The sessions.
    pub sessions: Vec<Session>,
}

/// An event of a session, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionEvent {
    /// Its place in the journal.
    #[schema(value_type = String, example = "00c0ffee00c0ffee-17")]
    pub cursor: Cursor,
    /// Milliseconds since 1970 at which it happened, by this machine's clock.
    pub at_ms: u64,
    /// Its JSON form, as in the stream of events.
    #[schema(value_type = Object)]
    pub event: Value,
}

/// The events of a session that the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionEvents {
    /// The events, the oldest first: 512 at most, the newest. None if the journal keeps none.
    pub events: Vec<SessionEvent>,
}

/// A wait for the next change of a session, or for its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForChange {
    /// How long to wait, such as `30s`: a minute at most. Without it the answer comes at once.
    pub(crate) wait: Option<String>,
    /// The `revision` after which a change is awaited. A wait without it is for the next change.
    #[param(value_type = Option<String>)]
    pub(crate) after: Option<Cursor>,
    /// `end` waits for the end of the session, and not for its next change; `after` has no place beside it.
    pub(crate) until: Option<Until>,
}

/// The moment for which a caller waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    /// The next change.
    Change,
    /// The end of the session.
    End,
}

/// The reason why a session is given up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Abort {
    /// Why, for the others; at most 256 bytes.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Another try of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Signers whose places others take. Without any, the session goes on as its `retry` says.
    #[serde(default)]
    pub replace: Vec<Replace>,
}

/// A signer, and the one that takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// The signer that leaves.
    #[schema(value_type = String)]
    pub leaves: PublicKey,
    /// The signer that joins.
    #[schema(value_type = String)]
    pub joins: PublicKey,
}

/// The request that goes on after another try was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retried {
    /// The same request, or a new one that everybody approves anew.
    #[schema(value_type = String)]
    pub request: RequestId,
}

/// The signatures that have not been noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Results {
    /// The signatures of each request, the oldest first.
    #[schema(value_type = Vec<schema::Completed>)]
    pub results: Vec<Completed>,
}

/// The proofs that signers broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proofs {
    /// The proofs, the oldest first.
    #[schema(value_type = Vec<schema::Misbehaviour>)]
    pub proofs: Vec<Misbehaviour>,
}
