//! A toy in the place of secret multiples of the generator: a "point" is its own discrete logarithm.
//!
//! `cargo xtask sim --toy` puts this, and `vartime.rs` beside it, into a copy of `motet-core-crypto`, and nowhere else. The
//! additive group of the scalars is a group of the same order as the curve, so that keys, nonces and signatures add up,
//! and fail to, exactly as they do on the curve; only that everybody can read everybody's secrets off it, and that it is
//! a hundred times faster. The x coordinate of k is the smaller of k and -k, and y is odd where that is -k.

use k256::Scalar;

use crate::declassify::{Site, declassify};
use crate::vartime::PublicPoint;

/// The "points" of secret scalars; none for zero.
pub(crate) fn public_points<const N: usize>(scalars: [&Scalar; N], site: Site) -> [Option<PublicPoint>; N] {
    scalars.map(|scalar| PublicPoint::from_logarithm(&declassify(site, *scalar)))
}
