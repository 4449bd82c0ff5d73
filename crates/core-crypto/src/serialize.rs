//! Serde for public types (feature `serde`): hexadecimal text where people read, the canonical bytes elsewhere.
//!
//! What is read is parsed like any other bytes: nothing that is no value of its type comes in. Secret keys and secret
//! nonces have no serde on purpose.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::Serializer;

/// Writes `value` as text, or its bytes.
pub(crate) fn serialize<S: Serializer>(
    serializer: S,
    value: &impl fmt::Display,
    bytes: &[u8],
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { serializer.collect_str(value) } else { serializer.serialize_bytes(bytes) }
}

/// Reads text by the type's [`FromStr`], or bytes by `parse`.
pub(crate) fn deserialize<'de, const N: usize, T, D>(
    deserializer: D,
    parse: fn(&[u8; N]) -> Option<T>,
) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(Text(PhantomData))
    } else {
        deserializer.deserialize_bytes(Bytes(parse))
    }
}

struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hexadecimal digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

struct Bytes<T, const N: usize>(fn(&[u8; N]) -> Option<T>);

impl<'de, T, const N: usize> Visitor<'de> for Bytes<T, N> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes in their canonical form")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        let array = bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))?;
        (self.0)(array).ok_or_else(|| E::custom("the bytes are not a value of this type"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        let mut bytes = [0; N];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = sequence.next_element()?.ok_or_else(|| A::Error::invalid_length(index, &self))?;
        }
        if sequence.next_element::<u8>()?.is_some() {
            return Err(A::Error::invalid_length(N + 1, &self));
        }
        self.visit_bytes(&bytes)
    }
}
