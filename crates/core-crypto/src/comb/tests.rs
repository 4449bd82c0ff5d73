//! The comb against k256's multiplication, where it is special above all.

use alloc::vec::Vec;

use super::*;
use crate::scalar::reduce;

fn checked(scalar: &Scalar) {
    let [point] = public_points([scalar], Site::PublicKey);
    let expected = complete(scalar, Site::PublicKey);
    assert_eq!(point.map(PublicPoint::to_bytes), expected.map(PublicPoint::to_bytes), "{:?}", scalar.to_bytes());
}

/// 30 * 16^63 modulo n, which is also 30 * 16^63 - n.
fn special() -> Scalar {
    (0..63).fold(Scalar::from(30u64), |power, _| power * Scalar::from(16u64))
}

#[test]
fn multiples_are_those_of_k256() {
    let powers: Vec<Scalar> =
        core::iter::successors(Some(Scalar::ONE), |power| Some(power + power)).take(256).collect();
    for power in &powers {
        for scalar in [*power, -power, *power - Scalar::ONE, *power + Scalar::ONE] {
            checked(&scalar);
        }
    }
    for small in 0..600u64 {
        checked(&Scalar::from(small));
        checked(&-Scalar::from(small));
    }
    for seed in 0..2000u16 {
        checked(&reduce(&crate::tagged_hash("test", &[&seed.to_be_bytes()])));
    }
    for bytes in [[0xFF; 32], [0x0F; 32], [0xF0; 32], [0x80; 32], [0x11; 32], [0x7F; 32]] {
        checked(&reduce(&bytes));
    }
}

#[test]
fn the_special_number_is_the_only_one_that_ends_in_infinity() {
    let ends_in_infinity = |scalar: Scalar| {
        let mut sum = table::Sum::EMPTY;
        sum.multiply(&scalar);
        bool::from(sum.is_infinity())
    };
    assert!(ends_in_infinity(special()) && ends_in_infinity(-special()));
    for near in [special() + Scalar::from(2u64), special() - Scalar::from(2u64), -special() + Scalar::ONE] {
        assert!(!ends_in_infinity(near));
    }
    for offset in 0..50u64 {
        for near in [special() + Scalar::from(offset), special() - Scalar::from(offset)] {
            checked(&near);
            checked(&-near);
        }
    }
    assert!(public_points([&Scalar::ZERO], Site::PublicKey)[0].is_none());
}

#[test]
fn several_share_an_inversion_and_a_special_one_spoils_nothing() {
    let [one, two] = [Scalar::from(7u64), -Scalar::from(9u64)];
    for scalars in [[&one, &two], [&two, &one], [&one, &one], [&one, &special()], [&Scalar::ZERO, &two]] {
        let points = public_points(scalars, Site::PublicNonce);
        for (point, scalar) in points.into_iter().zip(scalars) {
            assert_eq!(
                point.map(PublicPoint::to_bytes),
                complete(scalar, Site::PublicNonce).map(PublicPoint::to_bytes)
            );
        }
    }
}
