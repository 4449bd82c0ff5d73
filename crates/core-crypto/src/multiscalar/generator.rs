//! Tables that are kept: of odd multiples of G and of 2^128 G, and of multiples for each byte, built once a process.
//!
//! A scalar of G is cut in the middle instead of being split by the endomorphism: both tables are fixed, so wide digits
//! cost nothing but memory. Without `std` there is nowhere to keep them safely, and G is treated like any other point.

#[cfg(feature = "std")]
use super::bytewise::ByteMultiples;
#[cfg(feature = "std")]
use super::curve::to_affine_all_vartime;
use super::curve::{Affine, Jacobian};
use super::workspace::Workspace;
use crate::field::{Field, PublicFe};
use alloc::vec::Vec;
use k256::Scalar;

/// The tables of the generator.
#[derive(Debug)]
pub(crate) struct GeneratorTables<F> {
    pub(crate) width: u32,
    pub(crate) low: Vec<Affine<F>>,
    pub(crate) high: Vec<Affine<F>>,
}

/// A field with what the engine keeps for it from one multiplication to the next.
pub(crate) trait EngineField: Field {
    /// The generator's tables, if this build can keep them.
    fn generator_tables() -> Option<&'static GeneratorTables<Self>>;

    /// `sum + scalar * G` without any doubling, if this build can keep a table for it.
    fn add_generator_multiple_vartime(sum: Jacobian<Self>, scalar: &Scalar) -> Option<Jacobian<Self>>;

    /// Lends a workspace, if this build can keep one, and a new one otherwise.
    fn with_workspace<R>(run: impl FnOnce(&mut Workspace<Self>) -> R) -> R {
        run(&mut Workspace::new())
    }
}

impl EngineField for PublicFe {
    #[cfg(feature = "std")]
    fn generator_tables() -> Option<&'static GeneratorTables<Self>> {
        static TABLES: std::sync::LazyLock<GeneratorTables<PublicFe>> =
            std::sync::LazyLock::new(|| GeneratorTables::new(GENERATOR_WIDTH));
        Some(&TABLES)
    }

    #[cfg(feature = "std")]
    fn add_generator_multiple_vartime(sum: Jacobian<Self>, scalar: &Scalar) -> Option<Jacobian<Self>> {
        static MULTIPLES: std::sync::LazyLock<ByteMultiples<PublicFe>> = std::sync::LazyLock::new(ByteMultiples::new);
        Some(MULTIPLES.add_multiple_vartime(sum, scalar))
    }

    #[cfg(feature = "std")]
    fn with_workspace<R>(run: impl FnOnce(&mut Workspace<Self>) -> R) -> R {
        use core::cell::Cell;
        std::thread_local! {
            static KEPT: Cell<Option<Workspace<PublicFe>>> = const { Cell::new(None) };
        }
        // Taken and put back rather than borrowed: whatever happens in between, there is nothing to poison.
        let mut workspace = KEPT.try_with(Cell::take).ok().flatten().unwrap_or_else(Workspace::new);
        let result = run(&mut workspace);
        if workspace.is_worth_keeping() {
            // A thread that is ending keeps nothing, and that is fine.
            let _ = KEPT.try_with(|kept| kept.set(Some(workspace)));
        }
        result
    }

    #[cfg(not(feature = "std"))]
    fn generator_tables() -> Option<&'static GeneratorTables<Self>> {
        None
    }

    #[cfg(not(feature = "std"))]
    fn add_generator_multiple_vartime(_: Jacobian<Self>, _: &Scalar) -> Option<Jacobian<Self>> {
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
