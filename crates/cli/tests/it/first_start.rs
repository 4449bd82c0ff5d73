//! The first start of a user, and what the doctor says of it.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::asked::LISTEN;
use crate::daemon_first::Signer;
use crate::process::{Ended, Scene};
use crate::terminal::Terminal;

fn secret(scene: &Scene) {
    fs::write(scene.path("secret"), "correct horse\n").unwrap();
    fs::set_permissions(scene.path("secret"), Permissions::from_mode(0o600)).unwrap();
}

/// The state of a check, which is there once.
fn state(ended: &Ended, check: &str) -> String {
    let found: Vec<Value> = ended.objects().into_iter().filter(|object| object["check"] == check).collect();
    let [found] = found.as_slice() else { panic!("{check}: {found:?}\n{}", ended.told("")) };
    found["state"].as_str().unwrap().to_owned()
}

#[test]
fn without_a_terminal_options_and_defaults_make_a_signer_that_runs() {
    let scene = Scene::new();
    secret(&scene);
    let init = ["init", "--network", "dev", "--passphrase-file", "secret"];
    let made = scene.run(&[&init[..], &["--json"]].concat()).expect(0).last("initialized");
    assert_eq!(made["name"], "signer");
    let config = fs::read_to_string(made["config"].as_str().unwrap()).unwrap();
    assert!(config.contains("key = \"signer\"") && config.contains("network = \"dev\""), "{config}");
    // It is the first start once.
    let again = scene.run(&init).expect(1);
    assert!(again.errors.contains("motet doctor"), "{}", again.errors);
    // The configuration names the key.
    let run = ["run", "--passphrase-file", "secret", "--listen", LISTEN, "--auto-approve", "--json"];
    let mut signer = scene.start(&run);
    assert_eq!(signer.event("ready")["signer"], made["signer"]);
    // And so it names the running signer to the commands that speak to it.
    for command in ["status", "requests", "sessions", "peers", "stats"] {
        drop(scene.run(&[command]).expect(0));
    }
    // A folder that is named more closely counts in the place of the configured key, and a key in the place of a configured folder.
    let elsewhere = scene.run(&["status", "--data", "elsewhere"]).expect(1);
    assert!(elsewhere.errors.contains("elsewhere"), "{}", elsewhere.errors);
    let status = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = scene.start_with(&[&["status"], words].concat(), variables);
        command.close_input();
        command.wait()
    };
    let named = status(&[], &[("MOTET_DATA", "elsewhere")]).expect(1);
    assert!(named.errors.contains("elsewhere"), "{}", named.errors);
    drop(status(&["--key", "signer"], &[("MOTET_DATA", "elsewhere")]).expect(0));
}

#[test]
fn at_a_terminal_questions_are_asked_until_their_answers_are_right() {
    let scene = Scene::new();
    let mut init = Terminal::start(scene.command(&["init"]));
    init.prompts("name of the signer's key [signer]:");
    init.types("two words\n");
    init.prompts("name of the signer's key [signer]:");
    init.types("alice\n");
    init.prompts("network [main]:");
    init.types("\n");
    init.prompts("nickname that others see, or nothing []:");
    init.types("\n");
    init.prompts("new passphrase of ");
    init.types_hidden("correct horse\n");
    init.prompts("the same again: ");
    init.types_hidden("correct horse\n");
    let (status, shown) = init.wait();
    assert!(status.success() && shown.contains("motet doctor") && shown.contains("motet run"), "{shown}");
    let config = fs::read_to_string(scene.path(".config/motet/config.toml")).unwrap();
    assert!(config.contains("key = \"alice\"") && !config.contains("nickname"), "{config}");
}

#[test]
fn the_doctor_looks_through_the_running_signer_and_alone_and_names_the_next_step() {
    let scene = Scene::new();
    let bob = Signer::start(&scene, "b.key", &[]);
    let alice = Signer::start(&scene, "a.key", &["--peer", &bob.address]);
    bob.address.split_once("/p2p/").unwrap();
    let doctor = |words: &[&str], code: i32| {
        scene.run(&[&["doctor", "--json", "--network", "dev", "--listen", LISTEN], words].concat()).expect(code)
    };
    let with = doctor(&["--key", "a.key"], 0);
    for (check, expected) in [
        ("key", "warn"),
        ("data folder", "ok"),
        ("store", "ok"),
        ("signer", "ok"),
        ("peers", "ok"),
        ("named node", "ok"),
    ] {
        assert_eq!(state(&with, check), expected, "{check}\n{}", with.told(""));
    }
    assert_eq!((state(&with, "clock"), state(&with, "diversity")), ("ok".to_owned(), "ok".to_owned()));
    alice.halt(&scene, "a.key");
    // Alone it looks with a node of its own, without the key.
    let alone = doctor(&["--key", "a.key", "--peer", &bob.address, "--timeout", "3s"], 0);
    for (check, expected) in
        [("signer", "warn"), ("store", "ok"), ("peers", "ok"), ("named node", "ok"), ("ports", "ok")]
    {
        assert_eq!(state(&alone, check), expected, "{check}\n{}", alone.told(""));
    }
    // What does not work is a failure, and has a next step.
    fs::set_permissions(scene.path("a.key.motet"), Permissions::from_mode(0o755)).unwrap();
    let open = doctor(&["--key", "a.key", "--timeout", "1ms"], 1);
    assert_eq!((state(&open, "data folder"), state(&open, "peers")), ("fail".to_owned(), "fail".to_owned()));
    let told = scene.run(&["doctor", "--key", "a.key", "--network", "dev", "--listen", LISTEN, "--timeout", "1ms"]);
    let told = told.expect(1);
    assert!(told.output.iter().any(|line| line.contains("chmod 700")), "{}", told.told(""));
    fs::write(scene.path("records"), "no store").unwrap();
    let nobody = doctor(&["--timeout", "1ms"], 1);
    assert_eq!(state(&nobody, "data folder"), "fail");
}
