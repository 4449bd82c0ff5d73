//! The official vectors of BIP-371.

use motet_psbt::MapId::{Input, Output};
use motet_psbt::{Malformed, MapId};

use crate::vectors::{assert_refused, section};

const FILE: &str = "bip-0371/psbt-vectors.json";

#[test]
fn each_invalid_psbt_is_refused_for_its_own_reason() {
    let key = |found, expected| Malformed::KeyLength { found, expected };
    let value = |found, expected| Malformed::ValueLength { found, expected };
    let signature = "64, or 65 with a sighash type";
    let control = "33 and 32 for each step of the merkle path, of at most 128";
    let expected: [(&str, (MapId, &'static str, Malformed)); 11] = [
        ("IN_TAP_INTERNAL_KEY", (Input(0), "PSBT_IN_TAP_INTERNAL_KEY", value(33, "32"))),
        ("KEY_SIG signature that is too short", (Input(0), "PSBT_IN_TAP_KEY_SIG", value(63, signature))),
        ("KEY_SIG signature that is too long", (Input(0), "PSBT_IN_TAP_KEY_SIG", value(66, signature))),
        ("IN_TAP_BIP32_DERIVATION", (Input(0), "PSBT_IN_TAP_BIP32_DERIVATION", key(33, "32"))),
        ("OUT_TAP_INTERNAL_KEY", (Output(1), "PSBT_OUT_TAP_INTERNAL_KEY", value(33, "32"))),
        ("OUT_TAP_BIP32_DERIVATION", (Output(1), "PSBT_OUT_TAP_BIP32_DERIVATION", key(33, "32"))),
        ("SCRIPT_SIG key", (Input(0), "PSBT_IN_TAP_SCRIPT_SIG", key(65, "64"))),
        ("SCRIPT_SIG signature that is too long", (Input(0), "PSBT_IN_TAP_SCRIPT_SIG", value(66, signature))),
        ("SCRIPT_SIG signature that is too short", (Input(0), "PSBT_IN_TAP_SCRIPT_SIG", value(63, signature))),
        ("Control block that is too long", (Input(0), "PSBT_IN_TAP_LEAF_SCRIPT", key(98, control))),
        ("Control block that is too short", (Input(0), "PSBT_IN_TAP_LEAF_SCRIPT", key(96, control))),
    ];
    assert_refused(&section(FILE, "are invalid PSBTs"), &expected);
}

#[test]
fn valid_psbts_are_written_as_they_were_read_and_their_fields_too() {
    let cases = section(FILE, "are valid PSBTs");
    assert_eq!(cases.len(), 6);
    let [mut origins, mut leaves, mut trees, mut signatures] = [0; 4];
    for case in cases {
        let psbt = case.accepted();
        for (index, map) in psbt.inputs().iter().enumerate() {
            let input = psbt.input(index).unwrap();
            for origin in input.origins() {
                origins += 1;
                assert!(map.of_kind(0x16).any(|entry| entry == (&origin.key_data(), &origin.value())));
            }
            for leaf in input.leaf_scripts() {
                leaves += 1;
                assert!(map.of_kind(0x15).any(|entry| entry == (&leaf.key_data(), &leaf.value())));
            }
            for script in input.script_signatures() {
                signatures += 1;
                assert!(map.of_kind(0x14).any(|entry| entry == (&script.key_data(), &script.signature.to_bytes())));
            }
            signatures += usize::from(input.key_signature().is_some());
            assert_eq!(input.merkle_root().is_some(), map.single(0x18).is_some());
            assert!(input.internal_key().is_some() || map.single(0x17).is_none());
        }
        for (index, map) in psbt.outputs().iter().enumerate() {
            let output = psbt.output(index).unwrap();
            if let Some(tree) = output.tree() {
                trees += 1;
                assert_eq!(map.single(0x06), Some(&*tree.value()));
            }
            assert_eq!(output.origins().count(), map.of_kind(0x07).count());
            assert_eq!(output.internal_key().is_some(), map.single(0x05).is_some());
        }
    }
    assert!(origins > 3 && leaves > 3 && trees == 1 && signatures > 1, "{origins} {leaves} {trees} {signatures}");
}
