//! The approval screen: its order, its words, and what strangers' texts can do in it.

use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::{Amount, FeeRate, ScriptBuf, Sequence, SignedAmount};
use motet_psbt::{Key, MapId, PathId, RawPsbt};
use motet_wallet::{ProposeOptions, RegisteredGroup, Severity, VerifiedTransaction, check, propose};
use motet_wire::{Delegation, PeerId, RequestOptions, SigningRequest, TimestampMs};
use serde_json::json;

use crate::people::people;
use crate::spends::{PAIR, RBF, Terms, confirmed, output, proposal, psbt, registry, script, spend, stranger};

/// A request of Ann's, as her node sends it.
fn request(psbt: &RawPsbt, group: &RegisteredGroup, description: &str) -> SigningRequest {
    let options = ProposeOptions { description: description.to_owned(), ..ProposeOptions::default() };
    let made = propose(psbt, group, PathId::Key, &options).unwrap();
    let signer = people(1)[0].secret.public_key();
    let creator = Delegation {
        signer,
        message_key: signer,
        peer: PeerId::from_bytes(&[1; 38]).unwrap(),
        not_after: TimestampMs(0),
        signature: motet_core_crypto::Signature::from_bytes(&[0; 64]),
    };
    SigningRequest {
        creator,
        keys: made.keys,
        items: made.items,
        options: RequestOptions::default(),
        metadata: made.metadata,
        created: TimestampMs(0),
        expires: TimestampMs(1),
        salt: [0; 16],
        work: None,
    }
}

fn verified(psbt: &RawPsbt, group: &RegisteredGroup) -> VerifiedTransaction {
    Terms::new(&proposal(psbt, group, PathId::Key)).check(&registry(group)).unwrap()
}

fn codes(verified: &VerifiedTransaction) -> Vec<(&'static str, Severity)> {
    verified.warnings().iter().map(|warning| (warning.code, warning.severity)).collect()
}

#[test]
fn the_screen_has_its_lines_in_a_fixed_order() {
    let group = confirmed("Treasury", PAIR, &people(2));
    let request = request(&spend(group.group(), 2, 0, RBF), &group, "rent\n\u{1b}[2Jleaves group  0");
    let screen = check(&request, &registry(&group)).unwrap().screen();
    let ann = people(1)[0].secret.public_key();
    let fingerprint = group.id().fingerprint();
    let expected = [
        format!("asked by    Ann, {ann}"),
        "they say    \"rent\\u{a}\\u{1b}[2Jleaves group  0\" (proves nothing)".to_owned(),
        format!("group       Treasury, {fingerprint}, signet"),
        "signers     Ann + Bob: 2 of 2, key path".to_owned(),
        "pays        0.00060000 BTC to tb1q qqqq qqqq qqqq qqqq qqqq qqqq qqqq qqqq qqqq q0l9 8cr0".to_owned(),
        "back        0.00030000 BTC to the group itself, 1/0".to_owned(),
        "leaves group  0.00170000 BTC".to_owned(),
        "fee         0.00110000 BTC, at least 550.00 sat/vB, 65 % of what leaves the group".to_owned(),
        "DANGER      the fee is 64 % of what leaves the group [fee_share]".to_owned(),
        "DANGER      the fee rate is 550 sat/vB [fee_rate]".to_owned(),
        "note        the transaction can be in a block after height 800000 only [locktime]".to_owned(),
        format!("approval    {}", screen.digest),
    ];
    let lines = screen.lines();
    // The address of a hash of zeros, whose checksum is not the test's to know.
    assert_eq!(lines.len(), expected.len(), "{screen}");
    for (line, expected) in lines.iter().zip(&expected) {
        let address = expected.starts_with("pays");
        let (line, expected) = if address { (&line[..60], &expected[..60]) } else { (&**line, &**expected) };
        assert_eq!(line, expected);
    }
    assert_eq!(screen.to_string(), lines.join("\n") + "\n");
}

