//! A signer as a service: what it tells the service manager, its unit, its container, and the way in which it leaves.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use serde_json::Value;

use crate::lab::skip;
use crate::process::{GUARD, Scene};

/// Words of a signer to the service manager, up to this one.
fn until(manager: &UnixDatagram, word: &str) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let mut text = [0; 256];
        let length = manager.recv(&mut text).unwrap_or_else(|error| panic!("{error} after {told:?}"));
        told.push(String::from_utf8(text[..length].to_vec()).unwrap());
        if told.last().is_some_and(|last| last == word) {
            return told;
        }
    }
}

#[test]
fn the_service_manager_hears_that_a_signer_is_ready_alive_and_leaving() {
    let scene = Scene::new();
    let path = scene.path("manager.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(GUARD)).unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let mut signer = scene.start_with(&["run", "--dev", &scene.name("alice"), "--json"], &variables);
    assert_eq!(until(&manager, "READY=1"), ["READY=1"]);
    until(&manager, "WATCHDOG=1");
    until(&manager, "WATCHDOG=1");
    signer.signal("TERM");
    let told = until(&manager, "STOPPING=1");
    assert!(told.iter().all(|word| ["WATCHDOG=1", "STOPPING=1"].contains(&word.as_str())), "{told:?}");
    signer.wait().expect(0);
}

#[test]
fn a_signer_that_leaves_ends_the_session_for_which_it_has_signed() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = scene.start(&["run", "--dev", &alice, "--auto-approve", "--round-timeout", "60s", "--json"]);
    other.event("SignerAdvertised");
    // What the asker sends is held back, so that this signer's part is out long before the asker's is in.
    let more = ["--delay", "5s", "--round-timeout", "60s", "--json"];
    let asked = scene.start(&[&["sign", "--dev", &bob, "--with", &alice, "--message", "m"], &more[..]].concat());
    other.event("SessionNoncesComplete");
    other.signal("TERM");
    let ended = other.wait().expect(0);
    ended.last("SignerWithdrawn");
    ended.last("SessionComplete");
    asked.wait().expect(0);
}

/// The settings of a unit, in order.
fn settings(unit: &str) -> Vec<(&str, &str)> {
    unit.lines().filter_map(|line| line.split_once('=')).collect()
}

/// Lets systemd judge a unit, where it is there.
fn verified(scene: &Scene, unit: &str, user: bool) {
    let path = scene.path("verified.service");
    std::fs::write(&path, unit).unwrap();
    let mut command = Command::new("systemd-analyze");
    let mode = if user { "--user" } else { "--system" };
    command.args(["verify", mode, "--man=no", "--recursive-errors=no"]).arg(&path);
    command.env("XDG_RUNTIME_DIR", scene.folder()).env("HOME", scene.folder());
    match command.output() {
        Ok(ended) => {
            let errors = String::from_utf8_lossy(&ended.stderr);
            let about = errors.lines().filter(|line| line.contains("verified.service")).collect::<Vec<_>>();
            assert!(about.is_empty(), "{errors}");
        }
        Err(_) => skip("systemd-analyze is missing"),
    }
}

#[test]
fn a_unit_runs_a_signer_that_may_do_nothing_else() {
    let scene = Scene::new();
    scene.run(&["service", "install", "--", "--key", "alice", "--policy", "a b%.json"]).expect(0);
    let path = scene.path(".config/systemd/user/motet.service");
    let unit = std::fs::read_to_string(&path).unwrap();
    let has = |unit: &str, name: &str, value: &str| settings(unit).contains(&(name, value));
    let start = format!("{} run --key alice --policy \"a b%%.json\"", crate::process::MOTET);
    assert!(has(&unit, "Type", "notify") && has(&unit, "ExecStart", &start), "{unit}");
    assert!(has(&unit, "NoNewPrivileges", "yes") && has(&unit, "MemoryDenyWriteExecute", "yes"), "{unit}");
    verified(&scene, &unit, true);
    // A unit that is there stays, unless its user says so.
    let again = ["service", "install", "--json"];
    let words = ["--", "--key", "bob"];
    let refused = scene.run(&[&again[..], &words].concat()).expect(1);
    assert!(refused.errors.contains("--force"), "{}", refused.errors);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), unit);
    let told = scene.run(&[&again[..], &["--force"], &words].concat()).expect(0).last("unit");
    assert_eq!(told["file"], path.to_str().unwrap());
    let system = ["service", "install", "--system", "--credential-file", "/etc/motet/passphrase.cred", "--json"];
    let told: Value = scene.run(&[&system[..], &words].concat()).expect(0).last("unit");
    let unit = told["content"].as_str().unwrap();
    assert!(has(unit, "LoadCredentialEncrypted", "motet-passphrase:/etc/motet/passphrase.cred"), "{unit}");
    assert!(has(unit, "DynamicUser", "yes") && has(unit, "ProtectSystem", "strict"), "{unit}");
    verified(&scene, unit, false);
    for words in [&["--dev", "x"][..], &["--once", "--key", "a"], &["--kay", "a"], &["--key", "a\nExecStop=/bin/x"]] {
        scene.run(&[&["service", "install", "--name", "other", "--"], words].concat()).expect(2);
    }
    assert!(!scene.path(".config/systemd/user/other.service").exists());
}

/// The container cannot be built in a test: its file names what is there.
#[test]
fn the_container_is_made_of_what_is_there() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |file: &str| std::fs::read_to_string(format!("{root}/{file}")).unwrap();
    let text = read("deploy/Dockerfile");
    let version = read("rust-toolchain.toml");
    let (_, channel) = version.split_once("channel = \"").unwrap();
    let channel = channel.split('"').next().unwrap().trim_end_matches(".0");
    assert!(text.contains(&format!("FROM docker.io/library/rust:{channel}-")), "{channel}");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let known = [
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "USER",
        "ENV",
        "VOLUME",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    ];
    for line in &lines {
        let word = line.split_whitespace().next().unwrap();
        assert!(known.contains(&word) || line.starts_with("    "), "{line}");
    }
    // It runs as an account of its own, and the command lines in it are those of this program.
    assert!(lines.contains(&"USER 7077:7077"));
    let scene = Scene::new();
    for (word, expected) in [("CMD [\"run\"", 1), ("CMD [\"motet\", \"status\"", 1)] {
        let line = lines.iter().find_map(|line| line.find(word).map(|at| &line[at + 4..])).unwrap();
        let words: Vec<String> = serde_json::from_str(line).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "motet").collect();
        // There is no such key here: the command line itself is right.
        scene.run(&words).expect(expected);
    }
}
