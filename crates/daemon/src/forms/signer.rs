//! Signers: offers, reputation, advertisements and resources.

use core::time::Duration;

use motet_node::event::Requested;
use motet_node::event::Resource;
use motet_node::{Criteria, PublicKey, RequestId, Score, SignerAdvertisement, SignerMetadata, SignerQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Life of an advertisement, unless the caller says another; it is repeated at half of that.
const ADVERTISED_MS: u64 = 3_600_000;
/// Number of signers that a search finds, unless the caller says another, and the largest.
const FOUND: usize = 100;

/// The signers to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wishes {
    /// A transaction type that they sign.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[param(rename = "type")]
    pub transaction_type: Option<String>,
    /// An amount that they sign for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// A nickname that they have. Nicknames prove nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The least score that they have, from -100 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_score: Option<i64>,
    /// How many at most: 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// True to ask only this node and not the network.
    #[serde(default)]
    #[param(required = false)]
    pub known: bool,
}

impl Wishes {
    pub(crate) fn query(self) -> SignerQuery {
        SignerQuery {
            transaction_type: self.transaction_type,
            amount: self.amount,
            nickname: self.nickname,
            min_score: self.min_score.map(Score::new),
            max_results: self.count.unwrap_or(FOUND).clamp(1, FOUND),
        }
    }
}

/// An offer of a signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// The signer.
    #[schema(value_type = String)]
    pub signer: PublicKey,
    /// Its nickname, which proves nothing.
    pub nickname: String,
    /// Its text about itself.
    pub description: String,
    /// Its fee, in the smallest unit of the coin.
    pub fee: u64,
    /// The transaction types that it signs; none for any.
    pub types: Vec<String>,
    /// The smallest amount.
    pub min_amount: u64,
    /// The largest amount.
    pub max_amount: u64,
    /// The peer that serves it.
    pub peer: String,
    /// Its score here, from -100 to 100.
    pub score: i8,
    /// Milliseconds since the offer was made.
    pub age_ms: u64,
    /// Milliseconds until it ends.
    pub expires_in_ms: u64,
}

impl Offer {
    pub(crate) fn new(offer: &SignerAdvertisement, score: Score, now: motet_node::TimestampMs) -> Self {
        Self {
            signer: offer.delegation.signer,
            nickname: offer.metadata.nickname.clone(),
            description: offer.metadata.description.clone(),
            fee: offer.metadata.fee,
            types: offer.criteria.transaction_types.clone(),
            min_amount: offer.criteria.min_amount,
            max_amount: offer.criteria.max_amount,
            peer: offer.delegation.peer.to_string(),
            score: score.get(),
            age_ms: now.0.saturating_sub(offer.created.0),
            expires_in_ms: offer.expires.0.saturating_sub(now.0),
        }
    }
}

/// A list of offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offers {
    /// The offers.
    pub signers: Vec<Offer>,
}

/// The offer of one signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundOffer {
    /// Where it was: `known` here, or `found` in the DHT.
    pub source: String,
    /// The offer.
    pub offer: Offer,
}

/// The reputation of a signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reputation {
    /// The signer.
    #[schema(value_type = String)]
    pub signer: PublicKey,
    /// Its score from this node's own sessions, from -100 to 100; an unknown signer has 0.
    pub score: i8,
}

/// A further signer to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddSigner {
    /// The name of its key in the keystore of this daemon.
    pub key: String,
}

/// A signer that is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Added {
    /// The signer.
    #[schema(value_type = String)]
    pub signer: PublicKey,
}

/// A contact to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddContact {
    /// The signer's key.
    #[schema(value_type = String)]
    pub signer: PublicKey,
}

/// An advertisement to make.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Advertise {
    /// The signer of this node; needed only if it serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signer: Option<PublicKey>,
    /// The transaction types that it signs; none for any.
    #[serde(default)]
    pub types: Vec<String>,
    /// The smallest amount.
    #[serde(default)]
    pub min_amount: u64,
    /// The largest amount; any unless it is given.
    #[serde(default)]
    pub max_amount: Option<u64>,
    /// Its nickname, at most 64 bytes.
    #[serde(default)]
    pub nickname: String,
    /// A text about it, at most 256 bytes.
    #[serde(default)]
    pub description: String,
    /// Its fee, in the smallest unit of the coin.
    #[serde(default)]
    pub fee: u64,
    /// Milliseconds that each advertisement lives: an hour unless it is given. It is repeated.
    #[serde(default)]
    pub lifetime_ms: Option<u64>,
}

impl Advertise {
    pub(crate) fn parts(self) -> (Criteria, SignerMetadata, Duration) {
        let criteria = Criteria {
            transaction_types: self.types,
            min_amount: self.min_amount,
            max_amount: self.max_amount.unwrap_or(u64::MAX),
        };
        let metadata = SignerMetadata { nickname: self.nickname, description: self.description, fee: self.fee };
        (criteria, metadata, Duration::from_millis(self.lifetime_ms.unwrap_or(ADVERTISED_MS)))
    }
}

/// An advertisement that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Advertised {
    /// Its id.
    pub advertisement: String,
}

/// The reason why an advertisement is withdrawn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Because {
    /// Why, for the others; at most 256 bytes.
    pub(crate) reason: Option<String>,
}

/// A request that the network knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundRequest {
    /// Its id.
    #[schema(value_type = String)]
    pub request: RequestId,
    /// The signer that asks.
    #[schema(value_type = String)]
    pub creator: PublicKey,
    /// All signers, in their order.
    #[schema(value_type = Vec<String>)]
    pub signers: Vec<PublicKey>,
    /// The keys that its signatures will verify under.
    pub aggregate_keys: Vec<String>,
    /// Milliseconds since 1970 at which it ends, by the requester's clock.
    pub expires_ms: u64,
}

impl From<&Requested> for FoundRequest {
    fn from(found: &Requested) -> Self {
        Self {
            request: found.id,
            creator: found.request.creator.signer,
            signers: found.request.keys.clone(),
            aggregate_keys: found.keys.iter().map(ToString::to_string).collect(),
            expires_ms: found.request.expires.0,
        }
    }
}

/// A list of requests that the network knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundRequests {
    /// The requests.
    pub requests: Vec<FoundRequest>,
}

/// A resource to announce.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announce {
    /// The signer of this node; needed only if it serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signer: Option<PublicKey>,
    /// Its type: 1 to 32 visible ASCII characters.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Its id: 1 to 64 visible ASCII characters.
    pub id: String,
    /// Its data in hexadecimal digits, 4096 bytes at most.
    pub data: String,
    /// Milliseconds that each announcement lives: a minute to a day.
    pub lifetime_ms: u64,
}

/// A resource that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnnouncedResource {
    /// The id of its message.
    pub message: String,
}

/// The resources to look for. Without any key they are those that this node knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfName {
    /// Their type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub(crate) resource_type: Option<String>,
    /// Their id.
    pub(crate) id: Option<String>,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundResource {
    /// The signer that announces it.
    #[schema(value_type = String)]
    pub signer: PublicKey,
    /// Its type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Its id.
    pub id: String,
    /// Its data in hexadecimal digits.
    pub data: String,
}

impl From<&Resource> for FoundResource {
    fn from(resource: &Resource) -> Self {
        let announcement = &resource.announcement;
        Self {
            signer: announcement.delegation.signer,
            resource_type: announcement.resource_type.as_str().to_owned(),
            id: announcement.id.as_str().to_owned(),
            data: hex::encode(&announcement.data),
        }
    }
}

/// A list of resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundResources {
    /// The newest resource of each signer.
    pub resources: Vec<FoundResource>,
}
