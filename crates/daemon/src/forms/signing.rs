//! Requests that this node's user makes.

use core::time::Duration;

use motet_node::{
    Commitments, Derivation, Election, Item, PublicKey, RequestId, RequestMetadata, RequestOptions, SigningRequestSpec,
    Topology, XOnlyPublicKey,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::question::DerivationForm;
use crate::error::ApiError;
use crate::limits;

/// Bytes of a hash, which shows its signers nothing.
const HASH: usize = 32;
/// Time that the others have to join, unless the caller says another.
const JOIN_MS: u64 = 60_000;

/// A request for signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The signer of this node that asks; needed only if it serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signer: Option<PublicKey>,
    /// The other signers, by key.
    #[schema(value_type = Vec<String>)]
    pub with: Vec<PublicKey>,
    /// The messages to sign: 1 to 64.
    pub messages: Vec<Message>,
    /// True for the Taproot output key of the aggregate key (BIP-341, no script path), of all messages without a derivation of their own.
    #[serde(default)]
    pub taproot: bool,
    /// A text for the others, which nothing ties to what is signed.
    #[serde(default)]
    pub description: String,
    /// A word for its kind.
    #[serde(default, rename = "type")]
    pub transaction_type: String,
    /// The amount at stake, in the smallest unit of the coin.
    #[serde(default)]
    pub amount: Option<u64>,
    /// The transaction that is signed, in hexadecimal digits, in a form that the other signers verify (docs/protocol.md).
    #[serde(default)]
    pub transaction: String,
    /// True to ask the nodes of the signers alone, directly; each has this signer as a contact. False asks in public, too.
    #[serde(default)]
    pub private: bool,
    /// How the coordinator is chosen: `lexicographic` unless it is given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "lexicographic")]
    pub election: Election,
    /// False for a session without the round of commitments; true unless it is given.
    #[serde(default = "yes")]
    pub commitments: bool,
    /// Milliseconds that the others have to join: 60000 unless it is given, and 2 hours at most.
    #[serde(default)]
    pub join_timeout_ms: Option<u64>,
    /// Ask even if an earlier request under the same key may still be completed by others.
    #[serde(default)]
    pub despite_open: bool,
}

const fn yes() -> bool {
    true
}

/// A message to sign: `text` or `hex`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// As text: its UTF-8 bytes are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// As hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// True if 32 bytes in `hex` are meant, though the other signers cannot see what such a hash stands for.
    #[serde(default)]
    pub blind: bool,
    /// The way to the key of this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<DerivationForm>,
}

/// A request that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Announced {
    /// Its id.
    #[schema(value_type = String)]
    pub request: RequestId,
    /// The keys that the signatures will verify under, one for each message.
    #[schema(value_type = Vec<String>)]
    pub aggregate_keys: Vec<XOnlyPublicKey>,
}

impl Sign {
    /// The request for the node, asked by this signer of it.
    pub(crate) fn spec(self, creator: PublicKey) -> Result<SigningRequestSpec, ApiError> {
        if self.with.is_empty() {
            return Err(ApiError::bad("no_signers", "with: name the other signers"));
        }
        if self.messages.is_empty() {
            return Err(ApiError::bad("no_messages", "messages: there is nothing to sign"));
        }
        let mut keys = self.with;
        if keys.contains(&creator) {
            return Err(ApiError::bad("names_itself", "with: this signer signs anyway; name the others only"));
        }
        keys.push(creator);
        // The usual order (BIP-327 KeySort), so that the same signers get the same key again.
        keys.sort();
        let taproot = self.taproot;
        let items = self.messages.into_iter().map(|message| message.item(taproot)).collect::<Result<_, _>>()?;
        let lifetime = Duration::from_millis(self.join_timeout_ms.unwrap_or(JOIN_MS));
        if lifetime.is_zero() || lifetime > limits::JOIN {
            return Err(ApiError::bad("join_timeout", "join_timeout_ms: 1 to 7200000 milliseconds"));
        }
        let transaction = hex::decode(&self.transaction)
            .map_err(|_| ApiError::bad("bad_hex", "transaction: these are no hexadecimal digits"))?;
        let commitments = if self.commitments { Commitments::On } else { Commitments::Off };
        Ok(SigningRequestSpec {
            creator,
            keys,
            items,
            options: RequestOptions { commitments, election: self.election, topology: Topology::Mesh },
            metadata: RequestMetadata {
                description: self.description,
                transaction,
                amount: self.amount,
                transaction_type: self.transaction_type,
            },
            lifetime,
        })
    }
}

impl Message {
    fn item(self, taproot: bool) -> Result<Item, ApiError> {
        let message = match (self.text, self.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(digits)) => {
                let bytes = hex::decode(&digits)
                    .map_err(|_| ApiError::bad("bad_hex", "hex: these are no hexadecimal digits"))?;
                if bytes.len() == HASH && !self.blind {
                    let what = "hex: 32 bytes may be the hash of anything, so that nobody sees what is signed";
                    return Err(ApiError::bad("blind", what).hint("sign the whole message, or say \"blind\": true"));
                }
                bytes
            }
            _ => return Err(ApiError::bad("bad_message", "a message has either text or hex")),
        };
        if message.is_empty() {
            return Err(ApiError::bad("bad_message", "there is nothing to sign: a message is empty"));
        }
        let derivation = match self.derivation {
            Some(derivation) => derivation.derivation()?,
            None if taproot => Derivation::Taproot { merkle_root: None },
            None => Derivation::None,
        };
        Ok(Item { message, derivation })
    }
}
