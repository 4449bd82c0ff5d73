//! Pippenger's method: the digits of all scalars throw the points into buckets, one set of buckets a window.
//!
//! No tables: a window of c bits costs one addition a half, with shared inversions, and two additions for each of its
//! 2^(c - 1) buckets, by running sums from the top bucket.

use super::curve::{Affine, Jacobian, beta};
use super::generator::EngineField;
use super::recode::{Half, WindowDigits, split_vartime};
use super::straus;
use super::term::{Coefficient, Term};
use super::workspace::Workspace;
use crate::field::Field;
use alloc::vec::Vec;
use k256::Scalar;

/// Bits of a window for a number of halves (measured).
fn window_width(halves: usize) -> u32 {
    match halves {
        0..400 => 6,
        400..1_200 => 7,
        1_200..3_000 => 8,
        3_000..8_000 => 9,
        8_000..40_000 => 11,
        _ => 13,
    }
}

/// Points that are looked up and added at once (measured).
const BLOCK: usize = 4_000;

/// The linear combination by Pippenger's method.
pub(crate) fn linear_combination_vartime<F: EngineField>(
    workspace: &mut Workspace<F>,
    generator: Option<&Scalar>,
    terms: &[Term<F>],
) -> Jacobian<F> {
    let halves = &mut workspace.halves;
    halves.clear();
    // What needs no buckets: the generator has its tables, and ones are only added.
    let mut rest: Vec<Term<F>> = Vec::new();
    let beta = beta::<F>();
    for term in terms {
        let [first, second] = match &term.coefficient {
            Coefficient::One => {
                rest.push(*term);
                continue;
            }
            Coefficient::Weight(weight) => [weight.u, weight.v].map(|word| Half::positive(u128::from(word))),
            Coefficient::Scalar(scalar) => split_vartime(scalar),
        };
        halves.push((first, term.point));
        halves.push((second, term.point.endomorphism(beta)));
    }
    let buckets = sum_in_buckets_vartime(workspace);
    if generator.is_none() && rest.is_empty() {
        return buckets;
    }
    buckets.add_vartime(&straus::linear_combination_vartime(workspace, generator, &rest))
}

fn sum_in_buckets_vartime<F: Field>(workspace: &mut Workspace<F>) -> Jacobian<F> {
    let Workspace { collector, halves, windows, .. } = workspace;
    let width = window_width(halves.len());
    let buckets = 1_u32 << (width - 1);
    // As many windows at once as make a full block, so that few points do not pay for an inversion each round.
    let windows_at_once = (BLOCK / halves.len().max(1)).max(1) as u32;
    windows.clear();
    windows.extend(halves.iter().map(|(half, _)| WindowDigits::new(*half, width)));
    let no_point = Affine { x: F::ZERO, y: F::ZERO };
    let look_up = |index: u32| halves.get(index as usize).map_or(no_point, |(_, point)| *point);
    let mut sum = Jacobian::INFINITY;
    let mut end = 128 / width + 1;
    while end > 0 {
        let start = end.saturating_sub(windows_at_once);
        for window in start..end {
            for (index, digits) in (0..).zip(windows.iter()) {
                let digit = digits.digit(window);
                if digit != 0 {
                    collector.push((window - start) * buckets + digit.unsigned_abs() - 1, digit, index);
                }
            }
        }
        // sum(d * bucket_d) by running sums from the top bucket.
        let (mut running, mut total, mut bucket) = (Jacobian::INFINITY, Jacobian::INFINITY, buckets);
        collector.drain_from_last_vartime(((end - start) * buckets) as usize, BLOCK, look_up, |group| {
            for point in group {
                running = running.add_affine_vartime(point);
            }
            total = total.add_vartime(&running);
            bucket -= 1;
            if bucket == 0 {
                if !sum.is_infinity() {
                    sum = (0..width).fold(sum, |sum, _| sum.double());
                }
                sum = sum.add_vartime(&total);
                (running, total, bucket) = (Jacobian::INFINITY, Jacobian::INFINITY, buckets);
            }
        });
        end = start;
    }
    sum
}
