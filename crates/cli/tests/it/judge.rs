//! An independent verdict on what `motet` prints: our own verification beside libsecp256k1's, and libsecp256k1's MuSig2
//! key aggregation beside ours.

use motet_core_crypto::{KeyAggContext, PublicKey, Signature, XOnlyPublicKey, schnorr, tagged_hash};
use serde_json::Value;

/// How the key of an item was derived from the aggregate key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tweak {
    None,
    Taproot,
}

/// A signed item as `motet` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) key: XOnlyPublicKey,
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Signature,
}

impl Signed {
    /// The items of a `result` or a `SessionComplete`, or of one node of the demonstration.
    pub(crate) fn items(object: &Value) -> Vec<Self> {
        let items = object["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| Self {
                key: item["aggregate_key"].as_str().unwrap().parse().unwrap(),
                message: hex::decode(item["message"].as_str().unwrap()).unwrap(),
                signature: item["signature"].as_str().unwrap().parse().unwrap(),
            })
            .collect()
    }

    /// Both libraries accept it, and neither accepts it for another message.
    pub(crate) fn verify(&self) {
        let theirs = secp256k1::XOnlyPublicKey::from_byte_array(self.key.to_bytes()).unwrap();
        let signature = secp256k1::schnorr::Signature::from_byte_array(self.signature.to_bytes());
        schnorr::verify(&self.key, &self.message, &self.signature).unwrap();
        signature.verify(&self.message, &theirs).unwrap();
        let other = [self.message.as_slice(), b"!"].concat();
        assert!(schnorr::verify(&self.key, &other, &self.signature).is_err());
        assert!(signature.verify(&other, &theirs).is_err());
    }

    /// It is of all these signers together, in this order.
    pub(crate) fn is_of(&self, signers: &[PublicKey], tweak: Tweak) {
        let context = KeyAggContext::new(signers).unwrap();
        let theirs: Vec<secp256k1::PublicKey> =
            signers.iter().map(|key| secp256k1::PublicKey::from_slice(&key.to_bytes()).unwrap()).collect();
        let mut cache = secp256k1::musig::KeyAggCache::new(&theirs.iter().collect::<Vec<_>>());
        let (ours, theirs) = match tweak {
            Tweak::None => (context, cache.agg_pk()),
            Tweak::Taproot => {
                // BIP-341: the output key of an internal key without scripts.
                let tweak = tagged_hash("TapTweak", &[&cache.agg_pk().to_byte_array()]);
                let output = cache.pubkey_xonly_tweak_add(&secp256k1::Scalar::from_be_bytes(tweak).unwrap()).unwrap();
                (context.with_taproot(None).unwrap(), output.x_only_public_key().0)
            }
        };
        assert_eq!(self.key, ours.aggregate_key());
        assert_eq!(self.key.to_bytes(), theirs.to_byte_array());
    }
}

/// The signers of a request in its order, from what a node told of who joined.
pub(crate) fn signers(objects: &[Value]) -> Vec<PublicKey> {
    let mut joined: Vec<(u64, PublicKey)> = objects
        .iter()
        .filter(|object| object["event"] == "ParticipantJoined")
        .map(|object| (object["index"].as_u64().unwrap(), object["signer"].as_str().unwrap().parse().unwrap()))
        .collect();
    joined.sort();
    joined.dedup();
    joined.into_iter().map(|(_, signer)| signer).collect()
}
