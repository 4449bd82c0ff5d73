//! Fields of BIP-371 and BIP-373 in a map, as values.
//!
//! A map of a [`RawPsbt`](super::RawPsbt) holds only entries that are well made, so none is left out here.

use bitcoin::TapNodeHash;
use bitcoin::hashes::Hash as _;
use motet_core_crypto::XOnlyPublicKey;

use crate::fields::{
    LeafScript, MusigPartialSig, MusigParticipants, MusigPubNonce, SighashError, SighashType, TapOrigin, TapScriptSig,
    TapSignature, TapTree,
};
use crate::form::{input, output};
use crate::malformed::Malformed;
use crate::map::{MapId, RawMap};

/// The map of an input, read as values of fields.
#[derive(Debug, Clone, Copy)]
pub struct InputFields<'a>(&'a RawMap);

/// The map of an output, read as values of fields.
#[derive(Debug, Clone, Copy)]
pub struct OutputFields<'a>(&'a RawMap);

impl super::RawPsbt {
    /// The fields of an input; none if there is no such input.
    pub fn input(&self, index: usize) -> Option<InputFields<'_>> {
        self.map(MapId::Input(index)).map(InputFields)
    }

    /// The fields of an output; none if there is no such output.
    pub fn output(&self, index: usize) -> Option<OutputFields<'_>> {
        self.map(MapId::Output(index)).map(OutputFields)
    }
}

impl<'a> InputFields<'a> {
    /// The sighash type that a signer is asked to use; none if the PSBT does not ask.
    ///
    /// # Errors
    ///
    /// [`SighashError`] for a type that Taproot does not define.
    pub fn sighash_type(self) -> Result<Option<SighashType>, SighashError> {
        self.0.u32(input::SIGHASH_TYPE).map(SighashType::from_number).transpose()
    }

    /// The signature of the key path.
    pub fn key_signature(self) -> Option<TapSignature> {
        self.0.single(input::TAP_KEY_SIG).and_then(|value| TapSignature::parse(value).ok())
    }

    /// The signatures that script leaves check.
    pub fn script_signatures(self) -> impl Iterator<Item = TapScriptSig> + 'a {
        values(self.0, input::TAP_SCRIPT_SIG, TapScriptSig::parse)
    }

    /// The scripts of leaves, with their control blocks.
    pub fn leaf_scripts(self) -> impl Iterator<Item = LeafScript> + 'a {
        values(self.0, input::TAP_LEAF_SCRIPT, LeafScript::parse)
    }

    /// The origins of x-only keys.
    pub fn origins(self) -> impl Iterator<Item = TapOrigin> + 'a {
        values(self.0, input::TAP_BIP32_DERIVATION, TapOrigin::parse)
    }

    /// The internal key.
    pub fn internal_key(self) -> Option<XOnlyPublicKey> {
        x_only(self.0, input::TAP_INTERNAL_KEY)
    }

    /// The root of the script tree.
    pub fn merkle_root(self) -> Option<TapNodeHash> {
        self.0.single(input::TAP_MERKLE_ROOT).and_then(|root| TapNodeHash::from_slice(root).ok())
    }

    /// The participants of aggregate keys.
    pub fn participants(self) -> impl Iterator<Item = MusigParticipants> + 'a {
        values(self.0, input::MUSIG2_PARTICIPANT_PUBKEYS, MusigParticipants::parse)
    }

    /// The public nonces.
    pub fn public_nonces(self) -> impl Iterator<Item = MusigPubNonce> + 'a {
        values(self.0, input::MUSIG2_PUB_NONCE, MusigPubNonce::parse)
    }

    /// The partial signatures.
    pub fn partial_signatures(self) -> impl Iterator<Item = MusigPartialSig> + 'a {
        values(self.0, input::MUSIG2_PARTIAL_SIG, MusigPartialSig::parse)
    }

    /// True if the input has its final scriptSig or witness.
    pub fn is_final(self) -> bool {
        self.0.single(input::FINAL_SCRIPTWITNESS).or_else(|| self.0.single(input::FINAL_SCRIPTSIG)).is_some()
    }
}

impl<'a> OutputFields<'a> {
    /// The internal key.
    pub fn internal_key(self) -> Option<XOnlyPublicKey> {
        x_only(self.0, output::TAP_INTERNAL_KEY)
    }

    /// The script tree.
    pub fn tree(self) -> Option<TapTree> {
        self.0.single(output::TAP_TREE).and_then(|value| TapTree::parse(value).ok())
    }

    /// The origins of x-only keys.
    pub fn origins(self) -> impl Iterator<Item = TapOrigin> + 'a {
        values(self.0, output::TAP_BIP32_DERIVATION, TapOrigin::parse)
    }

    /// The participants of aggregate keys.
    pub fn participants(self) -> impl Iterator<Item = MusigParticipants> + 'a {
        values(self.0, output::MUSIG2_PARTICIPANT_PUBKEYS, MusigParticipants::parse)
    }
}

fn values<'a, T>(
    map: &'a RawMap,
    kind: u64,
    parse: fn(&[u8], &[u8]) -> Result<T, Malformed>,
) -> impl Iterator<Item = T> + 'a
where
    T: 'a,
{
    map.of_kind(kind).filter_map(move |(data, value)| parse(data, value).ok())
}

fn x_only(map: &RawMap, kind: u64) -> Option<XOnlyPublicKey> {
    let value = map.single(kind)?;
    XOnlyPublicKey::from_bytes(value.try_into().ok()?).ok()
}
