//! The official test vectors of BIP-328 (synthetic extended keys) and BIP-390 (descriptors with `musig()`).

#![expect(clippy::unwrap_used, reason = "these are tests")]

use motet_core_crypto::bip328::Chain;
use motet_core_crypto::{KeyAggContext, PublicKey, TweakError, tagged_hash};
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The public key in the text form of an extended key.
fn key_of(xpub: &str) -> PublicKey {
    const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 82];
    for character in xpub.chars() {
        let mut carry = ALPHABET.find(character).unwrap();
        for byte in bytes.iter_mut().rev() {
            carry += 58 * usize::from(*byte);
            *byte = carry as u8;
            carry >>= 8;
        }
    }
    PublicKey::from_slice(&bytes[45..78]).unwrap()
}

#[test]
fn synthetic_extended_keys_have_the_text_of_the_vectors() {
    let vectors = load("bip-0328/vectors.json");
    for case in vectors.as_array().unwrap() {
        let keys: Vec<PublicKey> =
            case["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().parse().unwrap()).collect();
        let context = KeyAggContext::new(&keys).unwrap();
        assert_eq!(context.aggregate_plain().to_string(), case["aggregate_pubkey"].as_str().unwrap());
        let xpub = context.synthetic_xpub();
        assert_eq!(xpub.to_string(), case["xpub"].as_str().unwrap());
        assert_eq!(key_of(&xpub.to_string()), context.aggregate_plain());
        assert_ne!(xpub.on(Chain::Test).to_string(), xpub.to_string());
    }
    assert_eq!(vectors.as_array().unwrap().len(), 3);
}

#[test]
fn descriptors_derive_the_scripts_of_the_vectors() {
    let vectors = load("bip-0390/descriptor-vectors.json");
    let mut checked = 0;
    for case in vectors["valid"].as_array().unwrap() {
        let descriptor = case["descriptor"].as_str().unwrap();
        let (before, rest) = descriptor.split_once("musig(").unwrap();
        let (list, after) = rest.split_once(')').unwrap();
        // Secret keys in wallets' text form are not this crate's.
        if before.contains("pk(") || list.contains("KwDi") || list.contains('/') {
            continue;
        }
        let keys: Vec<PublicKey> = list
            .split(',')
            .map(|key| if key.starts_with("xpub") { key_of(key) } else { key.parse().unwrap() })
            .collect();
        let root = after.split_once("pk(").map(|(_, leaf)| {
            let key: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&leaf[2 * at..2 * at + 2], 16).unwrap()).collect();
            tagged_hash("TapLeaf", &[&[0xc0, 34, 32], &key, &[0xac]])
        });
        for (child, script) in (0..).zip(case["scripts"].as_array().unwrap()) {
            let mut context = KeyAggContext::sorted(&keys).unwrap();
            if after.starts_with("/0/*") {
                context = context.with_bip328_path(&[0, child]).unwrap();
            }
            if before == "tr(" {
                context = context.with_taproot(root.as_ref()).unwrap();
            }
            assert_eq!(format!("5120{}", context.aggregate_key()), script.as_str().unwrap(), "{descriptor}");
            checked += 1;
        }
    }
    assert!(checked >= 7, "{checked} scripts");
}

#[test]
fn hardened_children_do_not_exist() {
    let key: PublicKey = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798".parse().unwrap();
    let context = KeyAggContext::new(&[key]).unwrap();
    assert_eq!(context.clone().with_bip328_path(&[0, 1 << 31]).unwrap_err(), TweakError::Hardened);
    assert!(context.with_bip328_path(&[0, (1 << 31) - 1]).is_ok());
}
