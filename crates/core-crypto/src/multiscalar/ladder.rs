//! The common end of both methods: points that wait at bit positions, and one run of doublings.

use super::curve::{Affine, Jacobian};
use super::groups;
use crate::field::Field;
use alloc::vec;
use alloc::vec::Vec;

/// Positions of the digits of a 128-bit half: a non-adjacent form can be one longer than the integer.
pub(crate) const POSITIONS: usize = 130;

/// A digit of a recoded scalar that has met its point: `sign * 2^position * point`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summand<P> {
    pub(crate) group: u32,
    pub(crate) negative: bool,
    pub(crate) point: P,
}

/// Sorts summands into groups (counting sort): the points group by group, and the groups' lengths.
#[expect(clippy::indexing_slicing, reason = "every group is below `groups`, and the offsets are its running totals")]
pub(crate) fn sort_into_groups<F: Field, P: Copy>(
    summands: &[Summand<P>],
    groups: usize,
    look_up: impl Fn(P) -> Affine<F>,
) -> (Vec<Affine<F>>, Vec<usize>) {
    let mut lengths = vec![0_usize; groups];
    for summand in summands {
        lengths[summand.group as usize] += 1;
    }
    let mut next = 0;
    let mut offsets: Vec<usize> = lengths
        .iter()
        .map(|length| {
            let offset = next;
            next += length;
            offset
        })
        .collect();
    let mut points = vec![Affine { x: F::ZERO, y: F::ZERO }; summands.len()];
    for summand in summands {
        let offset = &mut offsets[summand.group as usize];
        points[*offset] = look_up(summand.point).negate_if(summand.negative);
        *offset += 1;
    }
    (points, lengths)
}

/// `sum(2^position * (points at this position))` by one run of doublings from the top.
pub(crate) fn climb_down_vartime<F: Field>(mut points: Vec<Affine<F>>, mut lengths: Vec<usize>) -> Jacobian<F> {
    groups::add_up_vartime(&mut points, &mut lengths);
    let mut sum = Jacobian::INFINITY;
    let mut rest = points.as_slice();
    for length in lengths.iter().rev() {
        if !sum.is_infinity() {
            sum = sum.double();
        }
        let Some((before, group)) = rest.len().checked_sub(*length).and_then(|middle| rest.split_at_checked(middle))
        else {
            return sum;
        };
        rest = before;
        for point in group {
            sum = sum.add_affine_vartime(point);
        }
    }
    sum
}
