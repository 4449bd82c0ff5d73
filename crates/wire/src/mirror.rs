//! Raw mirrors: decoded values whose points are not parsed yet, and the conversion to and from parsed values.

use motet_core_crypto::{NonceCommitment, PartialSignature, PublicKey, PublicNonce, Signature};

use crate::codec::{Bytes, List, ParseError, Text};
use crate::id::{AdvertisementId, Attempt, AttemptId, PeerId, RequestId, SignerIndex, TranscriptHash};
use crate::time::TimestampMs;
use crate::work::Work;

/// Keys of a message whose points have been found already: finding one again costs a sixth of a signature check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownKeys {
    /// The message key that signed.
    pub(crate) sender: Option<PublicKey>,
    /// The signer that delegated to it.
    pub(crate) signer: Option<PublicKey>,
}

impl KnownKeys {
    /// No key is known.
    pub(crate) const NONE: Self = Self { sender: None, signer: None };

    /// The key with these bytes.
    pub(crate) fn parse(&self, bytes: &[u8; 33]) -> Result<PublicKey, ParseError> {
        let known = [self.sender, self.signer].into_iter().flatten().find(|key| key.to_bytes() == *bytes);
        known.map_or_else(|| PublicKey::from_bytes(bytes).map_err(|_| ParseError::Point), Ok)
    }
}

/// The raw form of a `T`.
pub(crate) trait Mirror<T>: Sized {
    /// The raw form of a value; fails for a value that is over a bound, and so has no bytes.
    fn of(value: &T) -> Result<Self, ParseError>;

    /// The value. Points are found here, so this comes after the signature check.
    fn parse(self, known: &KnownKeys) -> Result<T, ParseError>;
}

/// Makes the raw mirror of a structure that has the same fields. The order of the fields is that of the bytes.
macro_rules! mirror {
    ($(#[$doc:meta])* $raw:ident of $value:ident { $($(#[$note:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, $crate::codec::Encode, $crate::codec::Decode)]
        pub(crate) struct $raw {
            $($(#[$note])* pub(crate) $field: $type,)*
        }

        impl $crate::mirror::Mirror<$value> for $raw {
            fn of(value: &$value) -> Result<Self, $crate::codec::ParseError> {
                Ok(Self { $($field: $crate::mirror::Mirror::of(&value.$field)?,)* })
            }

            fn parse(self, known: &$crate::mirror::KnownKeys) -> Result<$value, $crate::codec::ParseError> {
                Ok($value { $($field: $crate::mirror::Mirror::parse(self.$field, known)?,)* })
            }
        }
    };
}

pub(crate) use mirror;

/// Mirrors of one value: how it becomes raw, and how the raw form becomes a value.
macro_rules! mirrors {
    ($([$($bound:tt)*] $raw:ty, $value:ty: $of:expr, $parse:expr;)*) => {$(
        impl<$($bound)*> Mirror<$value> for $raw {
            fn of(value: &$value) -> Result<Self, ParseError> {
                let of: fn(&$value) -> Result<Self, ParseError> = $of;
                of(value)
            }

            fn parse(self, known: &KnownKeys) -> Result<$value, ParseError> {
                let parse: fn(Self, &KnownKeys) -> Result<$value, ParseError> = $parse;
                parse(self, known)
            }
        }
    )*};
}

mirrors! {
    [] u64, u64: |value| Ok(*value), |raw, _| Ok(raw);
    [] Work, Work: |value| Ok(*value), |raw, _| Ok(raw);
    [] u16, SignerIndex: |index| Ok(index.0), |raw, _| Ok(SignerIndex(raw));
    [] u32, Attempt: |attempt| Ok(attempt.0), |raw, _| Ok(Attempt(raw));
    [] u64, TimestampMs: |time| Ok(time.0), |raw, _| Ok(TimestampMs(raw));
    [] [u8; 32], RequestId: |id| Ok(id.to_bytes()), |raw, _| Ok(RequestId::from_bytes(raw));
    [] [u8; 32], AttemptId: |id| Ok(id.to_bytes()), |raw, _| Ok(AttemptId::from_bytes(raw));
    [] [u8; 32], AdvertisementId: |id| Ok(id.to_bytes()), |raw, _| Ok(AdvertisementId::from_bytes(raw));
    [] [u8; 32], TranscriptHash: |hash| Ok(hash.to_bytes()), |raw, _| Ok(TranscriptHash::from_bytes(raw));
    [] [u8; 32], NonceCommitment: |hash| Ok(hash.to_bytes()), |raw, _| Ok(NonceCommitment::from_bytes(&raw));
    [] [u8; 64], Signature: |signature| Ok(signature.to_bytes()), |raw, _| Ok(Signature::from_bytes(&raw));
    [] [u8; 33], PublicKey: |key| Ok(key.to_bytes()), |raw, known| known.parse(&raw);
    [] [u8; 66], PublicNonce: |nonce| Ok(nonce.to_bytes()),
        |raw, _| PublicNonce::from_bytes(&raw).map_err(|_| ParseError::Point);
    [] [u8; 32], PartialSignature: |partial| Ok(partial.to_bytes()),
        |raw, _| PartialSignature::from_bytes(&raw).map_err(|_| ParseError::Point);
    [const MAX: usize] Bytes<MAX>, PeerId: |peer| Self::new(peer.as_bytes()),
        |raw, _| PeerId::from_bytes(raw.as_slice()).map_err(|_| ParseError::Length);
    [const MAX: usize] Bytes<MAX>, Vec<u8>: |bytes| Self::new(bytes), |raw, _| Ok(raw.into_vec());
    [const MAX: usize] Text<MAX>, String: |text| Self::new(text), |raw, _| Ok(raw.into_string());
    [R: Mirror<T>, T] Option<R>, Option<T>: |value| value.as_ref().map(R::of).transpose(),
        |raw, known| raw.map(|raw| raw.parse(known)).transpose();
    [R: Mirror<T>, T, const MAX: usize] List<R, MAX>, Vec<T>: |values| Self::collect(values, R::of),
        |raw, known| raw.into_vec().into_iter().map(|raw| raw.parse(known)).collect();
}
