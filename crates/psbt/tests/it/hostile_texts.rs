//! Damaged and hostile descriptors: an error or a valid reading, and never a panic.

use std::str::FromStr as _;

use bitcoin::bip32::Xpub;
use motet_psbt::descriptor::{Descriptor, DescriptorError, KeyError, KeyExpr};
use motet_psbt::{Group, WalletPolicy};
use proptest::prelude::*;

use crate::vectors::load;

const XPUB: &str =
    "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL";
const POINT: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";

/// Descriptors of the BIPs, and one with everything.
fn corpus() -> Vec<String> {
    let mut texts = vec![format!(
        "tr(musig({XPUB}/<0;1>,02{POINT})/*,{{sortedmulti_a(1,{XPUB}/<2;3>,{POINT}),and_v(v:pk({XPUB}/4h/*),after(9))}})"
    )];
    for bip in ["0386", "0389", "0390"] {
        let vectors = load(&format!("bip-{bip}/descriptor-vectors.json"));
        for list in ["valid", "invalid"] {
            let cases = vectors[list].as_array().unwrap().iter();
            texts.extend(cases.map(|case| case["descriptor"].as_str().unwrap().to_owned()));
        }
    }
    texts
}

fn read_all(text: &str) {
    let Ok(descriptor) = Descriptor::parse(text) else { return };
    assert_eq!(Descriptor::parse(&descriptor.to_string()).unwrap().body(), descriptor.body());
    let _ = descriptor.output(0, 0);
    let _ = descriptor.output(1, u32::MAX);
    let _ = WalletPolicy::of_descriptor("", &descriptor);
    if let Ok(group) = Group::new(descriptor) {
        assert!(!group.spend_paths().is_empty());
        let _ = group.warnings();
    }
}

#[test]
fn every_truncation_is_an_error_or_a_valid_reading() {
    for text in corpus() {
        for length in 0..text.len() {
            read_all(&text[..length]);
        }
    }
}

proptest! {
    #[test]
    fn every_changed_character_is_an_error_or_a_valid_reading(
        text in proptest::sample::select(corpus()),
        place in any::<prop::sample::Index>(),
        character in "[ -~]",
    ) {
        let place = place.index(text.len());
        read_all(&[&text[..place], &character, &text[place + 1..]].concat());
        read_all(&[&text[..place], &character, &text[place..]].concat());
    }

    #[test]
    fn texts_of_the_right_characters_are_an_error_or_a_valid_reading(text in "[@0-9a-z(){},;<>/*#':\\[\\]]{0,60}") {
        read_all(&text);
        read_all(&format!("tr({POINT},{text})"));
        read_all(&format!("tr(musig({text}))"));
        let _ = WalletPolicy::new("", &text, &[XPUB]);
    }
}

#[test]
fn nesting_without_end_does_no_harm() {
    for wrapper in ["n", "l", "u", "j", "tv", "a", "d", "s", "c", "v"] {
        for count in [300, 5_000, 100_000] {
            let text = format!("tr({POINT},{}:pk({XPUB}))", wrapper.repeat(count));
            // Some wrappers may be repeated: what counts is that reading, computing and dropping end.
            read_all(&text);
        }
    }
    for (open, close) in [("{pk(A),", "}"), ("and_v(v:pk(A),", ")"), ("or_i(0,", ")"), ("or_d(pk(A),", ")")] {
        let text = format!("tr({POINT},{}pk({XPUB}){})", open.repeat(5_000), close.repeat(5_000));
        assert!(Descriptor::parse(&text.replace('A', POINT)).is_err(), "{open}");
    }
}

#[test]
fn a_path_that_is_deeper_than_extended_keys_can_be_is_refused() {
    let mut xpub = Xpub::from_str(XPUB).unwrap();
    xpub.depth = 254;
    assert!(KeyExpr::parse(&format!("{xpub}/0")).is_ok());
    assert_eq!(KeyExpr::parse(&format!("{xpub}/0/*")), Err(KeyError::TooDeep));
    xpub.depth = 255;
    let key = DescriptorError::Key { number: 0, problem: KeyError::TooDeep };
    assert_eq!(Descriptor::parse(&format!("tr(musig({xpub}/*,{XPUB}))")), Err(key));
    let long = format!("{XPUB}{}", "/0".repeat(300));
    assert_eq!(KeyExpr::parse(&long), Err(KeyError::TooDeep));
    // After musig() the aggregate key has depth 0, whatever its participants have.
    let aggregate = format!("musig({xpub},{XPUB})");
    assert!(KeyExpr::parse(&format!("{aggregate}/0/*")).is_ok());
    assert_eq!(KeyExpr::parse(&format!("{aggregate}{}", "/0".repeat(256))), Err(KeyError::TooDeep));
}
