//! Points of secp256k1 for public data: affine and Jacobian coordinates with incomplete, branching formulas.
//!
//! A Jacobian triple (X, Y, Z) stands for (X/Z^2, Y/Z^3); infinity has Z = 0. Formulas are those of the
//! Explicit-Formulas Database for a = 0, in the variants with the fewest multiplications for the cases at hand. All
//! branches depend on the points: public data only.

use crate::field::{Field, invert_all_vartime, square_root_candidates};
use alloc::vec::Vec;

/// A finite point in affine coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine<F> {
    pub(crate) x: F,
    pub(crate) y: F,
}

/// A point in Jacobian coordinates, possibly infinity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jacobian<F> {
    pub(crate) x: F,
    pub(crate) y: F,
    pub(crate) z: F,
}

/// x-coordinate of the generator (SEC 2, section 2.4.1).
const GENERATOR_X: [u8; 32] = [
    0x79, 0xBE, 0x66, 0x7E, 0xF9, 0xDC, 0xBB, 0xAC, 0x55, 0xA0, 0x62, 0x95, 0xCE, 0x87, 0x0B, 0x07, 0x02, 0x9B, 0xFC,
    0xDB, 0x2D, 0xCE, 0x28, 0xD9, 0x59, 0xF2, 0x81, 0x5B, 0x16, 0xF8, 0x17, 0x98,
];
/// y-coordinate of the generator.
const GENERATOR_Y: [u8; 32] = [
    0x48, 0x3A, 0xDA, 0x77, 0x26, 0xA3, 0xC4, 0x65, 0x5D, 0xA4, 0xFB, 0xFC, 0x0E, 0x11, 0x08, 0xA8, 0xFD, 0x17, 0xB4,
    0x48, 0xA6, 0x85, 0x54, 0x19, 0x9C, 0x47, 0xD0, 0x8F, 0xFB, 0x10, 0xD4, 0xB8,
];
/// beta, a cube root of one: lambda * (x, y) = (beta * x, y).
const BETA: [u8; 32] = [
    0x7A, 0xE9, 0x6A, 0x2B, 0x65, 0x7C, 0x07, 0x10, 0x6E, 0x64, 0x47, 0x9E, 0xAC, 0x34, 0x34, 0xE9, 0x9C, 0xF0, 0x49,
    0x75, 0x12, 0xF5, 0x89, 0x95, 0xC1, 0x39, 0x6C, 0x28, 0x71, 0x95, 0x01, 0xEE,
];

/// A small constant as a field element; the constants above are below p, so that the fallback is never taken.
fn constant<F: Field>(bytes: &[u8; 32]) -> F {
    F::from_bytes(bytes).unwrap_or(F::ZERO)
}

/// beta as a field element.
pub(crate) fn beta<F: Field>() -> F {
    constant(&BETA)
}

/// x^3 + 7.
fn right_hand_side<F: Field>(x: F) -> F {
    let mut seven = [0; 32];
    if let Some(last) = seven.last_mut() {
        *last = 7;
    }
    x.square().mul(x).add(constant(&seven))
}

impl<F: Field> Affine<F> {
    /// The generator G.
    pub(crate) fn generator() -> Self {
        Self { x: constant(&GENERATOR_X), y: constant(&GENERATOR_Y) }
    }

    /// From coordinates; none unless they are canonical and on the curve.
    pub(crate) fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let (x, y) = (F::from_bytes(x)?, F::from_bytes(y)?);
        y.square().equals(right_hand_side(x)).then_some(Self { x, y })
    }

    /// -self.
    #[inline]
    pub(crate) fn neg(self) -> Self {
        Self { x: self.x, y: self.y.neg() }
    }

    /// self or -self.
    #[inline]
    pub(crate) fn negate_if(self, negative: bool) -> Self {
        if negative { self.neg() } else { self }
    }

    /// lambda * self, at the cost of one multiplication.
    #[inline]
    pub(crate) fn endomorphism(self, beta: F) -> Self {
        Self { x: self.x.mul(beta), y: self.y }
    }

    /// Whether the y-coordinate is even.
    pub(crate) fn has_even_y(self) -> bool {
        !self.y.is_odd()
    }

    /// With canonical coordinates, which is what comparison and storage want.
    pub(crate) fn normalize(self) -> Self {
        Self { x: self.x.normalize(), y: self.y.normalize() }
    }
}

/// Parity of a y-coordinate in a compressed encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parity {
    /// Prefix 2, and every x-only key.
    Even,
    /// Prefix 3.
    Odd,
}

/// Lifts `N` x-coordinates at once: none where x is not below p or not on the curve.
///
/// The square roots of the `N` points are interleaved. 4 to a call is best; more gain nothing.
pub(crate) fn lift_vartime<F: Field, const N: usize>(encodings: [(&[u8; 32], Parity); N]) -> [Option<Affine<F>>; N] {
    let x = encodings.map(|(bytes, _)| F::from_bytes(bytes));
    let squares = x.map(|x| right_hand_side(x.unwrap_or(F::ZERO)));
    let mut roots = square_root_candidates(squares).into_iter().zip(squares).zip(x).zip(encodings);
    core::array::from_fn(|_| {
        let (((y, square), x), (_, parity)) = roots.next()?;
        let x = x?;
        if !y.square().equals(square) {
            return None;
        }
        let y = y.normalize();
        Some(Affine { x, y }.negate_if(y.is_odd() != (parity == Parity::Odd)).normalize())
    })
}

