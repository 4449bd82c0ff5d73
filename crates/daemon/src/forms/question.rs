//! Requests that wait for the answer of a signer's user.

use motet_node::{Commitments, Derivation, Election, MemberPaths, PublicKey, RequestId, XOnlyPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::extract::bytes32;
use crate::questions::Question;

/// A request that waits for an approval, as it would be signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PendingRequest {
    /// Its id.
    #[schema(value_type = String)]
    pub request: RequestId,
    /// The signer of this node that is asked.
    #[schema(value_type = String)]
    pub signer: PublicKey,
    /// The digest that an approval names: 64 hexadecimal digits.
    pub digest: String,
    /// What the person at the terminal sees. Texts of others are escaped in it.
    pub text: String,
    /// The signer that asks.
    #[schema(value_type = String)]
    pub creator: PublicKey,
    /// All signers, in their order.
    #[schema(value_type = Vec<String>)]
    pub signers: Vec<PublicKey>,
    /// What is signed.
    pub items: Vec<PendingItem>,
    /// The requester's text, which nothing ties to what is signed.
    pub description: String,
    /// The requester's word for its kind, which nothing ties to what is signed.
    #[serde(rename = "type")]
    pub transaction_type: String,
    /// The amount that the requester names, which nothing ties to what is signed; or null.
    pub amount: Option<u64>,
    /// The transaction that the requester has added, in hexadecimal digits. It is verified if `verified` is there.
    pub transaction: String,
    /// True if nonces are committed to before they are revealed.
    pub commitments: bool,
    /// How the coordinator is chosen.
    #[schema(value_type = String, example = "lexicographic")]
    pub election: Election,
    /// Milliseconds since 1970 at which it was made, by the requester's clock.
    pub created_ms: u64,
    /// Milliseconds since 1970 at which it ends, by the requester's clock.
    pub expires_ms: u64,
    /// The facts of the transaction, if the node has verified it against a group; or null. Its keys are those of a `transaction` in
    /// `docs/operations.md`, without `psbt_version`, `missing` and `wrong`.
    #[schema(value_type = Option<Object>)]
    pub verified: Option<Value>,
}

/// One item of a request that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PendingItem {
    /// The message, in hexadecimal digits: these bytes are signed.
    pub message: String,
    /// The message as text, if it is UTF-8 without control characters; or null.
    pub message_text: Option<String>,
    /// The key that the signature verifies under.
    #[schema(value_type = String)]
    pub aggregate_key: XOnlyPublicKey,
    /// The way from the aggregate of the signers' keys to that key.
    pub derivation: DerivationForm,
}

/// The way from the aggregate of the signers' keys to the key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DerivationForm {
    /// The aggregate key itself.
    None,
    /// The Taproot output key of BIP-341.
    Taproot {
        /// The root of the script tree, 64 hexadecimal digits; null for none.
        #[serde(default)]
        merkle_root: Option<String>,
    },
    /// A child key of BIP-328.
    Bip328 {
        /// 1 to 8 unhardened steps.
        path: Vec<u32>,
    },
    /// The Taproot output key of a child key of BIP-328.
    Bip328Taproot {
        /// 1 to 8 unhardened steps.
        path: Vec<u32>,
        /// The root of the script tree, 64 hexadecimal digits; null for none.
        #[serde(default)]
        merkle_root: Option<String>,
    },
    /// The aggregate of the signers' child keys.
    Members {
        /// The chain code of each signer's key, 64 hexadecimal digits; null for a key that is aggregated as it is listed.
        chain_codes: Vec<Option<String>>,
        /// 1 to 8 unhardened steps.
        path: Vec<u32>,
        /// True for the Taproot output key of that aggregate.
        #[serde(default)]
        taproot: bool,
        /// The root of the script tree, 64 hexadecimal digits; null for none.
        #[serde(default)]
        merkle_root: Option<String>,
    },
    /// A way that this version cannot show. It is never approved here.
    Unknown,
}

/// A list of requests that wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PendingRequests {
    /// The requests, by id.
    pub requests: Vec<PendingRequest>,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The digest of what was shown: 64 hexadecimal digits.
    pub digest: String,
    /// The signer that is asked; needed only if several of this node are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signer: Option<PublicKey>,
}

