//! Serde for ids (feature `serde`): the text that people are shown, in every format.
//!
//! What is read is parsed like any other text: nothing that is no value of its type comes in. Messages have no serde on purpose:
//! their one encoding is the canonical one.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::id::{AdvertisementId, AttemptId, MessageId, NetworkId, PeerId, RequestId};

/// Writes a type by its `Display` and reads it by its `FromStr`.
macro_rules! as_text {
    ($($name:ident)*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
                }
            }
        )*
    };
}

as_text!(AdvertisementId AttemptId MessageId NetworkId PeerId RequestId);

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use serde_json::{Value, json};

    use crate::{AddressScope, Attempt, Channel, Charge, Election, NetworkId, PeerId, RequestId, SignerIndex};

    use super::*;

    fn reads_back<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: &T, text: &Value) {
        assert_eq!(serde_json::to_value(value).unwrap(), *text);
        assert_eq!(&serde_json::from_value::<T>(text.clone()).unwrap(), value);
    }

    #[test]
    fn ids_are_the_text_that_people_see_and_read_back() {
        let id = RequestId::from_bytes([0xab; 32]);
        reads_back(&id, &json!("ab".repeat(32)));
        reads_back(&AttemptId::derive(&id, Attempt(1)), &json!(AttemptId::derive(&id, Attempt(1)).to_string()));
        let peer = PeerId::from_bytes(&[&[0, 36, 8, 1, 18, 32][..], &[7; 32]].concat()).unwrap();
        reads_back(&peer, &json!(peer.to_string()));
        reads_back(&NetworkId::main(), &json!("main"));
        reads_back(&SignerIndex(3), &json!(3));
        reads_back(&Attempt(2), &json!(2));
    }

    #[test]
    fn a_text_that_is_no_id_is_refused() {
        for wrong in [json!("ab"), json!("zz".repeat(32)), json!(7), json!(null)] {
            assert!(serde_json::from_value::<RequestId>(wrong).is_err());
        }
        assert!(serde_json::from_value::<NetworkId>(json!("two words")).is_err());
        assert!(serde_json::from_value::<PeerId>(json!("0")).is_err());
    }

    #[test]
    fn words_are_those_of_the_documented_json() {
        for (channel, word) in [
            (Channel::Gossip, "gossip"),
            (Channel::Direct, "direct"),
            (Channel::Dht, "DHT"),
            (Channel::Sync, "handed on"),
            (Channel::Own, "own"),
            (Channel::Store, "store"),
        ] {
            reads_back(&channel, &json!(word));
        }
        for (scope, word) in [
            (AddressScope::Nowhere, "nowhere"),
            (AddressScope::Machine, "machine"),
            (AddressScope::Network, "network"),
            (AddressScope::Internet, "internet"),
        ] {
            reads_back(&scope, &json!(word));
        }
        reads_back(&Charge::BadPartialSignature, &json!("bad_partial_signature"));
        reads_back(&Election::HashBased, &json!("hash_based"));
    }
}
