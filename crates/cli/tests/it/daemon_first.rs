//! Commands that work through the signer that runs with their key, and with a node of their own if none does: the same words, the
//! same output, the same exit codes.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::asked::LISTEN;
use crate::judge::Signed;
use crate::process::{Ended, Motet, Scene};

pub(crate) const NET: [&str; 4] = ["--network", "dev", "--listen", LISTEN];

/// A signer with a key in a file, and the address by which others name it.
pub(crate) struct Signer {
    pub(crate) motet: Motet,
    pub(crate) key: String,
    pub(crate) address: String,
}

impl Signer {
    pub(crate) fn start(scene: &Scene, file: &str, more: &[&str]) -> Self {
        if !scene.path(file).exists() {
            scene.run(&["key", "new", "--key-file", file]).expect(0);
        }
        Self::start_with(scene, file, more)
    }

    /// A signer whose key is there already: a file, or an entry of the keystore.
    pub(crate) fn start_with(scene: &Scene, file: &str, more: &[&str]) -> Self {
        let run = [&["run", "--key", file, "--nickname", file, "--json"], &NET[..], more].concat();
        let mut motet = scene.start_reading(Stdio::null(), &run);
        let ready = motet.event("ready");
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        let listens = motet.event("Listening")["address"].as_str().unwrap().to_owned();
        motet.event("SignerAdvertised");
        Self { motet, key: text("signer"), address: format!("{listens}/p2p/{}", text("peer")) }
    }

    pub(crate) fn halt(self, scene: &Scene, file: &str) {
        scene.run(&["halt", "--key", file]).expect(0);
        self.motet.wait().expect(0);
    }
}

fn names(ended: &Ended) -> BTreeSet<String> {
    ended.objects().iter().map(|object| object["event"].as_str().unwrap().to_owned()).collect()
}

fn items(result: &Value) -> Vec<(String, String)> {
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let items = result["items"].as_array().unwrap().iter();
    items.map(|item| (text(item, "aggregate_key"), text(item, "message"))).collect()
}

#[test]
fn a_request_through_the_running_signer_ends_as_one_of_an_own_node() {
    let scene = Scene::new();
    let bob = Signer::start(&scene, "b.key", &["--auto-approve"]);
    std::fs::write(scene.path("text"), "three").unwrap();
    let own = [&["--key", "a.key", "--peer", &bob.address], &NET[..]].concat();
    let sign = [
        &["sign", "--with", "b.key", "--message", "one", "--message-hex", "6f6e65", "--message-file", "text"],
        &["--amount", "7", "--type", "demo", "--description", "for a test", "--path", "0/7", "--taproot"],
        &["--election", "hash-based", "--no-commitments", "--json"][..],
        &own,
    ]
    .concat();
    let find = [&["find", "--json"], &own[..]].concat();
    let alice = Signer::start(&scene, "a.key", &[]);
    let (signed, found) = (scene.run(&sign).expect(0), scene.run(&find).expect(0));
    // A word for people is the same line of the timeline.
    let people = sign.iter().copied().filter(|word| *word != "--json").collect::<Vec<_>>();
    let people = scene.run(&people).expect(0);
    for line in ["asks 2 signers to sign 3 items", "sees b.key (", "has the signature, verified"] {
        assert!(people.output.iter().any(|said| said.contains(line)), "{line}\n{}", people.told(""));
    }
    let listed = scene.run(&["evidence", "list", "--key", "a.key", "--network", "dev"]).expect(0);
    assert!(listed.output[0].contains("no signer has been proven"), "{}", listed.told(""));
    // The running signer has seen the same requests.
    let status = scene.run(&["sessions", "--key", "a.key", "--json"]).expect(0);
    assert_eq!(status.output.len(), 2, "{}", status.told(""));
    alice.halt(&scene, "a.key");
    let (again, found_again) = (scene.run(&sign).expect(0), scene.run(&find).expect(0));
    let (result, result_again) = (signed.last("result"), again.last("result"));
    assert_eq!(items(&result), items(&result_again));
    for signed in Signed::items(&result).iter().chain(&Signed::items(&result_again)) {
        signed.verify();
    }
    assert_eq!(found.last("signer"), found_again.last("signer"));
    // The own node tells of its start, too; all else is the same.
    let start = ["Listening", "PeerConnected", "PeerDisconnected", "DhtReady", "SignerDiscovered", "SessionClosed"];
    let told = |ended: &Ended| names(ended).into_iter().filter(|name| !start.contains(&name.as_str())).collect();
    let (through, alone): (BTreeSet<String>, BTreeSet<String>) = (told(&signed), told(&again));
    assert_eq!(through, alone);
}

#[test]
fn an_interrupt_gives_the_request_up_and_the_running_signer_goes_on() {
    let scene = Scene::new();
    let mut bob = Signer::start(&scene, "b.key", &[]);
    let alice = Signer::start(&scene, "a.key", &["--peer", &bob.address]);
    let with = ["sign", "--key", "a.key", "--with", &bob.key, "--message", "m", "--json"];
    let mut asked = scene.start(&with);
    bob.motet.event("SigningRequestReceived");
    asked.event("SigningRequestCreated");
    asked.signal("INT");
    asked.wait().expect(130);
    let ended = bob.motet.event("SessionAborted");
    assert!(ended["cause"].as_str().unwrap().contains("given up by its asker"), "{ended}");
    assert_eq!(ended["end"]["why"], "refused");
    // A refusal has the exit code that it has without a running signer.
    let asked = scene.start(&with);
    let request = bob.motet.event("SigningRequestReceived")["request"].as_str().unwrap().to_owned();
    bob.motet.error_line(&format!("request {request} waits"));
    scene.run(&["decline", &request[..8], "--key", "b.key"]).expect(0);
    asked.wait().expect(5);
    alice.halt(&scene, "a.key");
}

#[test]
fn what_does_not_fit_the_running_signer_is_refused() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "a.key", &[]);
    scene.run(&["key", "new", "--key-file", "c.key"]).expect(0);
    let find = |words: &[&str]| scene.run(&[&["find", "--timeout", "1ms"], words].concat());
    let other = find(&["--key", "a.key", "--network", "elsewhere"]).expect(2);
    assert!(other.errors.contains("runs on the network dev"), "{}", other.errors);
    // The folder is that of another key.
    let foreign = find(&["--key", "c.key", "--data", "a.key.motet"]).expect(1);
    assert!(foreign.errors.contains("belongs to the signer"), "{}", foreign.errors);
    // It is connected with nobody.
    let alone = find(&["--data", "a.key.motet"]).expect(11);
    assert!(alone.errors.contains("0 of 1"), "{}", alone.errors);
    let own = scene.run(&["sign", "--key", "a.key", "--with", &alice.key, "--message", "m"]).expect(2);
    assert!(own.errors.contains("is the key of this signer itself"), "{}", own.errors);
}
