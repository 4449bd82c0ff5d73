//! The approval screen: its order, its words, and what strangers' texts can do in it.

use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::{Amount, FeeRate, ScriptBuf, Sequence, SignedAmount};
use motet_psbt::{Key, MapId, PathId, RawPsbt, SpendPlan};
use motet_wallet::{
    ApprovalScreen, GroupNames, ProposeOptions, RegisteredGroup, Severity, VerifiedTransaction, check, propose,
};
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
    let request = request(&spend(group.group(), 2, 0, RBF), &group, "rent\n\u{1b}[2Jin all     0");
    let verified = check(&request, &registry(&group)).unwrap();
    let screen = verified.screen();
    let ann = people(1)[0].secret.public_key();
    let fingerprint = group.id().fingerprint();
    let txid = verified.view().txid;
    let outpoint = |number: usize| verified.view().inputs[number].outpoint;
    let address = bitcoin::Address::from_script(&stranger(), bitcoin::Network::Signet).unwrap().to_string();
    let fours: Vec<&str> = address.as_bytes().chunks(4).map(|four| core::str::from_utf8(four).unwrap()).collect();
    let expected = [
        "asked by   Ann,".to_owned(),
        format!("           {ann}"),
        "they say   \"rent\\n\\u{1b}[2Jin all     0\" (proves nothing)".to_owned(),
        format!("group      Treasury ({fingerprint})"),
        "spends by  key path: Ann + Bob (of 2 members)".to_owned(),
        "output 0   0.00060000 BTC".to_owned(),
        format!("           {}", fours.join(" ")),
        "output 1   0.00030000 BTC  change, 1/0 of the group".to_owned(),
        "in all     0.00170000 BTC leaves the group, with the fee".to_owned(),
        "fee        0.00110000 BTC  at least 550.00 sat/vB  64 % of what leaves".to_owned(),
        "DANGER     fee_share: the fee is 64 % of what leaves the group".to_owned(),
        "DANGER     fee_rate: the fee rate is 550 sat/vB".to_owned(),
        "note       locktime: the transaction can be in a block after height 800000".to_owned(),
        "           only".to_owned(),
        "input 0    0.00100000 BTC  0/0 of the group".to_owned(),
        format!("           {}", outpoint(0)),
        "input 1    0.00100000 BTC  1/1 of the group".to_owned(),
        format!("           {}", outpoint(1)),
        "locktime   block 800000".to_owned(),
        "replaced   may be, by one with a higher fee".to_owned(),
        format!("txid       {txid}"),
        format!("approval   {}", screen.digest.clone().unwrap()),
    ];
    let lines = screen.lines();
    assert_eq!(lines, expected);
    assert!(lines.iter().all(|line| line.chars().count() <= 78), "{screen}");
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
    assert_eq!(json["group"], json!({"name": "Treasury", "fingerprint": fingerprint}));
    assert_eq!(json["path"], json!({"leaf": null, "members": ["Ann", "Bob"]}));
    assert_eq!(json["chain"], "signet");
    let address = bitcoin::Address::from_script(&stranger(), bitcoin::Network::Signet).unwrap().to_string();
    let proven = |value: u64| json!({"value": value, "proven": true});
    let script = stranger().to_hex_string();
    let place = json!({"branch": 1, "index": 0});
    assert_eq!(
        json["outputs"],
        json!([
            {"kind": "address", "proven": true, "address": address, "script": script, "place": null, "amount": proven(60_000)},
            {"kind": "group", "proven": true, "address": null, "script": null, "place": place, "amount": proven(30_000)},
        ])
    );
    assert_eq!(json["inputs"][1]["place"], json!({"branch": 1, "index": 1}));
    assert_eq!(json["inputs"][1]["amount"], proven(100_000));
    assert_eq!(json["outflow"], proven(170_000));
    assert_eq!(json["fee_paid"], proven(110_000));
    assert_eq!(json["fee_rate"], json!({"value": 550.0, "proven": true}));
    assert_eq!((&json["fee_percent"], &json["signed_message"]), (&json!(64), &json!(null)));
    assert_eq!((&json["locktime"], &json["replaceable"]), (&json!(800_000), &json!(true)));
    assert_eq!(json["warnings"][0]["code"], "fee_share");
    assert_eq!(json["warnings"][0]["severity"], "danger");
    assert_eq!(json["approval"], hex::encode(verified.digest()));
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "requester",
        "description",
        "group",
        "chain",
        "path",
        "problem",
        "signed_message",
        "outputs",
        "outflow",
        "fee_paid",
        "fee_rate",
        "fee_percent",
        "warnings",
        "inputs",
        "locktime",
        "replaceable",
        "txid",
        "approval",
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
    for start in ["output 0", "output 1", "in all", "fee ", "input 1"] {
        let line = lines.iter().find(|line| line.starts_with(start)).unwrap();
        assert!(line.contains("(claimed, not proven)"), "{line}");
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
    for line in [
        "spends by  leaf 0: Bob + Cid (of 3 members)",
        "output 0   0.00000000 BTC  data, and no payment",
        "           6a0407070707",
        "output 1   0.00010000 BTC  a script without an address",
        "output 2   0.00080000 BTC  0/0 of the group",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:#?}");
    }
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
    assert!(lines.contains(&"message    \"we are\\u{202e} here\"".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| ["output", "in all", "fee"].iter().any(|label| line.starts_with(label))));
    assert_eq!(codes(&verified), [("message", Severity::Notice)]);
}

#[test]
fn files_and_requests_show_the_same() {
    let group = confirmed("Treasury", "tr(musig({0},{1})/<0;1>/*,pk(musig({0},{2})/<0;1>/*))", &people(3));
    let names: Vec<String> = (0..3).map(|number| group.member_name(number)).collect();
    let names = GroupNames { group: Some(group.name()), members: &names, network: group.network() };
    for path in [PathId::Key, PathId::Leaf(0)] {
        let psbt = spend(group.group(), 2, 1, RBF);
        let verified = Terms::new(&proposal(&psbt, &group, path)).check(&registry(&group)).unwrap();
        let plan = SpendPlan::new(&psbt, group.group(), path, 5).unwrap();
        let of_file = ApprovalScreen::of_plan(&plan, &psbt, group.group(), &names);
        assert_eq!(of_file, verified.screen());
    }
}

#[test]
fn a_reader_without_a_group_sees_claims() {
    let group = confirmed("Treasury", PAIR, &people(2));
    let screen = ApprovalScreen::of_claims(&spend(group.group(), 2, 0, RBF), bitcoin::Network::Signet).unwrap();
    assert_eq!(screen.fee.map(|fee| (fee.value, fee.proven)), Some((110_000, false)));
    assert!(screen.outputs.iter().all(|output| !output.proven && output.place.is_none()));
    assert_eq!((&screen.group, &screen.path, &screen.outflow, &screen.digest), (&None, &None, &None, &None));
    let lines = screen.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("(claimed, not proven)")).count(), 5, "{screen}");
}
