//! The official vectors of BIP-373.

use motet_psbt::MapId::{Input, Output};
use motet_psbt::{EditError, Key, Malformed, MapId};

use crate::vectors::{Case, assert_refused, load};

fn cases(list: &str) -> Vec<Case> {
    load("bip-0373/psbt-vectors.json")[list].as_array().unwrap().iter().map(Case::of).collect()
}

#[test]
fn each_invalid_psbt_is_refused_for_its_own_reason() {
    let key = |found, expected| Malformed::KeyLength { found, expected };
    let value = |found, expected| Malformed::ValueLength { found, expected };
    let signing = "66, or 98 with a leaf hash";
    let many = "a multiple of 33, and not none";
    let names = [
        "PSBT_IN_MUSIG2_PARTICIPANT_PUBKEYS",
        "PSBT_OUT_MUSIG2_PARTICIPANT_PUBKEYS",
        "PSBT_IN_MUSIG2_PUB_NONCE",
        "PSBT_IN_MUSIG2_PARTIAL_SIG",
    ];
    let expected: [(&str, (MapId, &'static str, Malformed)); 10] = [
        ("x-only aggregate pubkey in input", (Input(0), names[0], key(32, "33"))),
        ("x-only input participant", (Input(0), names[0], value(98, many))),
        ("x-only aggregate pubkey in output", (Output(0), names[1], key(32, "33"))),
        // The BIP prints the PSBT of the case before once more.
        ("x-only output participant", (Output(0), names[1], key(32, "33"))),
        ("x-only aggregate pubkey in public nonce", (Input(0), names[2], key(65, signing))),
        ("x-only participant pubkey in public nonce", (Input(0), names[2], key(65, signing))),
        ("invalid public nonce", (Input(0), names[2], value(65, "66"))),
        ("x-only aggregate pubkey in partial", (Input(0), names[3], key(97, signing))),
        ("x-only participant pubkey in partial", (Input(0), names[3], key(97, signing))),
        ("invalid partial sig", (Input(0), names[3], value(31, "32"))),
    ];
    assert_refused(&cases("invalid"), &expected);
}

#[test]
fn valid_psbts_are_written_as_they_were_read_and_their_fields_too() {
    let cases = cases("valid");
    assert_eq!(cases.len(), 14);
    let aggregate = load("bip-0373/psbt-vectors.json")["aggregate_pubkey"].as_str().unwrap().parse().unwrap();
    let [mut lists, mut nonces, mut partials] = [0; 3];
    for case in cases {
        let psbt = case.accepted();
        for (index, map) in psbt.inputs().iter().enumerate() {
            let input = psbt.input(index).unwrap();
            for list in input.participants() {
                lists += 1;
                assert_eq!(list.aggregate, aggregate);
                assert_eq!(list.key_agg().unwrap().aggregate_plain(), aggregate);
                assert!(map.of_kind(0x1a).any(|entry| entry == (&list.key_data(), &list.value())));
            }
            for nonce in input.public_nonces() {
                nonces += 1;
                let entry = (nonce.key.key_data(), nonce.nonce.to_bytes().to_vec());
                assert!(map.of_kind(0x1b).any(|found| found == (&entry.0, &entry.1)));
            }
            for partial in input.partial_signatures() {
                partials += 1;
                let entry = (partial.key.key_data(), partial.signature.to_bytes().to_vec());
                assert!(map.of_kind(0x1c).any(|found| found == (&entry.0, &entry.1)));
            }
        }
        for index in 0..psbt.outputs().len() {
            for list in psbt.output(index).unwrap().participants() {
                lists += 1;
                assert_eq!(list.key_agg().unwrap().aggregate_plain(), aggregate);
            }
        }
    }
    assert_eq!([lists, nonces, partials], [14, 24, 12]);
}

#[test]
fn an_x_only_participant_of_an_output_is_refused() {
    let mut psbt = cases("valid")[12].accepted();
    let list = psbt.output(0).unwrap().participants().next().unwrap();
    let value = [&list.value()[..33], &list.value()[34..]].concat();
    let error = psbt.set(Output(0), Key::new(0x08, &list.key_data()), value).unwrap_err();
    let EditError::Field { problem, .. } = error else { panic!("{error}") };
    assert_eq!(problem, Malformed::ValueLength { found: 98, expected: "a multiple of 33, and not none" });
}

#[test]
fn participants_that_do_not_aggregate_to_the_stated_key_are_found() {
    let psbt = cases("valid")[0].accepted();
    let mut list = psbt.input(0).unwrap().participants().next().unwrap();
    list.participants.reverse();
    assert_eq!(list.key_agg().unwrap_err(), Malformed::AggregateKey);
}
