//! k256's field element under the engine: an independent second implementation, for tests.
//!
//! k256 lets sums grow and checks their magnitude in debug builds only; every operation here ends weakly normalised.

use super::Field;
use k256::elliptic_curve::hazmat::FieldArithmetic;

type Inner = <k256::Secp256k1 as FieldArithmetic>::FieldElement;

/// k256's own field element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct K256Field(Inner);

impl K256Field {
    pub(crate) fn from_u64(word: u64) -> Self {
        Self(Inner::from_u64(word))
    }
}

impl Field for K256Field {
    const ZERO: Self = Self(Inner::ZERO);
    const ONE: Self = Self(Inner::ONE);

    fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let element: Option<Inner> = Inner::from_bytes(&(*bytes).into()).into();
        element.map(Self)
    }

    fn to_bytes(self) -> [u8; 32] {
        self.0.normalize().to_bytes().into()
    }

    fn normalize(self) -> Self {
        Self(self.0.normalize())
    }

    fn is_zero(self) -> bool {
        self.0.normalizes_to_zero().into()
    }

    fn is_odd(self) -> bool {
        self.0.normalize().is_odd().into()
    }

    fn add(self, rhs: Self) -> Self {
        Self((self.0 + rhs.0).normalize_weak())
    }

    fn sub(self, rhs: Self) -> Self {
        Self((self.0 + rhs.0.negate(1)).normalize_weak())
    }

    fn mul(self, rhs: Self) -> Self {
        Self(self.0.mul(&rhs.0))
    }

    fn square(self) -> Self {
        Self(self.0.square())
    }

    fn half(self) -> Self {
        self.mul(Self::from_u64(2).invert_vartime())
    }

    fn invert_vartime(self) -> Self {
        let inverse: Option<Inner> = self.0.normalize().invert_vartime().into();
        Self(inverse.unwrap_or(Inner::ZERO))
    }
}
