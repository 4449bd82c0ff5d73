//! The official test vectors of BIP-327, every file, against the crate's insides: the vectors
//! give secret nonces and randomness, which no public item takes.

#![cfg(test)]

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::Value;

use crate::deterministic::DeterministicSignError;
use crate::nonce::{NonceInputs, from_randomness};
use crate::scalar::parse_scalar;
use crate::{
    AggregateNonce, KeyAggContext, KeyAggError, PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce,
    SigningSession, TweakError, XOnlyPublicKey, deterministic, schnorr,
};

fn load(name: &str) -> Value {
    let path = format!("{}/../../tests/vectors/bip-0327/{name}_vectors.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap()).collect()
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn indices(value: &Value) -> Vec<usize> {
    list(value).iter().map(|index| usize::try_from(index.as_u64().unwrap()).unwrap()).collect()
}

fn pick<'a>(values: &'a Value, chosen: &Value) -> Vec<&'a Value> {
    indices(chosen).into_iter().map(|index| &values[index]).collect()
}

fn keys(values: &[&Value]) -> Result<Vec<PublicKey>, usize> {
    values.iter().enumerate().map(|(index, value)| PublicKey::from_slice(&bytes(value)).map_err(|_| index)).collect()
}

fn nonces(values: &[&Value]) -> Result<Vec<PublicNonce>, usize> {
    values.iter().enumerate().map(|(index, value)| PublicNonce::from_bytes(&fixed(value)).map_err(|_| index)).collect()
}

fn tweaked(context: KeyAggContext, vectors: &Value, case: &Value) -> Result<KeyAggContext, TweakError> {
    let Some(chosen) = case.get("tweak_indices") else { return Ok(context) };
    pick(&vectors["tweaks"], chosen).into_iter().zip(list(&case["is_xonly"])).try_fold(
        context,
        |context, (tweak, x)| {
            if x.as_bool().unwrap() {
                context.with_xonly_tweak(&fixed(tweak))
            } else {
                context.with_plain_tweak(&fixed(tweak))
            }
        },
    )
}

/// A secret nonce as the vectors write it: two scalars and the public key, 97 bytes. `None` if a scalar is zero.
fn secret_nonce(value: &Value) -> Option<SecretNonce> {
    let bytes = bytes(value);
    let scalar = |range: core::ops::Range<usize>| parse_scalar(bytes[range].try_into().unwrap()).unwrap();
    let mut k = [scalar(0..32), scalar(32..64)];
    let public_key = PublicKey::from_slice(&bytes[64..]).unwrap();
    SecretNonce::take(&mut k, public_key)
}

fn signer(case: &Value) -> usize {
    usize::try_from(case["signer_index"].as_u64().unwrap()).unwrap()
}

/// Whom the expected error blames.
fn blamed(case: &Value) -> Option<usize> {
    case["error"]["signer"].as_u64().and_then(|signer| usize::try_from(signer).ok())
}

#[test]
fn keys_sort() {
    let vectors = load("key_sort");
    let mut sorted = keys(&list(&vectors["pubkeys"]).iter().collect::<Vec<_>>()).unwrap();
    sorted.sort();
    assert_eq!(sorted, keys(&list(&vectors["sorted_pubkeys"]).iter().collect::<Vec<_>>()).unwrap());
}

#[test]
fn keys_aggregate() {
    let vectors = load("key_agg");
    for case in list(&vectors["valid_test_cases"]) {
        let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).unwrap();
        let context = KeyAggContext::with_duplicates(&keys).unwrap();
        assert_eq!(context.aggregate_key().to_bytes(), fixed(&case["expected"]));
    }
    for case in list(&vectors["error_test_cases"]) {
        match keys(&pick(&vectors["pubkeys"], &case["key_indices"])) {
            Err(index) => assert_eq!(Some(index), blamed(case), "{case}"),
            Ok(keys) => {
                let context = KeyAggContext::with_duplicates(&keys).unwrap();
                let error = tweaked(context, &vectors, case).unwrap_err();
                let out_of_range = case["comment"].as_str().unwrap().contains("out of range");
                assert_eq!(error, if out_of_range { TweakError::OutOfRange } else { TweakError::Infinity }, "{case}");
            }
        }
    }
}

