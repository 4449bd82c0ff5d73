//! Gossip topics, by purpose (`docs/protocol.md` §5, ADR 0021).
//!
//! An offer is published on the topics of its transaction types, for nodes that look for one of them. A request is published on
//! the topics of its signers' shards, for nodes that serve a signer of that shard. There is no topic for sessions: their messages go
//! directly to their members. The network's name is in every topic, so that nodes of different networks never share a mesh.

use core::fmt;

use motet_core_crypto::PublicKey;

use crate::dht_key::Shard;
use crate::id::NetworkId;
use crate::limits;
use crate::message::{Criteria, RawBody};

/// A gossip topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// All offers and withdrawals, for nodes that look for signers of any type.
    AllOffers,
    /// Offers that name no transaction type: their signers sign any.
    OpenOffers,
    /// Offers that name this transaction type: 1 to 32 bytes.
    Offers(String),
    /// Requests to signers of this shard: a number below [`Topic::SHARDS`].
    Requests(u8),
}

impl Topic {
    /// Number of shards of requests.
    pub const SHARDS: u8 = 1 << Self::SHARD_BITS;
    /// Bits of a key's hash that choose its shard.
    const SHARD_BITS: u8 = 4;

    /// The topics on which an offer with these criteria, and its withdrawal, are published.
    pub fn of_offer(criteria: &Criteria) -> Vec<Self> {
        let types = criteria.transaction_types.iter().cloned().map(Self::Offers);
        let open = criteria.transaction_types.is_empty().then_some(Self::OpenOffers);
        core::iter::once(Self::AllOffers).chain(open).chain(types).collect()
    }

    /// The topic on which requests to a signer are published.
    pub fn of_requests_to(signer: &PublicKey) -> Self {
        Self::of_requests_to_bytes(&signer.to_bytes())
    }

    fn of_requests_to_bytes(signer: &[u8; 33]) -> Self {
        let shard = Shard::of_bytes(signer, Self::SHARD_BITS).number();
        Self::Requests(u8::try_from(shard).unwrap_or_default())
    }

    /// The topic's name on a network: `motet/<network>/v2/<topic>`.
    pub fn name(&self, network: &NetworkId) -> String {
        format!("motet/{network}/v2/{self}")
    }

    /// The topic with this name on a network; `None` for names of other networks, of other versions, and of no topic.
    pub fn parse(name: &str, network: &NetworkId) -> Option<Self> {
        let rest = name.strip_prefix("motet/")?.strip_prefix(network.as_str())?.strip_prefix("/v2/")?;
        let (purpose, which) = rest.split_once('/')?;
        let topic = match (purpose, which) {
            ("offers", "all") => Self::AllOffers,
            ("offers", "open") => Self::OpenOffers,
            ("offers", which) => {
                let name = which.strip_prefix("type/")?;
                let fits = (1..=limits::TRANSACTION_TYPE).contains(&name.len());
                Self::Offers(fits.then(|| name.to_owned())?)
            }
            ("requests", shard) => Self::Requests(shard.parse().ok().filter(|shard| *shard < Self::SHARDS)?),
            _ => return None,
        };
        // A number can be written in several ways, and a topic has one name.
        (topic.name(network) == name).then_some(topic)
    }

    /// True if a message is published on this topic. A withdrawal does not say the types of its offer: it may come on any topic of
    /// offers.
    pub(crate) fn carries(&self, body: &RawBody) -> bool {
        match (self, body) {
            (Self::AllOffers, RawBody::SignerAdvertisement(_))
            | (Self::AllOffers | Self::OpenOffers | Self::Offers(_), RawBody::SignerUnavailable(_)) => true,
            (Self::OpenOffers, RawBody::SignerAdvertisement(offer)) => offer.transaction_types().next().is_none(),
            (Self::Offers(name), RawBody::SignerAdvertisement(offer)) => {
                offer.transaction_types().any(|offered| offered == name)
            }
            (Self::Requests(_), RawBody::SigningRequest(request)) => {
                request.details.keys.as_slice().iter().any(|key| Self::of_requests_to_bytes(key) == *self)
            }
            (Self::AllOffers | Self::OpenOffers | Self::Offers(_) | Self::Requests(_), _) => false,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllOffers => f.write_str("offers/all"),
            Self::OpenOffers => f.write_str("offers/open"),
            Self::Offers(name) => write!(f, "offers/type/{name}"),
            Self::Requests(shard) => write!(f, "requests/{shard}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_topic_of_one_network() {
        let (main, test) = (NetworkId::main(), NetworkId::test());
        let offers = ["swap", "all", "type/swap", "a/b"].map(|name| Topic::Offers(name.to_owned()));
        let requests = (0..Topic::SHARDS).map(Topic::Requests);
        for topic in [Topic::AllOffers, Topic::OpenOffers].into_iter().chain(offers).chain(requests) {
            assert_eq!(Topic::parse(&topic.name(&main), &main), Some(topic.clone()));
            assert_eq!(Topic::parse(&topic.name(&main), &test), None);
        }
        assert_eq!(Topic::OpenOffers.name(&main), "motet/main/v2/offers/open");
        for other in [
            "motet/main/v1/signers",
            "motet/main/v2/requests/16",
            "motet/main/v2/requests/07",
            "",
            "motet/main/v2/offers/type/",
        ] {
            assert_eq!(Topic::parse(other, &main), None, "{other}");
        }
        let long = "x".repeat(limits::TRANSACTION_TYPE + 1);
        assert_eq!(Topic::parse(&format!("motet/main/v2/offers/type/{long}"), &main), None);
    }

    #[test]
    fn an_offer_is_published_for_nodes_that_look_for_one_of_its_types_or_for_any() {
        let criteria = |types: &[&str]| Criteria {
            transaction_types: types.iter().map(|name| (*name).to_owned()).collect(),
            ..Criteria::ANY
        };
        assert_eq!(Topic::of_offer(&criteria(&[])), [Topic::AllOffers, Topic::OpenOffers]);
        let [swap, vault] = ["swap", "vault"].map(|name| Topic::Offers(name.to_owned()));
        assert_eq!(Topic::of_offer(&criteria(&["swap", "vault"])), [Topic::AllOffers, swap, vault]);
    }
}
