//! MuSig2 fields of a PSBT (BIP-373): participants of an aggregate key, public nonces and partial signatures.

use bitcoin::hashes::Hash as _;
use bitcoin::taproot::TapLeafHash;
use motet_core_crypto::{InvalidPointAt, KeyAggContext, PartialSignature, PublicKey, PublicNonce};

use crate::bytes::Reader;
use crate::limits::PARTICIPANTS_MAX;
use crate::malformed::Malformed;

/// Participants of an aggregate key (`PSBT_IN_MUSIG2_PARTICIPANT_PUBKEYS`, `PSBT_OUT_MUSIG2_PARTICIPANT_PUBKEYS`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MusigParticipants {
    /// The aggregate key, before any derivation or tweak.
    pub aggregate: PublicKey,
    /// The participants in the order in which their keys are aggregated.
    pub participants: Vec<PublicKey>,
}

impl MusigParticipants {
    /// Reads the field. That the participants aggregate to the key is for [`Self::key_agg`] to check.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(key_data: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let aggregate = compressed(key_data)?;
        let (keys, rest) = value.as_chunks::<33>();
        if !rest.is_empty() || keys.is_empty() {
            return Err(Malformed::ValueLength { found: value.len(), expected: "a multiple of 33, and not none" });
        }
        if keys.len() > PARTICIPANTS_MAX {
            return Err(Malformed::ParticipantCount { count: keys.len() });
        }
        let participants =
            PublicKey::from_bytes_all(keys).map_err(|InvalidPointAt { index, .. }| Malformed::ValuePoint { index })?;
        Ok(Self { aggregate, participants })
    }

    /// The key data of the entry.
    pub fn key_data(&self) -> Vec<u8> {
        self.aggregate.to_bytes().to_vec()
    }

    /// The value of the entry.
    pub fn value(&self) -> Vec<u8> {
        self.participants.iter().flat_map(PublicKey::to_bytes).collect()
    }

    /// Aggregates the participants as they are listed, and checks that the stated key is the result.
    ///
    /// # Errors
    ///
    /// [`Malformed::AggregateKey`].
    pub fn key_agg(&self) -> Result<KeyAggContext, Malformed> {
        KeyAggContext::with_duplicates(&self.participants)
            .ok()
            .filter(|context| context.aggregate_plain() == self.aggregate)
            .ok_or(Malformed::AggregateKey)
    }
}

/// Which signature a nonce or a partial signature is a part of, inside one input: a participant, the key that the signature
/// verifies under, and the script leaf if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningKey {
    /// The participant's key as it enters the aggregation.
    pub participant: PublicKey,
    /// The aggregate key under which the signature verifies on the chain: after derivation, and after the Taproot tweak for a
    /// signature of the key path. With the parity that it has.
    pub aggregate: PublicKey,
    /// The leaf whose script checks the signature; none for the key path.
    pub leaf: Option<TapLeafHash>,
}

impl SigningKey {
    /// Reads the key data of a nonce or partial signature.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(key_data: &[u8]) -> Result<Self, Malformed> {
        let expected = "66, or 98 with a leaf hash";
        let length = Malformed::KeyLength { found: key_data.len(), expected };
        let mut reader = Reader::new(key_data);
        let keys = [reader.array::<33>().map_err(|_| length)?, reader.array::<33>().map_err(|_| length)?];
        let leaf = match reader.rest() {
            [] => None,
            hash => Some(TapLeafHash::from_byte_array(hash.try_into().map_err(|_| length)?)),
        };
        let [participant, aggregate] = keys.map(|key| PublicKey::from_bytes(&key));
        let participant = participant.map_err(|_| Malformed::KeyPoint)?;
        Ok(Self { participant, aggregate: aggregate.map_err(|_| Malformed::KeyPoint)?, leaf })
    }

    /// The key data of the entry.
    pub fn key_data(&self) -> Vec<u8> {
        let mut bytes = [self.participant.to_bytes(), self.aggregate.to_bytes()].concat();
        bytes.extend(self.leaf.iter().flat_map(|leaf| leaf.to_byte_array()));
        bytes
    }
}

/// Public nonce of a participant (`PSBT_IN_MUSIG2_PUB_NONCE`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MusigPubNonce {
    /// Which signature the nonce is for.
    pub key: SigningKey,
    /// The nonce: two points, neither of which is infinity.
    pub nonce: PublicNonce,
}

impl MusigPubNonce {
    /// Reads the field.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(key_data: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let key = SigningKey::parse(key_data)?;
        let bytes = value.try_into().map_err(|_| Malformed::ValueLength { found: value.len(), expected: "66" })?;
        Ok(Self { key, nonce: PublicNonce::from_bytes(bytes).map_err(|_| Malformed::Nonce)? })
    }
}

/// Partial signature of a participant (`PSBT_IN_MUSIG2_PARTIAL_SIG`). It has no sighash byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MusigPartialSig {
    /// Which signature the partial signature is for.
    pub key: SigningKey,
    /// The partial signature, below the group order.
    pub signature: PartialSignature,
}

impl MusigPartialSig {
    /// Reads the field.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(key_data: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let key = SigningKey::parse(key_data)?;
        let bytes = value.try_into().map_err(|_| Malformed::ValueLength { found: value.len(), expected: "32" })?;
        let signature = PartialSignature::from_bytes(bytes).map_err(|_| Malformed::PartialSignature)?;
        Ok(Self { key, signature })
    }
}

/// A compressed public key that is all of the key data.
fn compressed(key_data: &[u8]) -> Result<PublicKey, Malformed> {
    let found = key_data.len();
    let bytes = key_data.try_into().map_err(|_| Malformed::KeyLength { found, expected: "33" })?;
    PublicKey::from_bytes(bytes).map_err(|_| Malformed::KeyPoint)
}