#[test]
fn nonces_are_generated() {
    for case in list(&load("nonce_gen")["test_cases"]) {
        let secret_key = case["sk"].as_str().map(|_| SecretKey::from_bytes(&fixed(&case["sk"])).unwrap());
        let aggregate = case["aggpk"].as_str().map(|_| XOnlyPublicKey::from_bytes(&fixed(&case["aggpk"])).unwrap());
        let message = case["msg"].as_str().map(|_| bytes(&case["msg"]));
        let extra = case["extra_in"].as_str().map(|_| bytes(&case["extra_in"]));
        let inputs = NonceInputs {
            public_key: &PublicKey::from_slice(&bytes(&case["pk"])).unwrap(),
            secret_key: secret_key.as_ref(),
            aggregate_key: aggregate.as_ref(),
            message: message.as_deref(),
            extra: extra.as_deref(),
        };
        let (secret, public) = from_randomness(&fixed(&case["rand_"]), &inputs).unwrap();
        assert_eq!(public.to_bytes(), fixed(&case["expected_pubnonce"]));
        let mut expected = Vec::new();
        for k in secret.expose() {
            expected.extend_from_slice(&k.to_bytes());
        }
        expected.extend_from_slice(&secret.public_key().to_bytes());
        assert_eq!(expected, bytes(&case["expected_secnonce"]));
    }
}

#[test]
fn nonces_aggregate() {
    let vectors = load("nonce_agg");
    for case in list(&vectors["valid_test_cases"]) {
        let nonces = nonces(&pick(&vectors["pnonces"], &case["pnonce_indices"])).unwrap();
        assert_eq!(AggregateNonce::sum(&nonces).to_bytes(), fixed(&case["expected"]));
    }
    for case in list(&vectors["error_test_cases"]) {
        let error = nonces(&pick(&vectors["pnonces"], &case["pnonce_indices"])).unwrap_err();
        assert_eq!(Some(error), blamed(case), "{case}");
    }
}

#[test]
fn partial_signatures_are_made_and_verified() {
    let vectors = load("sign_verify");
    let key = SecretKey::from_bytes(&fixed(&vectors["sk"])).unwrap();
    for case in list(&vectors["valid_test_cases"]) {
        let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).unwrap();
        let nonces = nonces(&pick(&vectors["pnonces"], &case["nonce_indices"])).unwrap();
        let context = KeyAggContext::with_duplicates(&keys).unwrap();
        let index = usize::try_from(case["aggnonce_index"].as_u64().unwrap()).unwrap();
        let aggregate = AggregateNonce::from_bytes(&fixed(&vectors["aggnonces"][index])).unwrap();
        assert_eq!(AggregateNonce::sum(&nonces), aggregate);
        let message = bytes(&vectors["msgs"][usize::try_from(case["msg_index"].as_u64().unwrap()).unwrap()]);
        let session = SigningSession::new(&context, &aggregate, &message);
        let partial = session.sign(secret_nonce(&vectors["secnonces"][0]).unwrap(), &key).unwrap();
        assert_eq!(partial.to_bytes(), fixed(&case["expected"]), "{case}");
        session.verify_partial(signer(case), &nonces[signer(case)], &partial).unwrap();
    }
    for case in list(&vectors["verify_fail_test_cases"]) {
        let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).unwrap();
        let nonces = nonces(&pick(&vectors["pnonces"], &case["nonce_indices"])).unwrap();
        let context = KeyAggContext::with_duplicates(&keys).unwrap();
        let message = bytes(&vectors["msgs"][usize::try_from(case["msg_index"].as_u64().unwrap()).unwrap()]);
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), &message);
        let refused = PartialSignature::from_bytes(&fixed(&case["sig"]))
            .map_or(true, |partial| session.verify_partial(signer(case), &nonces[signer(case)], &partial).is_err());
        assert!(refused, "{case}");
    }
}

