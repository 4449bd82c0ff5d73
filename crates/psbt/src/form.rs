//! Table of the known fields: their names, the versions that require or forbid them, and the form of their keys and values.
//!
//! The numbers are of BIP-174, 370, 371, 373, 322 and 353. A field that is not in the table is unknown: it is kept byte for byte.

mod check;

use check::{HashKind, KeyForm, ValueForm};

use crate::malformed::Malformed;
use crate::version::Version;

/// The three kinds of maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum MapKind {
    Global,
    Input,
    Output,
}

/// Versions of the format in which a field must or must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Allowed in both versions.
    Optional,
    /// Required in version 0, forbidden in version 2.
    RequiredInV0,
    /// Required in version 2, forbidden in version 0.
    RequiredInV2,
    /// Allowed in version 2, forbidden in version 0.
    OptionalInV2,
    /// Required in version 2, allowed in version 0.
    VersionNumber,
}

impl Presence {
    pub(crate) const fn is_required(self, version: Version) -> bool {
        match version {
            Version::V0 => matches!(self, Self::RequiredInV0),
            Version::V2 => matches!(self, Self::RequiredInV2 | Self::VersionNumber),
        }
    }

    pub(crate) const fn is_forbidden(self, version: Version) -> bool {
        match version {
            Version::V0 => matches!(self, Self::RequiredInV2 | Self::OptionalInV2),
            Version::V2 => matches!(self, Self::RequiredInV0),
        }
    }
}

/// One known field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) map: MapKind,
    pub(crate) kind: u64,
    pub(crate) name: &'static str,
    pub(crate) presence: Presence,
    key: KeyForm,
    value: ValueForm,
}

impl Field {
    /// Checks the key data and the value of an entry.
    pub(crate) fn check(&self, key_data: &[u8], value: &[u8]) -> Result<(), Malformed> {
        check::key(self.key, key_data, value)?;
        check::value(self.value, key_data, value)
    }
}

/// The known field of a type in a map, if it is known.
pub(crate) fn field(map: MapKind, kind: u64) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.map == map && field.kind == kind)
}

/// The fields that a version requires in a map.
pub(crate) fn required(map: MapKind, version: Version) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |field| field.map == map && field.presence.is_required(version))
}

use KeyForm as K;
use MapKind::{Global, Input, Output};
use Presence::{Optional, OptionalInV2, RequiredInV0, RequiredInV2, VersionNumber};
use ValueForm as V;

const ONE: ValueForm = V::Bytes(1, "1");
const FOUR: ValueForm = V::Bytes(4, "4");
const THIRTY_TWO: ValueForm = V::Bytes(32, "32");

/// Field types of the global map that other modules name.
pub(crate) mod global {
    pub(crate) const UNSIGNED_TX: u64 = 0x00;
    pub(crate) const TX_VERSION: u64 = 0x02;
    pub(crate) const FALLBACK_LOCKTIME: u64 = 0x03;
    pub(crate) const INPUT_COUNT: u64 = 0x04;
    pub(crate) const OUTPUT_COUNT: u64 = 0x05;
    pub(crate) const TX_MODIFIABLE: u64 = 0x06;
    pub(crate) const SIGNED_MESSAGE: u64 = 0x09;
    pub(crate) const VERSION: u64 = 0xfb;
}

/// Field types of an input's map that other modules name.
pub(crate) mod input {
    pub(crate) const NON_WITNESS_UTXO: u64 = 0x00;
    pub(crate) const WITNESS_UTXO: u64 = 0x01;
    pub(crate) const SIGHASH_TYPE: u64 = 0x03;
    pub(crate) const REDEEM_SCRIPT: u64 = 0x04;
    pub(crate) const WITNESS_SCRIPT: u64 = 0x05;
    pub(crate) const FINAL_SCRIPTSIG: u64 = 0x07;
    pub(crate) const FINAL_SCRIPTWITNESS: u64 = 0x08;
    pub(crate) const PREVIOUS_TXID: u64 = 0x0e;
    pub(crate) const OUTPUT_INDEX: u64 = 0x0f;
    pub(crate) const SEQUENCE: u64 = 0x10;
    pub(crate) const REQUIRED_TIME_LOCKTIME: u64 = 0x11;
    pub(crate) const REQUIRED_HEIGHT_LOCKTIME: u64 = 0x12;
    pub(crate) const TAP_KEY_SIG: u64 = 0x13;
    pub(crate) const TAP_SCRIPT_SIG: u64 = 0x14;
    pub(crate) const TAP_LEAF_SCRIPT: u64 = 0x15;
    pub(crate) const TAP_BIP32_DERIVATION: u64 = 0x16;
    pub(crate) const TAP_INTERNAL_KEY: u64 = 0x17;
    pub(crate) const TAP_MERKLE_ROOT: u64 = 0x18;
    pub(crate) const MUSIG2_PARTICIPANT_PUBKEYS: u64 = 0x1a;
    pub(crate) const MUSIG2_PUB_NONCE: u64 = 0x1b;
    pub(crate) const MUSIG2_PARTIAL_SIG: u64 = 0x1c;
}

