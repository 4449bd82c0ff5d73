//! The official vectors of BIP-380, 386, 389, 390 and 328, and rules beyond them.

use std::str::FromStr;

use bitcoin::PrivateKey;
use bitcoin::bip32::{Xpriv, Xpub};
use bitcoin::secp256k1::Secp256k1;
use motet_psbt::descriptor::{Descriptor, DescriptorError, DescriptorKind, KeyError, KeyExpr, ResolveError};

use crate::vectors::load;

const XPUB: &str =
    "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL";
const OTHER: &str =
    "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y";
const POINT: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";

/// The descriptor with each private key replaced by its public one. The vectors have private keys, and this crate refuses them.
fn public(text: &str) -> String {
    let secp = Secp256k1::new();
    let is_key = |character: char| character.is_ascii_alphanumeric();
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|c| !is_key(c)).unwrap_or(rest.len()));
        let neutered = Xpriv::from_str(word).map(|key| Xpub::from_priv(&secp, &key).to_string());
        let public = neutered.or_else(|_| PrivateKey::from_wif(word).map(|key| key.public_key(&secp).to_string()));
        out.push_str(public.as_deref().unwrap_or(word));
        let (mark, after) = after.split_at(after.find(is_key).unwrap_or(after.len()));
        out.push_str(mark);
        rest = after;
    }
    out
}

fn scripts(text: &str, count: usize) -> Vec<String> {
    let descriptor = Descriptor::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    (0..count as u32).map(|index| descriptor.output(0, index).unwrap().script.to_hex_string()).collect()
}

#[test]
fn checksums_of_bip_380_are_verified() {
    let vectors = load("bip-0380/vectors.json");
    let cases: Vec<_> = vectors
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["section"].as_str().unwrap().contains("checksum"))
        .collect();
    assert_eq!(cases.len(), 8);
    let expected = [
        Ok(true),
        Ok(false),
        Err(DescriptorError::ChecksumLength { found: 0 }),
        Err(DescriptorError::ChecksumLength { found: 9 }),
        Err(DescriptorError::ChecksumLength { found: 7 }),
        Err(DescriptorError::Checksum),
        // `##9f8spxm`: the checksum after the last `#` is too short.
        Err(DescriptorError::ChecksumLength { found: 7 }),
        Err(DescriptorError::Character { position: 4 }),
    ];
    for (case, expected) in cases.iter().zip(expected) {
        let result = Descriptor::parse(case["text"].as_str().unwrap());
        assert_eq!(result.map(|descriptor| descriptor.had_checksum()), expected, "{}", case["case"]);
    }
    assert_eq!(Descriptor::parse("raw(deadbeef)").unwrap().to_string(), "raw(deadbeef)#89f8spxm");
}

#[test]
fn key_expressions_of_bip_380_are_read_or_refused_for_their_own_reason() {
    let vectors = load("bip-0380/vectors.json");
    let of = |section: &str| -> Vec<(String, String)> {
        let cases =
            vectors.as_array().unwrap().iter().filter(|case| case["section"].as_str().unwrap().starts_with(section));
        cases
            .map(|case| (case["case"].as_str().unwrap().to_owned(), case["text"].as_str().unwrap().to_owned()))
            .collect()
    };
    let valid = of("Valid expressions");
    assert_eq!(valid.len(), 21);
    for (case, text) in valid {
        let key = KeyExpr::parse(&public(&text)).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(key.to_string(), public(&text).replace('\'', "h"), "{case}");
        if public(&text) != text {
            assert_eq!(KeyExpr::parse(&text), Err(KeyError::PrivateKey), "{case}");
        }
    }
    let expected = [
        KeyError::OriginPath,
        KeyError::Step,
        KeyError::Fingerprint,
        KeyError::Fingerprint,
        KeyError::Step,
        KeyError::Step,
        KeyError::Step,
        KeyError::Step,
        KeyError::PathOfPlainKey,
        KeyError::PathOfPlainKey,
        KeyError::Step,
        KeyError::Step,
        KeyError::OriginBrackets,
        KeyError::OriginBrackets,
        KeyError::Fingerprint,
        KeyError::Missing,
    ];
    let invalid = of("Invalid expression");
    assert_eq!(invalid.len(), expected.len());
    for ((case, text), expected) in invalid.iter().zip(expected) {
        assert_eq!(KeyExpr::parse(text), Err(expected), "{case}: {text}");
        assert_eq!(KeyExpr::parse(&public(text)), Err(expected), "{case}: {text}");
    }
}

