//! A toy in the place of k256's points: a "point" is its own discrete logarithm.
//!
//! `cargo xtask sim --toy` puts this beside `vartime.rs` of `motet-core-crypto`, in a copy of the tree and nowhere else.
//! The additive group of the scalars is a group of the same order as the curve, so that keys, nonces and signatures add
//! up, and fail to, exactly as they do on the curve; only that everybody can read everybody's secrets off it, and that
//! it is a hundred times faster. The x coordinate of k is the smaller of k and -k, and y is odd where that is -k.

use k256::elliptic_curve::scalar::IsHigh;
use k256::elliptic_curve::subtle::Choice;
use k256::{FieldBytes, Scalar};

/// Where k256 has a point in projective coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProjectivePoint(Scalar);

/// Where k256 has a point in affine coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AffinePoint(pub(crate) Scalar);

impl ProjectivePoint {
    pub(crate) fn mul_by_generator(k: &Scalar) -> Self {
        Self(*k)
    }

    pub(crate) fn to_affine(self) -> AffinePoint {
        AffinePoint(self.0)
    }
}

impl AffinePoint {
    pub(crate) fn x(&self) -> FieldBytes {
        let even = if bool::from(self.0.is_high()) { -self.0 } else { self.0 };
        even.to_bytes()
    }

    pub(crate) fn y_is_odd(&self) -> Choice {
        self.0.is_high()
    }
}
