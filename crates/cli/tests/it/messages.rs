//! Messages that a group signs under one of its addresses, and their verification.

use bitcoin::Network;
use motet_psbt::{Keychain, Location};

use crate::process::Scene;
use crate::treasury::Treasury;

/// A signature of BIP-322's vectors under a Taproot address.
const VECTOR: [&str; 3] = [
    "bc1pcquvhrqv0q68t4m0hfq6tpn006qrskyc7yrqnp2uyrf2emg3wynsdjyk38",
    "PURVOQ544B6HUATVBJZN5EZJUU",
    "smpAUB6B2Rbupzua8LTQIF06516wzl+cwKy1be8RgoiW0riyXdKwe6GTz/5Hnb37m67pJwIKCh+D5jDueG6KpvYpmu8",
];

fn verify(scene: &Scene, [address, message, signature]: [&str; 3], code: i32) -> serde_json::Value {
    let words = ["message", "verify", "--address", address, "--message", message, "--signature", signature, "--json"];
    scene.run(&words).expect(code).last("message_verdict")
}

#[test]
fn signatures_of_the_bip_are_valid_for_their_message_and_address_alone() {
    let scene = Scene::new();
    let [address, message, signature] = VECTOR;
    assert_eq!(verify(&scene, VECTOR, 0)["valid"], true);
    assert_eq!(verify(&scene, [address, "56VM6YK6Y76XTBXNPITF232EPX", signature], 4)["valid"], false);
    // What this program cannot judge is not called wrong.
    let other = "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l";
    let told = verify(&scene, [other, message, signature], 1);
    assert_eq!((&told["valid"], &told["inconclusive"]), (&false.into(), &true.into()));
    for (option, value) in [("--signature", "smp!"), ("--address", "bc1ppv6")] {
        let mut words = vec!["message", "verify", "--message", message];
        for (name, right) in [("--address", address), ("--signature", signature)] {
            words.extend([name, if name == option { value } else { right }]);
        }
        let ended = scene.run(&words).expect(2);
        assert!(ended.errors.contains(option), "{}", ended.errors);
    }
}

#[test]
fn each_member_begins_with_the_same_words_and_no_file() {
    let treasury = Treasury::of_three();
    let address = treasury.group.address(Location { keychain: Keychain::RECEIVE, index: 3 }, Network::Testnet).unwrap();
    let address = address.to_string();
    let message = "the treasury is ours";
    let start = |member: &str, more: &[&str]| {
        let key = format!("{member}.key");
        let mut words = vec!["message", "sign", "--address", &address, "--message", message, "--key", &key];
        words.extend(["--group", "group.txt", "--addresses", "5", "--output", member, "--json"]);
        words.extend(more);
        treasury.scene.start(&words)
    };
    let approved = |member: &str| {
        let mut process = start(member, &[]);
        let shown = process.event("transaction");
        assert_eq!((&shown["signed_message"], &shown["warnings"][0]["code"]), (&message.into(), &"message".into()));
        let digits = process.question();
        process.answer(&format!("yes {digits}"));
        process.event("nonces");
        process.error_line("now type the path");
        process
    };
    let processes = ["alice", "bob", "carol"].map(approved);
    let files = ["alice.nonces.psbt", "bob.nonces.psbt", "carol.nonces.psbt"];
    treasury.scene.run(&[&["psbt", "combine"], &files[..], &["--output", "merged.psbt"]].concat()).expect(0);
    for mut process in processes {
        process.answer("merged.psbt");
        process.wait().expect(0);
    }
    let files = ["alice.partial.psbt", "bob.partial.psbt", "carol.partial.psbt"];
    treasury.scene.run(&[&["psbt", "combine"], &files[..], &["--output", "signed.psbt"]].concat()).expect(0);
    let finalize =
        ["psbt", "finalize", "signed.psbt", "--group", "group.txt", "--addresses", "5", "--output", "final.psbt"];
    treasury.scene.run(&finalize).expect(0);
    let signature = treasury.scene.run(&["psbt", "extract", "final.psbt"]).expect(0).output.concat();
    assert_eq!(verify(&treasury.scene, [&address, message, &signature], 0)["valid"], true);
    assert_eq!(verify(&treasury.scene, [&address, "another", &signature], 4)["valid"], false);
}

#[test]
fn an_address_of_others_or_of_another_chain_is_refused_before_anything_is_asked() {
    let treasury = Treasury::of_three();
    let sign = |address: &str| {
        let words = ["message", "sign", "--address", address, "--message", "m", "--key", "alice.key"];
        treasury.scene.run(&[&words[..], &["--group", "group.txt", "--addresses", "5"]].concat())
    };
    let foreign = Treasury::of_three().group.address(Location { keychain: Keychain(0), index: 0 }, Network::Testnet);
    let ended = sign(&foreign.unwrap().to_string()).expect(7);
    assert!(ended.errors.contains("not among the group's first 5 addresses"), "{}", ended.errors);
    let ended = sign(VECTOR[0]).expect(2);
    assert!(ended.errors.contains("not an address of the group's chain"), "{}", ended.errors);
}
