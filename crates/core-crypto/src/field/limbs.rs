//! F_p in four 64-bit limbs, saturated: 16 + 5 word multiplications a product, 10 + 5 a square.
//!
//! A value is any 256-bit integer; two integers that differ by p stand for the same element. Since
//! 2^256 = K (mod p) with K = 2^32 + 977, a carry out of the top limb is folded back in as K. The second carry that
//! folding can cause needs the sum to lie within K of 2^256; it is handled, and the branch is practically never taken.
//! The timing therefore depends on the values: public data only.

use super::Field;
use k256::elliptic_curve::hazmat::FieldArithmetic;

/// 2^256 - p.
const K: u64 = 0x1_0000_03D1;
/// The lowest limb of p; the other three are all ones.
const P0: u64 = 0xFFFF_FFFE_FFFF_FC2F;

/// An element of F_p that depends on public data only, as little-endian limbs of a 256-bit integer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicFe([u64; 4]);

/// Real counts of field operations, for the operation counts beside the measured times in `docs/performance.md`.
#[cfg(feature = "count-operations")]
pub mod counter {
    use core::sync::atomic::{AtomicU64, Ordering};

    use super::{Field, PublicFe};

    pub(super) static MULTIPLICATIONS: AtomicU64 = AtomicU64::new(0);
    pub(super) static SQUARINGS: AtomicU64 = AtomicU64::new(0);
    pub(super) static INVERSIONS: AtomicU64 = AtomicU64::new(0);

    /// Takes the counts (multiplications, squarings, inversions) since the last call and starts again from zero.
    pub fn take() -> (u64, u64, u64) {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        (take(&MULTIPLICATIONS), take(&SQUARINGS), take(&INVERSIONS))
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Four independent chains of so many multiplications each, uncounted: what one costs at best throughput.
    pub fn multiplications(each: u32) -> [u64; 4] {
        chains(each, |element, constant| element.product(constant))
    }

    /// The same with squarings.
    pub fn squarings(each: u32) -> [u64; 4] {
        chains(each, |element, _| element.squared())
    }

    /// The same with inversions.
    pub fn inversions(each: u32) -> [u64; 4] {
        chains(each, |element, _| element.invert_vartime())
    }

    #[inline(always)]
    fn chains(each: u32, step: impl Fn(PublicFe, PublicFe) -> PublicFe) -> [u64; 4] {
        let constant = PublicFe([3, 5, 7, 11]);
        let mut elements = [1, 2, 3, 4].map(|limb| PublicFe([limb, 17, 19, 23]));
        for _ in 0..each {
            elements = elements.map(|element| step(element, constant));
        }
        elements.map(|PublicFe([limb, ..])| limb)
    }
}

/// The low word of a double word.
#[inline(always)]
fn low(product: u128) -> u64 {
    product as u64
}

/// The high word of a double word.
#[inline(always)]
fn high(product: u128) -> u64 {
    (product >> 64) as u64
}

/// The full product of two words.
#[inline(always)]
fn wide(a: u64, b: u64) -> u128 {
    (a as u128) * (b as u128)
}

/// One row of a schoolbook product: `word * limbs` as five limbs.
#[inline(always)]
fn row(word: u64, limbs: [u64; 4]) -> [u64; 5] {
    let [a, b, c, d] = limbs;
    let (p0, p1, p2, p3) = (wide(word, a), wide(word, b), wide(word, c), wide(word, d));
    let (r1, carry) = high(p0).overflowing_add(low(p1));
    let (r2, carry) = high(p1).carrying_add(low(p2), carry);
    let (r3, carry) = high(p2).carrying_add(low(p3), carry);
    [low(p0), r1, r2, r3, high(p3).wrapping_add(carry as u64)]
}

/// Adds a row to the four limbs that it overlaps: five limbs, which cannot overflow.
#[inline(always)]
fn add_row(accumulator: [u64; 4], row: [u64; 5]) -> [u64; 5] {
    let ([a0, a1, a2, a3], [r0, r1, r2, r3, r4]) = (accumulator, row);
    let (s0, carry) = a0.overflowing_add(r0);
    let (s1, carry) = a1.carrying_add(r1, carry);
    let (s2, carry) = a2.carrying_add(r2, carry);
    let (s3, carry) = a3.carrying_add(r3, carry);
    [s0, s1, s2, s3, r4.wrapping_add(carry as u64)]
}

/// Folds eight limbs into four: `low + K * high`, then the overflow of that once more.
#[inline(always)]
fn reduce(product: [u64; 8]) -> PublicFe {
    let [p0, p1, p2, p3, p4, p5, p6, p7] = product;
    let [s0, s1, s2, s3, s4] = add_row([p0, p1, p2, p3], row(K, [p4, p5, p6, p7]));
    // s4 < 2^34, so that its fold reaches above the second limb only through a carry.
    let fold = wide(s4, K);
    let (r0, carry) = s0.overflowing_add(low(fold));
    let (r1, carry) = s1.carrying_add(high(fold), carry);
    if !carry {
        return PublicFe([r0, r1, s2, s3]);
    }
    let (r2, carry) = s2.overflowing_add(1);
    let (r3, carry) = s3.overflowing_add(carry as u64);
    // After this second wrap the value is below 2^67: the third fold cannot carry past the second limb.
    let (r0, carry) = if carry { r0.overflowing_add(K) } else { (r0, false) };
    PublicFe([r0, r1.wrapping_add(carry as u64), r2, r3])
}

impl PublicFe {
    /// From little-endian limbs.
    #[cfg(test)]
    pub(crate) const fn from_limbs(limbs: [u64; 4]) -> Self {
        Self(limbs)
    }

