//! Nodes and the networks that they are in: ports, addresses, clocks, and nodes that are somebody else's copy.
//!
//! What needs more than loopback is in a network namespace of its own, and is skipped where there is none to be had.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::process::{Motet, Scene};
use crate::shape;

/// A network without a way out, with these addresses on one machine.
struct Island(Child);

impl Island {
    fn new(addresses: &[&str]) -> Option<Self> {
        let add: String = addresses.iter().map(|address| format!("ip addr add {address} dev lo && ")).collect();
        let script = format!("ip link set lo up && {add} echo ready && exec cat");
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut said).ok()?;
        let island = Self(child);
        if said.trim() == "ready" {
            return Some(island);
        }
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no network namespace can be made here (it needs rights, and iproute2)"
        );
        None
    }

    fn start(&self, scene: &Scene, arguments: &[&str]) -> Motet {
        let program = ["nsenter", "--net", "--target", &self.0.id().to_string()].map(ToOwned::to_owned);
        scene.start_under(&program, arguments)
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn key(scene: &Scene, name: &str) {
    drop(scene.run(&["key", "new", "--key-file", name]).expect(0));
}

/// The keys of a node that others name, of one that is asked, and of one that asks.
fn keys(scene: &Scene) {
    for name in ["hub.key", "bob.key", "me.key"] {
        key(scene, name);
    }
}

/// A node that listens here, and the address by which others name it.
fn node(start: impl Fn(&[&str]) -> Motet, key: &str, listen: &str, more: &[&str]) -> (Motet, String) {
    let mut arguments = vec!["run", "--key", key, "--nickname", key.trim_end_matches(".key"), "--listen", listen];
    arguments.extend(["--auto-approve", "--json"]);
    arguments.extend(more);
    let mut node = start(&arguments);
    let ready = node.event("ready");
    let listening = node.event("Listening");
    let address = format!("{}/p2p/{}", listening["address"].as_str().unwrap(), ready["peer"].as_str().unwrap());
    (node, address)
}

#[test]
fn a_second_node_on_a_port_ends_with_the_address_and_the_reason() {
    let scene = Scene::new();
    key(&scene, "a.key");
    key(&scene, "b.key");
    let (_first, address) = node(|arguments| scene.start(arguments), "a.key", "/ip4/127.0.0.1/tcp/0", &[]);
    let place = address.split("/p2p/").next().unwrap();
    let second = scene.run(&["run", "--key", "b.key", "--listen", place]).expect(1);
    assert!(second.errors.contains(&format!("{place}: another program listens there")), "{}", second.errors);
    let foreign = "/ip4/192.0.2.77/tcp/0";
    let third = scene.run(&["run", "--key", "b.key", "--listen", foreign]).expect(1);
    assert!(third.errors.contains(&format!("{foreign}: no such address on this machine")), "{}", third.errors);
}

#[test]
fn addresses_of_other_transports_are_a_wrong_command_line() {
    let scene = Scene::new();
    let peer = "/ip4/127.0.0.1/udp/4001/ws/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
    for (option, address) in [("--listen", "/ip4/127.0.0.1/udp/4001/ws"), ("--peer", peer), ("--relay", peer)] {
        let ended = scene.run(&["run", "--dev", "a", option, address]).expect(2);
        assert!(ended.errors.contains("/ws"), "{option}: {}", ended.errors);
    }
}

#[test]
fn a_named_peer_that_is_another_node_is_said_to_be_that() {
    let scene = Scene::new();
    key(&scene, "a.key");
    key(&scene, "b.key");
    let listen = "/ip4/127.0.0.1/tcp/0";
    let (_first, address) = node(|arguments| scene.start(arguments), "a.key", listen, &[]);
    let (place, peer) = address.split_once("/p2p/").unwrap();
    let wrong = format!("{place}/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN");
    let (mut other, _) = node(|arguments| scene.start(arguments), "b.key", listen, &["--peer", &wrong]);
    let told = other.event("PeerUnreachable");
    shape::check(&told);
    assert_eq!(
        (told["address"].as_str(), told["reason"].as_str()),
        (Some(&*wrong), Some(&*format!("another node answers there: {peer}")))
    );
}

#[test]
fn nodes_that_listen_on_the_loopback_of_either_family_sign() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no ::1");
        return;
    }
    for listen in
        [vec!["--listen", "/ip6/::1/tcp/0"], vec!["--listen", "/ip6/::1/tcp/0", "--listen", "/ip4/127.0.0.1/tcp/0"]]
    {
        let scene = Scene::new();
        keys(&scene);
        signs(|arguments| scene.start(arguments), &listen, &listen, &listen);
    }
}

