//! Scalars as the engine wants them: two signed halves of at most 128 bits, and those as sparse signed digits.
//!
//! With lambda * (x, y) = (beta * x, y), every k is k1 + k2 * lambda (mod n) with |k1|, |k2| < 2^128 (Gallant, Lambert,
//! Vanstone; the lattice basis and the rounding are those of libsecp256k1, `scalar_impl.h`, where the bound is proved).
//! Batch weights are made as u + v * lambda with 64-bit u and v, so that they need no splitting and half of the digits.

use k256::Scalar;

/// A signed integer below 2^128 in magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Half {
    pub(crate) magnitude: u128,
    pub(crate) negative: bool,
}

/// round(2^384 * a1 / n), little-endian limbs.
const G1: [u64; 4] = [0xE893_209A_45DB_B031, 0x3DAA_8A14_71E8_CA7F, 0xE86C_90E4_9284_EB15, 0x3086_D221_A7D4_6BCD];
/// round(2^384 * -b1 / n), little-endian limbs.
const G2: [u64; 4] = [0x1571_B4AE_8AC4_7F71, 0x2212_08AC_9DF5_06C6, 0x6F54_7FA9_0ABF_E4C4, 0xE443_7ED6_010E_8828];
/// The lattice basis (a1, b1), (a2, b2) of vectors with a + b * lambda = 0 (mod n), as little-endian limbs; b2 = a1.
const A1: [u64; 3] = [0xE86C_90E4_9284_EB15, 0x3086_D221_A7D4_6BCD, 0];
const MINUS_B1: [u64; 3] = [0x6F54_7FA9_0ABF_E4C3, 0xE443_7ED6_010E_8828, 0];
const A2: [u64; 3] = [0x57C1_108D_9D44_CFD8, 0x14CA_50F7_A8E2_F3F6, 1];

/// lambda as big-endian bytes.
const LAMBDA: [u8; 32] = [
    0x53, 0x63, 0xAD, 0x4C, 0xC0, 0x5C, 0x30, 0xE0, 0xA5, 0x26, 0x1C, 0x02, 0x88, 0x12, 0x64, 0x5A, 0x12, 0x2E, 0x22,
    0xEA, 0x20, 0x81, 0x66, 0x78, 0xDF, 0x02, 0x96, 0x7C, 0x1B, 0x23, 0xBD, 0x72,
];

/// lambda, the cube root of one modulo n that belongs to beta.
pub(crate) fn lambda() -> Scalar {
    use k256::elliptic_curve::ops::Reduce;
    <Scalar as Reduce<k256::FieldBytes>>::reduce(&LAMBDA.into())
}

/// A scalar as little-endian limbs.
fn limbs(scalar: &Scalar) -> [u64; 4] {
    let bytes: [u8; 32] = scalar.to_bytes().into();
    let mut limbs = [0; 4];
    let (words, _) = bytes.as_chunks::<8>();
    for (limb, word) in limbs.iter_mut().rev().zip(words) {
        *limb = u64::from_be_bytes(*word);
    }
    limbs
}

/// round(k * g / 2^384), which is below 2^128.
fn rounded_quotient(k: [u64; 4], g: [u64; 4]) -> [u64; 2] {
    let mut product = [0_u64; 8];
    for (offset, word) in k.into_iter().enumerate() {
        let mut carry = 0;
        for (slot, factor) in product.iter_mut().skip(offset).zip(g) {
            (*slot, carry) = word.carrying_mul_add(factor, *slot, carry);
        }
        if let Some(slot) = product.get_mut(offset + 4) {
            *slot = carry;
        }
    }
    let [.., p5, p6, p7] = product;
    let (low, carry) = p6.overflowing_add(p5 >> 63);
    [low, p7.wrapping_add(u64::from(carry))]
}

/// accumulator - c * d, modulo 2^192.
fn subtract_product(accumulator: [u64; 3], c: [u64; 2], d: [u64; 3]) -> [u64; 3] {
    let ([a0, a1, a2], [c0, c1], [d0, d1, d2]) = (accumulator, c, d);
    let (p0, carry) = c0.carrying_mul_add(d0, 0, 0);
    let (p1, carry) = c0.carrying_mul_add(d1, carry, 0);
    let p2 = c0.wrapping_mul(d2).wrapping_add(carry);
    let (p1, carry) = c1.carrying_mul_add(d0, p1, 0);
    let p2 = c1.wrapping_mul(d1).wrapping_add(carry).wrapping_add(p2);
    let (r0, borrow) = a0.overflowing_sub(p0);
    let (r1, borrow) = a1.borrowing_sub(p1, borrow);
    [r0, r1, a2.wrapping_sub(p2).wrapping_sub(u64::from(borrow))]
}

