//! Large linear combinations over rayon's threads: one part of the terms each, and the sum of the parts.

use super::curve::Jacobian;
use super::generator::EngineField;
use super::one_thread;
use super::term::Term;
use k256::Scalar;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSlice;

/// Below this many terms, waking threads costs more than they save.
pub(super) const FROM_TERMS: usize = 256;

/// The linear combination on all threads.
pub(super) fn linear_combination_vartime<F: EngineField>(generator: Option<&Scalar>, terms: &[Term<F>]) -> Jacobian<F> {
    let part = terms.len().div_ceil(rayon::current_num_threads().max(1)).max(FROM_TERMS / 4);
    terms
        .par_chunks(part)
        .enumerate()
        .map(|(index, terms)| one_thread::linear_combination_vartime(generator.filter(|_| index == 0), terms))
        .reduce(|| Jacobian::INFINITY, |a, b| a.add_vartime(&b))
}
