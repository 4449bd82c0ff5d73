//! Signers behind routers that translate addresses, and a signer whose address changes: in network namespaces of their own.

use crate::judge::Signed;
use crate::lab::{Homes, Host, Nat};
use crate::process::{Motet, Scene};

const LOG: &str = "motet_net=info";
/// The line of a node that has punched a hole.
const PUNCHED: &str = "a direct connection takes the place of a relayed one";

fn ready(mut node: Motet) -> (Motet, String) {
    let ready = node.event("ready");
    let listening = node.event("Listening");
    let address = format!("{}/p2p/{}", listening["address"].as_str().unwrap(), ready["peer"].as_str().unwrap());
    (node, address)
}

/// The arguments of a signer that knows one node.
fn signer<'a>(key: &'a str, name: &'a str, hub: &'a str) -> Vec<&'a str> {
    vec!["--key", key, "--nickname", name, "--network", "nat", "--peer", hub, "--no-upnp", "--json"]
}

fn keys(scene: &Scene) {
    for name in ["alice.key", "bob.key"] {
        drop(scene.run(&["key", "new", "--key-file", name]).expect(0));
    }
}

/// A node without a signer on the internet, and two signers behind routers that know its address. The one that is asked waits for an
/// answer.
fn asked(homes: &Homes, scene: &Scene) -> (Motet, Motet, Motet) {
    keys(scene);
    let listen = ["--listen", "/ip4/192.0.2.1/tcp/0", "--listen", "/ip4/192.0.2.1/udp/0/quic-v1"];
    let node = ["node", "--data", "hub", "--network", "nat", "--no-upnp", "--json"];
    let (hub, address) = ready(homes.internet.start(scene, &[&node[..], &listen].concat(), LOG));
    let [near, far] = &homes.hosts;
    let mut alice = near.start(scene, &[&["run", "--once"][..], &signer("alice.key", "alice", &address)].concat(), LOG);
    alice.event("SignerAdvertised");
    let ask = ["sign", "--with", "alice", "--message", "hello", "--find-timeout", "60s", "--join-timeout", "60s"];
    let bob = far.start(scene, &[&ask[..], &signer("bob.key", "bob", &address)].concat(), LOG);
    (hub, alice, bob)
}

#[test]
fn signers_behind_two_routers_find_a_relay_punch_a_hole_and_sign() {
    let Some(homes) = Homes::new(Nat::KeepsPorts) else { return };
    let scene = Scene::new();
    let (_hub, mut alice, bob) = asked(&homes, &scene);
    let request = alice.event("SigningRequestReceived");
    alice.error_line(PUNCHED);
    alice.answer_request("yes", &request);
    Signed::items(&bob.wait().expect(0).last("result"))[0].verify();
    alice.wait().expect(0);
}

#[test]
fn signers_behind_routers_that_allow_no_holes_sign_through_the_relay() {
    let Some(homes) = Homes::new(Nat::RandomPorts) else { return };
    let scene = Scene::new();
    let (_hub, mut alice, bob) = asked(&homes, &scene);
    let request = alice.event("SigningRequestReceived");
    alice.answer_request("yes", &request);
    let bob = bob.wait().expect(0);
    Signed::items(&bob.last("result"))[0].verify();
    let alice = alice.wait().expect(0);
    assert!(!alice.errors.contains(PUNCHED) && !bob.errors.contains(PUNCHED), "{}", alice.errors);
}

#[test]
fn a_signer_whose_address_changes_within_a_session_finishes_it() {
    let (Some(here), Some(there)) = (Host::new(), Host::new()) else { return };
    here.link(("cable", "203.0.113.1/24"), &there, ("eth0", "203.0.113.5/24"));
    let scene = Scene::new();
    keys(&scene);
    let node =
        ["node", "--data", "hub", "--network", "nat", "--no-upnp", "--json", "--listen", "/ip4/203.0.113.1/tcp/0"];
    let (_hub, address) = ready(here.start(&scene, &node, LOG));
    let mut alice =
        there.start(&scene, &[&["run", "--once"][..], &signer("alice.key", "alice", &address)].concat(), LOG);
    alice.event("SignerAdvertised");
    let ask = ["sign", "--with", "alice", "--message", "hello", "--find-timeout", "60s", "--join-timeout", "60s"];
    let bob = here.start(&scene, &[&ask[..], &signer("bob.key", "bob", &address)].concat(), LOG);
    let request = alice.event("SigningRequestReceived");
    there.does("ip addr del 203.0.113.5/24 dev eth0 && ip addr add 203.0.113.6/24 dev eth0");
    let mut told = alice.event("AddressesChanged");
    while !told["addresses"].to_string().contains("203.0.113.6") {
        told = alice.event("AddressesChanged");
    }
    alice.answer_request("yes", &request);
    Signed::items(&bob.wait().expect(0).last("result"))[0].verify();
    alice.wait().expect(0);
}