impl<F: Field> From<Affine<F>> for Jacobian<F> {
    fn from(point: Affine<F>) -> Self {
        Self { x: point.x, y: point.y, z: F::ONE }
    }
}

impl<F: Field> Jacobian<F> {
    /// The neutral element.
    pub(crate) const INFINITY: Self = Self { x: F::ONE, y: F::ONE, z: F::ZERO };

    /// Whether this is the neutral element.
    #[inline]
    pub(crate) fn is_infinity(&self) -> bool {
        self.z.is_zero()
    }

    /// -self.
    #[cfg(test)]
    pub(crate) fn neg(self) -> Self {
        Self { y: self.y.neg(), ..self }
    }

    /// 2 * self: 3M + 4S. No point of the curve has order two, and infinity maps to itself.
    #[inline]
    pub(crate) fn double(&self) -> Self {
        let s = self.y.square();
        let l = self.x.square().triple().half();
        let t = s.mul(self.x);
        let x = l.square().sub(t).sub(t);
        let y = l.mul(t.sub(x)).sub(s.square());
        Self { x, y, z: self.y.mul(self.z) }
    }

    /// self + rhs: 8M + 3S.
    #[inline]
    pub(crate) fn add_affine_vartime(&self, rhs: &Affine<F>) -> Self {
        if self.is_infinity() {
            return (*rhs).into();
        }
        let z2 = self.z.square();
        let h = rhs.x.mul(z2).sub(self.x);
        let r = rhs.y.mul(z2.mul(self.z)).sub(self.y);
        if h.is_zero() {
            return if r.is_zero() { self.double() } else { Self::INFINITY };
        }
        self.finish_addition(self.x, self.y, h, r, self.z.mul(h))
    }

    /// self + rhs: 12M + 4S.
    pub(crate) fn add_vartime(&self, rhs: &Self) -> Self {
        if self.is_infinity() {
            return *rhs;
        }
        if rhs.is_infinity() {
            return *self;
        }
        let (z1, z2) = (self.z.square(), rhs.z.square());
        let (u1, u2) = (self.x.mul(z2), rhs.x.mul(z1));
        let (s1, s2) = (self.y.mul(z2.mul(rhs.z)), rhs.y.mul(z1.mul(self.z)));
        let (h, r) = (u2.sub(u1), s2.sub(s1));
        if h.is_zero() {
            return if r.is_zero() { self.double() } else { Self::INFINITY };
        }
        self.finish_addition(u1, s1, h, r, self.z.mul(rhs.z).mul(h))
    }

    /// The common end of both additions: 4M + 2S.
    #[inline]
    fn finish_addition(&self, u1: F, s1: F, h: F, r: F, z: F) -> Self {
        let h2 = h.square();
        let h3 = h2.mul(h);
        let t = u1.mul(h2);
        let x = r.square().sub(h3).sub(t.double());
        let y = r.mul(t.sub(x)).sub(h3.mul(s1));
        Self { x, y, z }
    }

    /// Whether the affine x-coordinate of a finite point is `x`: 1M + 1S, no inversion.
    pub(crate) fn has_x_vartime(&self, x: F) -> bool {
        !self.is_infinity() && x.mul(self.z.square()).equals(self.x)
    }

    /// Whether both are the same point, without an inversion.
    pub(crate) fn equals_affine_vartime(&self, rhs: &Affine<F>) -> bool {
        let z2 = self.z.square();
        !self.is_infinity() && rhs.x.mul(z2).equals(self.x) && rhs.y.mul(z2.mul(self.z)).equals(self.y)
    }

    /// In affine coordinates, canonical; none for infinity.
    pub(crate) fn to_affine_vartime(self) -> Option<Affine<F>> {
        if self.is_infinity() {
            return None;
        }
        Some(self.scaled_by(self.z.invert_vartime()).normalize())
    }

    /// (X, Y) for a Z whose inverse is given.
    fn scaled_by(&self, z_inverse: F) -> Affine<F> {
        let z2 = z_inverse.square();
        Affine { x: self.x.mul(z2), y: self.y.mul(z2.mul(z_inverse)) }
    }
}

/// Many points in affine coordinates, canonical, with one inversion; none for infinity.
pub(crate) fn to_affine_all_vartime<F: Field>(points: &[Jacobian<F>]) -> Vec<Option<Affine<F>>> {
    let mut inverses: Vec<F> = points.iter().map(|point| if point.is_infinity() { F::ONE } else { point.z }).collect();
    invert_all_vartime(&mut inverses, &mut Vec::with_capacity(points.len()));
    points
        .iter()
        .zip(inverses)
        .map(|(point, inverse)| (!point.is_infinity()).then(|| point.scaled_by(inverse).normalize()))
        .collect()
}
