//! Summands of a linear combination: a coefficient and a point each.

use super::curve::Affine;
use super::recode::lambda;
use k256::Scalar;

/// A coefficient u + v * lambda with 64-bit u and v: 128 bits of randomness at half the cost of a full scalar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    pub(crate) u: u64,
    pub(crate) v: u64,
}

impl Weight {
    /// From 16 uniformly random bytes.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(bytes);
        Self { u: both as u64, v: (both >> 64) as u64 }
    }

    /// The weight as a scalar.
    pub(crate) fn to_scalar(self) -> Scalar {
        Scalar::from(self.u) + Scalar::from(self.v) * lambda()
    }
}

/// Factor of a point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coefficient {
    /// One: the point is only added.
    One,
    /// A batch weight.
    Weight(Weight),
    /// Any scalar.
    Scalar(Scalar),
}

impl Coefficient {
    /// One where it is one, which costs a single addition.
    pub(crate) fn from_scalar_vartime(scalar: &Scalar) -> Self {
        if *scalar == Scalar::ONE { Self::One } else { Self::Scalar(*scalar) }
    }
}

/// One summand of a linear combination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term<F> {
    pub(crate) coefficient: Coefficient,
    pub(crate) point: Affine<F>,
}
