//! Messages of applications.

use motet_node::{PublicKey, ReceivedMessage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A message to another signer, or to the node of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// The signer of this node that speaks; needed only if it serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signer: Option<PublicKey>,
    /// The signer that is spoken to.
    #[schema(value_type = String)]
    pub to: PublicKey,
    /// The bytes of the application in hexadecimal digits, 4096 bytes at most.
    pub data: String,
}

/// A message that is on its way. Nothing confirms that it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentMessage {
    /// Its id.
    pub message: String,
}

/// A message of another node's application: the data of the event `message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeardMessage {
    /// Its id, which no other has.
    pub message: String,
    /// The signer that speaks.
    #[schema(value_type = String)]
    pub from: PublicKey,
    /// The node of that signer.
    pub peer: String,
    /// The signer of this node that is spoken to; null if it is the node.
    #[schema(value_type = Option<String>)]
    pub to: Option<PublicKey>,
    /// Milliseconds since 1970 at which it was made, by its author's clock.
    pub sent_ms: u64,
    /// The bytes of the application in hexadecimal digits. Nothing in them has been checked.
    pub data: String,
}

impl From<&ReceivedMessage> for HeardMessage {
    fn from(received: &ReceivedMessage) -> Self {
        Self {
            message: received.id.to_string(),
            from: received.from,
            peer: received.peer.to_string(),
            to: received.to,
            sent_ms: received.sent.0,
            data: hex::encode(&received.data),
        }
    }
}
