//! Keys in files, searches, and what is wrong with a command line.

use std::os::unix::fs::PermissionsExt as _;

use motet_core_crypto::{PublicKey, SecretKey};
use serde_json::json;

use crate::process::Scene;

/// A signature that BIP-340 publishes (vector 0), and its key and message.
const KEY: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const MESSAGE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const SIGNATURE: &str = "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215\
25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0";

#[test]
fn a_key_file_is_private_and_its_key_is_told() {
    let scene = Scene::new();
    let ended = scene.run(&["key", "new", "--key-file", "signer.key", "--json"]).expect(0);
    let [told] = ended.objects().try_into().unwrap_or_else(|objects| panic!("{objects:?}"));
    let path = scene.path("signer.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    let secret: [u8; 32] = hex::decode(text.trim_end()).unwrap().try_into().unwrap();
    let signer = SecretKey::from_bytes(&secret).unwrap().public_key();
    assert_eq!(told, json!({"event": "key", "signer": signer.to_string(), "file": "signer.key"}));
    assert!(!ended.told("").contains(text.trim_end()), "the secret is not printed");
}

#[test]
fn people_are_told_the_key_of_a_file_too_and_each_is_another() {
    let scene = Scene::new();
    let keys = ["one.key", "two.key"].map(|file| {
        let ended = scene.run(&["key", "new", "--key-file", file]).expect(0);
        let line = ended.output.iter().find_map(|line| line.strip_prefix("signer key")).unwrap().trim().to_owned();
        line.parse::<PublicKey>().unwrap()
    });
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_key_file_is_never_overwritten() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "signer.key"]).expect(0);
    let before = std::fs::read(scene.path("signer.key")).unwrap();
    let ended = scene.run(&["key", "new", "--key-file", "signer.key"]).expect(1);
    assert!(ended.errors.contains("signer.key"), "{}", ended.errors);
    assert_eq!(std::fs::read(scene.path("signer.key")).unwrap(), before);
    scene.run(&["key", "new", "--key-file", "missing/signer.key"]).expect(1);
    // Nor does it follow a link to somewhere else.
    std::os::unix::fs::symlink(scene.path("elsewhere"), scene.path("link")).unwrap();
    scene.run(&["key", "new", "--key-file", "link"]).expect(1);
    assert!(!scene.path("elsewhere").exists());
}

#[test]
fn keygen_is_another_name_that_help_does_not_show() {
    let scene = Scene::new();
    let told = scene.run(&["keygen", "--out", "signer.key", "--json"]).expect(0).last("key");
    assert_eq!(told["file"], "signer.key");
    let help = scene.run(&["help"]).expect(0);
    assert!(!help.output.iter().any(|line| line.contains("keygen")), "{}", help.told(""));
    // A configured keystore is not in the way of a file.
    let configured = [("MOTET_KEYSTORE", "k"), ("MOTET_PASSPHRASE_FILE", "p")];
    scene.start_with(&["key", "new", "--key-file", "other.key"], &configured).wait().expect(0);
    assert!(scene.path("other.key").exists() && !scene.path("k").exists());
}

