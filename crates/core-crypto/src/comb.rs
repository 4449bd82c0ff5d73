//! Secret multiples of the generator, in constant time: signed odd digits, one table look-up and one addition a digit.
//!
//! For an odd k below 2^256, let e = (k >> 1) + 2^255. Then k is the sum of (2 v_i - 15) 16^i over the 64 hexadecimal
//! digits v_i of e: every digit of k is one of +-1, +-3, .., +-15, none is zero, and so nothing has to be skipped. An
//! even k is replaced by n - k, and the result negated. A table holds 1, 3, .., 15 times 16^i G for every i.
//!
//! **Why incomplete additions are safe.** The digits are added from the least significant on. The sum s so far is odd and
//! below 16^i in absolute value, the next summand t = d 16^i at least 16^i; for i < 63 both together are below n. So s is
//! neither t nor -t modulo n, nor zero. For i = 63, s + t is k, which is not zero modulo n, and s = t modulo n only for
//! k = 30 * 16^63 - n: for that one number the formula ends in Z = 0. It is found by that, as zero is found before, and
//! both go through k256's complete formulas instead.
//!
//! The field, the scalars and the selections are k256's and `subtle`'s constant-time ones. The table is public; all of it
//! is read for every look-up. Without `std` there is nowhere to keep it, and k256 multiplies.

#[cfg(feature = "std")]
mod table;

#[cfg(feature = "std")]
use k256::elliptic_curve::subtle::Choice;
use k256::{ProjectivePoint, Scalar};
#[cfg(feature = "std")]
use zeroize::Zeroizing;

use crate::declassify::{Site, declassify};
use crate::vartime::PublicPoint;

/// The points of secret scalars, which are public from here on; none for zero.
#[cfg(feature = "std")]
pub(crate) fn public_points<const N: usize>(scalars: [&Scalar; N], site: Site) -> [Option<PublicPoint>; N] {
    let mut sums = Zeroizing::new([table::Sum::EMPTY; N]);
    for (sum, scalar) in sums.iter_mut().zip(scalars) {
        sum.multiply(scalar);
    }
    let special = sums.iter().zip(scalars).map(|(sum, scalar)| sum.is_infinity() | scalar.is_zero());
    let special = special.fold(Choice::from(0), |any, one| any | one);
    if declassify(Site::SpecialScalar, special.unwrap_u8()) == 1 {
        return scalars.map(|scalar| complete(scalar, site));
    }
    let points = declassify(site, table::to_affine(&sums));
    points.map(|(x, y)| PublicPoint::from_coordinates(&x, &y))
}

/// The points of secret scalars, which are public from here on; none for zero.
#[cfg(not(feature = "std"))]
pub(crate) fn public_points<const N: usize>(scalars: [&Scalar; N], site: Site) -> [Option<PublicPoint>; N] {
    scalars.map(|scalar| complete(scalar, site))
}

/// k256's own multiplication, with formulas that are complete.
fn complete(scalar: &Scalar, site: Site) -> Option<PublicPoint> {
    PublicPoint::from_k256(&declassify(site, ProjectivePoint::mul_by_generator(scalar).to_affine()))
}

#[cfg(all(test, feature = "std"))]
mod tests;
