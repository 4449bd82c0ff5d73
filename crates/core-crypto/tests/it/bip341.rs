//! The official test vectors of BIP-341: output keys, and signatures of the key path.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use motet_core_crypto::{SecretKey, Signature, XOnlyPublicKey, schnorr};
use serde_json::Value;

fn load() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/bip-0341/wallet-test-vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    let text = value.as_str().unwrap();
    core::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

fn root(value: &Value) -> Option<[u8; 32]> {
    value.as_str().map(|_| bytes(value))
}

#[test]
fn output_keys_are_those_of_the_vectors() {
    let vectors = load();
    for case in vectors["scriptPubKey"].as_array().unwrap() {
        let internal = XOnlyPublicKey::from_bytes(&bytes(&case["given"]["internalPubkey"])).unwrap();
        let output = internal.taproot_output(root(&case["intermediary"]["merkleRoot"]).as_ref()).unwrap();
        assert_eq!(output.x_only().to_string(), case["intermediary"]["tweakedPubkey"].as_str().unwrap());
        assert_eq!(format!("5120{}", output.x_only()), case["expected"]["scriptPubKey"].as_str().unwrap());
        if let Some(block) = case["expected"]["scriptPathControlBlocks"].get(0) {
            let parity = bytes::<1>(block)[0] & 1;
            assert_eq!(output.to_bytes()[0], 2 + parity);
        }
    }
}

#[test]
fn the_key_path_signs_as_in_the_vectors() {
    let vectors = load();
    let mut checked = 0;
    for case in vectors["keyPathSpending"][0]["inputSpending"].as_array().unwrap() {
        let root = root(&case["given"]["merkleRoot"]);
        let internal = SecretKey::from_bytes(&bytes(&case["given"]["internalPrivkey"])).unwrap();
        let public = internal.public_key().x_only();
        assert_eq!(public.to_string(), case["intermediary"]["internalPubkey"].as_str().unwrap());
        let output = internal.into_taproot_output(root.as_ref()).unwrap();
        assert_eq!(*output.dangerous_to_bytes(), bytes(&case["intermediary"]["tweakedPrivkey"]));
        assert_eq!(output.public_key(), public.taproot_output(root.as_ref()).unwrap());
        // The vectors sign without auxiliary randomness.
        let message: [u8; 32] = bytes(&case["intermediary"]["sigHash"]);
        let signature = schnorr::sign(&output, &message, &[0; 32]).unwrap();
        assert_eq!(signature, Signature::from_bytes(&bytes(&case["expected"]["witness"][0])));
        checked += 1;
    }
    assert_eq!(checked, 7);
}
