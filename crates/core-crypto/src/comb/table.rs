//! The table of the generator, and how it is used; see [`super`].

use k256::Scalar;
use k256::elliptic_curve::PrimeField as _;
use k256::elliptic_curve::hazmat::FieldArithmetic;
use k256::elliptic_curve::subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::field::{Field as _, PublicFe};
use crate::multiscalar::curve::{Affine, Jacobian, to_affine_all_vartime};

type Fe = <k256::Secp256k1 as FieldArithmetic>::FieldElement;

/// Digits of a scalar.
const DIGITS: usize = 64;

/// Absolute values that a digit can have.
const VALUES: usize = 8;

/// An affine point: x of magnitude 1, y of magnitude 2 at most.
#[derive(Clone, Copy)]
struct Entry {
    x: Fe,
    y: Fe,
}

/// A point in Jacobian coordinates: x and z of magnitude 1, y of magnitude 3 at most.
///
/// Its z says more about the scalar than the point does (Naccache, Smart, Stern, "Projective Coordinates Leak", 2004), so that
/// it is a secret like the scalar.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    x: Fe,
    y: Fe,
    z: Fe,
}

impl Zeroize for Sum {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
        self.z.zeroize();
    }
}

type Table = [[Entry; VALUES]; DIGITS];

/// 1, 3, .., 15 times 16^i G, 40 KiB. Everybody knows them.
#[cfg(feature = "std")]
static TABLE: std::sync::LazyLock<alloc::boxed::Box<Table>> = std::sync::LazyLock::new(table_vartime);

fn table_vartime() -> alloc::boxed::Box<Table> {
    let mut base = Jacobian::<PublicFe>::from(Affine::generator());
    let mut points = alloc::vec::Vec::with_capacity(DIGITS * VALUES);
    for _ in 0..DIGITS {
        let double = base.double();
        points.extend(core::iter::successors(Some(base), |multiple| Some(multiple.add_vartime(&double))).take(VALUES));
        base = double.double().double().double();
    }
    // No such multiple is infinity, so that nothing is lost by flattening.
    let mut affine = to_affine_all_vartime(&points).into_iter().flatten();
    let fe = |coordinate: PublicFe| Fe::from_bytes(&coordinate.to_bytes().into()).unwrap_or(Fe::ZERO);
    let generator = Affine::generator();
    alloc::boxed::Box::new(core::array::from_fn(|_| {
        core::array::from_fn(|_| {
            let Affine { x, y } = affine.next().unwrap_or(generator);
            Entry { x: fe(x), y: fe(y) }
        })
    }))
}

impl Sum {
    /// Nothing yet.
    pub(super) const EMPTY: Self = Self { x: Fe::ZERO, y: Fe::ZERO, z: Fe::ZERO };

    /// Whether the formula has ended in infinity, in constant time.
    pub(super) fn is_infinity(&self) -> Choice {
        self.z.normalizes_to_zero()
    }

    /// Becomes k G, for k that is neither zero nor the one special number.
    ///
    /// The sum stays at one place, where its owner overwrites it, and so do the digits; an entry of the table is gone with the
    /// next one, and the last tells four bits.
    pub(super) fn multiply(&mut self, scalar: &Scalar) {
        let even = !scalar.is_odd();
        let odd = Zeroizing::new(Scalar::conditional_select(scalar, &-scalar, even));
        let bytes = Zeroizing::new(<[u8; 32]>::from(odd.to_bytes()));
        // The digits of (k >> 1) + 2^255, least significant first.
        let mut shifted = Zeroizing::new([0u8; 32]);
        let mut carry = 1u8;
        for (out, byte) in shifted.iter_mut().zip(bytes.iter()) {
            *out = carry << 7 | byte >> 1;
            carry = byte & 1;
        }
        let digits = shifted.iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
        for (index, (digit, row)) in digits.zip(TABLE.iter()).enumerate() {
            let entry = select(digit, row);
            if index == 0 {
                *self = Self { x: entry.x, y: entry.y, z: Fe::ONE };
            } else {
                self.add(&entry);
            }
        }
        self.y = self.y.normalize_weak();
        self.y.conditional_assign(&self.y.negate(1), even);
    }

    /// Adds a point that is neither equal, nor opposite, nor infinite, to one that is not infinite either: 8 multiplications
    /// and 3 squarings.
    #[inline(always)]
    fn add(&mut self, right: &Entry) {
        let zz = self.z.square();
        let h = right.x * zz + self.x.negate(1);
        let r = right.y * (zz * self.z) + self.y.negate(3);
        let hh = h.square();
        let hhh = h * hh;
        let v = self.x * hh;
        self.x = (r.square() + hhh.negate(1) + v.negate(1).double()).normalize_weak();
        self.y = r * (v + self.x.negate(1)) + (self.y * hhh).negate(1);
        self.z *= h;
    }
}

/// (2 digit - 15) times the row's base. The whole row is read.
#[inline(always)]
fn select(digit: u8, row: &[Entry; VALUES]) -> Entry {
    let negative = Choice::from(1 ^ digit >> 3);
    // 8..=15 are 1, 3, .., 15; 7 down to 0 the same negated.
    let value = (digit ^ u8::conditional_select(&0, &15, negative)) & 7;
    let [mut entry, ..] = *row;
    for (at, candidate) in (0u8..).zip(row).skip(1) {
        let chosen = at.ct_eq(&value);
        entry.x.conditional_assign(&candidate.x, chosen);
        entry.y.conditional_assign(&candidate.y, chosen);
    }
    entry.y.conditional_assign(&entry.y.negate(1), negative);
    entry
}

/// Canonical coordinates, with one inversion for all; nobody is infinite.
pub(super) fn to_affine<const N: usize>(sums: &[Sum; N]) -> [([u8; 32], [u8; 32]); N] {
    let mut product = Zeroizing::new(Fe::ONE);
    let mut before = Zeroizing::new([Fe::ONE; N]);
    for (before, sum) in before.iter_mut().zip(sums) {
        *before = *product;
        *product *= sum.z;
    }
    let mut inverse = Zeroizing::new(product.invert().unwrap_or(Fe::ZERO));
    let mut z_inverse = Zeroizing::new(Fe::ZERO);
    let mut points = [([0; 32], [0; 32]); N];
    for ((point, sum), before) in points.iter_mut().zip(sums).zip(before.iter()).rev() {
        *z_inverse = *inverse * before;
        *inverse *= sum.z;
        let square = z_inverse.square();
        let coordinate = |fe: Fe| fe.normalize().to_bytes().into();
        *point = (coordinate(sum.x * square), coordinate(sum.y * square * *z_inverse));
    }
    points
}
