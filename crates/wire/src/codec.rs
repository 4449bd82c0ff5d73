//! The one place in which values become bytes.
//!
//! bincode 2 with fixed-width little-endian integers, and the rules that bincode leaves to its user: every list, text
//! and byte string has a bound in its type and a `u32` length in front. The length is checked against the bound, and
//! against the bytes that remain, before memory is allocated. No bytes may follow the value, and the value must encode
//! to exactly the bytes that it came from (`docs/protocol.md` §2). No maps, no `usize`, no elements of size zero.
//!
//! The dependency is pinned because its next major version is not a working release; since nothing outside this module
//! calls it, another encoder can take its place without touching a message.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::de::{Decoder, read::Reader};
use bincode::enc::{Encoder, write::Writer};
use bincode::error::{DecodeError as BincodeDecodeError, EncodeError as BincodeEncodeError};
pub(crate) use bincode::{Decode, Encode};

use crate::limits;

/// Memory that one decoding may claim. The types' own bounds are tighter; this is the last line.
const CLAIM: usize = 2 * limits::FRAME_MAX;

const fn config() -> Configuration<LittleEndian, Fixint, Limit<CLAIM>> {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<CLAIM>()
}

/// Why bytes are not the canonical encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Cut short, over a bound, not UTF-8, or an undefined tag.
    #[error("not an encoding of this type")]
    Malformed,
    /// Bytes that follow the value, or a value whose encoding differs.
    #[error("not the canonical encoding")]
    NotCanonical,
}

/// Why a raw value is no value: found after decoding, when its parts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Longer or shorter than the type allows.
    #[error("a length outside its bounds")]
    Length,
    /// A number that names nothing.
    #[error("an undefined code")]
    Code,
    /// Bytes that are no point of the curve, or no scalar.
    #[error("no point of the curve, or no scalar")]
    Point,
}

/// Encodes a value; fails only for one that is over its bounds, which no value of this crate is.
pub(crate) fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, ParseError> {
    bincode::encode_to_vec(value, config()).map_err(|_| ParseError::Length)
}

/// Decodes a value from exactly these bytes, which must be its canonical encoding.
pub(crate) fn decode<T: Decode<()> + Encode>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, consumed) = bincode::decode_from_slice::<T, _>(bytes, config()).map_err(|_| DecodeError::Malformed)?;
    if consumed != bytes.len() {
        return Err(DecodeError::NotCanonical);
    }
    let mut compare = Compare { expected: bytes };
    bincode::encode_into_writer(&value, &mut compare, config()).map_err(|_| DecodeError::NotCanonical)?;
    if compare.expected.is_empty() { Ok(value) } else { Err(DecodeError::NotCanonical) }
}

/// A writer that compares instead of writing, so that checking an encoding allocates nothing.
struct Compare<'a> {
    expected: &'a [u8],
}

impl Writer for Compare<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BincodeEncodeError> {
        self.expected = self.expected.strip_prefix(bytes).ok_or(BincodeEncodeError::Other("not canonical"))?;
        Ok(())
    }
}

/// Reads a length, and refuses it when it is over the bound or when fewer than `length * element` bytes are left.
fn read_length<D: Decoder>(decoder: &mut D, maximum: usize, element: usize) -> Result<usize, BincodeDecodeError> {
    let length = u32::decode(decoder)?;
    let length = usize::try_from(length).map_err(|_| BincodeDecodeError::LimitExceeded)?;
    if length > maximum {
        return Err(BincodeDecodeError::LimitExceeded);
    }
    let bytes = length.checked_mul(element).ok_or(BincodeDecodeError::LimitExceeded)?;
    if decoder.reader().peek_read(bytes).is_none() {
        return Err(BincodeDecodeError::UnexpectedEnd { additional: bytes });
    }
    Ok(length)
}

fn write_length<E: Encoder>(encoder: &mut E, length: usize) -> Result<(), BincodeEncodeError> {
    u32::try_from(length).map_err(|_| BincodeEncodeError::Other("too long"))?.encode(encoder)
}

/// At most `MAX` bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Bytes<MAX> {
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX { Err(ParseError::Length) } else { Ok(Self(bytes.to_vec())) }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<const MAX: usize> Encode for Bytes<MAX> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), BincodeEncodeError> {
        write_length(encoder, self.0.len())?;
        encoder.writer().write(&self.0)
    }
}

