//! The official vectors of BIP-322. This crate verifies Taproot addresses; of all others it says that they are not its own.

use std::str::FromStr as _;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, ScriptBuf};
use motet_psbt::bip322::{DecodeError, Locks, MessageSignature, VerifyError, message_hash, to_sign, to_spend};
use serde_json::Value;

use crate::vectors::load;

fn script(address: &str) -> ScriptBuf {
    Address::<NetworkUnchecked>::from_str(address).unwrap().assume_checked().script_pubkey()
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap()
}

fn cases(file: &str, list: &str) -> Vec<Value> {
    load(&format!("bip-0322/{file}-test-vectors.json"))[list].as_array().unwrap().clone()
}

/// The fault of a text as a signature of a message of an address.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Text(DecodeError),
    Signature(VerifyError),
}

fn verify(signature: &str, message: &str, address: &str) -> Result<(), Wrong> {
    let signature: MessageSignature = signature.parse().map_err(Wrong::Text)?;
    signature.verify(message.as_bytes(), &script(address)).map(|_| ()).map_err(Wrong::Signature)
}

#[test]
fn hashes_of_messages_and_transactions_are_those_of_the_bip() {
    let cases = cases("basic", "tx_hashes");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let message = text(&case, "message").as_bytes();
        let hash: String = message_hash(message).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, text(&case, "message_hash"));
        let to_spend = to_spend(message, &script(text(&case, "address")));
        assert_eq!(to_spend.compute_txid().to_string(), text(&case, "to_spend_tx_hash"));
        let to_sign = to_sign(&to_spend, Locks::NONE, &[]);
        assert_eq!(to_sign.compute_txid().to_string(), text(&case, "to_sign_tx_hash"));
    }
}

#[test]
fn valid_signatures_of_taproot_addresses_are_accepted_and_all_others_are_said_to_be_not_ours() {
    let lists = [("basic", "simple"), ("generated", "simple"), ("generated", "full"), ("generated", "proof_of_funds")];
    let mut accepted = 0;
    let mut read = 0;
    for (file, list) in lists {
        for case in cases(file, list) {
            for signature in case["bip322_signatures"].as_array().unwrap() {
                let signature = signature.as_str().unwrap();
                let parsed: MessageSignature = signature.parse().unwrap();
                let written = parsed.to_string();
                assert_eq!(
                    written.strip_prefix("smp").filter(|_| !signature.starts_with("smp")).unwrap_or(&written),
                    signature
                );
                read += 1;
                let result = parsed.verify(text(&case, "message").as_bytes(), &script(text(&case, "address")));
                match text(&case, "type") {
                    "p2tr" => {
                        let verified = result.unwrap();
                        let number =
                            |field: &str| case[field].as_str().map_or(case[field].as_u64(), |text| text.parse().ok());
                        assert_eq!(Some(verified.lock_time.to_consensus_u32().into()), number("lock_time").or(Some(0)));
                        assert_eq!(Some(verified.sequence.0.into()), number("sequence").or(Some(0)));
                        let coins = case["additional_inputs"]
                            .as_array()
                            .map(|groups| groups.iter().map(|group| group.as_array().unwrap().len()).sum());
                        assert_eq!(verified.coins.len(), coins.unwrap_or(0));
                        accepted += 1;
                    }
                    // Its leaf is no Miniscript: a timelock with OP_DROP.
                    "p2tr-time-lock" => assert_eq!(result, Err(VerifyError::UnknownScript { input: 0 })),
                    other => {
                        let error = result.expect_err(other);
                        assert_eq!(error, VerifyError::NotTaproot { input: 0 }, "{other}");
                        assert!(error.is_inconclusive());
                    }
                }
            }
        }
    }
    assert_eq!((accepted, read), (4, 23));
}

#[test]
fn each_invalid_signature_is_refused_for_its_own_reason() {
    let not_ours = || Err(Wrong::Signature(VerifyError::NotTaproot { input: 0 }));
    let basic = cases("basic", "error");
    let expected = [
        Err(Wrong::Text(DecodeError::Base64)),
        Err(Wrong::Text(DecodeError::Empty)),
        not_ours(),
        not_ours(),
        Err(Wrong::Text(DecodeError::EmptyWitness)),
        not_ours(),
        Err(Wrong::Text(DecodeError::Base64)),
        Err(Wrong::Text(DecodeError::Transaction)),
    ];
    assert_eq!(basic.len(), expected.len());
    for (case, expected) in basic.iter().zip(expected) {
        let found = verify(text(case, "signature"), text(case, "message"), text(case, "address"));
        assert_eq!(found, expected, "{}", text(case, "description"));
    }
    let generated = cases("generated", "error");
    assert_eq!(generated.len(), 28);
    for case in generated {
        let description = text(&case, "description");
        // A transaction names the message and the address; a witness alone does not.
        let expected = if description.contains("full") {
            Err(Wrong::Signature(VerifyError::OtherMessage))
        } else if description.contains("p2tr") {
            Err(Wrong::Signature(VerifyError::Signature { input: 0 }))
        } else {
            not_ours()
        };
        assert_eq!(
            verify(text(&case, "signature"), text(&case, "message"), text(&case, "address")),
            expected,
            "{description}"
        );
    }
}