/// Field types of an output's map that other modules name.
pub(crate) mod output {
    pub(crate) const AMOUNT: u64 = 0x03;
    pub(crate) const SCRIPT: u64 = 0x04;
    pub(crate) const TAP_INTERNAL_KEY: u64 = 0x05;
    pub(crate) const TAP_TREE: u64 = 0x06;
    pub(crate) const TAP_BIP32_DERIVATION: u64 = 0x07;
    pub(crate) const MUSIG2_PARTICIPANT_PUBKEYS: u64 = 0x08;
}

#[rustfmt::skip]
const FIELDS: &[Field] = &[
    row(Global, global::UNSIGNED_TX, "PSBT_GLOBAL_UNSIGNED_TX", RequiredInV0, K::Nothing, V::UnsignedTransaction),
    row(Global, 0x01, "PSBT_GLOBAL_XPUB", Optional, K::Xpub, V::Origin),
    row(Global, global::TX_VERSION, "PSBT_GLOBAL_TX_VERSION", RequiredInV2, K::Nothing, FOUR),
    row(Global, global::FALLBACK_LOCKTIME, "PSBT_GLOBAL_FALLBACK_LOCKTIME", OptionalInV2, K::Nothing, FOUR),
    row(Global, global::INPUT_COUNT, "PSBT_GLOBAL_INPUT_COUNT", RequiredInV2, K::Nothing, V::CompactSize),
    row(Global, global::OUTPUT_COUNT, "PSBT_GLOBAL_OUTPUT_COUNT", RequiredInV2, K::Nothing, V::CompactSize),
    row(Global, global::TX_MODIFIABLE, "PSBT_GLOBAL_TX_MODIFIABLE", OptionalInV2, K::Nothing, ONE),
    row(Global, global::SIGNED_MESSAGE, "PSBT_GLOBAL_GENERIC_SIGNED_MESSAGE", Optional, K::Nothing, V::Any),
    row(Global, global::VERSION, "PSBT_GLOBAL_VERSION", VersionNumber, K::Nothing, FOUR),
    row(Global, 0xfc, "PSBT_GLOBAL_PROPRIETARY", Optional, K::Proprietary, V::Any),

    row(Input, input::NON_WITNESS_UTXO, "PSBT_IN_NON_WITNESS_UTXO", Optional, K::Nothing, V::Transaction),
    row(Input, input::WITNESS_UTXO, "PSBT_IN_WITNESS_UTXO", Optional, K::Nothing, V::TxOut),
    row(Input, 0x02, "PSBT_IN_PARTIAL_SIG", Optional, K::PublicKey, V::EcdsaSignature),
    row(Input, input::SIGHASH_TYPE, "PSBT_IN_SIGHASH_TYPE", Optional, K::Nothing, FOUR),
    row(Input, input::REDEEM_SCRIPT, "PSBT_IN_REDEEM_SCRIPT", Optional, K::Nothing, V::Any),
    row(Input, input::WITNESS_SCRIPT, "PSBT_IN_WITNESS_SCRIPT", Optional, K::Nothing, V::Any),
    row(Input, 0x06, "PSBT_IN_BIP32_DERIVATION", Optional, K::PublicKey, V::Origin),
    row(Input, input::FINAL_SCRIPTSIG, "PSBT_IN_FINAL_SCRIPTSIG", Optional, K::Nothing, V::Any),
    row(Input, input::FINAL_SCRIPTWITNESS, "PSBT_IN_FINAL_SCRIPTWITNESS", Optional, K::Nothing, V::WitnessStack),
    row(Input, 0x09, "PSBT_IN_POR_COMMITMENT", Optional, K::Nothing, V::Text),
    row(Input, 0x0a, "PSBT_IN_RIPEMD160", Optional, K::Hash(HashKind::Ripemd160), V::Any),
    row(Input, 0x0b, "PSBT_IN_SHA256", Optional, K::Hash(HashKind::Sha256), V::Any),
    row(Input, 0x0c, "PSBT_IN_HASH160", Optional, K::Hash(HashKind::Hash160), V::Any),
    row(Input, 0x0d, "PSBT_IN_HASH256", Optional, K::Hash(HashKind::Hash256), V::Any),
    row(Input, input::PREVIOUS_TXID, "PSBT_IN_PREVIOUS_TXID", RequiredInV2, K::Nothing, THIRTY_TWO),
    row(Input, input::OUTPUT_INDEX, "PSBT_IN_OUTPUT_INDEX", RequiredInV2, K::Nothing, FOUR),
    row(Input, input::SEQUENCE, "PSBT_IN_SEQUENCE", OptionalInV2, K::Nothing, FOUR),
    row(Input, input::REQUIRED_TIME_LOCKTIME, "PSBT_IN_REQUIRED_TIME_LOCKTIME", OptionalInV2, K::Nothing, V::RequiredTime),
    row(Input, input::REQUIRED_HEIGHT_LOCKTIME, "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME", OptionalInV2, K::Nothing, V::RequiredHeight),
    row(Input, input::TAP_KEY_SIG, "PSBT_IN_TAP_KEY_SIG", Optional, K::Nothing, V::TapSignature),
    row(Input, input::TAP_SCRIPT_SIG, "PSBT_IN_TAP_SCRIPT_SIG", Optional, K::WithValue, V::TapScriptSig),
    row(Input, input::TAP_LEAF_SCRIPT, "PSBT_IN_TAP_LEAF_SCRIPT", Optional, K::WithValue, V::LeafScript),
    row(Input, input::TAP_BIP32_DERIVATION, "PSBT_IN_TAP_BIP32_DERIVATION", Optional, K::WithValue, V::TapOrigin),
    row(Input, input::TAP_INTERNAL_KEY, "PSBT_IN_TAP_INTERNAL_KEY", Optional, K::Nothing, V::XOnly),
    row(Input, input::TAP_MERKLE_ROOT, "PSBT_IN_TAP_MERKLE_ROOT", Optional, K::Nothing, THIRTY_TWO),
    row(Input, input::MUSIG2_PARTICIPANT_PUBKEYS, "PSBT_IN_MUSIG2_PARTICIPANT_PUBKEYS", Optional, K::WithValue, V::Participants),
    row(Input, input::MUSIG2_PUB_NONCE, "PSBT_IN_MUSIG2_PUB_NONCE", Optional, K::WithValue, V::PubNonce),
    row(Input, input::MUSIG2_PARTIAL_SIG, "PSBT_IN_MUSIG2_PARTIAL_SIG", Optional, K::WithValue, V::PartialSig),
    row(Input, 0xfc, "PSBT_IN_PROPRIETARY", Optional, K::Proprietary, V::Any),

    row(Output, 0x00, "PSBT_OUT_REDEEM_SCRIPT", Optional, K::Nothing, V::Any),
    row(Output, 0x01, "PSBT_OUT_WITNESS_SCRIPT", Optional, K::Nothing, V::Any),
    row(Output, 0x02, "PSBT_OUT_BIP32_DERIVATION", Optional, K::PublicKey, V::Origin),
    row(Output, output::AMOUNT, "PSBT_OUT_AMOUNT", RequiredInV2, K::Nothing, V::Amount),
    row(Output, output::SCRIPT, "PSBT_OUT_SCRIPT", RequiredInV2, K::Nothing, V::Any),
    row(Output, output::TAP_INTERNAL_KEY, "PSBT_OUT_TAP_INTERNAL_KEY", Optional, K::Nothing, V::XOnly),
    row(Output, output::TAP_TREE, "PSBT_OUT_TAP_TREE", Optional, K::Nothing, V::TapTree),
    row(Output, output::TAP_BIP32_DERIVATION, "PSBT_OUT_TAP_BIP32_DERIVATION", Optional, K::WithValue, V::TapOrigin),
    row(Output, output::MUSIG2_PARTICIPANT_PUBKEYS, "PSBT_OUT_MUSIG2_PARTICIPANT_PUBKEYS", Optional, K::WithValue, V::Participants),
    row(Output, 0x35, "PSBT_OUT_DNSSEC_PROOF", Optional, K::Nothing, V::Any),
    row(Output, 0xfc, "PSBT_OUT_PROPRIETARY", Optional, K::Proprietary, V::Any),
];

const fn row(map: MapKind, kind: u64, name: &'static str, presence: Presence, key: KeyForm, value: ValueForm) -> Field {
    Field { map, kind, name, presence, key, value }
}
