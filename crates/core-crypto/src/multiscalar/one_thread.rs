//! Linear combinations on the calling thread alone, by the method that is faster for their length.

use super::curve::Jacobian;
use super::generator::EngineField;
use super::term::{Coefficient, Term};
use super::{pippenger, straus};
use k256::Scalar;

/// From this many scalar halves on, buckets beat tables (measured, `docs/performance.md`).
const PIPPENGER_FROM_HALVES: usize = 300;

/// The linear combination by tables or by buckets.
pub(super) fn linear_combination_vartime<F: EngineField>(generator: Option<&Scalar>, terms: &[Term<F>]) -> Jacobian<F> {
    let halves: usize = terms
        .iter()
        .map(|term| match term.coefficient {
            Coefficient::One => 0,
            Coefficient::Weight(_) => 1,
            Coefficient::Scalar(_) => 2,
        })
        .sum();
    if halves == 0
        && let Some(multiple) =
            generator.and_then(|scalar| F::add_generator_multiple_vartime(Jacobian::INFINITY, scalar))
    {
        return terms.iter().fold(multiple, |sum, term| sum.add_affine_vartime(&term.point));
    }
    F::with_workspace(|workspace| {
        if halves >= PIPPENGER_FROM_HALVES {
            pippenger::linear_combination_vartime(workspace, generator, terms)
        } else {
            straus::linear_combination_vartime(workspace, generator, terms)
        }
    })
}