/// A refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decline {
    /// Why, for the others; at most 256 bytes.
    #[serde(default)]
    pub reason: Option<String>,
    /// The signer that is asked; needed only if several of this node are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signer: Option<PublicKey>,
}

/// The choice of one signer's question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfSigner {
    /// The signer that is asked; needed only if several of this node are.
    #[param(value_type = Option<String>)]
    pub(crate) signer: Option<PublicKey>,
}

impl From<&Question> for PendingRequest {
    fn from(question: &Question) -> Self {
        let proposal = &question.proposal;
        let terms = &proposal.terms;
        let items = terms.items.iter().zip(&proposal.keys).map(|(item, key)| PendingItem {
            message: hex::encode(&item.message),
            message_text: core::str::from_utf8(&item.message)
                .ok()
                .filter(|text| !text.chars().any(char::is_control))
                .map(str::to_owned),
            aggregate_key: *key,
            derivation: DerivationForm::of(&item.derivation),
        });
        Self {
            request: proposal.request,
            signer: proposal.signer,
            digest: hex::encode(proposal.digest().to_bytes()),
            text: question.text.clone(),
            creator: terms.creator.signer,
            signers: terms.keys.clone(),
            items: items.collect(),
            description: terms.metadata.description.clone(),
            transaction_type: terms.metadata.transaction_type.clone(),
            amount: terms.metadata.amount,
            transaction: hex::encode(&terms.metadata.transaction),
            commitments: terms.options.commitments == Commitments::On,
            election: terms.options.election,
            created_ms: terms.created.0,
            expires_ms: terms.expires.0,
            verified: question.screen.as_ref().and_then(|screen| serde_json::to_value(screen).ok()),
        }
    }
}

impl DerivationForm {
    /// The form of a derivation.
    pub fn of(derivation: &Derivation) -> Self {
        let digits = |root: &Option<[u8; 32]>| root.as_ref().map(hex::encode);
        match derivation {
            Derivation::None => Self::None,
            Derivation::Taproot { merkle_root } => Self::Taproot { merkle_root: digits(merkle_root) },
            Derivation::Bip328 { path } => Self::Bip328 { path: path.clone() },
            Derivation::Bip328Taproot { path, merkle_root } => {
                Self::Bip328Taproot { path: path.clone(), merkle_root: digits(merkle_root) }
            }
            Derivation::Members { paths, taproot } => Self::Members {
                chain_codes: paths.chain_codes.iter().map(digits).collect(),
                path: paths.path.clone(),
                taproot: taproot.is_some(),
                merkle_root: taproot.as_ref().and_then(digits),
            },
            _ => Self::Unknown,
        }
    }

    pub(crate) fn derivation(self) -> Result<Derivation, ApiError> {
        let bytes = |digits: Option<String>| digits.map(|digits| bytes32("merkle_root", &digits)).transpose();
        let chain_code = |digits: Option<String>| digits.map(|digits| bytes32("chain_codes", &digits)).transpose();
        Ok(match self {
            Self::None => Derivation::None,
            Self::Taproot { merkle_root } => Derivation::Taproot { merkle_root: bytes(merkle_root)? },
            Self::Bip328 { path } => Derivation::Bip328 { path },
            Self::Bip328Taproot { path, merkle_root } => {
                Derivation::Bip328Taproot { path, merkle_root: bytes(merkle_root)? }
            }
            Self::Members { taproot: false, merkle_root: Some(_), .. } => {
                return Err(ApiError::bad("bad_derivation", "merkle_root: scripts need \"taproot\": true"));
            }
            Self::Members { chain_codes, path, taproot, merkle_root } => {
                let chain_codes = chain_codes.into_iter().map(chain_code).collect::<Result<_, _>>()?;
                let taproot = if taproot { Some(bytes(merkle_root)?) } else { None };
                Derivation::Members { paths: MemberPaths { chain_codes, path }, taproot }
            }
            Self::Unknown => return Err(ApiError::bad("bad_derivation", "derivation: this kind cannot be asked for")),
        })
    }
}
