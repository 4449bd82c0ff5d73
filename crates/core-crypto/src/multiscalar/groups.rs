//! Sums of groups of affine points, many groups at once.
//!
//! An affine addition needs an inversion, which Montgomery's trick shares among all pairs of a round: 5M + 1S a pair
//! instead of 8M + 3S for a mixed addition. Each round adds neighbours within every group, which halves the groups.
//! Rounds with fewer pairs than pay for the inversion are left to the caller.

use super::curve::Affine;
use crate::field::{Field, invert_all_vartime};
use alloc::vec::Vec;

/// Pairs that one inversion must serve: it costs about 140M, and a pair saves about 5M.
const MINIMUM_PAIRS: usize = 28;

/// Memory for the rounds, kept between calls: fresh pages would cost more than the arithmetic that fills them.
#[derive(Debug)]
pub(crate) struct Adder<F> {
    inverses: Vec<F>,
    scratch: Vec<F>,
    special: Vec<(usize, Special)>,
}

impl<F: Field> Adder<F> {
    pub(crate) const fn new() -> Self {
        Self { inverses: Vec::new(), scratch: Vec::new(), special: Vec::new() }
    }

    /// Adds up neighbours within each group, in place, until few pairs are left.
    ///
    /// `points` holds the groups one after the other, `lengths` their lengths; both shrink. Groups may end up empty,
    /// with one point, or with several where the pairs were too few.
    pub(crate) fn add_up_vartime(&mut self, points: &mut Vec<Affine<F>>, lengths: &mut [usize]) {
        let Self { inverses, scratch, special } = self;
        loop {
            let pairs: usize = lengths.iter().map(|length| length / 2).sum();
            if pairs < MINIMUM_PAIRS {
                return;
            }
            inverses.clear();
            special.clear();
            let mut rest = points.as_slice();
            for length in lengths.iter() {
                let Some((group, after)) = rest.split_at_checked(*length) else { return };
                rest = after;
                let (pairs, _) = group.as_chunks::<2>();
                for [a, b] in pairs {
                    let dx = b.x.sub(a.x);
                    inverses.push(if !dx.is_zero() {
                        dx
                    } else if a.y.equals(b.y) {
                        special.push((inverses.len(), Special::Double));
                        a.y.double()
                    } else {
                        special.push((inverses.len(), Special::Cancel));
                        F::ONE
                    });
                }
            }
            invert_all_vartime(inverses, scratch);
            add_pairs(points, lengths, inverses, special);
        }
    }
}

/// Pairs that the chord formula does not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    /// Equal points.
    Double,
    /// Opposite points.
    Cancel,
}

/// One round: replaces each pair by its sum, given the inverse of every denominator.
#[expect(clippy::indexing_slicing, reason = "the read index runs over all group lengths, the write index stays behind")]
fn add_pairs<F: Field>(
    points: &mut Vec<Affine<F>>,
    lengths: &mut [usize],
    inverses: &[F],
    special: &[(usize, Special)],
) {
    let mut special = special.iter().peekable();
    let mut inverses = inverses.iter().enumerate();
    let (mut read, mut write) = (0, 0);
    for length in lengths {
        let end = read + *length;
        let start = write;
        while read + 1 < end {
            let Some((index, inverse)) = inverses.next() else { return };
            let (a, b) = (points[read], points[read + 1]);
            read += 2;
            let kind = special.next_if(|(at, _)| *at == index).map(|(_, kind)| *kind);
            let slope = match kind {
                None => b.y.sub(a.y).mul(*inverse),
                Some(Special::Double) => a.x.square().triple().mul(*inverse),
                Some(Special::Cancel) => continue,
            };
            let x = slope.square().sub(a.x).sub(b.x);
            let y = slope.mul(a.x.sub(x)).sub(a.y);
            points[write] = Affine { x, y };
            write += 1;
        }
        if read < end {
            points[write] = points[read];
            read += 1;
            write += 1;
        }
        *length = write - start;
    }
    points.truncate(write);
}