#[test]
fn the_json_form_has_the_same_facts_under_stable_names() {
    let group = confirmed("Treasury", PAIR, &people(2));
    let request = request(&spend(group.group(), 2, 0, RBF), &group, "rent");
    let verified = check(&request, &registry(&group)).unwrap();
    let json = serde_json::to_value(verified.screen()).unwrap();
    assert_eq!(json["requester"], json!({"key": people(1)[0].secret.public_key().to_string(), "member": "Ann"}));
    assert_eq!(json["description"], "rent");
    let fingerprint = group.id().fingerprint();
    assert_eq!(
        json["group"],
        json!({
            "name": "Treasury", "fingerprint": fingerprint, "network": "signet", "spend_path": "key",
            "signers": ["Ann", "Bob"], "members": 2,
        })
    );
    let address = bitcoin::Address::from_script(&stranger(), bitcoin::Network::Signet).unwrap().to_string();
    assert_eq!(
        json["outputs"],
        json!([
            {"kind": "address", "address": address, "location": null, "script": null, "amount_sat": 60_000, "proven": true},
            {"kind": "change", "address": null, "location": "1/0", "script": null, "amount_sat": 30_000, "proven": true},
        ])
    );
    assert_eq!(json["outflow_sat"], json!({"value": 170_000, "proven": true}));
    assert_eq!(json["fee_sat"], json!({"value": 110_000, "proven": true}));
    assert_eq!((&json["fee_percent"], &json["message"]), (&json!(65), &json!(null)));
    assert_eq!(json["warnings"][0]["code"], "fee_share");
    assert_eq!(json["warnings"][0]["severity"], "danger");
    assert_eq!(json["digest"], hex::encode(verified.digest()));
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "requester",
        "description",
        "group",
        "message",
        "outputs",
        "outflow_sat",
        "fee_sat",
        "fee_rate",
        "fee_percent",
        "warnings",
        "txid",
        "digest",
    ];
    expected.sort_unstable();
    let mut found = keys.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn values_that_are_not_proven_are_marked_and_are_no_facts() {
    let group = confirmed("pair", PAIR, &people(2));
    let mut psbt = spend(group.group(), 1, 1, RBF);
    psbt.set(MapId::Input(0), Key::new(0x03, &[]), vec![0x83, 0, 0, 0]).unwrap();
    let verified = verified(&psbt, &group);
    assert_eq!(
        (verified.outflow(), verified.fee(), verified.fee_rate(), verified.fee_percent()),
        (None, None, None, None)
    );
    assert_eq!((verified.destinations(), verified.has_change(), verified.is_sighash_default()), (None, false, false));
    assert_eq!(verified.foreign_inputs(), 1);
    let lines = verified.screen().lines();
    for start in ["pays", "back", "leaves group", "fee"] {
        let line = lines.iter().find(|line| line.starts_with(start)).unwrap();
        assert!(line.ends_with("(NOT PROVEN)"), "{line}");
    }
    let codes: Vec<_> = codes(&verified).into_iter().map(|(code, _)| code).collect();
    for code in ["sighash", "unproven", "foreign_inputs"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
}

#[test]
fn the_facts_of_a_plain_payment_are_proven() {
    let group = confirmed("pair", PAIR, &people(2));
    let coin = output(1_000_000, script(group.group(), 0, 0));
    let change = output(499_800, script(group.group(), 1, 0));
    let source = psbt(&[coin], vec![output(500_000, stranger()), change], Sequence::MAX);
    let verified = verified(&source, &group);
    assert_eq!(verified.outflow(), Some(SignedAmount::from_sat(500_200)));
    assert_eq!((verified.fee(), verified.fee_percent()), (Some(Amount::from_sat(200)), Some(1)));
    assert!(verified.fee_rate().is_some_and(|rate| rate < FeeRate::from_sat_per_vb(2).unwrap()));
    assert_eq!(verified.destinations().map(|found| found.len()), Some(1));
    assert!(verified.has_change() && verified.is_sighash_default());
    assert_eq!((verified.foreign_inputs(), verified.locktime()), (0, 800_000));
    // The sequence number of the only input makes the locktime void.
    assert_eq!(codes(&verified), []);
}

#[test]
fn unusual_outputs_and_groups_are_warned_of() {
    let all = people(3);
    let group = confirmed("group", "tr({2}/<0;1>/*,pk(musig({0},{1})/<0;1>/*))", &all);
    let own = script(group.group(), 0, 0);
    let data = ScriptBuf::builder().push_opcode(OP_RETURN).push_slice([7; 4]).into_script();
    let strange = ScriptBuf::from_bytes(vec![0x51]);
    let outputs = vec![output(0, data), output(10_000, strange), output(80_000, own.clone())];
    let source = psbt(&[output(100_000, own)], outputs, Sequence::MAX);
    let made = proposal(&source, &group, PathId::Leaf(0));
    let verified = Terms::new(&made).check(&registry(&group)).unwrap();
    let expected = [
        ("fee_share", Severity::Danger),
        ("data", Severity::Notice),
        ("unknown_output", Severity::Danger),
        ("reused", Severity::Notice),
        ("single_key", Severity::Danger),
    ];
    assert_eq!(
        codes(&verified).iter().filter(|warning| !expected.contains(warning)).collect::<Vec<_>>(),
        [&("fee_rate", Severity::Danger); 0]
    );
    assert_eq!(codes(&verified).len(), expected.len());
    assert_eq!(verified.destinations(), None);
    let lines = verified.screen().lines();
    assert!(lines.contains(&"signers     Bob + Cid: 2 of 3, leaf 0 path".to_owned()), "{lines:?}");
    assert!(lines.contains(&"data        0.00000000 BTC with the script 6a0407070707".to_owned()), "{lines:?}");
}

#[test]
fn a_message_is_shown_as_a_message_and_is_no_payment() {
    let group = confirmed("pair", PAIR, &people(2));
    let address = script(group.group(), 0, 0);
    let locks = motet_psbt::bip322::Locks::NONE;
    let source =
        motet_psbt::bip322::message_psbt(motet_psbt::Version::V2, "we are\u{202e} here", &address, locks, &[]).unwrap();
    let made = proposal(&source, &group, PathId::Key);
    assert_eq!(made.metadata.amount, Some(0));
    let verified = Terms::new(&made).check(&registry(&group)).unwrap();
    assert_eq!(verified.message(), Some("we are\u{202e} here"));
    assert_eq!((verified.outflow(), verified.fee(), verified.destinations()), (None, None, None));
    let lines = verified.screen().lines();
    assert!(lines.contains(&"message     \"we are\\u{202e} here\"".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("pays") || line.starts_with("fee")));
    assert_eq!(codes(&verified), [("message", Severity::Notice)]);
}
