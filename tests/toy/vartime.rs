//! A toy in the place of public points: see `comb.rs` beside this file.

use alloc::vec::Vec;

use k256::Scalar;
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::scalar::IsHigh;

use crate::multiscalar::Coefficient;

/// A "point" that is public, and not the neutral element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicPoint(Scalar);

/// A sum of "points".
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicSum(Scalar);

/// A "point" that is multiplied again and again.
#[derive(Debug)]
pub(crate) struct PreparedPoint(PublicPoint);

impl PreparedPoint {
    pub(crate) const BYTES: usize = 0;

    pub(crate) fn new_vartime(point: &PublicPoint) -> Self {
        Self(*point)
    }

    pub(crate) fn combine_vartime(&self, generator: &Scalar, scalar: &Scalar) -> PublicSum {
        PublicSum(*generator + *scalar * self.0.0)
    }
}

impl PublicPoint {
    pub(crate) fn lift_vartime(x: &[u8; 32]) -> Option<Self> {
        let point: Option<Scalar> = Scalar::from_repr((*x).into()).into();
        point.filter(|point| !bool::from(point.is_high()) && *point != Scalar::ZERO).map(Self)
    }

    pub(crate) fn parse_vartime<const N: usize>(encodings: [&[u8; 33]; N]) -> [Option<Self>; N] {
        encodings.map(|[prefix, x @ ..]| {
            let even = Self::lift_vartime(x)?;
            match prefix {
                2 => Some(even),
                3 => Some(even.negate_if(true)),
                _ => None,
            }
        })
    }

    pub(crate) fn parse_all_vartime(encodings: &[&[u8; 33]]) -> Option<Vec<Self>> {
        encodings.iter().map(|encoding| Self::parse_vartime([*encoding])).map(|[point]| point).collect()
    }

    pub(crate) fn from_logarithm(scalar: &Scalar) -> Option<Self> {
        (*scalar != Scalar::ZERO).then_some(Self(*scalar))
    }

    pub(crate) fn x_bytes(&self) -> [u8; 32] {
        self.with_even_y().0.to_bytes().into()
    }

    pub(crate) fn to_bytes(self) -> [u8; 33] {
        let mut bytes = [if self.is_odd() { 3 } else { 2 }; 33];
        let [_, x @ ..] = &mut bytes;
        *x = self.x_bytes();
        bytes
    }

    pub(crate) fn is_odd(&self) -> bool {
        self.0.is_high().into()
    }

    pub(crate) fn generator() -> Self {
        Self(Scalar::ONE)
    }

    pub(crate) fn negate_if(self, negative: bool) -> Self {
        Self(if negative { -self.0 } else { self.0 })
    }

    pub(crate) fn with_even_y(self) -> Self {
        self.negate_if(self.is_odd())
    }
}

impl PublicSum {
    pub(crate) fn is_infinity(&self) -> bool {
        self.0 == Scalar::ZERO
    }

    pub(crate) fn equals_vartime(&self, point: &PublicPoint) -> bool {
        self.0 == point.0
    }

    pub(crate) fn has_even_y_and_x_vartime(&self, x: &[u8; 32]) -> bool {
        self.to_point_vartime().is_some_and(|point| !point.is_odd() && point.x_bytes() == *x)
    }

    pub(crate) fn to_point_vartime(self) -> Option<PublicPoint> {
        (!self.is_infinity()).then_some(PublicPoint(self.0))
    }

    pub(crate) fn to_points_vartime<const N: usize>(sums: [Self; N]) -> [Option<PublicPoint>; N] {
        sums.map(Self::to_point_vartime)
    }
}

impl From<PublicPoint> for PublicSum {
    fn from(point: PublicPoint) -> Self {
        Self(point.0)
    }
}

pub(crate) fn sum_vartime(points: impl ExactSizeIterator<Item = PublicPoint>) -> PublicSum {
    PublicSum(points.fold(Scalar::ZERO, |sum, point| sum + point.0))
}

pub(crate) fn combine_vartime(
    generator: Option<&Scalar>,
    terms: impl IntoIterator<Item = (Coefficient, PublicPoint)>,
) -> PublicSum {
    let start = generator.copied().unwrap_or(Scalar::ZERO);
    PublicSum(terms.into_iter().fold(start, |sum, (coefficient, point)| match coefficient {
        Coefficient::One => sum + point.0,
        Coefficient::Weight(weight) => sum + weight.to_scalar() * point.0,
        Coefficient::Scalar(scalar) => sum + scalar * point.0,
    }))
}
