//! A node without a signer, in a process of its own: signers find each other through it, and it hears nothing of their sessions.

use motet_wire::{Kind, peek};

use crate::judge::Signed;
use crate::process::{Motet, Scene};

/// A node without a signer, with frames in its log, and the address by which others name it.
pub(crate) fn hub(scene: &Scene, more: &[&str]) -> (Motet, String) {
    hub_at(scene, "hub", more)
}

/// The same with a data directory of this name.
pub(crate) fn hub_at(scene: &Scene, data: &str, more: &[&str]) -> (Motet, String) {
    let arguments = ["node", "--data", data, "--listen", "/ip4/127.0.0.1/tcp/0", "--network", "keyless", "--json"];
    let log = [("MOTET_LOG", "motet_net::frames=trace")];
    let mut hub = scene.start_with(&[&arguments, more].concat(), &log);
    let ready = hub.event("ready");
    assert!(ready.get("signer").is_none(), "{ready}");
    let listening = hub.event("Listening");
    let address = format!("{}/p2p/{}", listening["address"].as_str().unwrap(), ready["peer"].as_str().unwrap());
    (hub, address)
}

/// A signer that knows the addresses of these nodes, and nothing else of the network.
pub(crate) fn signer(scene: &Scene, name: &str, hubs: &[&str], command: &[&str]) -> Motet {
    let key = format!("{name}.key");
    scene.run(&["key", "new", "--key-file", &key]).expect(0);
    let place = ["--listen", "/ip4/127.0.0.1/tcp/0", "--network", "keyless"];
    let own = ["--key", &key, "--nickname", name, "--json"];
    let peers: Vec<&str> = hubs.iter().flat_map(|hub| ["--peer", *hub]).collect();
    scene.start(&[command, &own, &place, &peers].concat())
}

/// The kinds of the frames in a log.
fn kinds(log: &str) -> Vec<Kind> {
    let frames = log.lines().filter_map(|line| line.split("frame=").nth(1)?.split_whitespace().next());
    frames.map(|frame| peek(&hex::decode(frame).unwrap()).unwrap().kind).collect()
}

#[test]
fn five_signers_that_know_a_node_without_a_signer_find_each_other_and_sign() {
    let scene = Scene::new();
    let (hub, address) = hub(&scene, &[]);
    let names = ["alice", "bob", "carol", "dave"];
    let willing = ["run", "--auto-approve", "--once"];
    let others = names.map(|name| signer(&scene, name, &[&address], &willing));
    let ask = ["sign", "--with", "alice,bob,carol,dave", "--message", "hello", "--find-timeout", "60s"];
    let asked = signer(&scene, "erin", &[&address], &ask).wait().expect(0);
    let signed = Signed::items(&asked.last("result"));
    signed[0].verify();
    for other in others {
        assert_eq!(Signed::items(&other.wait().expect(0).last("SessionComplete")), signed);
    }
    let mut hub = hub;
    hub.signal("TERM");
    let hub = hub.wait().expect(0);
    let kinds = kinds(&hub.errors);
    assert!(kinds.contains(&Kind::SignerAdvertisement), "it has heard of the signers: {kinds:?}");
    let session = [
        Kind::ParticipantJoined,
        Kind::SessionReady,
        Kind::NonceCommit,
        Kind::NonceShare,
        Kind::PartialSigShare,
        Kind::SignatureFinalized,
        Kind::SessionAbort,
    ];
    assert!(kinds.iter().all(|kind| !session.contains(kind)), "{kinds:?}");
}

#[test]
fn a_node_without_a_signer_keeps_its_identity_and_shares_its_folder_with_no_other_node() {
    let scene = Scene::new();
    let (mut first, address) = hub(&scene, &[]);
    let peer = address.rsplit('/').next().unwrap().to_owned();
    let second = scene.run(&["node", "--data", "hub"]).expect(1);
    assert!(second.errors.contains("stop it first"), "{}", second.errors);
    first.signal("INT");
    first.wait().expect(0);
    let (again, address) = hub(&scene, &[]);
    assert!(address.ends_with(&peer), "{address}");
    drop(again);
    // The folder of a signer is that signer's, and a folder has to be named.
    scene.run(&["key", "new", "--key-file", "alice.key"]).expect(0);
    let mut alice = scene.start(&["run", "--key", "alice.key", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"]);
    alice.event("ready");
    drop(alice);
    let taken = scene.run(&["node", "--data", "alice.key.motet"]).expect(1);
    assert!(taken.errors.contains("belongs to the node of the signer"), "{}", taken.errors);
    scene.run(&["node"]).expect(2);
}

#[test]
fn signers_that_only_a_node_without_a_signer_knows_sign_through_it() {
    let scene = Scene::new();
    let (_hub, address) = hub(&scene, &[]);
    let hidden = ["--relay", address.as_str(), "--relay-only"];
    let start = |name: &str, command: &[&str]| {
        let key = format!("{name}.key");
        scene.run(&["key", "new", "--key-file", &key]).expect(0);
        let own = ["--key", &key, "--nickname", name, "--network", "keyless", "--json"];
        scene.start(&[command, &own, &hidden].concat())
    };
    let mut alice = start("alice", &["run", "--auto-approve", "--once"]);
    alice.event("SignerAdvertised");
    let asked = start("bob", &["sign", "--with", "alice", "--message", "hello"]).wait().expect(0);
    Signed::items(&asked.last("result"))[0].verify();
    alice.wait().expect(0);
}

#[test]
fn a_node_without_a_signer_writes_metrics_where_it_is_told_to() {
    let scene = Scene::new();
    let (hub, _) = hub(&scene, &["--metrics", "hub.prom"]);
    let text = std::fs::read_to_string(scene.path("hub.prom")).unwrap();
    assert!(text.contains("motet_rejected_total{rule=\"V-01\"") && text.ends_with("# EOF\n"), "{text}");
    drop(hub);
    let failed =
        scene.run(&["node", "--data", "hub", "--listen", "/ip4/127.0.0.1/tcp/0", "--metrics", "nowhere/hub.prom"]);
    assert!(failed.expect(1).errors.contains("cannot write metrics to nowhere/hub.prom"));
}
