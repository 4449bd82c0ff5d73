//! The engine against plain k256 point arithmetic, over both fields, with random and edge inputs.

#[cfg(feature = "std")]
use super::bytewise::ByteMultiples;
use super::curve::{Affine, Jacobian, Parity, lift_vartime, to_affine_all_vartime};
use super::generator::GeneratorTables;
use super::recode::{Half, WindowDigits, lambda, sparse_digits_vartime, split_at_middle, split_vartime};
use super::workspace::Workspace;
use super::{
    Coefficient, EngineField, KeptMultiples, Term, Weight, linear_combination_vartime, pippenger, straus, sum_vartime,
};
use crate::field::k256_field::K256Field;
use crate::field::{Field, PublicFe};
use alloc::vec;
use alloc::vec::Vec;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::sec1::ToSec1Point;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use proptest::prelude::*;

impl EngineField for K256Field {
    #[cfg(feature = "std")]
    fn generator_tables() -> Option<&'static GeneratorTables<Self>> {
        static TABLES: std::sync::LazyLock<GeneratorTables<K256Field>> =
            std::sync::LazyLock::new(|| GeneratorTables::new(5));
        Some(&TABLES)
    }

    #[cfg(not(feature = "std"))]
    fn generator_tables() -> Option<&'static GeneratorTables<Self>> {
        None
    }

    #[cfg(feature = "std")]
    fn add_generator_multiple_vartime(sum: Jacobian<Self>, scalar: &Scalar) -> Option<Jacobian<Self>> {
        static MULTIPLES: std::sync::LazyLock<ByteMultiples<K256Field>> = std::sync::LazyLock::new(ByteMultiples::new);
        Some(MULTIPLES.add_multiple_vartime(sum, scalar))
    }

    #[cfg(not(feature = "std"))]
    fn add_generator_multiple_vartime(_: Jacobian<Self>, _: &Scalar) -> Option<Jacobian<Self>> {
        None
    }
}

fn from_k256<F: Field>(point: &ProjectivePoint) -> Affine<F> {
    let encoded = point.to_affine().to_sec1_point(false);
    let bytes = encoded.as_bytes();
    Affine::from_coordinates(bytes[1..33].try_into().unwrap(), bytes[33..65].try_into().unwrap()).unwrap()
}

/// The compressed encoding; 33 zeros for infinity.
fn encode<F: Field>(point: Jacobian<F>) -> [u8; 33] {
    let mut bytes = [0; 33];
    if let Some(affine) = point.to_affine_vartime() {
        bytes[0] = if affine.has_even_y() { 2 } else { 3 };
        bytes[1..].copy_from_slice(&affine.x.to_bytes());
    }
    bytes
}

fn encode_k256(point: ProjectivePoint) -> [u8; 33] {
    if point == ProjectivePoint::IDENTITY {
        return [0; 33];
    }
    AffinePoint::from(point).to_sec1_point(true).as_bytes().try_into().unwrap()
}

/// Scalars that are often at an edge of the recoding.
fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        6 => any::<[u8; 32]>().prop_map(|bytes| <Scalar as Reduce<k256::FieldBytes>>::reduce(&bytes.into())),
        2 => (0..40_u64).prop_map(Scalar::from),
        2 => (0..40_u64).prop_map(|small| -Scalar::from(small)),
        1 => Just(lambda()),
        1 => Just(-lambda()),
        1 => (0..256_u32).prop_map(|shift| (0..shift).fold(Scalar::ONE, |power, _| power + power)),
        1 => (0..256_u32).prop_map(|shift| (0..shift).fold(Scalar::ONE, |power, _| power + power) - Scalar::ONE),
    ]
}

/// A coefficient and the same as a scalar.
fn coefficient() -> impl Strategy<Value = (Coefficient, Scalar)> {
    prop_oneof![
        1 => Just((Coefficient::One, Scalar::ONE)),
        3 => any::<[u8; 16]>().prop_map(|bytes| {
            let weight = Weight::from_bytes(bytes);
            (Coefficient::Weight(weight), weight.to_scalar())
        }),
        1 => Just((Coefficient::Weight(Weight { u: u64::MAX, v: 0 }), Scalar::from(u64::MAX))),
        4 => scalar().prop_map(|scalar| (Coefficient::Scalar(scalar), scalar)),
    ]
}

