//! A running signer whose key is locked and unlocked.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::daemon_first::{NET, Signer};
use crate::judge::Signed;
use crate::process::Scene;

/// A scene with a keystore that has the key `alice`, and the files of two passphrases.
fn scene() -> Scene {
    let scene = Scene::new();
    for (file, passphrase) in [("secret", "correct horse"), ("wrong", "correct house")] {
        std::fs::write(scene.path(file), format!("{passphrase}\n")).unwrap();
        std::fs::set_permissions(scene.path(file), Permissions::from_mode(0o600)).unwrap();
    }
    scene.run(&["key", "new", "alice", "--passphrase-file", "secret"]).expect(0);
    scene
}

fn body(scene: &Scene, words: &[&str]) -> Value {
    serde_json::from_str(&scene.run(words).expect(0).output[0]).unwrap()
}

#[test]
fn a_locked_signer_signs_nothing_until_its_passphrase_unlocks_it() {
    let scene = scene();
    let alice = ["--passphrase-file", "secret", "--auto-approve", "--api", "127.0.0.1:0"];
    let alice = Signer::start_with(&scene, "alice", &alice);
    let bob = Signer::start(&scene, "b.key", &["--auto-approve", "--peer", &alice.address]);
    let asks = |own: &str, other: &str, code: i32| {
        scene.run(&["sign", "--key", own, "--with", other, "--message", "m", "--json"]).expect(code)
    };
    Signed::items(&asks("b.key", &alice.key, 0).last("result"))[0].verify();
    let locked = scene.run(&["lock", "--key", "alice"]).expect(0);
    assert!(locked.output[0].starts_with("locked"), "{}", locked.told(""));
    let status = body(&scene, &["status", "--key", "alice", "--json"]);
    assert_eq!(status["locked"], true);
    // Others hear why at once.
    let refused = asks("b.key", &alice.key, 5);
    assert_eq!(refused.last("ParticipantDeclined")["reason"], "the signer is locked");
    // Its own user, too, with another exit code.
    let own = asks("alice", &bob.key, 9);
    assert!(own.errors.contains("locked") && own.errors.contains("motet unlock"), "{}", own.errors);
    // A wrong passphrase, none, and one over TCP change nothing.
    let wrong = scene.run(&["unlock", "--key", "alice", "--passphrase-file", "wrong"]).expect(9);
    assert!(wrong.errors.contains("passphrase"), "{}", wrong.errors);
    let none = scene.run(&["unlock", "--key", "alice"]).expect(2);
    assert!(none.errors.contains("--passphrase-file"), "{}", none.errors);
    let address = status["api"].as_str().unwrap();
    let data = std::fs::read_to_string(scene.path(".local/share/motet/alice.motet/api.token")).unwrap();
    let mut tcp = TcpStream::connect(address).unwrap();
    let call = format!(
        "POST /v1/unlock HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        data.trim()
    );
    tcp.write_all(call.as_bytes()).unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("socket_only"), "{answer}");
    assert_eq!(body(&scene, &["status", "--key", "alice", "--json"])["locked"], true);
    scene.run(&["unlock", "--key", "alice", "--passphrase-file", "secret"]).expect(0);
    for (own, other) in [("b.key", &alice.key), ("alice", &bob.key)] {
        Signed::items(&asks(own, other, 0).last("result"))[0].verify();
    }
    let stats = body(&scene, &["stats", "--key", "alice", "--json"]);
    assert_eq!((&stats["complete"], &stats["ended"]["refused"]), (&3.into(), &1.into()), "{stats}");
    assert!(stats["latencies"]["sessions"] == 3 && stats["accepted"].as_u64().unwrap() > 0, "{stats}");
    alice.halt(&scene, "alice");
}

#[test]
fn what_waits_for_an_approval_ends_when_the_signer_is_locked() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "a.key", &[]);
    let asker = [&["sign", "--key", "b.key", "--with", &alice.key, "--peer", &alice.address], &NET[..]].concat();
    scene.run(&["key", "new", "--key-file", "b.key"]).expect(0);
    let asked = scene.start(&[&asker[..], &["--message", "m", "--json"]].concat());
    let request = alice.motet.event("SigningRequestReceived")["request"].as_str().unwrap().to_owned();
    alice.motet.error_line(&format!("request {request} waits"));
    let digest = body(&scene, &["requests", "--key", "a.key", "--json"])["digest"].as_str().unwrap().to_owned();
    scene.run(&["lock", "--key", "a.key"]).expect(0);
    assert_eq!(asked.wait().expect(5).last("ParticipantDeclined")["reason"], "the signer is locked");
    scene.run(&["approve", &request, "--digest", &digest, "--key", "a.key"]).expect(1);
    // A key file needs no passphrase. What was is over, and what comes is asked about again.
    scene.run(&["unlock", "--key", "a.key"]).expect(0);
    let asked = scene.start(&[&asker[..], &["--message", "m", "--json"]].concat());
    let request = alice.motet.event("SigningRequestReceived")["request"].as_str().unwrap().to_owned();
    alice.motet.error_line(&format!("request {request} waits"));
    let digest = body(&scene, &["requests", "--key", "a.key", "--json"])["digest"].as_str().unwrap().to_owned();
    scene.run(&["approve", &request, "--digest", &digest, "--key", "a.key"]).expect(0);
    Signed::items(&asked.wait().expect(0).last("result"))[0].verify();
}

#[test]
fn a_key_that_is_in_memory_alone_is_not_locked() {
    let scene = Scene::new();
    let mut alice = scene.start(&["run", "--dev", &scene.name("alice"), "--auto-approve", "--json"]);
    let folder = alice.event("ready")["api"].as_str().unwrap().to_owned();
    let refused = scene.run(&["lock", "--data", &folder]).expect(1);
    assert!(refused.errors.contains("would be lost"), "{}", refused.errors);
}
