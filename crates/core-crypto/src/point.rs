//! Points of the curve as values with one encoding each: plain public keys (33 bytes) and x-only ones (32 bytes).

use alloc::vec::Vec;

use crate::hex::{hex_value, ordered_by_bytes};
use crate::vartime::{PublicPoint, PublicSum};

/// Bytes that are no point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a point of the curve in its canonical encoding")]
pub struct InvalidPoint;

/// One of many encodings is no point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("number {index} is not a point of the curve in its canonical encoding")]
pub struct InvalidPointAt {
    /// The index of the first one that is none.
    pub index: usize,
}

/// A plain public key: 33 bytes, compressed, never the point at infinity (BIP-327 "plain public key").
#[derive(Clone, Copy)]
pub struct PublicKey {
    point: PublicPoint,
    bytes: [u8; 33],
}

impl PublicKey {
    /// Parses 33 bytes (BIP-327 `cpoint`).
    ///
    /// # Errors
    ///
    /// [`InvalidPoint`] if the first byte is neither 2 nor 3, or x is out of range or not on the curve.
    pub fn from_bytes(bytes: &[u8; 33]) -> Result<Self, InvalidPoint> {
        parse_compressed(bytes).map(|point| Self { point, bytes: *bytes })
    }

    /// Parses a slice of 33 bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidPoint`], also for any other length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidPoint> {
        bytes.try_into().map_err(|_| InvalidPoint).and_then(Self::from_bytes)
    }

    /// Parses many keys at once, which is a little faster than one by one: their square roots are interleaved.
    ///
    /// # Errors
    ///
    /// [`InvalidPointAt`] naming the first that is no key.
    pub fn from_bytes_all(bytes: &[[u8; 33]]) -> Result<Vec<Self>, InvalidPointAt> {
        let points = PublicPoint::parse_all_vartime(&bytes.iter().collect::<Vec<_>>())
            .ok_or_else(|| first_invalid(bytes, |bytes| Self::from_bytes(bytes).is_err()))?;
        Ok(points.into_iter().zip(bytes).map(|(point, bytes)| Self { point, bytes: *bytes }).collect())
    }

    /// `None` for the point at infinity.
    pub(crate) fn from_sum_vartime(sum: PublicSum) -> Option<Self> {
        sum.to_point_vartime().map(Self::from_public_point)
    }

    pub(crate) fn from_public_point(point: PublicPoint) -> Self {
        Self { point, bytes: point.to_bytes() }
    }

    /// The 33 bytes.
    pub const fn to_bytes(&self) -> [u8; 33] {
        self.bytes
    }

    /// The key without the parity of its y coordinate.
    pub fn x_only(&self) -> XOnlyPublicKey {
        let [_, x @ ..] = self.bytes;
        XOnlyPublicKey { point: self.point.with_even_y(), bytes: x }
    }

    pub(crate) const fn point(&self) -> PublicPoint {
        self.point
    }

    /// Whether y is odd.
    pub(crate) const fn is_odd(&self) -> bool {
        self.bytes[0] == 3
    }
}

ordered_by_bytes!(PublicKey);
hex_value!(PublicKey, 33, |bytes| Self::from_bytes(bytes).ok());

/// An x-only public key: 32 bytes, standing for the point with that x and an even y (BIP-340).
#[derive(Clone, Copy)]
pub struct XOnlyPublicKey {
    point: PublicPoint,
    bytes: [u8; 32],
}

impl XOnlyPublicKey {
    /// Parses 32 bytes (BIP-340 `lift_x`).
    ///
    /// # Errors
    ///
    /// [`InvalidPoint`] if no point of the curve has this x.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidPoint> {
        lift_x(bytes).map(|point| Self { point, bytes: *bytes })
    }

    /// The 32 bytes.
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.bytes
    }

    pub(crate) const fn point(&self) -> PublicPoint {
        self.point
    }
}

ordered_by_bytes!(XOnlyPublicKey);
hex_value!(XOnlyPublicKey, 32, |bytes| Self::from_bytes(bytes).ok());

/// Names the first encoding that does not parse, once it is known that there is one.
pub(crate) fn first_invalid<T>(encodings: &[T], is_invalid: impl Fn(&T) -> bool) -> InvalidPointAt {
    InvalidPointAt { index: encodings.iter().position(is_invalid).unwrap_or_default() }
}

/// The point with this x and an even y.
pub(crate) fn lift_x(x: &[u8; 32]) -> Result<PublicPoint, InvalidPoint> {
    PublicPoint::lift_vartime(x).ok_or(InvalidPoint)
}

/// BIP-327 `cpoint`.
pub(crate) fn parse_compressed(bytes: &[u8; 33]) -> Result<PublicPoint, InvalidPoint> {
    let [point] = PublicPoint::parse_vartime([bytes]);
    point.ok_or(InvalidPoint)
}

/// BIP-327 `cpoint_ext`: 33 zero bytes are the point at infinity, which is `None` here.
pub(crate) fn parse_extended(bytes: &[u8; 33]) -> Result<Option<PublicPoint>, InvalidPoint> {
    if bytes == &[0; 33] { Ok(None) } else { parse_compressed(bytes).map(Some) }
}

/// BIP-327 `cbytes_ext`: the point at infinity becomes 33 zero bytes.
pub(crate) fn compress(point: Option<PublicPoint>) -> [u8; 33] {
    point.map_or([0; 33], PublicPoint::to_bytes)
}
