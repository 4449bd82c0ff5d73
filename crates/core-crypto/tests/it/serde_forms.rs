//! Serde: hexadecimal where people read, canonical bytes elsewhere, and nothing comes in that is not a value.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

use core::fmt::{Debug, Display};
use motet_core_crypto::adaptor::{self, AdaptorSignature};
use motet_core_crypto::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn must_travel<T: Serialize + DeserializeOwned + Display + Debug + PartialEq>(value: &T, bytes: &[u8]) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(text, format!("\"{value}\""));
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value);
    assert!(serde_json::from_str::<T>("\"00\"").is_err());

    let mut cbor = Vec::new();
    ciborium::into_writer(value, &mut cbor).unwrap();
    assert!(cbor.ends_with(bytes));
    assert_eq!(&ciborium::from_reader::<T, _>(&cbor[..]).unwrap(), value);
    // As an array of numbers, as some formats write bytes.
    let mut list = Vec::new();
    ciborium::into_writer(&bytes.to_vec(), &mut list).unwrap();
    assert_eq!(&ciborium::from_reader::<T, _>(&list[..]).unwrap(), value);
    for wrong in [&bytes[1..], &[bytes, &[0]].concat()] {
        let mut list = Vec::new();
        ciborium::into_writer(&wrong.to_vec(), &mut list).unwrap();
        assert!(ciborium::from_reader::<T, _>(&list[..]).is_err());
    }
}

fn must_refuse<T: DeserializeOwned + Debug>(bytes: &[u8]) {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(serde_json::from_value::<T>(text.into()).is_err());
    let mut list = Vec::new();
    ciborium::into_writer(&bytes.to_vec(), &mut list).unwrap();
    assert!(ciborium::from_reader::<T, _>(&list[..]).is_err());
}

#[test]
fn public_values_travel() {
    let key = SecretKey::from_bytes(&[7; 32]).unwrap();
    let (public, x_only) = (key.public_key(), key.public_key().x_only());
    let context = KeyAggContext::new(&[public]).unwrap();
    let others = AggregateNonce::from_bytes(&[public.to_bytes(), public.to_bytes()].concat().try_into().unwrap());
    let signed = deterministic::sign(&key, &context, &others.unwrap(), b"m", None).unwrap();
    let commitment = NonceCommitment::new(&[1; 32], 0, &[signed.nonce]);
    let signature = schnorr::sign(&key, b"m", &[0; 32]).unwrap();
    let adaptor = adaptor::sign(&key, b"m", &public, &[0; 32]).unwrap();
    must_travel(&public, &public.to_bytes());
    must_travel(&x_only, &x_only.to_bytes());
    must_travel(&signed.nonce, &signed.nonce.to_bytes());
    must_travel(&others.unwrap(), &others.unwrap().to_bytes());
    must_travel(&signed.partial, &signed.partial.to_bytes());
    must_travel(&commitment, &commitment.to_bytes());
    must_travel(&signature, &signature.to_bytes());
    must_travel(&adaptor, &adaptor.to_bytes());
}

#[test]
fn what_is_no_value_is_refused() {
    must_refuse::<PublicKey>(&[4; 33]);
    must_refuse::<XOnlyPublicKey>(&[0xFF; 32]);
    must_refuse::<PublicNonce>(&[0; 66]);
    must_refuse::<AggregateNonce>(&[1; 66]);
    must_refuse::<PartialSignature>(&[0xFF; 32]);
    must_refuse::<AdaptorSignature>(&[0; 65]);
}
