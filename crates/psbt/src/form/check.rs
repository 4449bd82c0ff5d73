//! Forms of keys and values that the table of fields names, and their checks.

use bitcoin::hashes::{Hash as _, hash160, ripemd160, sha256, sha256d};
use bitcoin::secp256k1;
use bitcoin::{Transaction, consensus};
use motet_core_crypto::{PublicKey, XOnlyPublicKey};

use crate::bytes::Reader;
use crate::fields::{
    KeyOrigin, LeafScript, MusigPartialSig, MusigParticipants, MusigPubNonce, TapOrigin, TapScriptSig, TapSignature,
    TapTree,
};
use crate::limits::MONEY_MAX;
use crate::malformed::Malformed;
use crate::transaction;

/// Form of the key data: the bytes of a key after its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyForm {
    /// No key data: the field occurs once in a map.
    Nothing,
    /// A public key of 33 or 65 bytes.
    PublicKey,
    /// An extended public key.
    Xpub,
    /// A hash of so many bytes.
    Hash(HashKind),
    /// An identifier with its length, a subtype, and any data.
    Proprietary,
    /// Key data that is read together with the value.
    WithValue,
}

/// Hash functions of preimage fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashKind {
    Ripemd160,
    Sha256,
    Hash160,
    Hash256,
}

/// Form of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueForm {
    Any,
    Text,
    Bytes(usize, &'static str),
    CompactSize,
    UnsignedTransaction,
    Transaction,
    TxOut,
    EcdsaSignature,
    Origin,
    WitnessStack,
    Amount,
    RequiredTime,
    RequiredHeight,
    TapSignature,
    XOnly,
    TapTree,
    TapScriptSig,
    LeafScript,
    TapOrigin,
    Participants,
    PubNonce,
    PartialSig,
}

/// Checks the key data alone, or with the value where the key is a hash of it.
pub(super) fn key(form: KeyForm, data: &[u8], value: &[u8]) -> Result<(), Malformed> {
    let length = |expected| Malformed::KeyLength { found: data.len(), expected };
    match form {
        KeyForm::Nothing if data.is_empty() => Ok(()),
        KeyForm::Nothing => Err(length("0")),
        KeyForm::PublicKey => match data.len() {
            33 => PublicKey::from_slice(data).map(|_| ()).map_err(|_| Malformed::KeyPoint),
            // The parser of libsecp256k1 also takes the hybrid forms, which begin with 6 or 7 and are not standard.
            65 if data.first() == Some(&4) => {
                secp256k1::PublicKey::from_slice(data).map(|_| ()).map_err(|_| Malformed::KeyPoint)
            }
            65 => Err(Malformed::KeyPoint),
            _ => Err(length("33 or 65")),
        },
        KeyForm::Xpub => {
            let (_, key) = data.split_last_chunk::<33>().filter(|(head, _)| head.len() == 45).ok_or(length("78"))?;
            PublicKey::from_bytes(key).map(|_| ()).map_err(|_| Malformed::KeyPoint)
        }
        KeyForm::Hash(kind) => {
            let (hash, expected) = match kind {
                HashKind::Ripemd160 => (ripemd160::Hash::hash(value).to_byte_array().to_vec(), "20"),
                HashKind::Sha256 => (sha256::Hash::hash(value).to_byte_array().to_vec(), "32"),
                HashKind::Hash160 => (hash160::Hash::hash(value).to_byte_array().to_vec(), "20"),
                HashKind::Hash256 => (sha256d::Hash::hash(value).to_byte_array().to_vec(), "32"),
            };
            if data.len() != hash.len() {
                return Err(length(expected));
            }
            if data == hash { Ok(()) } else { Err(Malformed::Preimage) }
        }
        KeyForm::Proprietary => {
            let mut reader = Reader::new(data);
            let too_short = |_| length("an identifier and a subtype");
            reader.sized().map_err(too_short)?;
            reader.compact_size().map(|_| ()).map_err(too_short)
        }
        KeyForm::WithValue => Ok(()),
    }
}