#[test]
fn what_must_not_be_signed_or_verified_is_refused() {
    let vectors = load("sign_verify");
    let key = SecretKey::from_bytes(&fixed(&vectors["sk"])).unwrap();
    for case in list(&vectors["sign_error_test_cases"]) {
        let refused = (|| -> Result<(), String> {
            let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).map_err(|index| {
                assert_eq!(Some(index), blamed(case));
                "key".to_string()
            })?;
            let index = usize::try_from(case["aggnonce_index"].as_u64().unwrap()).unwrap();
            let aggregate =
                AggregateNonce::from_bytes(&fixed(&vectors["aggnonces"][index])).map_err(|error| error.to_string())?;
            let context = KeyAggContext::with_duplicates(&keys).map_err(|error| error.to_string())?;
            let session = SigningSession::new(&context, &aggregate, b"");
            let index = usize::try_from(case["secnonce_index"].as_u64().unwrap()).unwrap();
            let nonce = secret_nonce(&vectors["secnonces"][index]).ok_or("a secret nonce of zero")?;
            session.sign(nonce, &key).map(drop).map_err(|error| error.to_string())
        })();
        assert!(refused.is_err(), "{case}");
    }
    for case in list(&vectors["verify_error_test_cases"]) {
        let key_error = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).err();
        let nonce_error = nonces(&pick(&vectors["pnonces"], &case["nonce_indices"])).err();
        assert_eq!(key_error.or(nonce_error), blamed(case), "{case}");
    }
}

#[test]
fn tweaked_keys_sign() {
    let vectors = load("tweak");
    let key = SecretKey::from_bytes(&fixed(&vectors["sk"])).unwrap();
    let aggregate = AggregateNonce::from_bytes(&fixed(&vectors["aggnonce"])).unwrap();
    let message = bytes(&vectors["msg"]);
    for case in list(&vectors["valid_test_cases"]) {
        let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).unwrap();
        let nonces = nonces(&pick(&vectors["pnonces"], &case["nonce_indices"])).unwrap();
        let context = tweaked(KeyAggContext::with_duplicates(&keys).unwrap(), &vectors, case).unwrap();
        let session = SigningSession::new(&context, &aggregate, &message);
        let partial = session.sign(secret_nonce(&vectors["secnonce"]).unwrap(), &key).unwrap();
        assert_eq!(partial.to_bytes(), fixed(&case["expected"]), "{case}");
        session.verify_partial(signer(case), &nonces[signer(case)], &partial).unwrap();
    }
    for case in list(&vectors["error_test_cases"]) {
        let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).unwrap();
        let context = KeyAggContext::with_duplicates(&keys).unwrap();
        assert_eq!(tweaked(context, &vectors, case).unwrap_err(), TweakError::OutOfRange);
    }
}

#[test]
fn partial_signatures_aggregate() {
    let vectors = load("sig_agg");
    let message = bytes(&vectors["msg"]);
    for case in list(&vectors["valid_test_cases"]) {
        let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).unwrap();
        let nonces = nonces(&pick(&vectors["pnonces"], &case["nonce_indices"])).unwrap();
        let context = tweaked(KeyAggContext::with_duplicates(&keys).unwrap(), &vectors, case).unwrap();
        let aggregate = AggregateNonce::from_bytes(&fixed(&case["aggnonce"])).unwrap();
        assert_eq!(AggregateNonce::sum(&nonces), aggregate);
        let session = SigningSession::new(&context, &aggregate, &message);
        let partials: Vec<PartialSignature> = pick(&vectors["psigs"], &case["psig_indices"])
            .into_iter()
            .map(|partial| PartialSignature::from_bytes(&fixed(partial)).unwrap())
            .collect();
        let signature = session.aggregate(&partials).unwrap();
        assert_eq!(signature.to_bytes(), fixed(&case["expected"]), "{case}");
        schnorr::verify(&context.aggregate_key(), &message, &signature).unwrap();
    }
    for case in list(&vectors["error_test_cases"]) {
        let partials = pick(&vectors["psigs"], &case["psig_indices"]);
        let culprit = partials.into_iter().position(|partial| PartialSignature::from_bytes(&fixed(partial)).is_err());
        assert_eq!(culprit, blamed(case));
    }
}

