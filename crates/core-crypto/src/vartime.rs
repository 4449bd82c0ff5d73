//! Points that everybody may know, and what is computed with them: the variable-time half of the crate.
//!
//! [`PublicPoint`] is a key, a nonce or an aggregate; [`crate::multiscalar`] does the arithmetic over the crate's own
//! field. k256's points appear only where a secret scalar meets the curve. **Nothing here may see a secret.**

use alloc::vec::Vec;

use k256::elliptic_curve::sec1::ToSec1Point;
use k256::{AffinePoint, Scalar};

use crate::field::{Field, PublicFe};
use crate::multiscalar::curve::{self, Affine, Jacobian, Parity, lift_vartime};
use crate::multiscalar::{self, Coefficient, KeptMultiples, Term};

/// A finite point of the curve that is public, in canonical affine coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicPoint(Affine<PublicFe>);

/// The result of a computation with public points: possibly infinity, and in coordinates that need an inversion to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicSum(Jacobian<PublicFe>);

/// A point with some of its multiples, 2 KiB: multiplied with it, it takes half the time.
#[derive(Debug)]
pub(crate) struct PreparedPoint(KeptMultiples<PublicFe>);

/// Points that one thread parses at a time: 0.1 ms.
#[cfg(feature = "rayon")]
const PARSED_PER_THREAD: usize = 64;

impl PublicPoint {
    /// The point with this x-coordinate and an even y (BIP-340 `lift_x`).
    pub(crate) fn lift_vartime(x: &[u8; 32]) -> Option<Self> {
        let [point] = lift_vartime([(x, Parity::Even)]);
        point.map(Self)
    }

    /// The points of compressed encodings, their square roots interleaved; none where one is not canonical.
    pub(crate) fn parse_vartime<const N: usize>(encodings: [&[u8; 33]; N]) -> [Option<Self>; N] {
        let prefixes = encodings.map(|[prefix, ..]| match prefix {
            2 => Some(Parity::Even),
            3 => Some(Parity::Odd),
            _ => None,
        });
        let xs = encodings.map(|[_, x @ ..]| x);
        let mut points = lift_vartime::<PublicFe, N>(core::array::from_fn(|at| match (xs.get(at), prefixes.get(at)) {
            (Some(x), Some(Some(parity))) => (*x, *parity),
            // A wrong prefix is refused below; what is lifted in its place does not matter.
            _ => (&[0; 32], Parity::Even),
        }))
        .into_iter()
        .zip(prefixes);
        core::array::from_fn(|_| {
            let (point, prefix) = points.next()?;
            prefix.and(point).map(Self)
        })
    }

    /// The points of many compressed encodings; none unless all are canonical.
    ///
    /// With the feature `rayon`, many are spread over threads.
    pub(crate) fn parse_all_vartime(encodings: &[&[u8; 33]]) -> Option<Vec<Self>> {
        #[cfg(feature = "rayon")]
        if encodings.len() >= 2 * PARSED_PER_THREAD {
            use rayon::iter::ParallelIterator;
            use rayon::slice::ParallelSlice;
            let parts: Option<Vec<Vec<Self>>> =
                encodings.par_chunks(PARSED_PER_THREAD).map(Self::parse_some_vartime).collect();
            return parts.map(|parts| parts.concat());
        }
        Self::parse_some_vartime(encodings)
    }

    fn parse_some_vartime(encodings: &[&[u8; 33]]) -> Option<Vec<Self>> {
        let (fours, rest) = encodings.as_chunks::<4>();
        let mut points = Vec::with_capacity(encodings.len());
        for four in fours {
            for point in Self::parse_vartime(*four) {
                points.push(point?);
            }
        }
        for one in rest {
            let [point] = Self::parse_vartime([*one]);
            points.push(point?);
        }
        Some(points)
    }

