//! PSBTs in files: what is shown of them, how they are merged, and why bad ones are refused.

use motet_psbt::{Key, MapId, PathId, RawPsbt, Version};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;

use crate::process::Scene;
use crate::treasury::{Treasury, accepted, secret};

const GROUP: [&str; 4] = ["--group", "group.txt", "--addresses", "5"];

fn with_group<'a>(words: &[&'a str]) -> Vec<&'a str> {
    words.iter().copied().chain(GROUP).collect()
}

/// Both rounds between all members, without the program. The file has all partial signatures.
fn sign_all(treasury: &Treasury, start: &RawPsbt, members: &[&str]) -> RawPsbt {
    let mut psbt = start.clone();
    let plan = treasury.plan(start, PathId::Key);
    let keys: Vec<_> = members.iter().map(|member| secret(&treasury.scene, member)).collect();
    let pending: Vec<_> = (1..)
        .zip(&keys)
        .map(|(seed, key)| {
            let mut rng = ChaCha20Rng::from_seed([seed; 32]);
            plan.add_nonces(&mut psbt, &treasury.group, key, &mut rng).unwrap()
        })
        .collect();
    for (key, pending) in keys.iter().zip(pending) {
        plan.sign(&mut psbt, &treasury.group, key, pending).unwrap();
    }
    psbt
}

