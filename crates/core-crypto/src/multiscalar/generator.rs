//! Tables of odd multiples of G and of 2^128 G, built once a process.
//!
//! A scalar of G is cut in the middle instead of being split by the endomorphism: both tables are fixed, so wide digits
//! cost nothing but memory. Without `std` there is nowhere to keep them safely, and G is treated like any other point.

use super::curve::Affine;
#[cfg(feature = "std")]
use super::curve::{Jacobian, to_affine_all_vartime};
use crate::field::{Field, PublicFe};
use alloc::vec::Vec;

/// The tables of the generator.
#[derive(Debug)]
pub(crate) struct GeneratorTables<F> {
    pub(crate) width: u32,
    pub(crate) low: Vec<Affine<F>>,
    pub(crate) high: Vec<Affine<F>>,
}

/// A field that keeps the generator's tables.
pub(crate) trait FixedBase: Field {
    /// The tables, if this build can keep them.
    fn generator_tables() -> Option<&'static GeneratorTables<Self>>;
}

impl FixedBase for PublicFe {
    #[cfg(feature = "std")]
    fn generator_tables() -> Option<&'static GeneratorTables<Self>> {
        static TABLES: std::sync::LazyLock<GeneratorTables<PublicFe>> =
            std::sync::LazyLock::new(|| GeneratorTables::new(GENERATOR_WIDTH));
        Some(&TABLES)
    }

    #[cfg(not(feature = "std"))]
    fn generator_tables() -> Option<&'static GeneratorTables<Self>> {
        None
    }
}

/// Digit width for the generator: two tables of 1,024 points, 128 KiB, 0.6 ms to build.
#[cfg(feature = "std")]
const GENERATOR_WIDTH: u32 = 12;

#[cfg(feature = "std")]
impl<F: Field> GeneratorTables<F> {
    pub(crate) fn new(width: u32) -> Self {
        let generator = Affine::generator();
        let shifted = (0..128).fold(Jacobian::from(generator), |point, _| point.double());
        let size = 1 << (width - 2);
        let table = |base: Jacobian<F>| {
            let double = base.double();
            let multiples: Vec<_> =
                core::iter::successors(Some(base), |multiple| Some(multiple.add_vartime(&double))).take(size).collect();
            // No odd multiple below the order is infinity, so that nothing is lost by flattening.
            to_affine_all_vartime(&multiples).into_iter().flatten().collect()
        };
        Self { width, low: table(generator.into()), high: table(shifted) }
    }
}
