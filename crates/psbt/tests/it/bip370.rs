//! The official vectors of BIP-370, and the change between the versions.

use motet_psbt::{LocktimeConflict, Malformed, MapId, ParseError, RawPsbt, Version};

use crate::vectors::{field_problem, section};

const FILE: &str = "bip-0370/psbt-vectors.json";

#[test]
fn valid_psbts_are_written_as_they_were_read() {
    let cases = section(FILE, "are valid PSBTs");
    assert_eq!(cases.len(), 14);
    for case in cases {
        assert_eq!(case.accepted().version(), Version::V2);
    }
}

/// The name of the field that a vector of the first section is about: it stands in its name.
fn field_in(name: &str) -> &str {
    name.split([' ', '.']).find(|word| word.starts_with("PSBT_")).unwrap()
}

#[test]
fn each_invalid_psbt_is_refused_for_its_own_reason() {
    let cases = section(FILE, "are invalid PSBTs");
    assert_eq!(cases.len(), 24);
    let [mut forbidden, mut missing, mut locktime] = [0; 3];
    for case in cases {
        let error = case.parse().expect_err(&case.name);
        if case.name.contains("missing") {
            missing += 1;
            let ParseError::Missing { field, version: Version::V2, .. } = error else { panic!("{error}") };
            assert_eq!(field, field_in(&case.name));
        } else if case.name.contains("LOCKTIME less") || case.name.contains("LOCKTIME g") || case.name.contains("of 0")
        {
            locktime += 1;
            let (map, field, problem) = field_problem(&error).expect(&case.name);
            assert_eq!((map, field), (MapId::Input(0), field_in(&case.name)), "{error}");
            assert!(matches!(problem, Malformed::Locktime { .. }), "{error}");
        } else {
            forbidden += 1;
            let ParseError::Forbidden { place, version } = &error else { panic!("{}: {error}", case.name) };
            let stated = field_in(&case.name);
            // The vector that sets the version to 2 has the transaction that version 2 forbids.
            let expected = if stated == "PSBT_GLOBAL_VERSION" { "PSBT_GLOBAL_UNSIGNED_TX" } else { stated };
            assert_eq!(place.field_name(), Some(expected), "{error}");
            let is_v2 = expected == "PSBT_GLOBAL_UNSIGNED_TX";
            assert_eq!(*version, if is_v2 { Version::V2 } else { Version::V0 });
        }
    }
    assert_eq!([forbidden, missing, locktime], [14, 7, 3]);
}

#[test]
fn the_locktime_is_the_one_that_the_inputs_require() {
    let mut count = 0;
    for locktime in [0, 10_000, 1_657_048_460] {
        for case in section(FILE, &format!("should be computed to be {locktime}:")) {
            count += 1;
            assert_eq!(case.accepted().unsigned_tx().unwrap().lock_time.to_consensus_u32(), locktime, "{}", case.name);
        }
    }
    assert_eq!(count, 8);
    let cases = section(FILE, "cannot be computed");
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0].accepted().unsigned_tx(), Err(LocktimeConflict { height: 0, time: 1 }));
}

#[test]
fn a_psbt_in_the_other_version_has_the_same_transaction_and_the_same_fields() {
    let valid = section(FILE, "are valid PSBTs").into_iter().chain(section("bip-0174/psbt-vectors.json", "valid"));
    for psbt in valid.filter_map(|case| case.parse().ok()) {
        let other = if psbt.version() == Version::V0 { Version::V2 } else { Version::V0 };
        let changed = psbt.to_version(other).unwrap();
        assert_eq!(changed.version(), other);
        assert_eq!(RawPsbt::parse(&changed.to_bytes()).as_ref(), Ok(&changed));
        assert_eq!(changed.unsigned_tx(), psbt.unsigned_tx());
        if psbt.version() == Version::V0 {
            assert_eq!(changed.to_version(Version::V0).unwrap(), psbt, "nothing is lost on the way to version 2");
        }
    }
}
