//! Searches: what is known is found at once, what was found is listed however little it is, and who looks is not on offer.

use std::net::TcpListener;

use crate::process::{Motet, Scene};

const ID: &str = "12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj";

fn signer(scene: &Scene, name: &str, kind: &str) -> (Motet, String) {
    let mut signer = scene.start(&["run", "--dev", name, "--type", kind, "--json"]);
    let key = signer.event("ready")["signer"].as_str().unwrap().to_owned();
    signer.event("SignerAdvertised");
    (signer, key)
}

#[test]
fn a_signer_that_is_known_is_found_before_the_dht_has_answered() {
    let scene = Scene::new();
    let kind = scene.name("kind");
    let (_signer, key) = signer(&scene, &scene.name("alice"), &kind);
    let find = ["find", "--dev", "seeker", "--type", &kind, "--json", "--timeout"];
    // Nodes that have come and gone are asked in vain: a question to the DHT takes five seconds.
    for _ in 0..2 {
        scene.run(&[&find[..], &["90s"]].concat()).expect(0);
    }
    let found = scene.run(&[&find[..], &["4s"]].concat()).expect(0);
    assert_eq!(found.last("signer")["signer"], key.as_str());
}

#[test]
fn those_who_were_found_are_listed_though_they_are_too_few() {
    let scene = Scene::new();
    let kind = scene.name("kind");
    let (_signer, key) = signer(&scene, &scene.name("alice"), &kind);
    let find = ["find", "--dev", "seeker", "--type", &kind, "--count", "2", "--timeout", "4s"];
    let found = scene.run(&[&find[..], &["--json"]].concat()).expect(3);
    assert_eq!(found.last("signer")["signer"], key.as_str());
    assert!(found.errors.contains("1 of 2 such signers were found within 4s"), "{}", found.errors);
    let people = scene.run(&find).expect(3);
    assert!(people.output.iter().any(|line| line.contains(&key)), "{}", people.told(""));
}

#[test]
fn who_only_looks_is_not_on_offer() {
    let scene = Scene::new();
    let (alice, bob, carol) = (scene.name("alice"), scene.name("bob"), scene.name("carol"));
    let kind = scene.name("kind");
    let (mut alice, _) = signer(&scene, &alice, &kind);
    scene.run(&["find", "--dev", &bob, "--type", &kind, "--timeout", "90s"]).expect(0);
    let (_carol, _) = signer(&scene, &carol, &kind);
    // The one who looked came before this one, and would have been heard of before.
    loop {
        let nickname = alice.event("SignerDiscovered")["nickname"].as_str().unwrap().to_owned();
        assert_ne!(nickname, bob);
        if nickname == carol {
            break;
        }
    }
}

#[test]
fn who_finds_nobody_learns_which_of_the_named_nodes_were_reached() {
    let scene = Scene::new();
    for key in ["hub.key", "seeker.key"] {
        scene.run(&["key", "new", "--key-file", key]).expect(0);
    }
    let network = scene.name("net");
    let common = ["--network", &network, "--listen", "/ip4/127.0.0.1/tcp/0"];
    let mut hub = scene.start(&[&["run", "--key", "hub.key", "--json"][..], &common].concat());
    let peer = hub.event("ready")["peer"].as_str().unwrap().to_owned();
    let reached = format!("{}/p2p/{peer}", hub.event("Listening")["address"].as_str().unwrap());
    // Somebody had this port a moment ago, and nobody listens there now.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let missed = format!("/ip4/127.0.0.1/tcp/{port}/p2p/{ID}");
    let named = ["--peer", &reached, "--peer", &missed];
    let find = ["find", "--key", "seeker.key", "--count", "9", "--timeout", "3s"];
    let sign = ["sign", "--key", "seeker.key", "--with", "nobody", "--message", "m", "--find-timeout", "3s"];
    for command in [&find[..], &sign] {
        let ended = scene.run(&[command, &common, &named].concat()).expect(3);
        for line in [format!("--peer {reached}: connected"), format!("--peer {missed}: not connected")] {
            let stands = ended.errors.lines().any(|said| said.trim_start().starts_with(&line));
            assert!(stands, "{line}\n{}", ended.errors);
        }
        let alone = scene.run(&[command, &common].concat()).expect(3);
        assert!(alone.errors.contains("name a node that runs with --peer"), "{}", alone.errors);
    }
    // One that has reached nobody, now or before, says that by its exit code.
    scene.run(&["key", "new", "--key-file", "lonely.key"]).expect(0);
    scene
        .run(&[&["find", "--key", "lonely.key", "--timeout", "1s", "--peer", &missed], &common[..]].concat())
        .expect(11);
}