impl<Context, const MAX: usize> Decode<Context> for Bytes<MAX> {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, BincodeDecodeError> {
        let length = read_length(decoder, MAX, 1)?;
        decoder.claim_bytes_read(length)?;
        let bytes = decoder.reader().peek_read(length).map(<[u8]>::to_vec);
        let bytes = bytes.ok_or(BincodeDecodeError::UnexpectedEnd { additional: length })?;
        decoder.reader().consume(length);
        Ok(Self(bytes))
    }
}

/// At most `MAX` bytes of UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    pub(crate) fn new(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX { Err(ParseError::Length) } else { Ok(Self(text.to_owned())) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Encode for Text<MAX> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), BincodeEncodeError> {
        write_length(encoder, self.0.len())?;
        encoder.writer().write(self.0.as_bytes())
    }
}

impl<Context, const MAX: usize> Decode<Context> for Text<MAX> {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, BincodeDecodeError> {
        let bytes = Bytes::<MAX>::decode(decoder)?.0;
        String::from_utf8(bytes).map(Self).map_err(|_| BincodeDecodeError::Other("not UTF-8"))
    }
}

/// At most `MAX` values. `T` takes at least one byte, so that no length can promise values that are not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    pub(crate) fn new(values: Vec<T>) -> Result<Self, ParseError> {
        if values.len() > MAX { Err(ParseError::Length) } else { Ok(Self(values)) }
    }

    /// Converts each value, and collects the results.
    pub(crate) fn collect<S>(
        source: &[S],
        convert: impl FnMut(&S) -> Result<T, ParseError>,
    ) -> Result<Self, ParseError> {
        if source.len() > MAX {
            return Err(ParseError::Length);
        }
        source.iter().map(convert).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T: Encode, const MAX: usize> Encode for List<T, MAX> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), BincodeEncodeError> {
        write_length(encoder, self.0.len())?;
        self.0.iter().try_for_each(|value| value.encode(encoder))
    }
}

impl<Context, T: Decode<Context>, const MAX: usize> Decode<Context> for List<T, MAX> {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, BincodeDecodeError> {
        let length = read_length(decoder, MAX, 1)?;
        // Grows with the elements that are really there: a false length of 64 large elements costs nothing.
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(T::decode(decoder)?);
        }
        Ok(Self(values))
    }
}

/// A part that this form of a structure has no place for: it has no bytes, and reads as the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Absent<T>(pub(crate) T);

impl<T> Encode for Absent<T> {
    fn encode<E: Encoder>(&self, _: &mut E) -> Result<(), BincodeEncodeError> {
        Ok(())
    }
}

impl<Context, T: Default> Decode<Context> for Absent<T> {
    fn decode<D: Decoder<Context = Context>>(_: &mut D) -> Result<Self, BincodeDecodeError> {
        Ok(Self::default())
    }
}

/// A number from 0 to `MAX` that names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code<const MAX: u8>(pub(crate) u8);

impl<const MAX: u8> Encode for Code<MAX> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), BincodeEncodeError> {
        self.0.encode(encoder)
    }
}

impl<Context, const MAX: u8> Decode<Context> for Code<MAX> {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, BincodeDecodeError> {
        match u8::decode(decoder)? {
            code if code <= MAX => Ok(Self(code)),
            _ => Err(BincodeDecodeError::Other("undefined code")),
        }
    }
}

/// The derive asks for the borrowing form as well; values here own their bytes.
macro_rules! borrow {
    ($([$($generics:tt)*] $name:ty),* $(,)?) => {$(
        impl<'de, Context, $($generics)*> bincode::BorrowDecode<'de, Context> for $name
        where
            Self: Decode<Context>,
        {
            fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = Context>>(
                decoder: &mut D,
            ) -> Result<Self, BincodeDecodeError> {
                Self::decode(decoder)
            }
        }
    )*};
}

borrow!([const MAX: usize] Bytes<MAX>, [const MAX: usize] Text<MAX>, [const MAX: u8] Code<MAX>, [T, const MAX: usize] List<T, MAX>, [T] Absent<T>);