/// Reads a two's complement 192-bit integer whose magnitude is below 2^128.
fn signed(value: [u64; 3]) -> Half {
    let negative = value[2] >> 63 == 1;
    let [low, high, _] = if negative { subtract_product([0; 3], [1, 0], value) } else { value };
    Half { magnitude: u128::from(high) << 64 | u128::from(low), negative }
}

impl Half {
    /// From an unsigned integer.
    pub(crate) const fn positive(magnitude: u128) -> Self {
        Self { magnitude, negative: false }
    }
}

/// The halves (k1, k2) of a scalar, k = k1 + k2 * lambda.
pub(crate) fn split_vartime(scalar: &Scalar) -> [Half; 2] {
    let k = limbs(scalar);
    let [k0, k1, k2, _] = k;
    let (c1, c2) = (rounded_quotient(k, G1), rounded_quotient(k, G2));
    let first = subtract_product(subtract_product([k0, k1, k2], c1, A1), c2, A2);
    // -(c1 * b1 + c2 * b2) = c1 * -b1 - c2 * a1, and the first product enters by subtracting its negative.
    let plus_first_product = subtract_product([0; 3], [1, 0], subtract_product([0; 3], c1, MINUS_B1));
    [signed(first), signed(subtract_product(plus_first_product, c2, A1))]
}

/// The halves (low, high) of a scalar, k = low + high * 2^128.
pub(crate) fn split_at_middle(scalar: &Scalar) -> [Half; 2] {
    let [k0, k1, k2, k3] = limbs(scalar);
    [Half::positive(u128::from(k1) << 64 | u128::from(k0)), Half::positive(u128::from(k3) << 64 | u128::from(k2))]
}

/// Calls `emit(position, digit)` for every non-zero digit of the width-`width` non-adjacent form, lowest first.
///
/// Digits are odd and below 2^(width - 1) in magnitude; positions go up to 128.
#[inline]
pub(crate) fn sparse_digits_vartime(half: Half, width: u32, mut emit: impl FnMut(u32, i32)) {
    let (mut rest, mut position) = (half.magnitude, 0);
    let (mask, bound) = ((1_u128 << width) - 1, 1_i32 << (width - 1));
    while rest != 0 {
        let zeros = rest.trailing_zeros();
        rest >>= zeros;
        position += zeros;
        let digit = (rest & mask) as i32;
        rest >>= width;
        let digit = if digit >= bound {
            rest += 1;
            digit - 2 * bound
        } else {
            digit
        };
        emit(position, if half.negative { -digit } else { digit });
        position += width;
    }
}

/// A half in base 2^width with digits from -2^(width - 1) to 2^(width - 1) - 1, any of which can be asked for.
///
/// Adding 2^(width - 1) in every window makes all digits non-negative, so that no carry has to be followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowDigits {
    shifted: u128,
    carry: bool,
    negative: bool,
    width: u32,
}

impl WindowDigits {
    /// For the windows 0 to 128 / width.
    pub(crate) fn new(half: Half, width: u32) -> Self {
        let offset = (0..128 / width).fold(0, |offset, window| offset | 1_u128 << (window * width + width - 1));
        let (shifted, carry) = half.magnitude.overflowing_add(offset);
        Self { shifted, carry, negative: half.negative, width }
    }

    /// The signed digit of a window.
    #[inline]
    pub(crate) fn digit(&self, window: u32) -> i32 {
        let shift = window * self.width;
        let rest = self.shifted.checked_shr(shift).unwrap_or(0);
        let digit = if window == 128 / self.width {
            // The top window has no offset, and what was carried out of the 128 bits.
            rest as i32 + (i32::from(self.carry) << (128 - shift))
        } else {
            (rest & ((1 << self.width) - 1)) as i32 - (1 << (self.width - 1))
        };
        if self.negative { -digit } else { digit }
    }
}
