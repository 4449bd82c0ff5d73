//! Multiples of the generator alone, without doublings: one point of a table for each byte of the scalar.
//!
//! A step of a derivation and the tweak of a Taproot output add such a multiple to a key, and so does a signature by a key whose own
//! multiples are kept ([`super::kept`]). Where another point has a coefficient, its doublings have to be done anyhow, and
//! [`super::straus`] takes the generator along with them.

use super::curve::{Affine, Jacobian, to_affine_all_vartime};
use crate::field::Field;
use alloc::vec::Vec;
use k256::Scalar;
use k256::elliptic_curve::scalar::IsHigh as _;

/// Bytes of a scalar.
const BYTES: usize = 32;

/// Absolute values that a signed byte can have, without zero.
const VALUES: usize = 128;

/// 1, 2, .., 128 times 256^i G for each byte i: 4,096 points, 256 KiB, about 1 ms to build.
#[derive(Debug)]
pub(crate) struct ByteMultiples<F>(Vec<Affine<F>>);

impl<F: Field> ByteMultiples<F> {
    pub(crate) fn new() -> Self {
        let mut base = Affine::generator();
        let mut all = Vec::with_capacity(BYTES * VALUES);
        for _ in 0..BYTES {
            let next = |multiple: &Jacobian<F>| Some(multiple.add_affine_vartime(&base));
            let row: Vec<Jacobian<F>> = core::iter::successors(Some(Jacobian::from(base)), next).take(VALUES).collect();
            // No multiple by less than the order of the group is infinity, so that nothing is lost by flattening.
            let row = to_affine_all_vartime(&row).into_iter().flatten();
            all.extend(row);
            let last = all.last().copied().unwrap_or(base);
            base = Jacobian::from(last).double().to_affine_vartime().unwrap_or(base);
        }
        Self(all)
    }

    /// `sum + scalar * G`: 32 additions at most.
    pub(crate) fn add_multiple_vartime(&self, mut sum: Jacobian<F>, scalar: &Scalar) -> Jacobian<F> {
        // The smaller of k and n - k is below 2^255, so that no carry is left after the last byte.
        let is_negated = bool::from(scalar.is_high());
        let bytes: [u8; BYTES] = if is_negated { -*scalar } else { *scalar }.to_bytes().into();
        let mut carry = 0;
        for (byte, row) in bytes.iter().rev().zip(self.0.chunks_exact(VALUES)) {
            let digit = usize::from(*byte) + carry;
            let is_negative = digit > VALUES;
            carry = usize::from(is_negative);
            let magnitude = if is_negative { 2 * VALUES - digit } else { digit };
            if let Some(point) = magnitude.checked_sub(1).and_then(|place| row.get(place)) {
                sum = sum.add_affine_vartime(&point.negate_if(is_negative != is_negated));
            }
        }
        sum
    }
}
