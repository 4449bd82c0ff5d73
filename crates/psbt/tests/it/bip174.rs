//! The official vectors of BIP-174.

use motet_psbt::MapId::{Global, Input, Output};
use motet_psbt::{LooksLike, Malformed, MapId, ParseError, PrevoutError};

use crate::vectors::{field_problem, section};

const FILE: &str = "bip-0174/psbt-vectors.json";

#[test]
fn valid_psbts_are_written_as_they_were_read() {
    let cases = section(FILE, "are valid PSBTs");
    assert_eq!(cases.len(), 10);
    for case in cases {
        let psbt = case.accepted();
        let transaction = psbt.unsigned_tx().unwrap();
        assert_eq!((transaction.input.len(), transaction.output.len()), (psbt.inputs().len(), psbt.outputs().len()));
    }
}

/// The words that name a case, and its error: the whole of it, or the place and problem of one entry.
type Expected = (&'static str, Result<ParseError, (MapId, &'static str, Malformed)>);

#[test]
fn each_invalid_psbt_is_refused_for_its_own_reason() {
    let key = |found, expected| Malformed::KeyLength { found, expected };
    let expected: [Expected; 20] = [
        ("Network transaction", Ok(ParseError::NotPsbt(LooksLike::Transaction))),
        ("missing outputs", Ok(ParseError::Truncated { map: Output(0) })),
        ("filled scriptSig", Err((Global, "PSBT_GLOBAL_UNSIGNED_TX", Malformed::ScriptSig { input: 0 }))),
        ("without an unsigned tx", Ok(missing("PSBT_GLOBAL_UNSIGNED_TX"))),
        ("duplicate keys in an input", Ok(duplicate())),
        ("global transaction typed key", Err((Global, "PSBT_GLOBAL_UNSIGNED_TX", key(1, "0")))),
        ("input witness utxo typed key", Err((Input(0), "PSBT_IN_WITNESS_UTXO", key(1, "0")))),
        ("pubkey length for input partial", Err((Input(0), "PSBT_IN_PARTIAL_SIG", key(32, "33 or 65")))),
        ("redeemscript typed key", Err((Input(0), "PSBT_IN_REDEEM_SCRIPT", key(1, "0")))),
        ("witnessscript typed key", Err((Input(0), "PSBT_IN_WITNESS_SCRIPT", key(1, "0")))),
        ("pubkey in input BIP 32", Err((Input(0), "PSBT_IN_BIP32_DERIVATION", key(32, "33 or 65")))),
        ("non-witness utxo typed key", Err((Input(0), "PSBT_IN_NON_WITNESS_UTXO", key(1, "0")))),
        ("final scriptsig typed key", Err((Input(0), "PSBT_IN_FINAL_SCRIPTSIG", key(1, "0")))),
        ("final script witness typed key", Err((Input(1), "PSBT_IN_FINAL_SCRIPTWITNESS", key(1, "0")))),
        ("pubkey in output BIP 32", Err((Output(0), "PSBT_OUT_BIP32_DERIVATION", key(32, "33 or 65")))),
        ("input sighash type typed key", Err((Input(0), "PSBT_IN_SIGHASH_TYPE", key(1, "0")))),
        ("output redeemScript typed key", Err((Output(0), "PSBT_OUT_REDEEM_SCRIPT", key(1, "0")))),
        ("output witnessScript typed key", Err((Output(1), "PSBT_OUT_WITNESS_SCRIPT", key(32, "0")))),
        ("witness serialization format", Err((Global, "PSBT_GLOBAL_UNSIGNED_TX", Malformed::WitnessSerialization))),
        ("size being not the stated size", Err((Global, "PSBT_GLOBAL_UNSIGNED_TX", Malformed::Trailing { count: 22 }))),
    ];
    let cases = section(FILE, "are invalid PSBTs");
    assert_eq!(cases.len(), expected.len());
    for (case, (words, reason)) in cases.iter().zip(expected) {
        assert!(case.name.contains(words), "{} is not about {words}", case.name);
        let error = case.parse().expect_err(&case.name);
        match reason {
            Ok(ParseError::DuplicateKey(_)) => assert!(matches!(error, ParseError::DuplicateKey(_)), "{error}"),
            Ok(expected) => assert_eq!(error, expected, "{}", case.name),
            Err(expected) => assert_eq!(field_problem(&error), Some(expected), "{}: {error}", case.name),
        }
    }
}

fn missing(field: &'static str) -> ParseError {
    ParseError::Missing { map: Global, field, version: motet_psbt::Version::V0 }
}

fn duplicate() -> ParseError {
    let place = motet_psbt::Place { map: Input(0), key: motet_psbt::Key::new(0, &[]) };
    ParseError::DuplicateKey(place)
}

#[test]
fn what_a_signer_must_refuse_is_refused_for_its_own_reason() {
    let expected = [
        ("Witness UTXO is provided for a non-witness", PrevoutError::NotWitness { input: 0 }),
        ("redeemScript with non-witness UTXO", PrevoutError::RedeemScript { input: 0 }),
        ("redeemScript with witness UTXO", PrevoutError::RedeemScript { input: 1 }),
        ("witnessScript with witness UTXO", PrevoutError::WitnessScript { input: 1 }),
    ];
    let cases = section(FILE, "Fails Signer checks");
    assert_eq!(cases.len(), expected.len());
    for (case, (words, error)) in cases.iter().zip(expected) {
        assert!(case.name.contains(words), "{}", case.name);
        assert_eq!(case.accepted().prevouts(), Err(error), "{}", case.name);
    }
}
