//! Signers whose addresses only a relay knows, held back and covered, with logs that tell one session from all else.

use crate::judge::Signed;
use crate::process::{Motet, Scene};

/// A signer with a key of its own, on a network of this test's own.
fn start(scene: &Scene, name: &str, command: &[&str], more: &[&str]) -> Motet {
    let key = format!("{name}.key");
    scene.run(&["key", "new", "--key-file", &key]).expect(0);
    let network = scene.name("net");
    let common = ["--key", &key, "--nickname", name, "--network", &network, "--json"];
    scene.start_with(&[command, &common, more].concat(), &[("MOTET_LOG", "motet_coordinator=info,motet_node=info")])
}

#[test]
fn two_signers_that_only_a_relay_knows_sign_together() {
    let scene = Scene::new();
    let mut relay = start(&scene, "relay", &["run"], &["--be-relay", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    let peer = relay.event("ready")["peer"].as_str().unwrap().to_owned();
    let address = relay.event("Listening")["address"].as_str().unwrap().to_owned();
    let address = format!("{address}/p2p/{peer}");
    let hidden = ["--relay", &address, "--relay-only"];
    let quiet = [&hidden[..], &["--delay", "200ms", "--cover", "1s", "--auto-approve", "--once"]].concat();
    let mut alice = start(&scene, "alice", &["run"], &quiet);
    alice.event("SignerAdvertised");
    let bob = start(&scene, "bob", &["sign", "--with", "alice", "--message", "hello"], &hidden).wait().expect(0);
    let [item] = Signed::items(&bob.last("result")).try_into().unwrap_or_else(|_| panic!("one item"));
    item.verify();
    let alice = alice.wait().expect(0);
    for ended in [&alice, &bob] {
        // Nobody but the relay was connected to, but through it.
        let objects = ended.objects();
        let of = |name: &'static str| objects.iter().filter(move |object| object["event"] == name);
        for object in of("Listening") {
            assert!(object["address"].as_str().unwrap().contains("/p2p-circuit"), "{object}");
        }
        for object in of("PeerConnected").filter(|object| object["peer"] != peer.as_str()) {
            let address = object["address"].as_str().unwrap();
            // Of whoever comes through a relay, nothing is known but the name.
            assert!(address.contains("/p2p-circuit") || address.starts_with("/p2p/"), "{object}");
        }
        // One session, and every line about it says which and where it is.
        let request = objects.iter().find_map(|object| object["request"].as_str()).unwrap();
        let lines: Vec<&str> = ended.errors.lines().filter(|line| line.contains("Session")).collect();
        assert!(lines.iter().any(|line| line.contains("SessionComplete")), "{}", ended.errors);
        for line in lines {
            assert!(line.contains(&format!("session{{request={request} attempt=0 phase=")), "{line}");
            assert!(!line.contains('\u{1b}'), "colours are for terminals: {line}");
        }
    }
    drop(relay);
}