/// The tweaks of a case that holds them itself.
fn tweaked_inline(context: KeyAggContext, case: &Value) -> Result<KeyAggContext, TweakError> {
    list(&case["tweaks"]).iter().zip(list(&case["is_xonly"])).try_fold(context, |context, (tweak, x)| {
        if x.as_bool().unwrap() {
            context.with_xonly_tweak(&fixed(tweak))
        } else {
            context.with_plain_tweak(&fixed(tweak))
        }
    })
}

#[test]
fn the_last_signer_signs_deterministically() {
    let vectors = load("det_sign");
    let key = SecretKey::from_bytes(&fixed(&vectors["sk"])).unwrap();
    let message = |case: &Value| bytes(&vectors["msgs"][usize::try_from(case["msg_index"].as_u64().unwrap()).unwrap()]);
    let aux = |case: &Value| case["rand"].as_str().map(|_| fixed::<32>(&case["rand"]));
    for case in list(&vectors["valid_test_cases"]) {
        let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).unwrap();
        let context = tweaked_inline(KeyAggContext::with_duplicates(&keys).unwrap(), case).unwrap();
        let others = AggregateNonce::from_bytes(&fixed(&case["aggothernonce"])).unwrap();
        let signed = deterministic::sign(&key, &context, &others, &message(case), aux(case).as_ref()).unwrap();
        assert_eq!(signed.nonce.to_bytes(), fixed(&case["expected"][0]), "{case}");
        assert_eq!(signed.partial.to_bytes(), fixed(&case["expected"][1]), "{case}");
        signed.session.verify_partial(signer(case), &signed.nonce, &signed.partial).unwrap();
    }
    for case in list(&vectors["error_test_cases"]) {
        let refused = (|| -> Result<(), String> {
            let keys = keys(&pick(&vectors["pubkeys"], &case["key_indices"])).map_err(|index| {
                assert_eq!(Some(index), blamed(case));
                "pubkey".to_string()
            })?;
            let others = AggregateNonce::from_bytes(&fixed(&case["aggothernonce"])).map_err(|_| "aggothernonce")?;
            let context = KeyAggContext::with_duplicates(&keys).map_err(|error| error.to_string())?;
            let context = tweaked_inline(context, case).map_err(|error| error.to_string())?;
            let signed = deterministic::sign(&key, &context, &others, &message(case), aux(case).as_ref());
            let infinite = "aggothernonce".to_string();
            signed.map(drop).map_err(|error| {
                if error == DeterministicSignError::InfiniteNonce { infinite } else { error.to_string() }
            })
        })();
        let reason = refused.unwrap_err();
        let expected = case["error"]["contrib"].as_str();
        assert!(expected.is_none_or(|contribution| contribution == reason), "{case}: {reason}");
    }
}

#[test]
fn equal_keys_are_refused_unless_they_are_allowed() {
    let vectors = load("key_agg");
    let keys = keys(&[&vectors["pubkeys"][0], &vectors["pubkeys"][1], &vectors["pubkeys"][0]]).unwrap();
    assert_eq!(KeyAggContext::new(&keys).unwrap_err(), KeyAggError::Duplicate { first: 0, second: 2 });
    assert!(KeyAggContext::with_duplicates(&keys).is_ok());
}
