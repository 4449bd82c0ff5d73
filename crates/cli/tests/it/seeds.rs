//! Seeds of words: made, restored, and the keys of groups below them.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::process::Scene;
use crate::shape;
use crate::terminal::Terminal;

/// The seed of entropy that is all zeros, as the test vectors of BIP-39 have it.
const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

fn write(scene: &Scene, name: &str, text: &str) {
    std::fs::write(scene.path(name), text).unwrap();
    std::fs::set_permissions(scene.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The key expression of an account.
fn expression(scene: &Scene, words: &[&str]) -> String {
    let told = scene.run(&[&["group", "key", "--chain", "signet", "--json"], words].concat()).expect(0);
    told.objects().iter().for_each(shape::check);
    told.last("group_key")["key_expression"].as_str().unwrap().to_owned()
}

#[test]
fn a_seed_in_a_file_restores_the_key_of_each_group() {
    let scene = Scene::new();
    let made = scene.run(&["group", "seed", "--words-file", "words", "--json"]).expect(0);
    made.objects().iter().for_each(shape::check);
    let fingerprint = made.last("seed")["fingerprint"].as_str().unwrap().to_owned();
    let words = std::fs::read_to_string(scene.path("words")).unwrap();
    assert_eq!(words.split_whitespace().count(), 24);
    assert!(!made.told("").contains(words.trim()), "the words are in the file alone");
    let mode = scene.path("words").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A seed is never overwritten.
    scene.run(&["group", "seed", "--words-file", "words"]).expect(1);
    assert_eq!(std::fs::read_to_string(scene.path("words")).unwrap(), words);

    let first = expression(&scene, &["--words-file", "words"]);
    assert!(first.starts_with(&format!("[{fingerprint}/87h/1h/0h]tpub")), "{first}");
    assert_eq!(first, expression(&scene, &["--words-file", "words", "--account", "0"]));
    let second = expression(&scene, &["--words-file", "words", "--account", "1", "--out", "second.key"]);
    assert!(second.starts_with(&format!("[{fingerprint}/87h/1h/1h]tpub")), "{second}");
    assert_eq!(scene.path("second.key").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // The key file is that of a member whose key is the account's.
    let members = [format!("--member=alice={first}"), format!("--member=bob={second}")];
    let new = ["group", "new", "both", "--chain", "signet", "--key", "second.key", "--groups", "groups", "--json"];
    let group = scene.run(&[&new[..], &[&members[0], &members[1]]].concat()).expect(0).last("group");
    let own: Vec<_> = group["members"].as_array().unwrap().iter().map(|member| &member["own"]).collect();
    assert_eq!(own, [&json!(false), &json!(true)]);
}

#[test]
fn a_seed_of_another_wallet_has_the_keys_that_it_has_there() {
    let scene = Scene::new();
    write(&scene, "zeros", ZEROS);
    // The fingerprint of this seed's root is known from BIP-84's test vectors.
    let known = expression(&scene, &["--words-file", "zeros"]);
    assert!(known.starts_with("[73c5da0a/87h/1h/0h]tpub"), "{known}");
    write(&scene, "secret", "TREZOR\n");
    let other = expression(&scene, &["--words-file", "zeros", "--seed-passphrase-file", "secret"]);
    assert!(other != known && other.contains("/87h/1h/0h]tpub"), "{other}");
    let mut typed = scene.start(&["group", "key", "--chain", "signet", "--words-file", "-"]);
    typed.answer(ZEROS);
    typed.close_input();
    assert_eq!(typed.wait().expect(0).output, [known]);
}

#[test]
fn wrong_words_are_named_by_their_place_and_never_repeated() {
    let scene = Scene::new();
    let told = |name: &str, text: &str, code: i32| {
        write(&scene, name, text);
        let told = scene.run(&["group", "key", "--words-file", name, "--out", "made.key"]).expect(code);
        assert!(!scene.path("made.key").exists());
        assert!(!told.errors.contains("abandon") && !told.errors.contains("abandom"), "{}", told.errors);
        told.errors
    };
    assert!(told("few", "abandon about", 2).contains("2 words"));
    assert!(told("unknown", &ZEROS.replacen("abandon", "abandom", 1), 2).contains("word 1"));
    assert!(told("sum", &ZEROS.replace("about", "abandon"), 2).contains("not together a seed"));
    write(&scene, "open", ZEROS);
    std::fs::set_permissions(scene.path("open"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = scene.run(&["group", "key", "--words-file", "open"]).expect(1);
    assert!(open.errors.contains("chmod 600"), "{}", open.errors);
    // Words are not for a pipe.
    let piped = scene.run(&["group", "seed"]).expect(2);
    assert!(piped.output.is_empty() && piped.errors.contains("--words-file"), "{}", piped.errors);
    scene.run(&["group", "seed", "--json"]).expect(2);
    scene.run(&["group", "key"]).expect(2);
}

#[test]
fn a_terminal_shows_the_words_once() {
    let scene = Scene::new();
    let (status, shown) = Terminal::start(scene.command(&["group", "seed"])).wait();
    assert!(status.success(), "{shown}");
    // Each word follows its number.
    let parts: Vec<_> = shown.split_whitespace().collect();
    let begin = parts.iter().position(|part| *part == "1").unwrap();
    let words: Vec<_> = parts[begin..begin + 48].chunks(2).map(|pair| pair[1]).collect();
    let fingerprint = parts[parts.iter().position(|part| *part == "seed").unwrap() + 1];
    write(&scene, "words", &words.join("\n"));
    let restored = expression(&scene, &["--words-file", "words"]);
    assert!(restored.starts_with(&format!("[{fingerprint}/")), "{restored} {shown}");
}
