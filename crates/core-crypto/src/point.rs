//! Points of the curve as values with one encoding each: plain public keys (33 bytes) and x-only ones (32 bytes).

use k256::elliptic_curve::group::GroupEncoding;
use k256::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use k256::elliptic_curve::subtle::{Choice, ConditionallySelectable};
use k256::{AffinePoint, CompressedPoint, FieldBytes, ProjectivePoint};

use crate::hex::{hex_value, ordered_by_bytes};

/// Bytes that are no point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a point of the curve in its canonical encoding")]
pub struct InvalidPoint;

/// A plain public key: 33 bytes, compressed, never the point at infinity (BIP-327 "plain public key").
#[derive(Clone, Copy)]
pub struct PublicKey {
    point: AffinePoint,
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

    /// `None` for the point at infinity.
    pub(crate) fn from_point(point: &ProjectivePoint) -> Option<Self> {
        let point = point.to_affine();
        if point == AffinePoint::IDENTITY { None } else { Some(Self { point, bytes: compress(&point) }) }
    }

    /// The 33 bytes.
    pub const fn to_bytes(&self) -> [u8; 33] {
        self.bytes
    }

    /// The key without the parity of its y coordinate.
    pub fn x_only(&self) -> XOnlyPublicKey {
        let [_, x @ ..] = self.bytes;
        XOnlyPublicKey { point: with_even_y(self.point), bytes: x }
    }

    pub(crate) const fn point(&self) -> &AffinePoint {
        &self.point
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
    point: AffinePoint,
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

    pub(crate) const fn point(&self) -> &AffinePoint {
        &self.point
    }
}

ordered_by_bytes!(XOnlyPublicKey);
hex_value!(XOnlyPublicKey, 32, |bytes| Self::from_bytes(bytes).ok());

/// The point with this x and an even y.
pub(crate) fn lift_x(x: &[u8; 32]) -> Result<AffinePoint, InvalidPoint> {
    Option::from(AffinePoint::decompress(&FieldBytes::from(*x), Choice::from(0))).ok_or(InvalidPoint)
}

/// BIP-327 `cpoint`.
pub(crate) fn parse_compressed(bytes: &[u8; 33]) -> Result<AffinePoint, InvalidPoint> {
    let [parity, x @ ..] = bytes;
    let odd = match parity {
        2 => Choice::from(0),
        3 => Choice::from(1),
        _ => return Err(InvalidPoint),
    };
    Option::from(AffinePoint::decompress(&FieldBytes::from(*x), odd)).ok_or(InvalidPoint)
}

/// BIP-327 `cpoint_ext`: 33 zero bytes are the point at infinity.
pub(crate) fn parse_extended(bytes: &[u8; 33]) -> Result<AffinePoint, InvalidPoint> {
    if bytes == &[0; 33] { Ok(AffinePoint::IDENTITY) } else { parse_compressed(bytes) }
}

/// BIP-327 `cbytes_ext`: the point at infinity becomes 33 zero bytes.
pub(crate) fn compress(point: &AffinePoint) -> [u8; 33] {
    let bytes: CompressedPoint = point.to_bytes();
    bytes.into()
}

/// The x coordinate.
pub(crate) fn x_bytes(point: &AffinePoint) -> [u8; 32] {
    point.x().into()
}

/// The point or its negation, whichever has an even y. Constant time.
pub(crate) fn with_even_y(point: AffinePoint) -> AffinePoint {
    AffinePoint::conditional_select(&point, &-point, point.y_is_odd())
}
