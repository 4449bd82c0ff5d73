//! Lower-case hexadecimal text of fixed-length values.

use core::fmt;

/// Text that is not the hexadecimal form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseHexError {
    /// Not twice as many hexadecimal digits as the type has bytes.
    #[error("not the right number of hexadecimal digits")]
    Digits,
    /// Well-formed text of bytes that are no such value.
    #[error("the bytes are not a value of this type")]
    Value,
}

pub(crate) fn write(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

pub(crate) fn parse<const N: usize>(text: &str) -> Result<[u8; N], ParseHexError> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(ParseHexError::Digits);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().try_fold(0u8, |value, digit| {
            let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digit.map(|digit| value << 4 | digit).ok_or(ParseHexError::Digits)
        })?;
    }
    Ok(bytes)
}

/// Debug, Display and FromStr as hexadecimal, and with the feature `serde` its traits, for a type with `to_bytes` and a fallible
/// or infallible `from_bytes`.
macro_rules! hex_value {
    ($type:ty, $length:literal, $parse:expr) => {
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::hex::write(f, &self.to_bytes())
            }
        }

        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({self})", stringify!($type))
            }
        }

        impl core::str::FromStr for $type {
            type Err = $crate::hex::ParseHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let bytes: [u8; $length] = $crate::hex::parse(text)?;
                let parse: fn(&[u8; $length]) -> Option<Self> = $parse;
                parse(&bytes).ok_or($crate::hex::ParseHexError::Value)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::serialize::serialize(serializer, self, &self.to_bytes())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let parse: fn(&[u8; $length]) -> Option<Self> = $parse;
                $crate::serialize::deserialize(deserializer, parse)
            }
        }
    };
}

/// Eq, Ord and Hash by the canonical bytes.
macro_rules! ordered_by_bytes {
    ($type:ty) => {
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.to_bytes() == other.to_bytes()
            }
        }

        impl Eq for $type {}

        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $type {
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                self.to_bytes().cmp(&other.to_bytes())
            }
        }

        impl core::hash::Hash for $type {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.to_bytes().hash(state);
            }
        }
    };
}

pub(crate) use {hex_value, ordered_by_bytes};
