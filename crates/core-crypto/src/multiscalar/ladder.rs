//! Summands sorted into groups, their sums, and the end that both methods share: one run of doublings.

use super::curve::{Affine, Jacobian};
use super::groups::Adder;
use crate::field::Field;
use alloc::vec::Vec;

/// Positions of the digits of a 128-bit half: a non-adjacent form can be one longer than the integer.
pub(crate) const POSITIONS: usize = 130;

/// A digit that says which point it stands for, and where its signed point is to be added.
#[derive(Clone, Copy, Debug)]
struct Summand {
    group: u32,
    negative: bool,
    point: u32,
}

/// Collects summands, sorts them by group and sums the groups; keeps its memory from one use to the next.
#[derive(Debug)]
pub(crate) struct Collector<F> {
    summands: Vec<Summand>,
    sorted: Vec<Summand>,
    lengths: Vec<usize>,
    offsets: Vec<usize>,
    points: Vec<Affine<F>>,
    adder: Adder<F>,
}

impl<F: Field> Collector<F> {
    pub(crate) const fn new() -> Self {
        Self {
            summands: Vec::new(),
            sorted: Vec::new(),
            lengths: Vec::new(),
            offsets: Vec::new(),
            points: Vec::new(),
            adder: Adder::new(),
        }
    }

    /// Summands that fit without asking for memory.
    #[cfg(feature = "std")]
    pub(crate) const fn capacity(&self) -> usize {
        self.summands.capacity()
    }

    /// Adds the point that belongs to a signed digit to a group.
    #[inline]
    pub(crate) fn push(&mut self, group: u32, digit: i32, point: u32) {
        self.summands.push(Summand { group, negative: digit < 0, point });
    }

    /// Counting sort by group; every group must be below `groups`.
    #[expect(
        clippy::indexing_slicing,
        reason = "every group is below `groups`, and the offsets are its running totals"
    )]
    fn sort(&mut self, groups: usize) {
        let Self { summands, sorted, lengths, offsets, .. } = self;
        lengths.clear();
        lengths.resize(groups, 0);
        for summand in summands.iter() {
            lengths[summand.group as usize] += 1;
        }
        let mut next = 0;
        offsets.clear();
        offsets.extend(lengths.iter().map(|length| {
            let offset = next;
            next += length;
            offset
        }));
        sorted.clone_from(summands);
        for summand in summands.iter() {
            let offset = &mut offsets[summand.group as usize];
            sorted[*offset] = *summand;
            *offset += 1;
        }
        summands.clear();
    }

    /// Takes all summands and, from the last group to the first, hands what is left of each group to `visit` after
    /// neighbours were added up. `look_up` finds the points by their numbers.
    ///
    /// About `block` points are looked up and added at once: more share their inversions among more pairs, fewer stay
    /// in the cache.
    pub(crate) fn drain_from_last_vartime(
        &mut self,
        groups: usize,
        block: usize,
        look_up: impl Fn(u32) -> Affine<F>,
        mut visit: impl FnMut(&[Affine<F>]),
    ) {
        self.sort(groups);
        let limit = block;
        let Self { sorted, lengths, points, adder, .. } = self;
        let mut waiting = sorted.as_slice();
        let mut groups = lengths.as_mut_slice();
        while !groups.is_empty() {
            let (mut first, mut total) = (groups.len(), 0);
            for length in groups.iter().rev() {
                if total != 0 && total + length > limit {
                    break;
                }
                (first, total) = (first - 1, total + length);
            }
            let (before, block) = groups.split_at_mut(first);
            groups = before;
            let Some((before, summands)) = waiting.split_at_checked(waiting.len().saturating_sub(total)) else {
                return;
            };
            waiting = before;
            points.clear();
            points.extend(summands.iter().map(|summand| look_up(summand.point).negate_if(summand.negative)));
            adder.add_up_vartime(points, block);
            let mut rest = points.as_slice();
            for length in block.iter().rev() {
                let Some((before, group)) = rest.split_at_checked(rest.len().saturating_sub(*length)) else { return };
                rest = before;
                visit(group);
            }
        }
    }

    /// `sum(2^group * (points of this group))` by one run of doublings from the top.
    pub(crate) fn climb_down_vartime(&mut self, block: usize, look_up: impl Fn(u32) -> Affine<F>) -> Jacobian<F> {
        let mut sum = Jacobian::INFINITY;
        self.drain_from_last_vartime(POSITIONS, block, look_up, |group| {
            if !sum.is_infinity() {
                sum = sum.double();
            }
            for point in group {
                sum = sum.add_affine_vartime(point);
            }
        });
        sum
    }
}