/// Discrete logarithms from a small set, so that equal and opposite points are frequent.
fn logarithm() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        4 => any::<[u8; 32]>().prop_map(|bytes| <Scalar as Reduce<k256::FieldBytes>>::reduce(&bytes.into())),
        2 => (1..4_u64).prop_map(Scalar::from),
        2 => (1..4_u64).prop_map(|small| -Scalar::from(small)),
        1 => (1..3_u64).prop_map(|small| Scalar::from(small) * lambda()),
    ]
    .prop_filter("points are finite", |scalar| *scalar != Scalar::ZERO)
}

type Summand = ((Coefficient, Scalar), Scalar);

fn check(generator: Option<Scalar>, summands: &[Summand]) {
    let total = summands.iter().fold(generator.unwrap_or(Scalar::ZERO), |sum, ((_, k), p)| sum + k * p);
    let expected = encode_k256(ProjectivePoint::GENERATOR * total);
    check_over::<PublicFe>(generator, summands, expected);
    check_over::<K256Field>(generator, summands, expected);
}

fn check_over<F: EngineField>(generator: Option<Scalar>, summands: &[Summand], expected: [u8; 33]) {
    let terms: Vec<Term<F>> = summands
        .iter()
        .map(|((coefficient, _), logarithm)| Term {
            coefficient: *coefficient,
            point: from_k256(&(ProjectivePoint::GENERATOR * logarithm)),
        })
        .collect();
    let generator = generator.as_ref();
    // Twice with one workspace: what is left in it must not matter.
    let mut workspace = Workspace::new();
    for _ in 0..2 {
        let by_straus = straus::linear_combination_vartime(&mut workspace, generator, &terms);
        assert_eq!(encode(by_straus), expected, "Straus");
        let by_pippenger = pippenger::linear_combination_vartime(&mut workspace, generator, &terms);
        assert_eq!(encode(by_pippenger), expected, "Pippenger");
    }
    assert_eq!(encode(linear_combination_vartime(generator, &terms)), expected);
}

fn check_kept<F: EngineField>(generator: Scalar, scalar: Scalar, logarithm: Scalar) {
    let kept = KeptMultiples::<F>::new_vartime(&from_k256(&(ProjectivePoint::GENERATOR * logarithm)));
    let expected = encode_k256(ProjectivePoint::GENERATOR * (generator + scalar * logarithm));
    assert_eq!(encode(kept.combine_vartime(&generator, &scalar)), expected);
}

fn integer(half: Half) -> Scalar {
    let high = Scalar::from((half.magnitude >> 64) as u64);
    let two_64 = Scalar::from(1_u64 << 32) * Scalar::from(1_u64 << 32);
    let magnitude = high * two_64 + Scalar::from(half.magnitude as u64);
    if half.negative { -magnitude } else { magnitude }
}

fn power_of_two(exponent: u32) -> Scalar {
    (0..exponent).fold(Scalar::ONE, |power, _| power + power)
}

