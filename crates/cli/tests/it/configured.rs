//! The configuration: a file, variables that are stronger, and options that are strongest; completions and pages of the manual.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::process::{Ended, Scene};
use crate::shape;

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

/// Writes the file of the user's configuration.
fn configure(scene: &Scene, text: &str) {
    fs::create_dir_all(scene.path(".config/motet")).unwrap();
    let file = scene.path(".config/motet/config.toml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
}

fn run_with(scene: &Scene, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut motet = scene.start_with(arguments, variables);
    motet.close_input();
    motet.wait()
}

/// The settings that `config show` tells.
fn shown(scene: &Scene, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<Value> {
    let told = run_with(scene, &[&["config", "show", "--json"], arguments].concat(), variables).expect(0).objects();
    told.iter().for_each(shape::check);
    told
}

fn setting(scene: &Scene, name: &str, variables: &[(&str, &str)]) -> (Value, String) {
    let told = shown(scene, &[], variables);
    let found = told.iter().find(|setting| setting["name"] == name).unwrap();
    (found["value"].clone(), found["origin"].as_str().unwrap().to_owned())
}

#[test]
fn options_are_stronger_than_variables_and_variables_than_the_file() {
    let scene = Scene::new();
    assert_eq!(setting(&scene, "dht", &[]), (json!("auto"), "default".to_owned()));
    assert_eq!(setting(&scene, "delay", &[]), (Value::Null, "default".to_owned()));
    configure(&scene, "dht = \"client\"\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\nattempts = 2\nlight = true\n");
    let variables = [("MOTET_DHT", "server"), ("MOTET_LIGHT", "false"), ("MOTET_DELAY", "")];
    assert_eq!(setting(&scene, "dht", &[]), (json!("client"), "file".to_owned()));
    assert_eq!(setting(&scene, "listen", &[]), (json!([LOOPBACK]), "file".to_owned()));
    assert_eq!(setting(&scene, "dht", &variables), (json!("server"), "environment".to_owned()));
    assert_eq!(setting(&scene, "light", &variables), (json!(false), "environment".to_owned()));
    assert_eq!(setting(&scene, "delay", &variables), (Value::Null, "default".to_owned()));
    // The lines for people are a file of the same values.
    let lines = run_with(&scene, &["config", "show"], &[]).expect(0).output.join("\n");
    assert!(lines.contains("attempts = \"2\"  # ") && lines.contains("listen = [\"/ip4/127.0.0.1/tcp/0\"]"), "{lines}");
    fs::write(scene.path("again.toml"), lines).unwrap();
    let again = shown(&scene, &["--config", "again.toml"], &[]);
    assert_eq!(again.iter().find(|setting| setting["name"] == "attempts").unwrap()["value"], "2");

    // Each value is used where an option would be, and refused there in the same words, with its place.
    configure(&scene, "listen = [\"/ip4/127.0.0.1/tcp/0\"]\ntimeout = \"1ms\"\n");
    let refused = scene.run(&["find", "--key", "k"]).expect(2);
    assert!(refused.errors.contains("no option timeout"), "{}", refused.errors);
    configure(&scene, "key = \"k\"\nlisten = [\"nonsense\"]\n");
    let refused = scene.run(&["find"]).expect(2);
    assert!(refused.errors.contains("--listen") && refused.errors.contains("config.toml"), "{}", refused.errors);
    scene.run(&["key", "new", "--key-file", "k"]).expect(0);
    let find = ["find", "--timeout", "1ms"];
    run_with(&scene, &find, &[("MOTET_LISTEN", LOOPBACK)]).expect(3);
    scene.run(&[&find[..], &["--listen", LOOPBACK]].concat()).expect(3);
    assert!(scene.path("k.motet").exists());
}

#[test]
fn a_configured_option_gives_way_to_what_it_excludes() {
    let scene = Scene::new();
    configure(&scene, "relay-only = true\nkey = \"k\"\nlight = true\npassphrase-file = \"p\"\n");
    let find = ["find", "--timeout", "1ms"];
    // By itself it counts: a node that only relays know must name one.
    let alone = scene.run(&find).expect(2);
    assert!(alone.errors.contains("--relay ") && alone.errors.contains("--relay-only ("), "{}", alone.errors);
    // Nodes to try things out have no configuration.
    scene.run(&["find", "--dev", "seeker", "--timeout", "1ms"]).expect(3);
    scene.run(&["key", "new", "--key-file", "k"]).expect(0);
    scene.run(&[&find[..], &["--listen", LOOPBACK, "--dht", "client"]].concat()).expect(3);
    configure(&scene, "light = true\ndht = \"client\"\nkey = \"k\"\n");
    let both = scene.run(&find).expect(2);
    assert!(both.errors.contains("cannot be used with"), "{}", both.errors);
    run_with(&scene, &find, &[("MOTET_DHT", "server"), ("MOTET_LISTEN", LOOPBACK)]).expect(3);
    // Where the id of a request is missing, no option is to blame.
    let show = scene.run(&["show"]).expect(2);
    assert!(show.errors.contains("<ID>") && !show.errors.contains("configuration"), "{}", show.errors);
    // The key of a signature to verify is another option, and so is the key of a group's member.
    let verify = scene.run(&["verify", "--message", "m", "--signature", &"00".repeat(64)]).expect(2);
    assert!(verify.errors.contains("--key"), "{}", verify.errors);
    let group = scene.run(&["group", "key"]).expect(2);
    assert!(group.errors.contains("--key"), "{}", group.errors);
}

#[test]
fn a_file_of_configuration_is_named_or_the_users_own() {
    let scene = Scene::new();
    fs::write(scene.path("mine.toml"), "attempts = 5\n").unwrap();
    let attempts = |arguments: &[&str], variables: &[(&str, &str)]| {
        let told = shown(&scene, arguments, variables);
        told.iter().find(|setting| setting["name"] == "attempts").unwrap()["value"].clone()
    };
    assert_eq!(attempts(&[], &[]), Value::Null);
    assert_eq!(attempts(&["--config", "mine.toml"], &[]), "5");
    assert_eq!(attempts(&[], &[("MOTET_CONFIG", "mine.toml")]), "5");
    let missing = scene.run(&["config", "show", "--config", "missing.toml"]).expect(2);
    assert!(missing.errors.contains("missing.toml"), "{}", missing.errors);
    fs::write(scene.path("typo.toml"), "lisen = []\n").unwrap();
    let typo = scene.run(&["run", "--key", "k", "--config", "typo.toml"]).expect(2);
    assert!(typo.errors.contains("is listen meant?"), "{}", typo.errors);
    fs::set_permissions(scene.path("mine.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    let open = scene.run(&["config", "show", "--config", "mine.toml"]).expect(2);
    assert!(open.errors.contains("chmod 600"), "{}", open.errors);
    // Help needs no configuration.
    let help = scene.run(&["run", "--help", "--config", "typo.toml"]).expect(0);
    assert!(help.output.iter().any(|line| line.contains("[env: MOTET_LISTEN=]")));
}

#[test]
fn shells_complete_every_command() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = scene.run(&["completions", shell]).expect(0).output.join("\n");
        assert!(script.contains("passphrase") && script.contains("psbt"), "{shell}");
    }
    let bash = scene.run(&["completions", "bash"]).expect(0).output.join("\n");
    fs::write(scene.path("completions"), bash).unwrap();
    let completed = scene.script(
        "source ./completions && COMP_WORDS=(motet key pass) && COMP_CWORD=2 && _motet motet pass key && echo \"${COMPREPLY[*]}\"",
    );
    assert_eq!(completed.expect(0).output, ["passphrase"]);
    scene.run(&["completions", "dos"]).expect(2);
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let scene = Scene::new();
    let page = scene.run(&["man"]).expect(0).output.join("\n");
    assert!(page.contains(".TH motet 1") && page.contains("Exit codes"), "{page}");
    scene.run(&["man", "--out", "pages"]).expect(0);
    for page in ["motet.1", "motet-run.1", "motet-key.1", "motet-key-new.1"] {
        let text = fs::read_to_string(scene.path("pages").join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
}
