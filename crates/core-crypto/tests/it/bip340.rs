//! The official test vectors of BIP-340: signing and verification, messages of any length included.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use motet_core_crypto::schnorr::PreparedKey;
use motet_core_crypto::{SecretKey, Signature, XOnlyPublicKey, schnorr};

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap()).collect()
}

#[test]
fn every_vector_of_bip_340_comes_out_as_stated() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/bip-0340/test-vectors.csv");
    let table = std::fs::read_to_string(path).unwrap();
    let mut count = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let [_, secret, public, aux, message, signature, verdict, ..] = columns[..] else { panic!("{line}") };
        let message = bytes(message);
        let signature = Signature::from_bytes(&bytes(signature).try_into().unwrap());
        let key = XOnlyPublicKey::from_bytes(&bytes(public).try_into().unwrap());
        let verified = key.is_ok_and(|key| schnorr::verify(&key, &message, &signature).is_ok());
        assert_eq!(verified, verdict == "TRUE", "{line}");
        let verified = key.is_ok_and(|key| PreparedKey::new(&key).verify(&message, &signature).is_ok());
        assert_eq!(verified, verdict == "TRUE", "{line}");
        if !secret.is_empty() {
            let secret = SecretKey::from_bytes(&bytes(secret).try_into().unwrap()).unwrap();
            assert_eq!(secret.public_key().x_only().to_bytes().to_vec(), bytes(public));
            let signed = schnorr::sign(&secret, &message, &bytes(aux).try_into().unwrap()).unwrap();
            assert_eq!(signed, signature, "{line}");
        }
        count += 1;
    }
    assert_eq!(count, 19);
}