fn signed(digit: i32) -> Scalar {
    let magnitude = Scalar::from(u64::from(digit.unsigned_abs()));
    if digit < 0 { -magnitude } else { magnitude }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_multiple_of_the_generator_is_added_to_a_point(scalar in scalar(), point in logarithm()) {
        check(Some(scalar), &[((Coefficient::One, Scalar::ONE), point)]);
        // Their sum is infinity.
        check(Some(-point), &[((Coefficient::One, Scalar::ONE), point)]);
        check(Some(scalar), &[]);
    }

    #[test]
    fn the_halves_of_a_scalar_make_it_up(scalar in scalar()) {
        let [first, second] = split_vartime(&scalar);
        prop_assert_eq!(integer(first) + integer(second) * lambda(), scalar);
        let [low, high] = split_at_middle(&scalar);
        prop_assert_eq!(integer(low) + integer(high) * power_of_two(128), scalar);
    }

    #[test]
    fn the_digits_of_a_half_make_it_up(
        magnitude in prop_oneof![any::<u128>(), Just(u128::MAX), Just(0), 0..100_u128, Just(1 << 127)],
        negative: bool,
        width in 3..14_u32,
    ) {
        let half = Half { magnitude, negative };
        let mut sum = Scalar::ZERO;
        sparse_digits_vartime(half, width, |position, digit| {
            assert!(position <= 128 && digit & 1 == 1 && digit.unsigned_abs() < 1 << (width - 1));
            sum += signed(digit) * power_of_two(position);
        });
        prop_assert_eq!(sum, integer(half));
        let digits = WindowDigits::new(half, width);
        let sum: Scalar = (0..=128 / width)
            .map(|window| {
                assert!(digits.digit(window).unsigned_abs() <= 1 << (width - 1));
                signed(digits.digit(window)) * power_of_two(window * width)
            })
            .sum();
        prop_assert_eq!(sum, integer(half));
    }

    #[test]
    fn a_small_combination_agrees_with_k256(
        generator in prop::option::of(scalar()),
        summands in prop::collection::vec((coefficient(), logarithm()), 0..6),
    ) {
        check(generator, &summands);
    }

    #[test]
    fn multiples_that_are_kept_agree_with_k256(generator in scalar(), scalar in scalar(), point in logarithm()) {
        check_kept::<PublicFe>(generator, scalar, point);
        check_kept::<K256Field>(generator, scalar, point);
        // Their sum is infinity.
        check_kept::<PublicFe>(-scalar * point, scalar, point);
    }

    #[test]
    fn additions_agree_with_k256(a in logarithm(), b in logarithm()) {
        check_additions::<PublicFe>(a, b);
        check_additions::<K256Field>(a, b);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_large_combination_agrees_with_k256(
        generator in prop::option::of(scalar()),
        summands in prop::collection::vec((coefficient(), logarithm()), 6..200),
    ) {
        check(generator, &summands);
    }
}

fn check_additions<F: Field>(a: Scalar, b: Scalar) {
    let (p, q) = (ProjectivePoint::GENERATOR * a, ProjectivePoint::GENERATOR * b);
    let (x, y): (Affine<F>, Affine<F>) = (from_k256(&p), from_k256(&q));
    let (jx, jy) = (Jacobian::from(x).double(), Jacobian::from(y).double());
    assert_eq!(encode(jx), encode_k256(p.double()));
    assert_eq!(encode(jx.add_affine_vartime(&y)), encode_k256(p.double() + q));
    assert_eq!(encode(jx.add_vartime(&jy)), encode_k256(p.double() + q.double()));
    assert_eq!(encode(jx.add_vartime(&jx)), encode_k256(p.double().double()));
    assert_eq!(encode(jx.add_vartime(&jx.neg())), [0; 33]);
    assert_eq!(encode(Jacobian::from(x).add_affine_vartime(&x)), encode_k256(p.double()));
    assert_eq!(encode(Jacobian::from(x).add_affine_vartime(&x.neg())), [0; 33]);
    assert_eq!(encode(Jacobian::INFINITY.add_affine_vartime(&x)), encode_k256(p));
    assert_eq!(encode(Jacobian::INFINITY.add_vartime(&jx)), encode_k256(p.double()));
    assert_eq!(encode(jx.add_vartime(&Jacobian::INFINITY)), encode_k256(p.double()));
    assert_eq!(encode(Jacobian::<F>::INFINITY.double()), [0; 33]);
    let affine = jx.to_affine_vartime().unwrap();
    assert!(jx.equals_affine_vartime(&affine) && jx.has_x_vartime(affine.x));
    assert!(!jx.equals_affine_vartime(&affine.neg()) && jx.neg().has_x_vartime(affine.x));
    assert!(!Jacobian::INFINITY.equals_affine_vartime(&affine) && !Jacobian::INFINITY.has_x_vartime(F::ZERO));
    let all = to_affine_all_vartime(&[jx, Jacobian::INFINITY, jy]);
    assert!(
        all[1].is_none() && jx.equals_affine_vartime(&all[0].unwrap()) && jy.equals_affine_vartime(&all[2].unwrap())
    );
}

fn full(k: Scalar) -> (Coefficient, Scalar) {
    (Coefficient::Scalar(k), k)
}

#[test]
fn nothing_sums_to_infinity() {
    check(None, &[]);
    check(Some(Scalar::ZERO), &[]);
    check(Some(Scalar::ZERO), &[(full(Scalar::ZERO), Scalar::ONE)]);
}

#[test]
fn opposite_terms_cancel_in_both_methods() {
    let k = Scalar::from(0xDEAD_BEEF_u64);
    check(None, &[(full(k), Scalar::ONE), (full(-k), Scalar::ONE)]);
    check(Some(k), &[(full(k), -Scalar::ONE)]);
    check(Some(-k), &[(full(k), Scalar::ONE)]);
    // Enough of them for shared inversions: every pair of every group is equal or opposite.
    let mut many = vec![(full(k), Scalar::ONE); 40];
    check(None, &many);
    many.extend(vec![(full(k), -Scalar::ONE); 40]);
    check(None, &many);
    check(Some(k), &many);
}

#[test]
fn all_sizes_around_the_thresholds_agree_with_k256() {
    let one = |index: u64| {
        let k = Scalar::from(index + 3).invert_vartime().unwrap();
        match index % 3 {
            0 => (full(k), Scalar::from(index + 1)),
            1 => (full(-k), Scalar::from(2 * index + 1)),
            _ => {
                let weight = Weight { u: index << 40, v: u64::MAX - index };
                ((Coefficient::Weight(weight), weight.to_scalar()), Scalar::from(index + 7))
            }
        }
    };
    for size in (0..20).chain([30, 60, 120, 200, 350]) {
        let summands: Vec<Summand> = (0..size).map(one).collect();
        check(Some(Scalar::from(5_u64)), &summands);
    }
}

#[test]
fn many_points_add_up() {
    for size in [0, 1, 2, 3, 55, 56, 57, 200] {
        let points: Vec<ProjectivePoint> =
            (0..size).map(|index: u64| ProjectivePoint::GENERATOR * Scalar::from(index % 50 + 1)).collect();
        let expected = points.iter().fold(ProjectivePoint::IDENTITY, |sum, point| sum + point);
        assert_eq!(encode(sum_vartime(points.iter().map(from_k256::<PublicFe>))), encode_k256(expected));
    }
}

#[test]
fn lifting_agrees_with_k256_and_refuses_what_is_not_on_the_curve() {
    let mut refused = 0;
    for index in 0..200_u8 {
        let mut x = [0; 32];
        x[31] = index;
        x[0] = if index > 150 { 0xFF } else { index };
        let mut encoded = [2; 33];
        encoded[1..].copy_from_slice(&x);
        use k256::elliptic_curve::sec1::FromSec1Point;
        let theirs: Option<AffinePoint> =
            k256::Sec1Point::from_bytes(encoded).ok().and_then(|point| AffinePoint::from_sec1_point(&point).into());
        let [even, odd, alone] = [
            lift_vartime::<PublicFe, 4>([
                (&x, Parity::Even),
                (&x, Parity::Odd),
                (&x, Parity::Even),
                (&[0xFF; 32], Parity::Even),
            ])[..2]
                .to_vec(),
            lift_vartime::<K256Field, 2>([(&x, Parity::Even), (&x, Parity::Odd)])
                .map(|p| {
                    p.map(|p| Affine {
                        x: PublicFe::from_bytes(&Field::to_bytes(p.x)).unwrap(),
                        y: PublicFe::from_bytes(&Field::to_bytes(p.y)).unwrap(),
                    })
                })
                .to_vec(),
            lift_vartime::<PublicFe, 1>([(&x, Parity::Even)]).to_vec(),
        ];
        let Some(theirs) = theirs else {
            refused += 1;
            assert!(even.iter().chain(&odd).chain(&alone).all(Option::is_none));
            continue;
        };
        let theirs = ProjectivePoint::from(theirs);
        for pair in [&even, &odd] {
            assert_eq!(encode(Jacobian::from(pair[0].unwrap())), encode_k256(theirs));
            assert_eq!(encode(Jacobian::from(pair[1].unwrap())), encode_k256(-theirs));
        }
        assert_eq!(encode(Jacobian::from(alone[0].unwrap())), encode_k256(theirs));
    }
    assert!(refused > 50);
}
