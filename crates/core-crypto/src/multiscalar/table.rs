//! Tables of odd multiples P, 3P, 5P, ... of public points, affine.
//!
//! Few points: co-Z additions (Meloni 2007; 4M + 2S each), with the points of all tables brought to one common
//! denominator Z instead of being divided by it. On (x Z^2, y Z^3) the affine formulas are those of the isomorphic curve
//! y^2 = x^3 + 7 Z^6, and as the constant 7 does not occur in them, the whole multiplication runs there and its result
//! is brought back by one multiplication of its denominator. Many points: all tables grow together in affine
//! coordinates, one shared inversion a step.

use super::curve::{Affine, Jacobian};
use crate::field::{Field, invert_all_vartime};
use alloc::vec::Vec;

/// Tables of several points, one after the other.
#[derive(Debug)]
pub(crate) struct Tables<F> {
    pub(crate) entries: Vec<Affine<F>>,
    denominator: Option<F>,
    ratios: Vec<F>,
    doubles: Vec<Affine<F>>,
    inverses: Vec<F>,
    scratch: Vec<F>,
}

/// A point whose table is wanted, with the number of odd multiples (a power of two).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<F> {
    pub(crate) point: Affine<F>,
    pub(crate) size: usize,
}

/// From this many points on, the shared inversions are cheaper.
const BATCH_FROM: usize = 14;

impl<F: Field> Tables<F> {
    /// No tables.
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            denominator: None,
            ratios: Vec::new(),
            doubles: Vec::new(),
            inverses: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Builds the tables, of at least two entries each, in place of those before.
    pub(crate) fn build_vartime(&mut self, wanted: &[Wanted<F>]) {
        self.entries.clear();
        self.denominator = None;
        if wanted.len() < BATCH_FROM {
            self.build_over_common_denominator(wanted);
        } else {
            self.build_in_batches(wanted);
        }
    }

    fn build_over_common_denominator(&mut self, wanted: &[Wanted<F>]) {
        // The ratios are the denominator of each entry divided by that of the entry before it.
        let Self { entries, denominator, ratios, .. } = self;
        ratios.clear();
        for Wanted { point, size } in wanted {
            // Starting from the last denominator makes the tables one chain of ratios.
            let start = denominator.map_or(*point, |z| scale(point, z));
            let (mut twice, first, ratio) = double_with_update(&start);
            ratios.push(ratio);
            let mut multiple = first;
            let mut z = denominator.map_or(ratio, |z| z.mul(ratio));
            entries.push(multiple);
            for _ in 1..*size {
                let (sum, ratio) = add_with_update(&mut twice, &multiple);
                multiple = sum;
                z = z.mul(ratio);
                entries.push(multiple);
                ratios.push(ratio);
            }
            *denominator = Some(z);
        }
        let mut factor: Option<F> = None;
        for (entry, ratio) in entries.iter_mut().zip(ratios.iter()).rev() {
            if let Some(factor) = factor {
                *entry = scale(entry, factor);
            }
            factor = Some(factor.map_or(*ratio, |factor| factor.mul(*ratio)));
        }
    }

    /// All tables grow by one step a round: doubles first, then one more odd multiple each.
    fn build_in_batches(&mut self, wanted: &[Wanted<F>]) {
        let Self { entries, doubles, inverses, scratch, .. } = self;
        for wanted in wanted {
            entries.extend(core::iter::repeat_n(wanted.point, wanted.size));
        }
        inverses.clear();
        inverses.extend(wanted.iter().map(|wanted| wanted.point.y.double()));
        invert_all_vartime(inverses, scratch);
        doubles.clear();
        doubles.extend(wanted.iter().zip(inverses.iter()).map(|(wanted, inverse)| {
            let Affine { x, y } = wanted.point;
            chord(&wanted.point, x, x.square().triple().mul(*inverse), y)
        }));
        let largest = wanted.iter().map(|wanted| wanted.size).max().unwrap_or(0);
        for step in 1..largest {
            let growing = || {
                let mut end = 0;
                wanted.iter().zip(doubles.iter()).filter_map(move |(wanted, double)| {
                    let start = end;
                    end += wanted.size;
                    (step < wanted.size).then_some((start + step, double))
                })
            };
            inverses.clear();
            // No difference vanishes: 2P is no odd multiple of P below the order, and neither is its negative.
            inverses.extend(growing().filter_map(|(at, double)| Some(entries.get(at - 1)?.x.sub(double.x))));
            invert_all_vartime(inverses, scratch);
            for ((at, double), inverse) in growing().zip(inverses.iter()) {
                let Some([before, entry]) = entries.get_mut(at - 1..=at) else { continue };
                let slope = before.y.sub(double.y).mul(*inverse);
                *entry = chord(double, before.x, slope, double.y);
            }
        }
    }

    /// Brings a point of the curve to the coordinates of the tables.
    pub(crate) fn import(&self) -> impl Fn(&Affine<F>) -> Affine<F> + use<F> {
        let powers = self.denominator.map(|z| {
            let z2 = z.square();
            (z2, z2.mul(z))
        });
        move |point| match powers {
            Some((z2, z3)) => Affine { x: point.x.mul(z2), y: point.y.mul(z3) },
            None => *point,
        }
    }

    /// Brings a result back to the curve.
    pub(crate) fn export(&self, result: Jacobian<F>) -> Jacobian<F> {
        match self.denominator {
            Some(z) => Jacobian { z: result.z.mul(z), ..result },
            None => result,
        }
    }
}

/// (x z^2, y z^3).
fn scale<F: Field>(point: &Affine<F>, z: F) -> Affine<F> {
    let z2 = z.square();
    Affine { x: point.x.mul(z2), y: point.y.mul(z2.mul(z)) }
}

/// The third point of the chord with this slope through `a` and a point at `x2`, reflected.
fn chord<F: Field>(a: &Affine<F>, x2: F, slope: F, y: F) -> Affine<F> {
    let x = slope.square().sub(a.x).sub(x2);
    Affine { x, y: slope.mul(a.x.sub(x)).sub(y) }
}

/// 2P, P over the new denominator, and the ratio of the denominators (2y): 2M + 4S.
fn double_with_update<F: Field>(point: &Affine<F>) -> (Affine<F>, Affine<F>, F) {
    let y2 = point.y.square();
    let s = point.x.mul(y2).double().double();
    let m = point.x.square().triple();
    let y4_times_8 = y2.square().double().double().double();
    let x = m.square().sub(s.double());
    let y = m.mul(s.sub(x)).sub(y4_times_8);
    (Affine { x, y }, Affine { x: s, y: y4_times_8 }, point.y.double())
}

/// P + Q for P and Q over one denominator; P is brought to that of the sum: 4M + 2S, and the ratio of the denominators.
fn add_with_update<F: Field>(p: &mut Affine<F>, q: &Affine<F>) -> (Affine<F>, F) {
    let ratio = p.x.sub(q.x);
    let c = ratio.square();
    let (w1, w2) = (p.x.mul(c), q.x.mul(c));
    let dy = p.y.sub(q.y);
    let a = p.y.mul(w1.sub(w2));
    let x = dy.square().sub(w1).sub(w2);
    let y = dy.mul(w1.sub(x)).sub(a);
    *p = Affine { x: w1, y: a };
    (Affine { x, y }, ratio)
}
