//! Straus' method: one table of odd multiples a point, sparse signed digits, one shared run of doublings.

use super::curve::{Jacobian, beta};
use super::ladder::Collector;
use super::recode::{Half, sparse_digits_vartime, split_at_middle, split_vartime};
use super::table::{Tables, Wanted};
use super::{Coefficient, FixedBase, Term};
use alloc::vec::Vec;
use k256::Scalar;

/// Digit width for halves of 128 bits: tables of 8.
const FULL_WIDTH: u32 = 5;
/// Digit width for halves of 64 bits: tables of 4.
const WEIGHT_WIDTH: u32 = 4;

/// Points that are looked up and added at once (measured).
const BLOCK: usize = 800;

/// Where the point of a summand is found.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the tables.
    Entry(u32),
    /// In the tables, times lambda.
    EntryTimesLambda(u32),
    /// In the generator's low table.
    GeneratorLow(u32),
    /// In the generator's high table.
    GeneratorHigh(u32),
    /// The point of a term with coefficient one.
    Term(u32),
}

/// The linear combination by Straus' method.
#[expect(clippy::indexing_slicing, reason = "table positions come from digits, which are bounded by the tables' width")]
pub(crate) fn linear_combination_vartime<F: FixedBase>(generator: Option<&Scalar>, terms: &[Term<F>]) -> Jacobian<F> {
    let fixed = F::generator_tables();
    let own_generator = if fixed.is_none() { generator.copied() } else { None };
    let own_generator = own_generator
        .map(|scalar| Term { coefficient: Coefficient::Scalar(scalar), point: super::Affine::generator() });

    let mut wanted = Vec::with_capacity(terms.len() + 1);
    let mut summands: Collector<Place, F> = Collector::new(48 * (terms.len() + 1), BLOCK);
    let mut start = 0;
    for (index, term) in (0_u32..).zip(terms.iter().chain(&own_generator)) {
        let (halves, width) = match &term.coefficient {
            Coefficient::One => {
                summands.push(0, 1, Place::Term(index));
                continue;
            }
            Coefficient::Weight(weight) => {
                ([weight.u, weight.v].map(|word| Half::positive(u128::from(word))), WEIGHT_WIDTH)
            }
            Coefficient::Scalar(scalar) => (split_vartime(scalar), FULL_WIDTH),
        };
        let [first, second] = halves;
        sparse_digits_vartime(first, width, |position, digit| {
            summands.push(position, digit, Place::Entry(start + digit.unsigned_abs() / 2));
        });
        sparse_digits_vartime(second, width, |position, digit| {
            summands.push(position, digit, Place::EntryTimesLambda(start + digit.unsigned_abs() / 2));
        });
        let size = 1 << (width - 2);
        wanted.push(Wanted { point: term.point, size });
        start += size as u32;
    }
    if let (Some(fixed), Some(scalar)) = (fixed, generator) {
        let [low, high] = split_at_middle(scalar);
        sparse_digits_vartime(low, fixed.width, |position, digit| {
            summands.push(position, digit, Place::GeneratorLow(digit.unsigned_abs() / 2));
        });
        sparse_digits_vartime(high, fixed.width, |position, digit| {
            summands.push(position, digit, Place::GeneratorHigh(digit.unsigned_abs() / 2));
        });
    }

    let tables = Tables::new_vartime(&wanted);
    let beta = beta::<F>();
    let with_beta: Vec<F> = tables.entries.iter().map(|entry| entry.x.mul(beta)).collect();
    let import = tables.import();
    let result = summands.climb_down_vartime(|place| match place {
        Place::Entry(at) => tables.entries[at as usize],
        Place::EntryTimesLambda(at) => {
            let at = at as usize;
            super::Affine { x: with_beta[at], y: tables.entries[at].y }
        }
        Place::GeneratorLow(at) => fixed.map_or_else(super::Affine::generator, |fixed| import(&fixed.low[at as usize])),
        Place::GeneratorHigh(at) => {
            fixed.map_or_else(super::Affine::generator, |fixed| import(&fixed.high[at as usize]))
        }
        Place::Term(at) => import(&terms[at as usize].point),
    });
    tables.export(result)
}
