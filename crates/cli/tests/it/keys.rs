//! The encrypted keystore: keys that are made, imported and exported, and the nodes that sign with them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::judge::Signed;
use crate::process::{Ended, Scene};
use crate::shape;
use crate::terminal::Terminal;

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";
const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// A scene with the passphrase of its keystore in the file `secret`.
fn scene() -> Scene {
    let scene = Scene::new();
    write(&scene, "secret", "correct horse\n");
    scene
}

fn write(scene: &Scene, name: &str, text: &str) {
    fs::write(scene.path(name), text).unwrap();
    fs::set_permissions(scene.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

/// `motet key` with the passphrase in `secret`.
#[track_caller]
fn key(scene: &Scene, arguments: &[&str]) -> Ended {
    let ended = scene.run(&[&["key"], arguments, &["--passphrase-file", "secret", "--json"]].concat());
    ended.objects().iter().for_each(shape::check);
    ended
}

fn stored(scene: &Scene, arguments: &[&str]) -> Value {
    key(scene, arguments).expect(0).last("stored_key")
}

#[test]
fn a_key_is_encrypted_from_its_first_day_and_a_node_runs_with_it() {
    let scene = scene();
    let alice = stored(&scene, &["new", "alice"]);
    let file = scene.path(".local/share/motet/keystore");
    assert_eq!(alice["keystore"], file.to_str().unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"motet-ks") && !bytes.windows(5).any(|part| part == b"alice"));
    stored(&scene, &["new", "bob"]);
    let listed = key(&scene, &["list"]).expect(0).objects();
    assert_eq!(listed[0], alice);
    assert_eq!(listed.len(), 2);
    // Each write is another file, and a name is never taken twice.
    assert_ne!(fs::read(&file).unwrap()[21..61], bytes[21..61]);
    assert!(key(&scene, &["new", "alice"]).expect(1).errors.contains("alice already"));

    let mut node =
        scene.start(&["run", "--key", "alice", "--passphrase-file", "secret", "--listen", LOOPBACK, "--json"]);
    assert_eq!(node.event("ready")["signer"], alice["signer"]);
    // Its data is beside the keystore.
    assert!(scene.path(".local/share/motet/alice.motet/records.redb").exists());
    // Others find the running signer by the same name, without the passphrase.
    let status = scene.run(&["status", "--key", "alice", "--json"]).expect(0);
    assert!(status.output.concat().contains(alice["signer"].as_str().unwrap()), "{:?}", status.output);
}

#[test]
fn two_keys_in_a_keystore_sign_together() {
    let scene = scene();
    for name in ["alice", "bob"] {
        stored(&scene, &["new", name, "--keystore", "ks"]);
    }
    let node = |command: &'static str, name: &'static str| {
        [command, "--key", name, "--keystore", "ks", "--passphrase-file", "secret", "--listen", LOOPBACK, "--json"]
    };
    let mut alice =
        scene.start(&[&node("run", "alice")[..], &["--auto-approve", "--once", "--nickname", "alice"]].concat());
    let peer = alice.event("ready")["peer"].as_str().unwrap().to_owned();
    let address = format!("{}/p2p/{peer}", alice.event("Listening")["address"].as_str().unwrap());
    let asked = [&node("sign", "bob")[..], &["--with", "alice", "--message", "hello", "--peer", &address]].concat();
    let result = scene.run(&asked).expect(0).last("result");
    Signed::items(&result)[0].verify();
    alice.wait().expect(0);
}

#[test]
fn a_keystore_that_does_not_open_has_an_exit_code_of_its_own() {
    let scene = scene();
    stored(&scene, &["new"]);
    let file = scene.path(".local/share/motet/keystore");
    write(&scene, "other", "correct house\n");
    let wrong = scene.run(&["key", "list", "--passphrase-file", "other"]).expect(9);
    assert!(wrong.errors.contains("wrong passphrase, or the file is damaged"), "{}", wrong.errors);
    let find = ["find", "--key", "signer", "--timeout", "1ms", "--passphrase-file", "other"];
    scene.run(&find).expect(9);
    // Nothing is changed without the passphrase.
    let before = fs::read(&file).unwrap();
    scene.run(&["key", "new", "bob", "--passphrase-file", "other"]).expect(9);
    scene.run(&["key", "remove", "signer", "--yes", "--passphrase-file", "other"]).expect(9);
    assert_eq!(fs::read(&file).unwrap(), before);

    let damaged = |change: &dyn Fn(&mut Vec<u8>), code: i32, words: &str| {
        let mut bytes = before.clone();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
        let told = scene.run(&["key", "list", "--passphrase-file", "secret"]).expect(code);
        assert!(told.errors.contains(words), "{}", told.errors);
    };
    damaged(&|bytes| bytes[70] ^= 1, 9, "wrong passphrase, or the file is damaged");
    damaged(&|bytes| bytes.truncate(50), 1, "its end is missing");
    damaged(&|bytes| bytes[8] = 2, 1, "version 2");
    // A hostile file costs nothing: gigabytes are refused before any work.
    damaged(&|bytes| bytes[12] = 0x7f, 1, "KiB of memory");
    damaged(&|bytes| bytes[0] = b'M', 1, "no keystore");
    fs::write(&file, &before).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(key(&scene, &["list"]).expect(1).errors.contains("chmod 600"));
}

#[test]
fn a_passphrase_comes_from_a_file_standard_input_or_the_service_manager() {
    let scene = scene();
    // Without any of them, the option is named.
    let none = scene.run(&["key", "new", "alice"]).expect(2);
    assert!(none.errors.contains("--passphrase-file"), "{}", none.errors);
    assert!(!scene.path(".local").exists());
    let mut typed = scene.start(&["key", "new", "alice", "--passphrase-file", "-"]);
    typed.answer("correct horse");
    typed.close_input();
    typed.wait().expect(0);
    fs::create_dir(scene.path("credentials")).unwrap();
    write(&scene, "credentials/motet-passphrase", "correct horse");
    let folder = scene.path("credentials");
    let mut handed = scene.start_with(&["key", "list"], &[("CREDENTIALS_DIRECTORY", folder.to_str().unwrap())]);
    handed.close_input();
    assert!(handed.wait().expect(0).output[0].starts_with("alice "));
    // A file for others to read is none, and neither is an empty passphrase.
    fs::set_permissions(scene.path("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(key(&scene, &["list"]).expect(1).errors.contains("chmod 600"));
    write(&scene, "empty", "\n");
    let empty = scene.run(&["key", "new", "bob", "--keystore", "other", "--passphrase-file", "empty"]).expect(2);
    assert!(empty.errors.contains("the passphrase is empty"), "{}", empty.errors);
    write(&scene, "long", &"p".repeat(2000));
    scene.run(&["key", "new", "bob", "--keystore", "other", "--passphrase-file", "long"]).expect(2);
    assert!(!scene.path("other").exists());
}

#[test]
fn keys_and_seeds_go_in_and_out_as_they_are() {
    let scene = scene();
    let made = scene.run(&["key", "new", "--key-file", "plain.key", "--json"]).expect(0).last("key");
    let imported = stored(&scene, &["import", "alice", "--key-file", "plain.key"]);
    assert_eq!(imported["signer"], made["signer"]);
    write(&scene, "words", &ZEROS.to_uppercase().replace(' ', "\n"));
    write(&scene, "extra", "TREZOR\n");
    let seed = stored(&scene, &["import", "savings", "--words-file", "words"]);
    assert_eq!((seed["kind"].as_str(), seed["fingerprint"].as_str()), (Some("seed"), Some("73c5da0a")));
    let other = stored(&scene, &["import", "other", "--words-file", "words", "--seed-passphrase-file", "extra"]);
    assert_ne!(other["fingerprint"], seed["fingerprint"]);
    write(&scene, "wrong", &ZEROS.replace("about", "abandon"));
    key(&scene, &["import", "wrong", "--words-file", "wrong"]).expect(2);

    // What leaves the keystore is asked about.
    assert!(key(&scene, &["export", "alice", "--out", "copy.key"]).expect(2).errors.contains("--yes"));
    assert!(!scene.path("copy.key").exists());
    key(&scene, &["export", "alice", "--out", "copy.key", "--yes"]).expect(0);
    assert_eq!(fs::read(scene.path("copy.key")).unwrap(), fs::read(scene.path("plain.key")).unwrap());
    assert_eq!(fs::metadata(scene.path("copy.key")).unwrap().permissions().mode() & 0o777, 0o600);
    key(&scene, &["export", "alice", "--out", "copy.key", "--yes"]).expect(1);
    key(&scene, &["export", "other", "--out", "copy.words", "--yes"]).expect(0);
    assert_eq!(fs::read_to_string(scene.path("copy.words")).unwrap().trim(), ZEROS);
    assert_eq!(fs::read_to_string(scene.path("copy.words.passphrase")).unwrap(), "TREZOR\n");

    assert!(key(&scene, &["remove", "alice"]).expect(2).errors.contains("--yes"));
    key(&scene, &["remove", "alice", "--yes"]).expect(0);
    let gone = key(&scene, &["export", "alice", "--out", "gone", "--yes"]).expect(1);
    assert!(gone.errors.contains("no key alice") && gone.errors.contains("other, savings"), "{}", gone.errors);
}

#[test]
fn the_account_of_a_seed_in_the_keystore_is_that_of_its_words() {
    let scene = scene();
    write(&scene, "words", ZEROS);
    stored(&scene, &["import", "savings", "--words-file", "words"]);
    let account = ["--account", "1", "--chain", "signet", "--json"];
    let of_words = [&["group", "key", "--words-file", "words", "--out", "one.key"], &account[..]].concat();
    let of_words = scene.run(&of_words).expect(0);
    let of_seed = [&["group", "key", "--key", "savings", "--passphrase-file", "secret"], &account[..]].concat();
    let of_seed = scene.run(&of_seed).expect(0);
    assert_eq!(of_seed.last("group_key"), of_words.last("group_key"));
    let made = stored(&scene, &["new", "treasury", "--of", "savings", "--account", "1", "--chain", "signet"]);
    assert_eq!(made["signer"], of_words.last("key")["signer"]);
    // A seed is no signer, a key has no accounts, and the two passphrases are not mixed up.
    let seed = scene.run(&["find", "--key", "savings", "--passphrase-file", "secret", "--timeout", "1ms"]).expect(1);
    assert!(seed.errors.contains("motet key new NAME --of savings"), "{}", seed.errors);
    scene.run(&["group", "key", "--key", "treasury", "--passphrase-file", "secret", "--account", "1"]).expect(2);
    scene.run(&["group", "key", "--words-file", "words", "--passphrase-file", "secret"]).expect(2);
    key(&scene, &["new", "x", "--of", "treasury"]).expect(1);
    let fresh = stored(&scene, &["new", "fresh", "--seed"]);
    key(&scene, &["export", "fresh", "--out", "fresh.words", "--yes"]).expect(0);
    assert_eq!(fs::read_to_string(scene.path("fresh.words")).unwrap().split(' ').count(), 24);
    assert_eq!(fresh["kind"], "seed");
}

#[test]
fn a_name_is_an_entry_only_where_no_file_has_it() {
    let scene = scene();
    let find = |key: &str| {
        scene.run(&["find", "--key", key, "--passphrase-file", "secret", "--listen", LOOPBACK, "--timeout", "1ms"])
    };
    let neither = find("alice").expect(1);
    assert!(neither.errors.contains("neither a key file alice here nor a keystore"), "{}", neither.errors);
    assert!(
        neither.errors.contains("motet key new alice") && neither.errors.contains("motet key new --key-file"),
        "{}",
        neither.errors
    );
    stored(&scene, &["new", "alice"]);
    find("alice").expect(3);
    assert!(find("bob").expect(1).errors.contains("it has alice"));
    assert!(find("./alice").expect(1).errors.contains("cannot read the signer key from ./alice"));
    scene.run(&["key", "new", "--key-file", "alice"]).expect(0);
    find("alice").expect(3);
    assert!(scene.path("alice.motet/signer").exists(), "the file counts, and its data is beside it");
    let keystore = find(".local/share/motet/keystore").expect(1);
    assert!(keystore.errors.contains("--key NAME"), "{}", keystore.errors);
}

#[test]
fn a_new_passphrase_takes_the_place_of_the_old_one() {
    let scene = scene();
    stored(&scene, &["new", "alice"]);
    write(&scene, "new", "battery staple");
    key(&scene, &["passphrase", "--new-passphrase-file", "new"]).expect(0);
    key(&scene, &["list"]).expect(9);
    assert_eq!(scene.run(&["key", "list", "--passphrase-file", "new"]).expect(0).output.len(), 1);
}

#[test]
fn keys_that_are_made_at_once_are_all_there() {
    let scene = scene();
    stored(&scene, &["new", "first"]);
    let names: Vec<_> = (0..6).map(|number| format!("n{number}")).collect();
    let made: Vec<_> =
        names.iter().map(|name| scene.start(&["key", "new", name, "--passphrase-file", "secret"])).collect();
    for mut one in made {
        one.close_input();
        one.wait().expect(0);
    }
    let listed = key(&scene, &["list"]).expect(0).objects();
    let listed: Vec<_> = listed.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(listed, ["first", "n0", "n1", "n2", "n3", "n4", "n5"]);
}

#[test]
fn a_person_types_a_passphrase_that_nobody_sees() {
    let scene = scene();
    let mut made = Terminal::start(scene.command(&["key", "new", "alice"]));
    made.prompts("new passphrase of ");
    // A slip, and a key that takes it back.
    made.types_hidden("correct horsf\u{7f}e\n");
    made.prompts("the same again: ");
    made.types_hidden("correct horse\n");
    let (status, shown) = made.wait();
    assert!(status.success() && shown.contains("kept as     alice"), "{shown}");
    assert!(!shown.contains("horse"), "{shown}");
    let mut read = Terminal::start(scene.command(&["key", "list"]));
    read.prompts("passphrase of ");
    assert!(!read.echoes());
    read.types_hidden("nonsense\u{15}correct horse\n");
    let (status, shown) = read.wait();
    assert!(status.success() && shown.contains("alice "), "{shown}");
    assert!(key(&scene, &["list"]).expect(0).output[0].contains("alice"));
}

#[test]
fn a_question_for_a_passphrase_is_given_up_and_the_terminal_is_as_before() {
    let scene = scene();
    stored(&scene, &["new", "alice"]);
    let node = ["run", "--key", "alice", "--auto-approve", "--listen", LOOPBACK];
    for command in [&["key", "list"][..], &node, &["find", "--key", "alice"]] {
        // Ctrl-C is a key like others; a node listens to signals, too.
        let mut asked = Terminal::start(scene.command(command));
        asked.prompts("passphrase of ");
        assert!(!asked.echoes());
        asked.types_hidden("half\u{3}");
        asked.shows("interrupted");
        assert!(asked.echoes());
        assert_eq!(asked.wait().0.code(), Some(130));
    }
    let mut asked = Terminal::start(scene.command(&node));
    asked.prompts("passphrase of ");
    asked.signal("TERM");
    asked.shows("interrupted");
    assert!(asked.echoes());
    assert_eq!(asked.wait().0.code(), Some(130));
    // Two typings that are not the same make nothing.
    let mut twice = Terminal::start(scene.command(&["key", "new", "--keystore", "other"]));
    twice.prompts("new passphrase of ");
    twice.types_hidden("one\n");
    twice.prompts("the same again: ");
    twice.types_hidden("two\n");
    let (status, shown) = twice.wait();
    assert!(status.code() == Some(6) && shown.contains("not the same"), "{shown}");
    assert!(!scene.path("other").exists());
}

/// Linux tells the limits of a process.
#[cfg(target_os = "linux")]
#[test]
fn a_process_leaves_no_core_dump() {
    let scene = scene();
    let limits = scene.script(
        "ulimit -c unlimited 2> /dev/null; exec \"$MOTET\" run --dev alice --auto-approve --json < /dev/null & \
        while ! grep -q '^Max core file size *0 *0' /proc/$!/limits; do kill -0 $! || exit 1; done; kill $!",
    );
    limits.expect(0);
}