#[test]
fn a_key_that_is_missing_public_or_damaged_starts_no_node() {
    let scene = Scene::new();
    let missing = scene.run(&["run", "--key", "nowhere.key"]).expect(1);
    assert!(missing.errors.contains("nowhere.key"), "{}", missing.errors);

    scene.run(&["key", "new", "--key-file", "public.key"]).expect(0);
    std::fs::set_permissions(scene.path("public.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let public = scene.run(&["run", "--key", "public.key"]).expect(1);
    assert!(public.errors.contains("chmod 600 public.key"), "{}", public.errors);

    // No key, half a key, zero, and the order of the curve.
    for text in ["", "00ff", &"0".repeat(64), "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"] {
        let path = scene.path("damaged.key");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let damaged = scene.run(&["run", "--key", "damaged.key"]).expect(1);
        assert!(damaged.errors.contains("damaged.key"), "{}", damaged.errors);
    }
}

#[test]
fn a_kept_key_signs_for_the_same_signer_after_a_restart() {
    let scene = Scene::new();
    let told = scene.run(&["key", "new", "--key-file", "signer.key", "--json"]).expect(0).last("key");
    let run = ["run", "--key", "signer.key", "--nickname", "kept", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];
    let mut peers = Vec::new();
    for _ in 0..2 {
        let mut node = scene.start(&run);
        let ready = node.event("ready");
        assert_eq!(ready["signer"], told["signer"]);
        peers.push(ready["peer"].clone());
        // Its store belongs to it alone.
        let second = scene.run(&run).expect(1);
        assert!(second.errors.contains("another motet"), "{}", second.errors);
        node.event("SignerAdvertised");
        node.signal("INT");
        node.wait().expect(0);
    }
    assert_eq!(peers[0], peers[1], "and the node is the same in the network");
    let data = scene.path("signer.key.motet");
    assert_eq!(std::fs::metadata(data.join("node.key")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn find_lists_who_is_there_by_what_they_sign() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let kind = scene.name("kind");
    let mut signer = scene.start(&["run", "--dev", &alice, "--type", &kind, "--json"]);
    let ready = signer.event("ready");
    let find = ["find", "--dev", &bob, "--type", &kind];
    let found = scene.run(&[&find[..], &["--timeout", "90s", "--json"]].concat()).expect(0).objects();
    let expected = json!({
        "event": "signer", "signer": ready["signer"], "nickname": alice, "fee": 0, "types": [kind],
        "min_amount": 0, "max_amount": u64::MAX, "peer": ready["peer"],
    });
    assert_eq!(found, [expected]);
    let people = scene.run(&[&find[..], &["--timeout", "90s", "--amount", "5"]].concat()).expect(0);
    let line = people.output.last().unwrap();
    assert!(line.contains(ready["signer"].as_str().unwrap()) && line.contains(&alice), "{line}");
    // A kind that nobody signs, and more of the kind than there are.
    let other = scene.run(&["find", "--dev", &bob, "--type", "another", "--timeout", "1ms", "--json"]).expect(3);
    assert_eq!(other.objects(), Vec::<serde_json::Value>::new());
    let more = scene.run(&[&find[..], &["--count", "2", "--timeout", "1ms"]].concat()).expect(3);
    assert!(more.errors.contains("of 2 such signers were found"), "{}", more.errors);
}

#[test]
fn verify_knows_a_signature_of_bip_340() {
    let scene = Scene::new();
    let verify = |key: &str, message: &str, signature: &str| {
        scene.run(&["verify", "--key", key, "--message-hex", message, "--signature", signature])
    };
    assert_eq!(verify(KEY, MESSAGE, SIGNATURE).expect(0).output, ["valid"]);
    assert_eq!(verify(&KEY.to_uppercase(), MESSAGE, &SIGNATURE.to_uppercase()).expect(0).output, ["valid"]);
    let other = MESSAGE.replacen('0', "1", 1);
    assert!(verify(KEY, &other, SIGNATURE).expect(4).output[0].starts_with("not valid"));
    let other = SIGNATURE.replacen('e', "f", 1);
    assert!(verify(KEY, MESSAGE, &other).expect(4).output[0].starts_with("not valid"));
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_failure() {
    let scene = Scene::new();
    let long = "a".repeat(33);
    let wrong: &[&[&str]] = &[
        &[],
        &["compose"],
        &["demo", "--signers", "1"],
        &["demo", "--signers", "16"],
        &["demo", "--items", "0"],
        &["demo", "--items", "65"],
        &["demo", "--loud"],
        &["keygen"],
        &["key", "new", "alice", "--key-file", "f"],
        &["key", "new", "--seed", "--key-file", "f"],
        &["key", "new", "--keystore", "k", "--key-file", "f"],
        &["run"],
        &["run", "--dev", "a", "--key", "b"],
        &["run", "--dev", "a", "--network", "b"],
        &["run", "--dev", "a", "--listen", "nowhere"],
        &["run", "--dev", "a", "--peer", "nobody"],
        &["run", "--dev", "a", "--round-timeout", "soon"],
        &["run", "--dev", "a", "--attempts", "0"],
        &["find", "--dev", "a", "--count", "many"],
        &["find", "--dev", "a", "--timeout", "5 parsecs"],
        &["sign", "--dev", "a", "--message", "m"],
        &["sign", "--dev", "a", "--with", "b"],
        &["sign", "--dev", "a", "--with", "b", "--message-hex", "0g"],
        &["verify", "--key", KEY, "--signature", SIGNATURE],
        &["verify", "--key", "00", "--signature", SIGNATURE, "--message", "m"],
        &["verify", "--key", &long, "--signature", SIGNATURE, "--message", "m"],
        &["verify", "--key", KEY, "--signature", KEY, "--message", "m"],
        &["verify", "--key", KEY, "--signature", SIGNATURE, "--message-hex", "abc"],
    ];
    for arguments in wrong {
        let ended = scene.run(arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}\n{}", ended.told(""));
        assert!(ended.output.is_empty() && !ended.errors.is_empty(), "{arguments:?}\n{}", ended.told(""));
    }
}

#[test]
fn a_wrong_network_name_is_a_wrong_command_line() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "signer.key"]).expect(0);
    for network in ["", &"n".repeat(33)] {
        let ended = scene.run(&["run", "--key", "signer.key", "--network", network]).expect(2);
        assert!(ended.errors.contains("--network"), "{}", ended.errors);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let scene = Scene::new();
    let help = scene.run(&["help"]).expect(0).output.join("\n");
    for command in ["demo", "key", "run", "find", "sign", "verify"] {
        assert!(help.contains(command), "{help}");
        scene.run(&["help", command]).expect(0);
    }
    assert!(help.contains("Exit codes: 0 done, 1"), "{help}");
    let version = scene.run(&["--version"]).expect(0).output;
    assert_eq!(version, [concat!("motet ", env!("CARGO_PKG_VERSION"))]);
}