#[test]
fn a_transaction_is_shown_in_the_order_in_which_a_decision_needs_it() {
    let treasury = Treasury::of_three();
    treasury.spend("a.psbt", 1, Version::V2);
    let ended = treasury.scene.run(&with_group(&["psbt", "inspect", "a.psbt"])).expect(0);
    let labels: Vec<_> = ended.output.iter().filter_map(|line| line.get(..11)).map(str::trim).collect();
    let labels: Vec<_> = labels.into_iter().filter(|label| !label.is_empty()).collect();
    let expected = [
        "group",
        "spends by",
        "output 0",
        "output 1",
        "in all",
        "fee",
        "WARNING",
        "note",
        "input 0",
        "locktime",
        "replaced",
        "txid",
        "approval",
        "missing",
        "missing",
        "missing",
        "missing",
        "missing",
        "missing",
    ];
    assert_eq!(labels, expected, "{}", ended.told(""));
    let text = ended.output.join("\n");
    for shown in [
        "0.00060000 BTC\n           tb1q qqqq qqqq",
        "0.00030000 BTC  change, 1/0 of the group",
        "0.00070000 BTC leaves the group, with the fee",
        "14 % of what leaves",
        "fee_share: the fee is 14 %",
        "locktime: the transaction can be in a block after height 800000",
        "block 800000",
    ] {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
    assert!(ended.output.iter().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains("claimed"), "everything is proven by the signatures\n{text}");
}

#[test]
fn programs_get_the_same_facts_with_stable_codes() {
    let treasury = Treasury::of_three();
    let psbt = treasury.spend("a.psbt", 2, Version::V0);
    let told = treasury.scene.run(&with_group(&["psbt", "inspect", "a.psbt", "--json"])).expect(0).last("transaction");
    assert_eq!(told["txid"], psbt.unsigned_tx().unwrap().compute_txid().to_string());
    assert_eq!(told["psbt_version"], 0);
    assert_eq!(told["fee_paid"], json!({"value": 110_000, "proven": true}));
    assert_eq!(told["outflow"], json!({"value": 170_000, "proven": true}));
    assert_eq!(told["outputs"][1]["kind"], "group");
    assert_eq!(told["outputs"][1]["place"], json!({"branch": 1, "index": 0}));
    assert_eq!(told["inputs"][1]["place"], json!({"branch": 0, "index": 1}));
    assert_eq!(told["warnings"][0]["code"], "fee_share");
    assert_eq!(told["missing"].as_array().unwrap().len(), 12);
    assert_eq!(told["approval"], hex::encode(treasury.plan(&psbt, PathId::Key).digest()));
}

#[test]
fn without_a_group_and_with_the_wrong_one_everything_is_a_claim() {
    let treasury = Treasury::of_three();
    treasury.spend("a.psbt", 1, Version::V2);
    let inspect = ["psbt", "inspect", "a.psbt", "--chain", "test"];
    let ended = treasury.scene.run(&inspect).expect(0);
    let text = ended.output.join("\n");
    assert!(text.contains("none was named"), "{text}");
    assert_eq!(text.matches("(claimed, not proven)").count(), 4, "two outputs, the fee and the input\n{text}");
    let told = treasury.scene.run(&[&inspect[..], &["--json"]].concat()).expect(0).last("transaction");
    assert_eq!(told["fee_paid"], json!({"value": 10_000, "proven": false}));
    assert!(told["approval"].is_null() && told["group"].is_null(), "{told}");
    let other = Treasury::of_three();
    let foreign = other.scene.path("group.txt");
    let group = ["--group", foreign.to_str().unwrap(), "--addresses", "5"];
    let told = treasury.scene.run(&[&inspect[..], &group, &["--json"]].concat()).expect(0).last("transaction");
    assert!(told["problem"].as_str().unwrap().contains("no input is of this group"), "{told}");
    assert_eq!(told["outputs"][1]["proven"], false);
}

#[test]
fn amounts_that_the_signature_does_not_cover_are_marked_as_claims() {
    let treasury = Treasury::of_three();
    let mut psbt = treasury.spend("a.psbt", 2, Version::V2);
    // SIGHASH_NONE: no output is signed for.
    psbt.set(MapId::Input(0), Key::new(0x03, &[]), vec![2, 0, 0, 0]).unwrap();
    treasury.write("a.psbt", &psbt);
    let told = treasury.scene.run(&with_group(&["psbt", "inspect", "a.psbt", "--json"])).expect(0).last("transaction");
    assert_eq!((&told["outputs"][0]["proven"], &told["fee_paid"]["proven"]), (&json!(false), &json!(false)));
    let codes: Vec<_> = told["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].clone()).collect();
    assert_eq!(codes, ["fee_share", "fee_rate", "sighash", "locktime"]);
    let shown = treasury.scene.run(&with_group(&["psbt", "inspect", "a.psbt"])).expect(0);
    assert!(shown.output.join("\n").contains("0.00060000 BTC (claimed, not proven)"), "{}", shown.told(""));
}

#[test]
fn missing_shares_are_named_by_member_and_decide_the_exit_code() {
    let treasury = Treasury::of_three();
    let start = treasury.spend("a.psbt", 2, Version::V2);
    let missing = with_group(&["psbt", "missing", "a.psbt"]);
    let ended = treasury.scene.run(&missing).expect(8);
    assert_eq!(ended.output.len(), 6, "{}", ended.told(""));
    assert!(ended.output[0].starts_with("nonce of ") && ended.output[0].ends_with(" for inputs 0-1"), "{ended:?}");
    let mut signed = sign_all(&treasury, &start, &["alice", "bob", "carol"]);
    treasury.write("a.psbt", &signed);
    let told = treasury.scene.run(&[&missing[..], &["--json"]].concat()).expect(0).last("missing");
    assert_eq!(told, json!({"event": "missing", "missing": [], "wrong": []}));
    // A wrong partial signature is its member's.
    let bob = signed.input(1).unwrap().partial_signatures().next().unwrap();
    signed.set(MapId::Input(1), Key::new(0x1c, &bob.key.key_data()), vec![7; 32]).unwrap();
    treasury.write("a.psbt", &signed);
    let ended = treasury.scene.run(&missing).expect(4);
    assert!(ended.output[0].contains("for input 1 does not verify"), "{}", ended.told(""));
    let ended = treasury.scene.run(&with_group(&["psbt", "finalize", "a.psbt"])).expect(4);
    assert!(ended.errors.contains("does not verify"), "{}", ended.errors);
    treasury.scene.run(&with_group(&["psbt", "combine", "a.psbt"])).expect(4);
}

#[test]
fn all_partial_signatures_make_a_transaction_that_consensus_code_accepts() {
    for version in [Version::V0, Version::V2] {
        let treasury = Treasury::of_three();
        let start = treasury.spend("a.psbt", 2, version);
        treasury.write("a.psbt", &sign_all(&treasury, &start, &["alice", "bob", "carol"]));
        let early = treasury.scene.run(&["psbt", "extract", "a.psbt"]).expect(8);
        assert!(early.errors.contains("input 0 is not final"), "{}", early.errors);
        treasury.scene.run(&with_group(&["psbt", "finalize", "a.psbt", "--output", "final.psbt"])).expect(0);
        assert_eq!(treasury.read("final.psbt").version(), version);
        let told = treasury.scene.run(&["psbt", "extract", "final.psbt", "--json"]).expect(0).last("raw_transaction");
        accepted(told["transaction"].as_str().unwrap(), &start);
        assert_eq!(told["txid"], start.unsigned_tx().unwrap().compute_txid().to_string());
        // Without --json it is the hexadecimal text alone, from standard input, too.
        let piped = "$MOTET psbt finalize a.psbt --group group.txt --addresses 5 | $MOTET psbt extract -";
        assert_eq!(treasury.scene.script(piped).expect(0).output, [told["transaction"].as_str().unwrap()]);
    }
}

#[test]
fn files_keep_their_form_and_are_not_overwritten() {
    let treasury = Treasury::of_three();
    let psbt = treasury.spend("a.psbt", 1, Version::V2);
    let text = format!("{}\n", psbt.to_base64());
    std::fs::write(treasury.scene.path("lines.txt"), text.as_bytes().chunks(64).collect::<Vec<_>>().join(&b'\n'))
        .unwrap();
    let combine = |words: &[&str]| treasury.scene.run(&[&["psbt", "combine"][..], words].concat());
    assert_eq!(combine(&["lines.txt", "a.psbt"]).expect(0).output, [psbt.to_base64()]);
    combine(&["a.psbt", "--output", "binary.psbt"]).expect(0);
    assert_eq!(std::fs::read(treasury.scene.path("binary.psbt")).unwrap(), psbt.to_bytes());
    let told = combine(&["lines.txt", "--output", "text.psbt", "--json"]).expect(0).last("psbt");
    assert_eq!(told, json!({"event": "psbt", "file": "text.psbt", "psbt_version": 2}));
    assert_eq!(std::fs::read(treasury.scene.path("text.psbt")).unwrap(), text.as_bytes());
    let ended = combine(&["a.psbt", "--output", "text.psbt"]).expect(1);
    assert!(
        ended.errors.contains("text.psbt is there already") && ended.errors.contains("--force"),
        "{}",
        ended.errors
    );
    combine(&["a.psbt", "--output", "text.psbt", "--force"]).expect(0);
    assert_eq!(std::fs::read(treasury.scene.path("text.psbt")).unwrap(), psbt.to_bytes());
    combine(&["a.psbt", "--output", "other.psbt", "--form", "base64"]).expect(0);
    assert_eq!(std::fs::read(treasury.scene.path("other.psbt")).unwrap(), text.as_bytes());
}

#[test]
fn contradictions_name_both_files() {
    let treasury = Treasury::of_three();
    let start = treasury.spend("a.psbt", 1, Version::V2);
    let plan = treasury.plan(&start, PathId::Key);
    for (seed, file) in [(1, "one.psbt"), (2, "two.psbt")] {
        let mut psbt = start.clone();
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        plan.add_nonces(&mut psbt, &treasury.group, &secret(&treasury.scene, "bob"), &mut rng).unwrap();
        treasury.write(file, &psbt);
    }
    let ended = treasury.scene.run(&["psbt", "combine", "a.psbt", "one.psbt", "two.psbt"]).expect(7);
    for said in ["input 0, PSBT_IN_MUSIG2_PUB_NONCE", "file 1 is one.psbt, file 2 is two.psbt", "made nonces twice"] {
        assert!(ended.errors.contains(said), "{said}\n{}", ended.errors);
    }
    treasury.spend("other.psbt", 2, Version::V2);
    let ended = treasury.scene.run(&["psbt", "combine", "a.psbt", "other.psbt"]).expect(7);
    assert!(ended.errors.contains("different transactions: the number of inputs"), "{}", ended.errors);
    treasury.scene.run(&["psbt", "combine", "-", "-"]).expect(2);
}

#[test]
fn a_bad_psbt_is_refused_with_the_map_the_key_and_the_reason() {
    let treasury = Treasury::of_three();
    let bytes = treasury.spend("a.psbt", 1, Version::V2).to_bytes();
    // The amount of the coin in PSBT_IN_WITNESS_UTXO: a length too short.
    let place = bytes.windows(4).position(|window| window == [1, 1, 43, 0xa0]).unwrap();
    let mut short = bytes.clone();
    short[place + 2] = 42;
    short.remove(place + 3);
    let text = hex::encode(&bytes);
    let cases: [(&[u8], &[&str]); 5] = [
        (&bytes[..bytes.len() - 1], &["output 1", "ends here", "again from its maker"]),
        (b"hello", &["not a PSBT", "name a file that holds a PSBT"]),
        (text.as_bytes(), &["hexadecimal"]),
        (b"cHNidP8B!", &["base64", "damaged on its way"]),
        (&short, &["input 0, PSBT_IN_WITNESS_UTXO (key 01)", "the program that wrote the file is at fault"]),
    ];
    for (content, said) in cases {
        std::fs::write(treasury.scene.path("bad.psbt"), content).unwrap();
        let ended = treasury.scene.run(&["psbt", "inspect", "bad.psbt"]).expect(7);
        for said in said {
            assert!(ended.errors.contains(said), "{said}\n{}", ended.errors);
        }
    }
    std::fs::write(treasury.scene.path("bad.psbt"), vec![b'A'; 2 << 20]).unwrap();
    let ended = treasury.scene.run(&["psbt", "inspect", "bad.psbt"]).expect(7);
    assert!(ended.errors.contains("the limit is 1 MiB"), "{}", ended.errors);
    let ended = treasury.scene.run(&["psbt", "inspect", "nowhere.psbt"]).expect(1);
    assert!(ended.errors.contains("nowhere.psbt"), "{}", ended.errors);
}

#[test]
fn a_descriptor_that_is_no_group_is_refused_and_private_keys_are_not_repeated() {
    let scene = Scene::new();
    let private = "tprv8ZgxMBicQKsPeDgjzdC36fs6bMjGApWDNLR9erAXMs5skhMv36j9MV5ecvfavji5khqjWaWSFhN3YcCUUdiKH6isR4Pwy3U5y5egddBr16m";
    for (group, said) in [
        (format!("tr(musig({private},{private})/<0;1>/*)"), "private key"),
        (
            "wpkh(02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9)".to_owned(),
            "only descriptors with tr()",
        ),
        ("missing.txt".to_owned(), "no group with the name missing.txt is registered"),
    ] {
        let ended = scene.run(&["psbt", "missing", "a.psbt", "--group", &group]);
        assert!(ended.errors.contains(said), "{said}\n{}", ended.errors);
        assert!(!ended.errors.contains("tprv8Zgx"), "{}", ended.errors);
    }
}

#[test]
fn what_is_unusual_about_the_group_and_its_addresses_is_a_warning() {
    // The owner of the internal key can spend alone, and the coin is at an address that other wallets do not look at.
    let treasury = Treasury::new(&["alice", "bob"], "tr({alice}/7/*,pk(musig({alice},{bob})/<0;1>/*))");
    let location = motet_psbt::Location { keychain: motet_psbt::Keychain(0), index: 1000 };
    let script = treasury.group.output(location).unwrap().script;
    let mut psbt = treasury.spend("a.psbt", 1, Version::V2);
    let prevout = bitcoin::TxOut { value: bitcoin::Amount::from_sat(100_000), script_pubkey: script };
    psbt.set(MapId::Input(0), Key::new(0x01, &[]), bitcoin::consensus::serialize(&prevout)).unwrap();
    treasury.write("a.psbt", &psbt);
    let inspect = ["psbt", "inspect", "a.psbt", "--group", "group.txt", "--leaf", "0", "--addresses", "1001", "--json"];
    let told = treasury.scene.run(&inspect).expect(0).last("transaction");
    let codes: Vec<_> = told["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].clone()).collect();
    assert_eq!(codes, ["fee_share", "far_index", "locktime", "single_key"]);
}