#[test]
fn nodes_of_one_private_network_sign() {
    let Some(island) = Island::new(&["192.168.7.1/24", "192.168.7.2/24", "192.168.7.3/24"]) else { return };
    let scene = Scene::new();
    keys(&scene);
    let at = |host: &str| format!("/ip4/192.168.7.{host}/tcp/0");
    let (hub, bob, me) = (at("1"), at("2"), at("3"));
    signs(|arguments| island.start(&scene, arguments), &["--listen", &hub], &["--listen", &bob], &["--listen", &me]);
}

/// Two that know only a third find each other there, and sign.
fn signs(start: impl Fn(&[&str]) -> Motet, hub: &[&str], bob: &[&str], me: &[&str]) {
    let (_hub, address) = node(&start, "hub.key", hub[1], &hub[2..]);
    let mut more = bob[2..].to_vec();
    more.extend(["--peer", &address]);
    let (_bob, _) = node(&start, "bob.key", bob[1], &more);
    let mut arguments =
        vec!["sign", "--key", "me.key", "--with", "bob", "--message", "m", "--peer", &address, "--json"];
    arguments.extend(me);
    let asked = start(&arguments).wait().expect(0);
    assert_eq!(asked.last("result")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_signer_in_another_private_network_is_said_to_be_out_of_reach() {
    let Some(island) = Island::new(&["192.168.7.1/24", "192.168.7.3/24", "10.1.0.1/16", "10.1.0.2/16"]) else { return };
    let scene = Scene::new();
    keys(&scene);
    let start = |arguments: &[&str]| island.start(&scene, arguments);
    let (mut hub, near) = node(start, "hub.key", "/ip4/192.168.7.1/tcp/0", &["--listen", "/ip4/10.1.0.1/tcp/0"]);
    let mut far = near.clone();
    while far.starts_with("/ip4/192.168.7.1/") {
        let listening = hub.event("Listening");
        far = format!("{}/p2p/{}", listening["address"].as_str().unwrap(), near.rsplit('/').next().unwrap());
    }
    let (_bob, _) = node(start, "bob.key", "/ip4/10.1.0.2/tcp/0", &["--peer", &far]);
    let mut asker = start(&[
        "sign",
        "--key",
        "me.key",
        "--with",
        "bob",
        "--message",
        "m",
        "--peer",
        &near,
        "--listen",
        "/ip4/192.168.7.3/tcp/0",
        "--join-timeout",
        "8s",
        "--json",
    ]);
    let told = asker.event("SignerUnreachable");
    shape::check(&told);
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("cannot be reached from this node's network: /ip4/10.1.0.2/"), "{reason}");
}

fn addresses(told: &Value) -> Vec<&str> {
    told["addresses"].as_array().unwrap().iter().map(|address| address.as_str().unwrap()).collect()
}

#[test]
fn what_reaches_furthest_is_advertised_and_it_is_said_how_far_that_is() {
    let private = ["10.8.0.1/24", "172.17.0.1/16", "192.168.7.1/24"];
    let public = [&private[..], &["203.0.113.5/24"]].concat();
    for (own, scope, expected) in [
        (&public[..], "internet", &["203.0.113.5"][..]),
        (&private[..], "network", &["10.8.0.1", "172.17.0.1", "192.168.7.1"]),
        (&[], "machine", &["127.0.0.1"]),
    ] {
        let Some(island) = Island::new(own) else { return };
        let scene = Scene::new();
        key(&scene, "a.key");
        let mut node = island.start(&scene, &["run", "--key", "a.key", "--json"]);
        let told = node.event("AddressesChanged");
        shape::check(&told);
        assert_eq!((told["scope"].as_str(), told["left_out"].as_u64()), (Some(scope), Some(0)));
        let found = addresses(&told);
        // Over TCP and over QUIC.
        assert_eq!(found.len(), expected.len() * 2, "{found:?}");
        let is_expected = |address: &str| expected.iter().any(|ip| address.starts_with(&format!("/ip4/{ip}/")));
        assert!(found.iter().all(|address| is_expected(address)), "{found:?}");
    }
}

#[test]
fn a_node_with_more_addresses_than_an_advertisement_holds_says_so() {
    let own: Vec<String> = (1..=6).map(|host| format!("203.0.113.{host}/24")).collect();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let Some(island) = Island::new(&own) else { return };
    let scene = Scene::new();
    key(&scene, "a.key");
    let mut node = island.start(&scene, &["run", "--key", "a.key"]);
    node.output_line("tells others 8 of its 12 addresses");
}

/// Both of two processes report that there is another.
fn both_report(mut one: Motet, mut other: Motet, event: &str, words: &str) {
    for node in [&mut one, &mut other] {
        shape::check(&node.event(event));
        node.error_line(words);
    }
}

#[test]
fn two_processes_with_one_key_both_say_so() {
    let scene = Scene::new();
    key(&scene, "hub.key");
    key(&scene, "a.key");
    let listen = "/ip4/127.0.0.1/tcp/0";
    let start = |arguments: &[&str]| scene.start(arguments);
    let (_hub, hub) = node(start, "hub.key", listen, &[]);
    let (one, _) = node(start, "a.key", listen, &["--peer", &hub, "--data", "one"]);
    let (other, _) = node(start, "a.key", listen, &["--peer", &hub, "--data", "other"]);
    both_report(one, other, "IdentityConflict", "error: another process speaks for a");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A node that has run once, and a copy of all that it has.
fn copied(scene: &Scene) {
    key(scene, "hub.key");
    key(scene, "a.key");
    let (mut first, _) = node(|arguments| scene.start(arguments), "a.key", "/ip4/127.0.0.1/tcp/0", &["--data", "one"]);
    first.signal("INT");
    drop(first.wait().expect(0));
    copy(&scene.path("one"), &scene.path("other"));
}

#[test]
fn a_node_and_its_copy_both_say_so_though_a_third_is_between_them() {
    let scene = Scene::new();
    copied(&scene);
    let listen = "/ip4/127.0.0.1/tcp/0";
    let start = |arguments: &[&str]| scene.start(arguments);
    let (_hub, hub) = node(start, "hub.key", listen, &[]);
    let (one, _) = node(start, "a.key", listen, &["--peer", &hub, "--data", "one"]);
    let (other, _) = node(start, "a.key", listen, &["--peer", &hub, "--data", "other"]);
    both_report(one, other, "IdentityConflict", "error: another process speaks for a");
}

#[test]
fn a_node_and_its_copy_both_say_so_when_one_calls_the_other() {
    let scene = Scene::new();
    copied(&scene);
    let listen = "/ip4/127.0.0.1/tcp/0";
    let start = |arguments: &[&str]| scene.start(arguments);
    let (one, address) = node(start, "a.key", listen, &["--data", "one"]);
    let (other, _) = node(start, "a.key", listen, &["--data", "other", "--peer", &address]);
    both_report(one, other, "PeerIdConflict", "error: another node has this node's identity");
}

#[test]
fn a_node_that_starts_again_is_no_copy_of_itself() {
    let scene = Scene::new();
    keys(&scene);
    let listen = "/ip4/127.0.0.1/tcp/0";
    let start = |arguments: &[&str]| scene.start(arguments);
    let (mut hub, address) = node(start, "hub.key", listen, &[]);
    let (mut bob, _) = node(start, "bob.key", listen, &["--peer", &address]);
    drop(hub.event("SignerDiscovered"));
    // It has no chance to say farewell, so that what it has said stays where it is.
    bob.kill();
    drop(bob);
    let (again, _) = node(start, "bob.key", listen, &["--peer", &address, "--once"]);
    let asked = ["sign", "--key", "me.key", "--listen", listen, "--peer", &address, "--with", "bob", "--message", "m"];
    drop(scene.run(&asked).expect(0));
    let ended = again.wait().expect(0);
    assert!(ended.objects().iter().all(|object| object["event"] != "IdentityConflict"), "{ended:?}");
}

#[test]
fn clocks_that_differ_are_named_on_both_sides() {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"];
    let library = folders.map(|folder| format!("{folder}/libfaketime.so.1"));
    let Some(library) = library.iter().find(|library| Path::new(library.as_str()).exists()) else {
        eprintln!("skipped: libfaketime is not installed (Debian: apt install libfaketime)");
        return;
    };
    for (offset, seconds) in [("+6m", 360), ("-6m", -360), ("+1d", 86_400)] {
        let scene = Scene::new();
        let (alice, bob) = (scene.name("alice"), scene.name("bob"));
        let mut right = scene.start(&["run", "--dev", &alice, "--json"]);
        let ready = right.event("ready");
        let variables = [("LD_PRELOAD", library.as_str()), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        let mut wrong = scene.start_with(&["run", "--dev", &bob, "--json"], &variables);
        let other = wrong.event("ready");
        for (node, peer, expected) in [(&mut right, &other["peer"], seconds), (&mut wrong, &ready["peer"], -seconds)] {
            let told = loop {
                let told = node.event("ClocksDiffer");
                // Nodes of other tests may be near.
                if told["peer"] == *peer {
                    break told;
                }
            };
            shape::check(&told);
            let off = told["seconds"].as_i64().unwrap() - expected;
            assert!(off.abs() < 120, "{offset}: {told}");
        }
    }
}
