//! Arithmetic modulo p = 2^256 - 2^32 - 977 for public data: the capability that the multi-scalar engine asks for.
//!
//! The engine of [`crate::multiscalar`] is generic over [`Field`]. [`PublicFe`] (four 64-bit limbs) carries it in
//! production; k256's own field element stands under it in tests, so that every formula is checked with two
//! independent fields. Nothing here promises constant time: values that depend on a secret stay on k256.

mod limbs;

pub(crate) use limbs::PublicFe;
#[cfg(feature = "count-operations")]
pub use limbs::counter;

use alloc::vec::Vec;
use core::fmt::Debug;

/// An element of the base field of secp256k1 that depends on public data only.
///
/// Every operation takes and returns any representative that the implementation allows; only
/// [`to_bytes`](Self::to_bytes), [`is_zero`](Self::is_zero), [`is_odd`](Self::is_odd) and
/// [`equals`](Self::equals) speak about the residue class.
pub(crate) trait Field: Copy + Debug + Send + Sync + 'static {
    /// The additive identity.
    const ZERO: Self;
    /// The multiplicative identity.
    const ONE: Self;

    /// Reads 32 big-endian bytes; none if the integer is not below p.
    fn from_bytes(bytes: &[u8; 32]) -> Option<Self>;
    /// Writes the canonical 32 big-endian bytes.
    fn to_bytes(self) -> [u8; 32];
    /// The canonical representative of the same residue class.
    fn normalize(self) -> Self;
    /// Whether the residue class is zero.
    fn is_zero(self) -> bool;
    /// Whether the canonical representative is odd.
    fn is_odd(self) -> bool;
    /// self + rhs.
    fn add(self, rhs: Self) -> Self;
    /// self - rhs.
    fn sub(self, rhs: Self) -> Self;
    /// self * rhs.
    fn mul(self, rhs: Self) -> Self;
    /// self^2.
    fn square(self) -> Self;
    /// self / 2.
    fn half(self) -> Self;
    /// 1 / self; zero for zero.
    fn invert_vartime(self) -> Self;

    /// -self.
    fn neg(self) -> Self {
        Self::ZERO.sub(self)
    }
    /// 2 * self.
    fn double(self) -> Self {
        self.add(self)
    }
    /// 3 * self.
    fn triple(self) -> Self {
        self.double().add(self)
    }
    /// Whether both stand for the same residue class.
    fn equals(self, rhs: Self) -> bool {
        self.sub(rhs).is_zero()
    }
}

/// Replaces every element by its inverse with one field inversion (Montgomery's trick, 3M an element).
///
/// All elements must be non-zero: one zero would make every result zero.
pub(crate) fn invert_all_vartime<F: Field>(elements: &mut [F], scratch: &mut Vec<F>) {
    // Two chains of running products: within one, each product waits for the one before it.
    let (mut even, mut odd) = (F::ONE, F::ONE);
    scratch.clear();
    let (pairs, last) = elements.as_chunks::<2>();
    for [a, b] in pairs {
        scratch.extend([even, odd]);
        (even, odd) = (even.mul(*a), odd.mul(*b));
    }
    for a in last {
        scratch.push(even);
        even = even.mul(*a);
    }
    let inverse = even.mul(odd).invert_vartime();
    (even, odd) = (inverse.mul(odd), inverse.mul(even));
    let (pairs, last) = elements.as_chunks_mut::<2>();
    let (before, before_last) = scratch.as_chunks::<2>();
    for (a, before) in last.iter_mut().zip(before_last) {
        let own = even.mul(*before);
        even = even.mul(*a);
        *a = own;
    }
    for ([a, b], [before_a, before_b]) in pairs.iter_mut().zip(before).rev() {
        let (own_a, own_b) = (even.mul(*before_a), odd.mul(*before_b));
        (even, odd) = (even.mul(*a), odd.mul(*b));
        (*a, *b) = (own_a, own_b);
    }
}

/// Candidate square roots `a^((p+1)/4)` of `N` elements, the `N` chains interleaved.
///
/// One squaring has to wait for the one before it, so a single chain leaves the multiplier idle for half of the time;
/// independent chains fill it. The caller squares the result to learn whether the root exists.
pub(crate) fn square_root_candidates<F: Field, const N: usize>(a: [F; N]) -> [F; N] {
    // The exponent in binary is 223 ones, 0, 22 ones, 0000, 11, 00: runs of ones are built by doubling their length.
    let x2 = shift_mul(a, 1, a);
    let x3 = shift_mul(x2, 1, a);
    let x6 = shift_mul(x3, 3, x3);
    let x9 = shift_mul(x6, 3, x3);
    let x11 = shift_mul(x9, 2, x2);
    let x22 = shift_mul(x11, 11, x11);
    let x44 = shift_mul(x22, 22, x22);
    let x88 = shift_mul(x44, 44, x44);
    let x176 = shift_mul(x88, 88, x88);
    let x220 = shift_mul(x176, 44, x44);
    let x223 = shift_mul(x220, 3, x3);
    let tail = shift_mul(x223, 23, x22);
    let tail = shift_mul(tail, 6, x2);
    tail.map(|element| element.square().square())
}

/// `base^(2^squarings) * factor`, element by element.
#[inline(always)]
fn shift_mul<F: Field, const N: usize>(base: [F; N], squarings: u32, factor: [F; N]) -> [F; N] {
    let mut result = base;
    for _ in 0..squarings {
        for element in &mut result {
            *element = element.square();
        }
    }
    for (element, factor) in result.iter_mut().zip(factor) {
        *element = element.mul(factor);
    }
    result
}

#[cfg(test)]
pub(crate) mod k256_field;
#[cfg(test)]
mod tests;
