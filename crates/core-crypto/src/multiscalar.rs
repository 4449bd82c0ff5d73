//! Variable-time multi-scalar multiplication on public data.
//!
//! `k_0 G + k_1 P_1 + ... + k_m P_m` is what verifying comes down to. Every scalar is split once into halves of 128 bits
//! by the endomorphism ([`recode`]). Few terms go through Straus' method with tables of odd multiples ([`straus`]); many
//! through Pippenger's buckets ([`pippenger`]); a multiple of the generator alone is read from a table ([`bytewise`]), and one of a key that signs again and again
//! from a table that is kept ([`kept`]). The first two reduce to summing groups of affine points, which, as soon as there
//! are enough pairs, share one field inversion a round ([`groups`]), and to one run of doublings ([`ladder`]).
//!
//! Everything here branches on its inputs: **public data only**, and every entry point is named `*_vartime`.

#[cfg(feature = "std")]
mod bytewise;
pub(crate) mod curve;
mod generator;
mod groups;
mod kept;
mod ladder;
mod one_thread;
#[cfg(feature = "rayon")]
mod parallel;
mod pippenger;
mod recode;
mod straus;
mod table;
mod term;
mod workspace;

pub(crate) use generator::EngineField;
pub(crate) use kept::KeptMultiples;
pub(crate) use term::{Coefficient, Term, Weight};

use crate::field::Field;
use alloc::vec::Vec;
use curve::{Affine, Jacobian};
use k256::Scalar;

/// `generator * G + sum(coefficient * point)`, the generator's part left out where none is given.
///
/// Variable time in everything: public data only. With the feature `rayon`, large ones are spread over threads.
pub(crate) fn linear_combination_vartime<F: EngineField>(generator: Option<&Scalar>, terms: &[Term<F>]) -> Jacobian<F> {
    #[cfg(feature = "rayon")]
    if terms.len() >= parallel::FROM_TERMS {
        return parallel::linear_combination_vartime(generator, terms);
    }
    one_thread::linear_combination_vartime(generator, terms)
}

/// The sum of many points.
///
/// Variable time: public data only.
pub(crate) fn sum_vartime<F: Field>(points: impl ExactSizeIterator<Item = Affine<F>>) -> Jacobian<F> {
    let mut points: Vec<Affine<F>> = points.collect();
    let mut lengths = [points.len()];
    groups::Adder::new().add_up_vartime(&mut points, &mut lengths);
    points.iter().fold(Jacobian::INFINITY, |sum, point| sum.add_affine_vartime(point))
}

#[cfg(test)]
mod tests;