/// Checks the value, together with the key data where both make one field.
pub(super) fn value(form: ValueForm, key: &[u8], value: &[u8]) -> Result<(), Malformed> {
    let length = |expected| Malformed::ValueLength { found: value.len(), expected };
    match form {
        ValueForm::Any => Ok(()),
        ValueForm::Text => std::str::from_utf8(value).map(|_| ()).map_err(|_| Malformed::Text),
        ValueForm::Bytes(count, expected) if value.len() != count => Err(length(expected)),
        ValueForm::Bytes(..) => Ok(()),
        ValueForm::CompactSize => {
            let mut reader = Reader::new(value);
            reader.compact_size()?;
            at_end(&reader)
        }
        ValueForm::UnsignedTransaction => transaction::parse_unsigned(value).map(|_| ()),
        ValueForm::Transaction => {
            let transaction: Transaction = consensus::deserialize(value).map_err(|_| Malformed::Transaction)?;
            transaction.output.iter().try_for_each(|output| amount(output.value.to_sat()))
        }
        ValueForm::TxOut => transaction::parse_output(value).map(|_| ()),
        ValueForm::EcdsaSignature if !(9..=73).contains(&value.len()) => Err(length("9 to 73")),
        ValueForm::EcdsaSignature => Ok(()),
        ValueForm::Origin => KeyOrigin::parse(value).map(|_| ()),
        ValueForm::WitnessStack => {
            let mut reader = Reader::new(value);
            // Each element takes at least one of the bytes that are there, so a large count ends the loop.
            for _ in 0..reader.compact_size()? {
                reader.sized()?;
            }
            at_end(&reader)
        }
        ValueForm::Amount => amount(u64::from_le_bytes(value.try_into().map_err(|_| length("8"))?)),
        ValueForm::RequiredTime => locktime(value, |time| time >= 500_000_000, "a time is at least 500000000"),
        ValueForm::RequiredHeight => {
            locktime(value, |height| (1..500_000_000).contains(&height), "a height is 1 to 499999999")
        }
        ValueForm::TapSignature => TapSignature::parse(value).map(|_| ()),
        ValueForm::XOnly => {
            let key = value.try_into().map_err(|_| length("32"))?;
            XOnlyPublicKey::from_bytes(key).map(|_| ()).map_err(|_| Malformed::ValuePoint { index: 0 })
        }
        ValueForm::TapTree => TapTree::parse(value).map(|_| ()),
        ValueForm::TapScriptSig => TapScriptSig::parse(key, value).map(|_| ()),
        ValueForm::LeafScript => LeafScript::parse(key, value).map(|_| ()),
        ValueForm::TapOrigin => TapOrigin::parse(key, value).map(|_| ()),
        ValueForm::Participants => MusigParticipants::parse(key, value).map(|_| ()),
        ValueForm::PubNonce => MusigPubNonce::parse(key, value).map(|_| ()),
        ValueForm::PartialSig => MusigPartialSig::parse(key, value).map(|_| ()),
    }
}

fn at_end(reader: &Reader<'_>) -> Result<(), Malformed> {
    match reader.rest().len() {
        0 => Ok(()),
        count => Err(Malformed::Trailing { count }),
    }
}

const fn amount(satoshi: u64) -> Result<(), Malformed> {
    if satoshi > MONEY_MAX { Err(Malformed::Amount { satoshi }) } else { Ok(()) }
}

fn locktime(value: &[u8], allowed: fn(u32) -> bool, expected: &'static str) -> Result<(), Malformed> {
    let bytes = value.try_into().map_err(|_| Malformed::ValueLength { found: value.len(), expected: "4" })?;
    let found = u32::from_le_bytes(bytes);
    if allowed(found) { Ok(()) } else { Err(Malformed::Locktime { found, expected }) }
}
