//! Hangups: a terminal that is closed ends a command as Ctrl-C does, with a farewell.

use std::process::Command;

use crate::process::{MOTET, Motet, Scene};

/// Starts `motet` with hangups as `how` says, whatever this test has inherited; `None` where `env` cannot do that.
fn start(scene: &Scene, how: &str, arguments: &[&str]) -> Option<Motet> {
    let possible = Command::new("env").args([how, "true"]).output().is_ok_and(|ended| ended.status.success());
    if !possible {
        eprintln!("skipped: env has no {how}");
        return None;
    }
    Some(scene.start_other("env", &[&[how, MOTET], arguments].concat()))
}

const DEFAULT: &str = "--default-signal=HUP";

#[test]
fn a_signer_whose_terminal_is_gone_withdraws() {
    let scene = Scene::new();
    let Some(mut signer) = start(&scene, DEFAULT, &["run", "--dev", &scene.name("alice"), "--json"]) else { return };
    signer.event("SignerAdvertised");
    signer.signal("HUP");
    assert_eq!(signer.wait().expect(0).last("SignerWithdrawn")["reason"], "stopped");
    nobody_has_left_an_address(&scene);
}

#[test]
fn a_hangup_cancels_a_request_for_everybody() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut other = scene.start(&["run", "--dev", &alice, "--once", "--json"]);
    other.event("ready");
    let sign = ["sign", "--dev", "asker", "--with", &alice, "--message", "m", "--find-timeout", "90s", "--json"];
    let Some(mut asked) = start(&scene, DEFAULT, &sign) else { return };
    other.event("SigningRequestReceived");
    asked.signal("HUP");
    asked.wait().expect(130);
    let other = other.wait().expect(5);
    assert!(other.last("SessionAborted")["cause"].as_str().unwrap().contains("given up by its asker"));
    nobody_has_left_an_address(&scene);
}

#[test]
fn a_hangup_ends_who_is_still_looking() {
    let scene = Scene::new();
    let find = ["find", "--dev", "seeker", "--type", "nobody", "--timeout", "1h"];
    let sign = ["sign", "--dev", "asker", "--with", "nobody", "--message", "m", "--find-timeout", "1h"];
    for arguments in [&find[..], &sign] {
        let Some(mut looking) = start(&scene, DEFAULT, arguments) else { return };
        looking.output_line("looking");
        looking.signal("HUP");
        looking.wait().expect(130);
        nobody_has_left_an_address(&scene);
    }
    let Some(mut demo) = start(&scene, DEFAULT, &["demo", "--signers", "15", "--items", "64"]) else { return };
    demo.output_line("advertises");
    demo.signal("HUP");
    demo.wait().expect(130);
}

#[test]
fn a_signer_that_is_to_outlive_its_terminal_does() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let run = ["run", "--dev", &alice, "--once", "--auto-approve", "--json"];
    let Some(mut signer) = start(&scene, "--ignore-signal=HUP", &run) else { return };
    signer.event("ready");
    signer.signal("HUP");
    let sign = ["sign", "--dev", "asker", "--with", &alice, "--message", "m", "--find-timeout", "90s", "--json"];
    scene.run(&sign).expect(0);
    signer.wait().expect(0);
}

/// Starts `motet` in a terminal of its own, which is gone when the process that is handed back is killed.
fn in_a_terminal(scene: &Scene, arguments: &[&str]) -> Option<Motet> {
    let possible = Command::new("script").args(["-qfec", "true", "/dev/null"]).output();
    if !possible.is_ok_and(|ended| ended.status.success()) {
        eprintln!("skipped: there is no script(1) that runs a command in a terminal");
        return None;
    }
    let line = [&["exec", "env", DEFAULT, MOTET], arguments].concat().join(" ");
    Some(scene.start_other("script", &["-qfec", &line, "/dev/null"]))
}

#[test]
fn a_signer_whose_terminal_is_closed_says_farewell() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = scene.start(&["run", "--dev", &bob, "--json"]);
    other.event("ready");
    let Some(mut terminal) = in_a_terminal(&scene, &["run", "--dev", &alice]) else { return };
    while other.event("SignerDiscovered")["nickname"] != alice.as_str() {}
    terminal.kill();
    while other.event("SignerUnavailable")["reason"] != "stopped" {}
}

#[test]
fn a_request_whose_terminal_is_closed_is_given_up() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut other = scene.start(&["run", "--dev", &alice, "--once", "--json"]);
    other.event("ready");
    let sign = ["sign", "--dev", "asker", "--with", &alice, "--message", "m", "--find-timeout", "90s"];
    let Some(mut terminal) = in_a_terminal(&scene, &sign) else { return };
    other.event("SigningRequestReceived");
    terminal.kill();
    let other = other.wait().expect(5);
    assert!(other.last("SessionAborted")["cause"].as_str().unwrap().contains("given up by its asker"));
}

/// Where nobody listens any more, no address may lie.
#[track_caller]
fn nobody_has_left_an_address(scene: &Scene) {
    let left: Vec<_> = std::fs::read_dir(scene.meeting_place()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