    /// From canonical coordinates of a point of the curve.
    #[cfg(feature = "std")]
    pub(crate) fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        Affine::from_coordinates(x, y).map(Self)
    }

    /// From k256's representation; none for infinity.
    pub(crate) fn from_k256(point: &AffinePoint) -> Option<Self> {
        let encoded = point.to_sec1_point(false);
        Affine::from_coordinates(encoded.x()?.as_ref(), encoded.y()?.as_ref()).map(Self)
    }

    /// The 32 bytes of x.
    pub(crate) fn x_bytes(&self) -> [u8; 32] {
        self.0.x.to_bytes()
    }

    /// The compressed encoding.
    pub(crate) fn to_bytes(self) -> [u8; 33] {
        let mut bytes = [if self.is_odd() { 3 } else { 2 }; 33];
        let [_, x @ ..] = &mut bytes;
        *x = self.x_bytes();
        bytes
    }

    /// Whether y is odd.
    pub(crate) fn is_odd(&self) -> bool {
        !self.0.has_even_y()
    }

    /// The generator.
    pub(crate) fn generator() -> Self {
        Self(Affine::generator())
    }

    /// -self where `negative`, else self.
    pub(crate) fn negate_if(self, negative: bool) -> Self {
        Self(self.0.negate_if(negative).normalize())
    }

    /// self or -self, whichever has an even y.
    pub(crate) fn with_even_y(self) -> Self {
        self.negate_if(self.is_odd())
    }
}

impl PublicSum {
    /// Whether this is the point at infinity.
    pub(crate) fn is_infinity(&self) -> bool {
        self.0.is_infinity()
    }

    /// Whether this is that point.
    pub(crate) fn equals_vartime(&self, point: &PublicPoint) -> bool {
        self.0.equals_affine_vartime(&point.0)
    }

    /// Whether this is finite, has this x-coordinate and an even y, as BIP-340 wants of a nonce.
    pub(crate) fn has_even_y_and_x_vartime(&self, x: &[u8; 32]) -> bool {
        // The inversion that the parity needs is spared where x is already wrong.
        PublicFe::from_bytes(x).is_some_and(|x| self.0.has_x_vartime(x))
            && self.0.to_affine_vartime().is_some_and(Affine::has_even_y)
    }

    /// The point; none for infinity.
    pub(crate) fn to_point_vartime(self) -> Option<PublicPoint> {
        self.0.to_affine_vartime().map(PublicPoint)
    }

    /// Several points with one inversion.
    pub(crate) fn to_points_vartime<const N: usize>(sums: [Self; N]) -> [Option<PublicPoint>; N] {
        let mut points = curve::to_affine_all_vartime(&sums.map(|sum| sum.0)).into_iter();
        core::array::from_fn(|_| points.next().flatten().map(PublicPoint))
    }
}

impl From<PublicPoint> for PublicSum {
    fn from(point: PublicPoint) -> Self {
        Self(point.0.into())
    }
}

impl PreparedPoint {
    /// Bytes of the multiples.
    pub(crate) const BYTES: usize = KeptMultiples::<PublicFe>::BYTES;

    /// Computes the multiples.
    pub(crate) fn new_vartime(point: &PublicPoint) -> Self {
        Self(KeptMultiples::new_vartime(&point.0))
    }

    /// `generator * G + scalar * point`.
    pub(crate) fn combine_vartime(&self, generator: &Scalar, scalar: &Scalar) -> PublicSum {
        PublicSum(self.0.combine_vartime(generator, scalar))
    }
}

/// The sum of points.
pub(crate) fn sum_vartime(points: impl ExactSizeIterator<Item = PublicPoint>) -> PublicSum {
    PublicSum(multiscalar::sum_vartime(points.map(|point| point.0)))
}

/// `generator * G + sum(coefficient * point)`.
pub(crate) fn combine_vartime(
    generator: Option<&Scalar>,
    terms: impl IntoIterator<Item = (Coefficient, PublicPoint)>,
) -> PublicSum {
    let terms: Vec<Term<PublicFe>> =
        terms.into_iter().map(|(coefficient, point)| Term { coefficient, point: point.0 }).collect();
    PublicSum(multiscalar::linear_combination_vartime(generator, &terms))
}