    #[inline(always)]
    fn product(self, rhs: Self) -> Self {
        let ([a0, a1, a2, a3], b) = (self.0, rhs.0);
        let [r0, s1, s2, s3, s4] = row(a0, b);
        let [r1, s2, s3, s4, s5] = add_row([s1, s2, s3, s4], row(a1, b));
        let [r2, s3, s4, s5, s6] = add_row([s2, s3, s4, s5], row(a2, b));
        let [r3, r4, r5, r6, r7] = add_row([s3, s4, s5, s6], row(a3, b));
        reduce([r0, r1, r2, r3, r4, r5, r6, r7])
    }

    #[inline(always)]
    fn squared(self) -> Self {
        let [a0, a1, a2, a3] = self.0;
        let (p01, p02, p03) = (wide(a0, a1), wide(a0, a2), wide(a0, a3));
        let (p12, p13, p23) = (wide(a1, a2), wide(a1, a3), wide(a2, a3));
        // The products of different limbs, once ...
        let (r2, carry) = high(p01).overflowing_add(low(p02));
        let (r3, carry) = high(p02).carrying_add(low(p03), carry);
        let (r4, carry) = high(p03).carrying_add(low(p13), carry);
        let (r5, carry) = high(p13).carrying_add(low(p23), carry);
        let r6 = high(p23).wrapping_add(carry as u64);
        let (r3, carry) = r3.overflowing_add(low(p12));
        let (r4, carry) = r4.carrying_add(high(p12), carry);
        let (r5, carry) = r5.overflowing_add(carry as u64);
        let r6 = r6.wrapping_add(carry as u64);
        // ... doubled ...
        let (r1, carry) = low(p01).overflowing_add(low(p01));
        let (r2, carry) = r2.carrying_add(r2, carry);
        let (r3, carry) = r3.carrying_add(r3, carry);
        let (r4, carry) = r4.carrying_add(r4, carry);
        let (r5, carry) = r5.carrying_add(r5, carry);
        let (r6, carry) = r6.carrying_add(r6, carry);
        let r7 = carry as u64;
        // ... plus the squares.
        let (q0, q1, q2, q3) = (wide(a0, a0), wide(a1, a1), wide(a2, a2), wide(a3, a3));
        let (r1, carry) = r1.overflowing_add(high(q0));
        let (r2, carry) = r2.carrying_add(low(q1), carry);
        let (r3, carry) = r3.carrying_add(high(q1), carry);
        let (r4, carry) = r4.carrying_add(low(q2), carry);
        let (r5, carry) = r5.carrying_add(high(q2), carry);
        let (r6, carry) = r6.carrying_add(low(q3), carry);
        let r7 = r7.wrapping_add(high(q3)).wrapping_add(carry as u64);
        reduce([low(q0), r1, r2, r3, r4, r5, r6, r7])
    }
}

impl Field for PublicFe {
    const ZERO: Self = Self([0; 4]);
    const ONE: Self = Self([1, 0, 0, 0]);

    fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let mut limbs = [0; 4];
        let (words, _) = bytes.as_chunks::<8>();
        for (limb, word) in limbs.iter_mut().rev().zip(words) {
            *limb = u64::from_be_bytes(*word);
        }
        let [a0, a1, a2, a3] = limbs;
        let below_p = !(a0 >= P0 && (a1 & a2 & a3) == u64::MAX);
        below_p.then_some(Self(limbs))
    }

    fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let (words, _) = bytes.as_chunks_mut::<8>();
        for (word, limb) in words.iter_mut().zip(self.normalize().0.iter().rev()) {
            *word = limb.to_be_bytes();
        }
        bytes
    }

    #[inline]
    fn normalize(self) -> Self {
        let [a0, a1, a2, a3] = self.0;
        // 2^256 < 2p, so that one subtraction is enough; it can only touch the lowest limb.
        if a0 >= P0 && (a1 & a2 & a3) == u64::MAX { Self([a0 - P0, 0, 0, 0]) } else { self }
    }

    #[inline]
    fn is_zero(self) -> bool {
        let [a0, a1, a2, a3] = self.0;
        (a0 | a1 | a2 | a3) == 0 || (a0 == P0 && (a1 & a2 & a3) == u64::MAX)
    }

    #[inline]
    fn is_odd(self) -> bool {
        let [a0, ..] = self.normalize().0;
        a0 & 1 == 1
    }

    #[inline]
    fn add(self, rhs: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, rhs.0);
        let (r0, carry) = a0.overflowing_add(b0);
        let (r1, carry) = a1.carrying_add(b1, carry);
        let (r2, carry) = a2.carrying_add(b2, carry);
        let (r3, carry) = a3.carrying_add(b3, carry);
        let (r0, carry) = r0.overflowing_add(K & (carry as u64).wrapping_neg());
        let (r1, carry) = r1.overflowing_add(carry as u64);
        let (r2, carry) = r2.overflowing_add(carry as u64);
        let (r3, carry) = r3.overflowing_add(carry as u64);
        // Only a sum within K of 2^257 wraps twice; what is left then is below K.
        if carry { Self([r0.wrapping_add(K), r1, r2, r3]) } else { Self([r0, r1, r2, r3]) }
    }

    #[inline]
    fn sub(self, rhs: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, rhs.0);
        let (r0, borrow) = a0.overflowing_sub(b0);
        let (r1, borrow) = a1.borrowing_sub(b1, borrow);
        let (r2, borrow) = a2.borrowing_sub(b2, borrow);
        let (r3, borrow) = a3.borrowing_sub(b3, borrow);
        let (r0, borrow) = r0.overflowing_sub(K & (borrow as u64).wrapping_neg());
        let (r1, borrow) = r1.overflowing_sub(borrow as u64);
        let (r2, borrow) = r2.overflowing_sub(borrow as u64);
        let (r3, borrow) = r3.overflowing_sub(borrow as u64);
        // The difference was below K - 2^256; what is left is above 2^256 - K, so that this cannot borrow again.
        if borrow { Self([r0.wrapping_sub(K), r1, r2, r3]) } else { Self([r0, r1, r2, r3]) }
    }

    // Inlined even though a point formula has a dozen: passed through memory, a product waits 8 ns for its operands.
    #[inline(always)]
    fn mul(self, rhs: Self) -> Self {
        #[cfg(feature = "count-operations")]
        counter::count(&counter::MULTIPLICATIONS);
        self.product(rhs)
    }

    #[inline(always)]
    fn square(self) -> Self {
        #[cfg(feature = "count-operations")]
        counter::count(&counter::SQUARINGS);
        self.squared()
    }

    #[inline]
    fn half(self) -> Self {
        let [a0, a1, a2, a3] = self.0;
        // An odd value becomes even by adding p = 2^256 - K, which is subtracting K and adding the top bit back in.
        let odd = (a0 & 1).wrapping_neg();
        let (r0, borrow) = a0.overflowing_sub(K & odd);
        let (r1, borrow) = a1.overflowing_sub(borrow as u64);
        let (r2, borrow) = a2.overflowing_sub(borrow as u64);
        let (r3, borrow) = a3.overflowing_sub(borrow as u64);
        let top = (odd & 1).wrapping_sub(borrow as u64);
        Self([(r0 >> 1) | (r1 << 63), (r1 >> 1) | (r2 << 63), (r2 >> 1) | (r3 << 63), (r3 >> 1) | (top << 63)])
    }

    fn invert_vartime(self) -> Self {
        #[cfg(feature = "count-operations")]
        counter::count(&counter::INVERSIONS);
        // k256's variable-time inversion (safegcd) is fast enough that a conversion either way does not matter.
        type K256Field = <k256::Secp256k1 as FieldArithmetic>::FieldElement;
        let element: Option<K256Field> = K256Field::from_bytes(&self.to_bytes().into()).into();
        let inverse: Option<K256Field> = element.and_then(|element| element.invert_vartime().into());
        inverse.and_then(|inverse| Self::from_bytes(&inverse.to_bytes().into())).unwrap_or(Self::ZERO)
    }
}
