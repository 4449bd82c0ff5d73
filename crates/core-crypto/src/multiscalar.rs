//! Variable-time multi-scalar multiplication on public data.
//!
//! `k_0 G + k_1 P_1 + ... + k_m P_m` is what verifying comes down to. Every scalar is split once into halves of 128 bits
//! by the endomorphism ([`recode`]). Few terms go through Straus' method with tables of odd multiples ([`straus`]); many
//! through Pippenger's buckets ([`pippenger`]). Both reduce to summing groups of affine points, which, as soon as there
//! are enough pairs, share one field inversion a round ([`groups`]), and to one run of doublings ([`ladder`]).
//!
//! Everything here branches on its inputs: **public data only**, and every entry point is named `*_vartime`.

pub(crate) mod curve;
mod generator;
mod groups;
mod ladder;
#[cfg(feature = "rayon")]
mod parallel;
mod pippenger;
mod recode;
mod straus;
mod table;
mod workspace;

pub(crate) use generator::EngineField;
pub(crate) use recode::lambda;

use crate::field::Field;
use alloc::vec::Vec;
use curve::{Affine, Jacobian};
use k256::Scalar;

/// A coefficient u + v * lambda with 64-bit u and v: 128 bits of randomness at half the cost of a full scalar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    pub(crate) u: u64,
    pub(crate) v: u64,
}

impl Weight {
    /// From 16 uniformly random bytes.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(bytes);
        Self { u: both as u64, v: (both >> 64) as u64 }
    }

    /// The weight as a scalar.
    pub(crate) fn to_scalar(self) -> Scalar {
        Scalar::from(self.u) + Scalar::from(self.v) * lambda()
    }
}

/// What a point is multiplied by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coefficient {
    /// One: the point is only added.
    One,
    /// A batch weight.
    Weight(Weight),
    /// Any scalar.
    Scalar(Scalar),
}

impl Coefficient {
    /// One where it is one, which costs a single addition.
    pub(crate) fn from_scalar_vartime(scalar: &Scalar) -> Self {
        if *scalar == Scalar::ONE { Self::One } else { Self::Scalar(*scalar) }
    }
}

/// One summand of a linear combination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term<F> {
    pub(crate) coefficient: Coefficient,
    pub(crate) point: Affine<F>,
}

/// From this many scalar halves on, buckets beat tables (measured, `docs/performance.md`).
const PIPPENGER_FROM_HALVES: usize = 300;

/// `generator * G + sum(coefficient * point)`, the generator's part left out where none is given.
///
/// Variable time in everything: public data only. With the feature `rayon`, large ones are spread over threads.
pub(crate) fn linear_combination_vartime<F: EngineField>(generator: Option<&Scalar>, terms: &[Term<F>]) -> Jacobian<F> {
    #[cfg(feature = "rayon")]
    if terms.len() >= parallel::FROM_TERMS {
        return parallel::linear_combination_vartime(generator, terms);
    }
    one_thread_vartime(generator, terms)
}

/// The same on the calling thread alone.
fn one_thread_vartime<F: EngineField>(generator: Option<&Scalar>, terms: &[Term<F>]) -> Jacobian<F> {
    let halves: usize = terms
        .iter()
        .map(|term| match term.coefficient {
            Coefficient::One => 0,
            Coefficient::Weight(_) => 1,
            Coefficient::Scalar(_) => 2,
        })
        .sum();
    F::with_workspace(|workspace| {
        if halves >= PIPPENGER_FROM_HALVES {
            pippenger::linear_combination_vartime(workspace, generator, terms)
        } else {
            straus::linear_combination_vartime(workspace, generator, terms)
        }
    })
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
