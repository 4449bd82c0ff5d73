//! Straus' method: one table of odd multiples a point, sparse signed digits, one shared run of doublings.

use super::curve::{Affine, Jacobian, beta};
use super::generator::EngineField;
use super::recode::{Half, sparse_digits_vartime, split_at_middle, split_vartime};
use super::table::Wanted;
use super::term::{Coefficient, Term};
use super::workspace::Workspace;
use k256::Scalar;

/// Digit width for halves of 128 bits: tables of 8.
const FULL_WIDTH: u32 = 5;
/// Digit width for halves of 64 bits: tables of 4.
const WEIGHT_WIDTH: u32 = 4;

/// Points that are looked up and added at once (measured).
const BLOCK: usize = 4_000;

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

impl Place {
    /// As one number: the kind in the lowest three bits.
    const fn pack(self) -> u32 {
        match self {
            Self::Entry(at) => at << 3,
            Self::EntryTimesLambda(at) => at << 3 | 1,
            Self::GeneratorLow(at) => at << 3 | 2,
            Self::GeneratorHigh(at) => at << 3 | 3,
            Self::Term(at) => at << 3 | 4,
        }
    }

    const fn unpack(number: u32) -> Self {
        let at = number >> 3;
        match number & 7 {
            0 => Self::Entry(at),
            1 => Self::EntryTimesLambda(at),
            2 => Self::GeneratorLow(at),
            3 => Self::GeneratorHigh(at),
            _ => Self::Term(at),
        }
    }
}

/// The linear combination by Straus' method.
#[expect(clippy::indexing_slicing, reason = "table positions come from digits, which are bounded by the tables' width")]
pub(crate) fn linear_combination_vartime<F: EngineField>(
    workspace: &mut Workspace<F>,
    generator: Option<&Scalar>,
    terms: &[Term<F>],
) -> Jacobian<F> {
    let Workspace { collector, wanted, tables, with_beta, .. } = workspace;
    let fixed = F::generator_tables();
    let own_generator = if fixed.is_none() { generator.copied() } else { None };
    let own_generator =
        own_generator.map(|scalar| Term { coefficient: Coefficient::Scalar(scalar), point: Affine::generator() });

    wanted.clear();
    let mut start = 0;
    for (index, term) in (0_u32..).zip(terms.iter().chain(&own_generator)) {
        let (halves, width) = match &term.coefficient {
            Coefficient::One => {
                collector.push(0, 1, Place::Term(index).pack());
                continue;
            }
            Coefficient::Weight(weight) => {
                ([weight.u, weight.v].map(|word| Half::positive(u128::from(word))), WEIGHT_WIDTH)
            }
            Coefficient::Scalar(scalar) => (split_vartime(scalar), FULL_WIDTH),
        };
        let [first, second] = halves;
        sparse_digits_vartime(first, width, |position, digit| {
            collector.push(position, digit, Place::Entry(start + digit.unsigned_abs() / 2).pack());
        });
        sparse_digits_vartime(second, width, |position, digit| {
            collector.push(position, digit, Place::EntryTimesLambda(start + digit.unsigned_abs() / 2).pack());
        });
        let size = 1 << (width - 2);
        wanted.push(Wanted { point: term.point, size });
        start += size as u32;
    }
    if let (Some(fixed), Some(scalar)) = (fixed, generator) {
        let [low, high] = split_at_middle(scalar);
        sparse_digits_vartime(low, fixed.width, |position, digit| {
            collector.push(position, digit, Place::GeneratorLow(digit.unsigned_abs() / 2).pack());
        });
        sparse_digits_vartime(high, fixed.width, |position, digit| {
            collector.push(position, digit, Place::GeneratorHigh(digit.unsigned_abs() / 2).pack());
        });
    }

    tables.build_vartime(wanted);
    let beta = beta::<F>();
    with_beta.clear();
    with_beta.extend(tables.entries.iter().map(|entry| entry.x.mul(beta)));
    let import = tables.import();
    let result = collector.climb_down_vartime(BLOCK, |place| match Place::unpack(place) {
        Place::Entry(at) => tables.entries[at as usize],
        Place::EntryTimesLambda(at) => {
            let at = at as usize;
            Affine { x: with_beta[at], y: tables.entries[at].y }
        }
        Place::GeneratorLow(at) => fixed.map_or_else(Affine::generator, |fixed| import(&fixed.low[at as usize])),
        Place::GeneratorHigh(at) => fixed.map_or_else(Affine::generator, |fixed| import(&fixed.high[at as usize])),
        Place::Term(at) => import(&terms[at as usize].point),
    });
    tables.export(result)
}
