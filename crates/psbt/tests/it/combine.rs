//! Combining of PSBTs: nothing is lost, the order does not matter, and contradictions are named.

use std::collections::BTreeMap;

use motet_psbt::{CombineError, Key, MapId, RawMap, RawPsbt, Version};
use proptest::prelude::*;

use crate::vectors::section;

fn base() -> RawPsbt {
    section("bip-0370/psbt-vectors.json", "are valid PSBTs")[0].accepted()
}

/// Unknown fields, few enough that several files have some of them.
fn unknown_fields() -> impl Strategy<Value = Vec<(MapId, u8)>> {
    let map = prop_oneof![Just(MapId::Global), Just(MapId::Input(0)), Just(MapId::Output(0)), Just(MapId::Output(1))];
    proptest::collection::vec((map, 0..20_u8), 0..30)
}

/// A file with unknown fields whose values follow from their keys, so that two files never contradict each other.
fn file(fields: &[(MapId, u8)], version: Version) -> RawPsbt {
    let mut psbt = base();
    for (map, number) in fields {
        psbt.add(*map, Key::new(0x40, &[*number]), vec![*number; 3]).unwrap();
    }
    psbt.to_version(version).unwrap()
}

fn entries(psbt: &RawPsbt) -> BTreeMap<(MapId, Key), Vec<u8>> {
    let of_map = |(id, map): (MapId, &RawMap)| {
        map.entries().map(|(key, value)| ((id, key.clone()), value.to_vec())).collect::<Vec<_>>()
    };
    psbt.maps().flat_map(of_map).collect()
}

proptest! {
    #[test]
    fn combining_is_commutative_idempotent_and_without_loss(
        files in proptest::collection::vec((unknown_fields(), any::<bool>()), 1..5)
    ) {
        let version = |is_v2| if is_v2 { Version::V2 } else { Version::V0 };
        let files: Vec<_> = files.iter().map(|(fields, is_v2)| file(fields, version(*is_v2))).collect();
        let combined = RawPsbt::combine(&files).unwrap();
        prop_assert_eq!(RawPsbt::parse(&combined.to_bytes()), Ok(combined.clone()));
        prop_assert_eq!(combined.unsigned_tx(), files[0].unsigned_tx());

        let mut turned = files.clone();
        turned.reverse();
        prop_assert_eq!(&RawPsbt::combine(&turned).unwrap(), &combined);
        turned.push(combined.clone());
        prop_assert_eq!(&RawPsbt::combine(&turned).unwrap(), &combined);
        let one_by_one = files.iter().skip(1).fold(RawPsbt::combine(&files[..1]).unwrap(), |sum, file| {
            RawPsbt::combine(&[sum, file.clone()]).unwrap()
        });
        prop_assert_eq!(&one_by_one, &combined);

        let all: BTreeMap<_, _> = files.iter().map(|file| file.to_version(combined.version()).unwrap()).flat_map(|file| entries(&file)).collect();
        prop_assert_eq!(entries(&combined), all);
    }
}

#[test]
fn two_values_under_one_key_are_an_error_that_names_the_key_and_both_files() {
    let mut files = vec![base(); 3];
    files[0].add(MapId::Input(0), Key::new(0x40, b"k"), vec![1]).unwrap();
    files[2].add(MapId::Input(0), Key::new(0x40, b"k"), vec![2]).unwrap();
    let error = RawPsbt::combine(&files).unwrap_err();
    let CombineError::Conflict { place, first: 0, second: 2 } = &error else { panic!("{error}") };
    assert_eq!((place.map, &place.key), (MapId::Input(0), &Key::new(0x40, b"k")));
    assert_eq!(
        error.to_string(),
        "input 0, unknown field (key 406b): file 0 and file 2 have different values; find out which one is wrong"
    );
}

#[test]
fn psbts_of_different_transactions_are_not_combined() {
    let mut transaction = base().unsigned_tx().unwrap();
    transaction.output[0].value = bitcoin::Amount::from_sat(1);
    let other = RawPsbt::new(Version::V2, &transaction);
    let expected = CombineError::DifferentTransaction { first: 0, second: 1, difference: "the outputs" };
    assert_eq!(RawPsbt::combine(&[base(), other]), Err(expected));
    assert_eq!(RawPsbt::combine(&[]), Err(CombineError::Empty));
}

#[test]
fn a_change_of_the_transaction_is_allowed_only_if_all_files_allow_it() {
    let flags = |flags: &[u8]| {
        let files: Vec<_> = flags
            .iter()
            .map(|flags| {
                let mut psbt = base();
                psbt.set(MapId::Global, Key::new(0x06, &[]), vec![*flags]).unwrap();
                psbt
            })
            .collect();
        RawPsbt::combine(&files).unwrap().global().single(0x06).unwrap()[0]
    };
    assert_eq!(flags(&[0b011, 0b001]), 0b001);
    assert_eq!(flags(&[0b111, 0b010, 0b000]), 0b100);
    let mut open = base();
    open.set(MapId::Global, Key::new(0x06, &[]), vec![3]).unwrap();
    assert_eq!(RawPsbt::combine(&[open, base()]).unwrap().global().single(0x06), Some(&[0][..]));
}

#[test]
fn the_transaction_of_a_psbt_cannot_be_edited() {
    let mut psbt = base();
    for (map, kind) in [(MapId::Global, 0x02), (MapId::Global, 0xfb), (MapId::Input(0), 0x10), (MapId::Output(0), 0x03)]
    {
        let value = vec![0; if kind == 0x03 { 8 } else { 4 }];
        let error = psbt.set(map, Key::new(kind, &[]), value).unwrap_err();
        assert!(matches!(error, motet_psbt::EditError::Transaction(_)), "{error}");
    }
    let before = psbt.clone();
    psbt.remove(MapId::Input(0), |_| true).unwrap();
    assert_eq!(psbt.unsigned_tx(), before.unsigned_tx());
}
