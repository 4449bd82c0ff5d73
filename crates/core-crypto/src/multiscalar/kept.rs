//! Multiples of a point that is multiplied again and again, kept: a quarter of the doublings.
//!
//! A scalar is split by the endomorphism, and each half of 128 bits is cut into four parts of 32. A table for each part holds the
//! odd multiples of P, 2^32 P, 2^64 P and 2^96 P, so that all parts share 32 doublings.

use super::curve::{Affine, Jacobian, beta, to_affine_all_vartime};
use super::generator::EngineField;
use super::recode::{sparse_digits_vartime, split_vartime};
use alloc::vec::Vec;
use k256::Scalar;

/// Digit width: tables of 8.
const WIDTH: u32 = 5;
/// Points of a table.
const SIZE: usize = 1 << (WIDTH - 2);
/// Parts of a half.
const PARTS: usize = 4;
/// Bits of a part. A digit of the last part can stand one place above it.
const BITS: usize = 128 / PARTS;

/// 1, 3, .., 15 times 2^(32 i) P for i from 0 to 3: 32 points, 2 KiB.
#[derive(Debug)]
pub(crate) struct KeptMultiples<F>(Vec<Affine<F>>);

impl<F: EngineField> KeptMultiples<F> {
    /// Bytes of the points.
    pub(crate) const BYTES: usize = PARTS * SIZE * size_of::<Affine<F>>();

    /// The table of a point. It costs about as much as one multiplication.
    pub(crate) fn new_vartime(point: &Affine<F>) -> Self {
        let mut base = Jacobian::from(*point);
        let mut multiples = Vec::with_capacity(PARTS * SIZE);
        for _ in 0..PARTS {
            let double = base.double();
            multiples.extend(core::iter::successors(Some(base), |last| Some(last.add_vartime(&double))).take(SIZE));
            base = (0..BITS).fold(base, |base, _| base.double());
        }
        // No odd multiple below the order is infinity, so that nothing is lost by flattening.
        Self(to_affine_all_vartime(&multiples).into_iter().flatten().collect())
    }

    /// `generator * G + scalar * P`.
    pub(crate) fn combine_vartime(&self, generator: &Scalar, scalar: &Scalar) -> Jacobian<F> {
        let product = self.multiply_vartime(scalar);
        F::add_generator_multiple_vartime(product, generator)
            .unwrap_or_else(|| product.add_vartime(&super::linear_combination_vartime(Some(generator), &[])))
    }

    #[expect(clippy::indexing_slicing, reason = "positions are at most 128, digits below 2^(WIDTH - 1)")]
    fn multiply_vartime(&self, scalar: &Scalar) -> Jacobian<F> {
        // Digits of both halves by their place within a part, then by half and part.
        let mut digits = [[0_i8; 2 * PARTS]; BITS + 1];
        for (half, row) in split_vartime(scalar).into_iter().zip([0, PARTS]) {
            sparse_digits_vartime(half, WIDTH, |position, digit| {
                let position = position as usize;
                let part = (position / BITS).min(PARTS - 1);
                digits[position - part * BITS][row + part] = digit as i8;
            });
        }
        let beta = beta::<F>();
        let mut sum = Jacobian::INFINITY;
        for places in digits.iter().rev() {
            if !sum.is_infinity() {
                sum = sum.double();
            }
            for (at, digit) in places.iter().enumerate().filter(|(_, digit)| **digit != 0) {
                let multiple = self.0[at % PARTS * SIZE + usize::from(digit.unsigned_abs() / 2)].negate_if(*digit < 0);
                sum = sum.add_affine_vartime(&if at < PARTS { multiple } else { multiple.endomorphism(beta) });
            }
        }
        sum
    }
}
