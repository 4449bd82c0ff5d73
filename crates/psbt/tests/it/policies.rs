//! The official vectors of BIP-388.

use motet_psbt::descriptor::Descriptor;
use motet_psbt::{PolicyError, WalletPolicy};

use crate::vectors::load;

fn texts(value: &serde_json::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn policies_and_descriptors_of_bip_388_turn_into_each_other() {
    let vectors = load("bip-0388/policy-vectors.json");
    let valid = vectors["valid"].as_array().unwrap();
    assert_eq!(valid.len(), 9);
    for case in valid {
        let [name, template, descriptor] =
            ["name", "template", "descriptor"].map(|field| case[field].as_str().unwrap());
        let policy =
            WalletPolicy::new(name, template, &texts(&case["keys"])).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = Descriptor::parse(descriptor).unwrap();
        assert_eq!(policy.descriptor().body(), expected.body(), "{name}");
        let back = WalletPolicy::of_descriptor(name, &expected).unwrap();
        assert_eq!((back.template(), back.keys(), back.name()), (template, policy.keys(), name));
    }
}

#[test]
fn each_invalid_template_of_bip_388_is_refused_for_its_own_reason() {
    let expected = [
        PolicyError::Path { number: 0 },
        PolicyError::Path { number: 0 },
        PolicyError::Order { found: 1, expected: 0 },
        PolicyError::Order { found: 2, expected: 1 },
        PolicyError::SharedBranch { first: 0, second: 1 },
        PolicyError::SharedBranch { first: 0, second: 1 },
        PolicyError::NotPlaceholder { number: 1 },
        PolicyError::Path { number: 0 },
        PolicyError::DerivedParticipants { number: 0 },
    ];
    let vectors = load("bip-0388/policy-vectors.json");
    let keys = texts(&vectors["valid"][6]["keys"]);
    let invalid = vectors["invalid"].as_array().unwrap();
    assert_eq!(invalid.len(), expected.len());
    for (case, expected) in invalid.iter().zip(expected) {
        let template = case["template"].as_str().unwrap();
        let count = (0..9).filter(|number| template.contains(&format!("@{number}"))).count();
        assert_eq!(WalletPolicy::new("", template, &keys[..count]), Err(expected), "{}", case["reason"]);
    }
}

#[test]
fn stars_that_stand_behind_no_key_are_no_path() {
    // An expression that this version does not know is kept as it is.
    let expected = Descriptor::parse("later(alpha/**,beta/<0;1>/*)").unwrap();
    let policy = WalletPolicy::of_descriptor("later", &expected).unwrap();
    assert_eq!(policy.descriptor().to_string(), expected.to_string());
    assert_eq!(policy.template(), "later(alpha/**,beta/<0;1>/*)");
    let vectors = load("bip-0388/policy-vectors.json");
    let keys = texts(&vectors["valid"][6]["keys"]);
    let misplaced = WalletPolicy::new("", "later(alpha/**,@0/**)", &keys[..1]);
    assert_eq!(misplaced, Err(PolicyError::Misplaced { place: 0 }));
}

#[test]
fn rules_without_a_vector_hold_too() {
    let vectors = load("bip-0388/policy-vectors.json");
    let keys = texts(&vectors["valid"][6]["keys"]);
    let policy = |template: &str, keys: &[&str]| WalletPolicy::new("", template, keys).unwrap_err();
    assert_eq!(policy("tr(@0/**)", &keys[..2]), PolicyError::KeyCount { used: 1, given: 2 });
    assert_eq!(policy("tr(@0/**)", &[]), PolicyError::KeyCount { used: 1, given: 0 });
    assert_eq!(
        policy("tr(musig(@0,@1)/**,pk(@0/**))", &[keys[0], keys[0]]),
        PolicyError::EqualKeys { first: 0, second: 1 }
    );
    assert_eq!(policy("tr(musig(@0,@1,@0)/**)", &keys[..2]), PolicyError::RepeatedParticipant { number: 0 });
    let shared = "tr(musig(@0,@1)/**,pk(musig(@1,@0)/<1;2>/*))";
    assert_eq!(policy(shared, &keys[..2]), PolicyError::SharedBranch { first: 0, second: 1 });
    assert!(WalletPolicy::new("", "tr(musig(@0,@1)/**,pk(musig(@1,@0)/<2;3>/*))", &keys[..2]).is_ok());
    assert_eq!(policy("tr(@/**)", &keys[..1]), PolicyError::Placeholder { position: 4 });
    assert_eq!(policy("tr(@00/**)", &keys[..1]), PolicyError::Placeholder { position: 4 });
    let path = format!("{}/0", keys[0]);
    assert_eq!(policy("tr(@0/**)", &[&path]), PolicyError::KeyForm { number: 0 });
}
