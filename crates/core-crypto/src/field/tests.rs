//! The four-limb field against k256's, on edge values and on random ones.

use super::k256_field::K256Field;
use super::{Field, PublicFe, invert_all_vartime, square_root_candidates};
use alloc::vec::Vec;
use proptest::prelude::*;

const P: [u64; 4] = [0xFFFF_FFFE_FFFF_FC2F, u64::MAX, u64::MAX, u64::MAX];

/// Raw limbs near every boundary that the carries care about: 0, K, p, 2^256, and words of zeros and ones.
fn edges() -> Vec<[u64; 4]> {
    const K: u64 = 0x1_0000_03D1;
    let mut edges = Vec::new();
    for word in [0, 1, 2, K - 1, K, K + 1, 2 * K, P[0] - 1, P[0], P[0] + 1, u64::MAX - 1, u64::MAX, 1 << 63, 1 << 32] {
        for upper in [[0, 0, 0], [u64::MAX; 3], [0, 0, 1 << 63], [1, 0, 0], [u64::MAX, u64::MAX, u64::MAX - 1]] {
            edges.push([word, upper[0], upper[1], upper[2]]);
            edges.push([upper[0], upper[1], upper[2], word]);
        }
    }
    edges
}

/// The same residue in k256's field, by an independent route: two 128-bit halves.
fn reference(limbs: [u64; 4]) -> K256Field {
    let word = K256Field::from_u64;
    let two_64 = Field::mul(word(1 << 32), word(1 << 32));
    limbs.iter().rev().fold(<K256Field as Field>::ZERO, |sum, limb| Field::add(Field::mul(sum, two_64), word(*limb)))
}

#[track_caller]
fn must_agree(ours: PublicFe, theirs: K256Field) {
    assert_eq!(ours.to_bytes(), Field::to_bytes(theirs));
}

fn check_pair(a: [u64; 4], b: [u64; 4]) {
    let (x, y) = (PublicFe::from_limbs(a), PublicFe::from_limbs(b));
    let (u, v) = (reference(a), reference(b));
    must_agree(x.add(y), Field::add(u, v));
    must_agree(x.sub(y), Field::sub(u, v));
    must_agree(x.mul(y), Field::mul(u, v));
    assert_eq!(x.equals(y), Field::equals(u, v));
}

fn check_one(a: [u64; 4]) {
    let (x, u) = (PublicFe::from_limbs(a), reference(a));
    must_agree(x, u);
    must_agree(x.square(), Field::square(u));
    must_agree(x.neg(), Field::neg(u));
    must_agree(x.double(), Field::double(u));
    must_agree(x.triple(), Field::triple(u));
    must_agree(x.half(), Field::half(u));
    must_agree(x.normalize(), u);
    must_agree(x.invert_vartime(), Field::invert_vartime(u));
    assert_eq!(x.is_zero(), Field::is_zero(u));
    assert_eq!(x.is_odd(), Field::is_odd(u));
}

#[test]
fn every_operation_agrees_with_k256_on_all_pairs_of_edge_values() {
    let edges = edges();
    for a in &edges {
        check_one(*a);
        for b in &edges {
            check_pair(*a, *b);
        }
    }
}

#[test]
fn only_integers_below_p_are_read() {
    let bytes = |limbs: [u64; 4]| {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.chunks_mut(8).zip(limbs.iter().rev()) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    };
    for limbs in edges() {
        let theirs: Option<K256Field> = Field::from_bytes(&bytes(limbs));
        let ours = PublicFe::from_bytes(&bytes(limbs));
        assert_eq!(ours.map(PublicFe::to_bytes), theirs.map(Field::to_bytes), "{limbs:x?}");
    }
    assert!(PublicFe::from_bytes(&bytes(P)).is_none());
    assert!(PublicFe::from_bytes(&[0xFF; 32]).is_none());
}

#[test]
fn a_shared_inversion_inverts_every_element() {
    for count in 0..9_u64 {
        let elements: Vec<PublicFe> = (1..=count).map(|word| PublicFe::from_limbs([word, 0, word, P[3]])).collect();
        let mut inverses = elements.clone();
        invert_all_vartime(&mut inverses, &mut Vec::new());
        for (element, inverse) in elements.iter().zip(inverses) {
            assert!(element.mul(inverse).equals(PublicFe::ONE));
        }
    }
}

#[test]
fn square_roots_of_squares_are_found_and_others_are_not() {
    for word in 1..50_u64 {
        let square = PublicFe::from_limbs([word, 3, 5, 7]).square();
        let other = square.neg();
        let [root, none] = square_root_candidates([square, other]);
        assert!(root.square().equals(square));
        // p = 3 (mod 4), so that minus a square is never a square.
        assert!(!none.square().equals(other));
    }
}

/// Words that are often all zeros or all ones.
fn limbs() -> impl Strategy<Value = [u64; 4]> {
    let word = prop_oneof![4 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX), 1 => Just(P[0]), 1 => 0..8_u64];
    [word.clone(), word.clone(), word.clone(), word]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn every_operation_agrees_with_k256(a in limbs(), b in limbs()) {
        check_one(a);
        check_pair(a, b);
    }

    #[test]
    fn long_chains_of_operations_agree_with_k256(start in limbs(), steps in prop::collection::vec((0..7_u8, limbs()), 1..40)) {
        let (mut x, mut u) = (PublicFe::from_limbs(start), reference(start));
        for (step, operand) in steps {
            let (y, v) = (PublicFe::from_limbs(operand), reference(operand));
            (x, u) = match step {
                0 => (x.add(y), Field::add(u, v)),
                1 => (x.sub(y), Field::sub(u, v)),
                2 => (y.sub(x), Field::sub(v, u)),
                3 => (x.mul(y), Field::mul(u, v)),
                4 => (x.square(), Field::square(u)),
                5 => (x.half(), Field::half(u)),
                _ => (x.neg(), Field::neg(u)),
            };
        }
        must_agree(x, u);
    }
}
