//! Pippenger's method: the digits of all scalars throw the points into buckets, one set of buckets a window.
//!
//! No tables: a window of c bits costs one addition a half and about 2^c for summing `digit * bucket`. The buckets are
//! filled with shared inversions, and so are the row and column sums by which `sum(d * bucket_d)` is made:
//! with d = 2^r * row + column it is `2^r * sum(row * row sum) + sum(column * column sum)`.

use super::curve::{Affine, Jacobian, beta};
use super::groups;
use super::ladder::{self, Summand};
use super::recode::{Half, split_vartime, window_digits_vartime};
use super::{Coefficient, FixedBase, Term, straus};
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

/// The linear combination by Pippenger's method.
pub(crate) fn linear_combination_vartime<F: FixedBase>(generator: Option<&Scalar>, terms: &[Term<F>]) -> Jacobian<F> {
    let mut halves: Vec<(Half, Affine<F>)> = Vec::with_capacity(2 * terms.len());
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
    let buckets = sum_in_buckets_vartime(&halves);
    if generator.is_none() && rest.is_empty() {
        return buckets;
    }
    buckets.add_vartime(&straus::linear_combination_vartime(generator, &rest))
}

/// Windows that are filled together: enough pairs for the inversions, few enough to stay in the cache.
const WINDOWS_AT_ONCE: u32 = 4;

fn sum_in_buckets_vartime<F: Field>(halves: &[(Half, Affine<F>)]) -> Jacobian<F> {
    let width = window_width(halves.len());
    let buckets = 1_usize << (width - 1);
    let windows = 128 / width + 1;
    let mut by_window: Vec<Vec<Summand<u32>>> = (0..windows.div_ceil(WINDOWS_AT_ONCE))
        .map(|_| Vec::with_capacity(halves.len() * WINDOWS_AT_ONCE as usize))
        .collect();
    for (index, (half, _)) in (0_u32..).zip(halves) {
        window_digits_vartime(*half, width, |window, digit| {
            let bucket = (window % WINDOWS_AT_ONCE) * buckets as u32 + digit.unsigned_abs() - 1;
            if let Some(summands) = by_window.get_mut((window / WINDOWS_AT_ONCE) as usize) {
                summands.push(Summand { group: bucket, negative: digit < 0, point: index });
            }
        });
    }
    let no_point = Affine { x: F::ZERO, y: F::ZERO };
    let mut sum = Jacobian::INFINITY;
    for summands in by_window.iter().rev() {
        let groups = buckets * WINDOWS_AT_ONCE as usize;
        let (mut points, mut lengths) = ladder::sort_into_groups(summands, groups, |index| {
            halves.get(index as usize).map_or(no_point, |(_, point)| *point)
        });
        groups::add_up_vartime(&mut points, &mut lengths);
        let mut rest = points.as_slice();
        for window in lengths.rchunks(buckets) {
            for _ in 0..width {
                sum = sum.double();
            }
            let length: usize = window.iter().sum();
            let Some((before, points)) = rest.len().checked_sub(length).and_then(|at| rest.split_at_checked(at)) else {
                return sum;
            };
            rest = before;
            sum = sum.add_vartime(&weighted_sum_vartime(points, window));
        }
    }
    sum
}

/// `sum(d * bucket_d)` for buckets numbered from one, by running sums from the top.
fn weighted_sum_vartime<F: Field>(points: &[Affine<F>], lengths: &[usize]) -> Jacobian<F> {
    let (mut running, mut total) = (Jacobian::INFINITY, Jacobian::INFINITY);
    let mut rest = points;
    for length in lengths.iter().rev() {
        let Some((before, bucket)) = rest.len().checked_sub(*length).and_then(|at| rest.split_at_checked(at)) else {
            return total;
        };
        rest = before;
        for point in bucket {
            running = running.add_affine_vartime(point);
        }
        total = total.add_vartime(&running);
    }
    total
}