#[test]
fn scripts_of_bip_386_are_computed() {
    let vectors = load("bip-0386/descriptor-vectors.json");
    let valid = vectors["valid"].as_array().unwrap();
    assert_eq!(valid.len(), 6);
    for case in valid {
        let text = case["descriptor"].as_str().unwrap();
        let expected: Vec<_> = case["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert_eq!(scripts(&public(text), expected.len()), expected, "{text}");
        assert_eq!(scripts(&public(text), 1).len(), 1, "the case without a script has one, too");
    }
    let expected = [
        DescriptorError::Key { number: 0, problem: KeyError::Uncompressed },
        DescriptorError::Key { number: 0, problem: KeyError::Uncompressed },
        DescriptorError::NestedTaproot,
        DescriptorError::NestedTaproot,
    ];
    for (case, expected) in vectors["invalid"].as_array().unwrap().iter().zip(expected) {
        let text = public(case["descriptor"].as_str().unwrap());
        assert_eq!(Descriptor::parse(&text), Err(expected), "{text}");
    }
}

#[test]
fn multipath_descriptors_of_bip_389_have_their_branches() {
    let vectors = load("bip-0389/descriptor-vectors.json");
    let valid = vectors["valid"].as_array().unwrap();
    assert_eq!(valid.len(), 6);
    for case in valid {
        let descriptor = Descriptor::parse(&public(case["descriptor"].as_str().unwrap())).unwrap();
        let lines = case["lines"].as_array().unwrap();
        assert_eq!(descriptor.branches(), Ok(lines.len()));
        for (branch, line) in lines.iter().enumerate() {
            let expected = Descriptor::parse(&public(line.as_str().unwrap())).unwrap();
            assert_eq!(descriptor.branch(branch).body(), expected.body());
        }
    }
    let key = |problem| DescriptorError::Key { number: 0, problem };
    let expected = [
        key(KeyError::SecondMultipath),
        key(KeyError::OriginPath),
        DescriptorError::Branches { first: 4, second: 3 },
        DescriptorError::Branches { first: 3, second: 2 },
        key(KeyError::Multipath),
        key(KeyError::Multipath),
        key(KeyError::Multipath),
        key(KeyError::Multipath),
    ];
    let invalid = vectors["invalid"].as_array().unwrap();
    assert_eq!(invalid.len(), expected.len());
    for (case, expected) in invalid.iter().zip(expected) {
        let text = public(case["descriptor"].as_str().unwrap());
        assert_eq!(Descriptor::parse(&text), Err(expected), "{text}");
    }
}

#[test]
fn scripts_of_bip_390_are_computed() {
    let vectors = load("bip-0390/descriptor-vectors.json");
    let valid = vectors["valid"].as_array().unwrap();
    assert_eq!(valid.len(), 6);
    for case in valid {
        let text = public(case["descriptor"].as_str().unwrap());
        let expected: Vec<_> = case["scripts"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert_eq!(scripts(&text, expected.len()), expected, "{text}");
    }
}

#[test]
fn each_invalid_descriptor_of_bip_390_is_refused_for_its_own_reason() {
    let key = |problem| DescriptorError::Key { number: 0, problem };
    let expected = [
        ("musig() is not allowed", DescriptorError::MusigPlace),
        ("requires all participants to be xpubs", key(KeyError::MusigNeedsXpubs)),
        ("Cannot have ranged participants", key(KeyError::RangedTwice)),
        ("Cannot have multipath participants", key(KeyError::MultipathTwice)),
        ("hardened", key(KeyError::HardenedMusig)),
        ("participants with child derivation", key(KeyError::RangedTwice)),
    ];
    let vectors = load("bip-0390/descriptor-vectors.json");
    let invalid = vectors["invalid"].as_array().unwrap();
    assert_eq!(invalid.len(), 14);
    for case in invalid {
        let reason = case["reason"].as_str().unwrap();
        let (_, expected) = expected.iter().find(|(words, _)| reason.contains(words)).expect(reason);
        assert_eq!(Descriptor::parse(case["descriptor"].as_str().unwrap()).as_ref(), Err(expected), "{reason}");
    }
}

#[test]
fn an_aggregate_key_derives_as_the_extended_key_of_bip_328_does() {
    let secp = Secp256k1::new();
    let vectors = load("bip-0328/vectors.json");
    for case in vectors.as_array().unwrap() {
        // These keys are aggregated in the order given; as a descriptor they would be sorted first. Only sorted lists compare.
        let keys: Vec<_> =
            case["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_lowercase()).collect();
        let aggregate: Vec<_> = keys.iter().map(|key| key.parse().unwrap()).collect();
        let context = motet_core_crypto::KeyAggContext::new(&aggregate).unwrap();
        let xpub: Xpub = case["xpub"].as_str().unwrap().parse().unwrap();
        let path = [1, 7].map(|step| bitcoin::bip32::ChildNumber::from_normal_idx(step).unwrap());
        let theirs = xpub.derive_pub(&secp, &path).unwrap().public_key.serialize();
        assert_eq!(context.with_bip328_path(&[1, 7]).unwrap().aggregate_plain().to_bytes(), theirs);
    }
    let musig = Descriptor::parse(&format!("rawtr(musig({XPUB},{OTHER})/<0;1>/*)")).unwrap();
    let output = musig.output(1, 7).unwrap();
    let bare = output.keys[0].musig.as_ref().unwrap();
    let sorted = motet_core_crypto::KeyAggContext::new(bare.context.keys()).unwrap();
    let xpub: Xpub = sorted.synthetic_xpub().to_string().parse().unwrap();
    let path = [1, 7].map(|step| bitcoin::bip32::ChildNumber::from_normal_idx(step).unwrap());
    assert_eq!(xpub.derive_pub(&secp, &path).unwrap().public_key.serialize(), output.output_key.to_bytes());
    assert_eq!(bare.aggregate, sorted.aggregate_plain());
}

#[test]
fn both_orders_of_derivation_depend_on_the_index_and_differ() {
    let outputs = ["musig({X}/<0;1>/*,{O}/<0;1>/*)", "musig({X},{O})/<0;1>/*"].map(|musig| {
        let text = format!("tr({})", musig.replace("{X}", XPUB).replace("{O}", OTHER));
        let descriptor = Descriptor::parse(&text).unwrap();
        assert_eq!((descriptor.branches(), descriptor.is_ranged()), (Ok(2), true));
        let scripts: std::collections::BTreeSet<_> = [(0, 0), (0, 1), (1, 0), (1, 1)]
            .map(|(branch, index)| descriptor.output(branch, index).unwrap().script)
            .into();
        assert_eq!(scripts.len(), 4);
        scripts
    });
    assert!(outputs[0].is_disjoint(&outputs[1]));
}

#[test]
fn the_order_of_participants_does_not_matter() {
    let script = |list: &str| scripts(&format!("tr(musig({list})/0/*)"), 1);
    assert_eq!(script(&format!("{XPUB},{OTHER}")), script(&format!("{OTHER},{XPUB}")));
    let descriptor = Descriptor::parse(&format!("tr(musig({XPUB},{OTHER}))")).unwrap();
    let output = descriptor.output(0, 0).unwrap();
    let musig = output.keys[0].musig.as_ref().unwrap();
    for (key, place) in musig.context.keys().iter().zip(&musig.order) {
        let text = [XPUB, OTHER][*place].parse::<Xpub>().unwrap().public_key.to_string();
        assert_eq!(key.to_string(), text);
    }
}

#[test]
fn scripts_of_a_tree_are_those_of_the_miniscript_library() {
    let text = format!(
        "tr({POINT},{{sortedmulti_a(1,{XPUB}/1,{OTHER}/2),{{pk({OTHER}/3/*),and_v(v:pk(musig({XPUB},{OTHER})/4/*),older(144))}}}})"
    );
    let descriptor = Descriptor::parse(&text).unwrap();
    let output = descriptor.output(0, 9).unwrap();
    assert_eq!(output.leaves.iter().map(|leaf| leaf.depth).collect::<Vec<_>>(), [1, 2, 2]);
    let keys: Vec<Vec<_>> = output.leaves.iter().map(|leaf| leaf.keys.iter().copied().collect()).collect();
    assert_eq!(keys, [vec![1, 2], vec![3], vec![4]]);
    let secp = Secp256k1::verification_only();
    let key = bitcoin::XOnlyPublicKey::from_slice(&output.output_key.x_only().to_bytes()).unwrap();
    for leaf in &output.leaves {
        assert!(leaf.control_block.verify_taproot_commitment(&secp, key, &leaf.script));
        assert_eq!(leaf.hash, bitcoin::TapLeafHash::from_script(&leaf.script, leaf.control_block.leaf_version));
    }
    // The keys of the first leaf are sorted, whatever their order in the text.
    let mut sorted: Vec<_> = [1, 2].map(|number| output.keys[number].key.x_only().to_string()).into();
    sorted.sort();
    let script = output.leaves[0].script.to_hex_string();
    assert!(script.find(&sorted[0]) < script.find(&sorted[1]) && script.contains(&sorted[1]));
    // The text is written as it was read.
    let again = Descriptor::parse(&descriptor.to_string()).unwrap();
    assert_eq!((again.body(), again.had_checksum()), (text, true));
}

#[test]
fn what_cannot_be_signed_for_is_said_kindly() {
    let other = Descriptor::parse(&format!("wsh(multi(2,{XPUB}/0/*,{OTHER}/0/*))")).unwrap();
    assert_eq!((other.kind(), other.keys().len()), (DescriptorKind::Other, 2));
    assert_eq!(other.output(0, 0).unwrap_err(), ResolveError::NotTaproot);
    let hardened = Descriptor::parse(&format!("tr({XPUB}/0h/*)")).unwrap();
    assert_eq!(hardened.output(0, 0).unwrap_err(), ResolveError::Hardened { number: 0 });
    assert!(matches!(Descriptor::parse(&format!("tr({POINT},older(144))")), Err(DescriptorError::Tree(_))));
    let twice = Descriptor::parse(&format!("tr({POINT},multi_a(2,{XPUB}/<0;1>,{XPUB}/<1;1>))")).unwrap();
    assert!(twice.output(0, 0).is_ok());
    assert!(matches!(twice.output(1, 0).unwrap_err(), ResolveError::Tree { branch: 1, .. }));
}

#[test]
fn texts_that_are_not_descriptors_are_refused_at_their_place() {
    for (text, position) in
        [("", 0), ("tr", 2), ("tr()", 3), ("pk(02)x", 3), ("older(1", 7), ("a(b)c", 4), ("{a,b}", 0), ("multi(1,)", 8)]
    {
        let error = Descriptor::parse(text).unwrap_err();
        let found = match error {
            DescriptorError::Syntax { position, .. } => position,
            DescriptorError::Key { .. } => position,
            error => panic!("{text}: {error}"),
        };
        assert_eq!(found, position, "{text}");
    }
    let deep = format!("{}{}", "a(".repeat(40_000), ")".repeat(40_000));
    assert!(matches!(Descriptor::parse(&deep), Err(DescriptorError::Syntax { .. })));
    for text in [
        format!("tr(musig({XPUB},musig({OTHER},{XPUB})))"),
        format!("tr({XPUB}"),
        format!("tr(musig({XPUB})"),
        format!("tr(musig({POINT},{XPUB}))"),
    ] {
        assert!(Descriptor::parse(&text).is_err(), "{text}");
    }
}
