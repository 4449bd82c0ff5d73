//! `motet psbt request`: members in processes of their own, from a PSBT to a transaction that consensus code accepts.

use std::sync::{Arc, RwLock};

use motet_net::{Keypair, NetConfig};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{Config, LocalSigner, MemoryStore, Node, OsEntropy, Registry};
use motet_psbt::{RawPsbt, Version};
use motet_wallet::RegisteredGroup;
use motet_wire::{Criteria, NetworkId, SignerMetadata};

use crate::asked::runtime;
use crate::groups::{People, words};
use crate::process::{Ended, Motet, Scene};
use crate::shape;
use crate::treasury::{accepted, secret, spend};

const PLACE: [&str; 5] = ["--network", "dev", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];

/// A group that all of these have registered and confirmed, and `pay.psbt`, which spends a coin of it.
pub(crate) fn treasury(names: &[&str]) -> (People, RawPsbt) {
    let people = People::new(names);
    let made = people.make(names[0], &[]);
    people.run(names[0], &["export", "treasury", "--output", "treasury.group"]).expect(0);
    for name in names {
        if *name != names[0] {
            people.run(name, &["import", "treasury.group", "--key", &format!("{name}.key")]).expect(0);
        }
        people.run(name, &["words", "treasury", "--confirm", &words(&made)]).expect(0);
    }
    let group = motet_psbt::Group::new(made["descriptor"].as_str().unwrap().parse().unwrap()).unwrap();
    let psbt = spend(&group, 1, Version::V2);
    std::fs::write(people.scene.path("pay.psbt"), psbt.to_bytes()).unwrap();
    (people, psbt)
}

/// A member that waits, and its address.
pub(crate) fn member(scene: &Scene, name: &str, more: &[&str]) -> (Motet, String) {
    let (key, groups) = (format!("{name}.key"), format!("{name}.groups"));
    let run = ["run", "--key", &key, "--groups", &groups, "--nickname", name];
    let mut member = scene.start(&[&run[..], &PLACE, more].concat());
    let (ready, listening) = (member.event("ready"), member.event("Listening"));
    let address = format!("{}/p2p/{}", listening["address"].as_str().unwrap(), ready["peer"].as_str().unwrap());
    (member, address)
}

/// The words of alice's request.
pub(crate) fn request<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let own = ["psbt", "request", "pay.psbt", "--group", "treasury", "--key", "alice.key", "--groups", "alice.groups"];
    [&own[..], &PLACE, more].concat()
}

#[test]
fn three_members_make_a_transaction_of_a_psbt_over_the_network() {
    let (people, psbt) = treasury(&["alice", "bob", "carol"]);
    let scene = &people.scene;
    let (mut bob, address) = member(scene, "bob", &[]);
    let (mut carol, _) = member(scene, "carol", &["--peer", &address]);
    let mut alice = scene.start(&request(&["--peer", &address]));
    let digits = alice.question();
    alice.answer(&format!("yes {digits}"));
    for other in [&mut bob, &mut carol] {
        let asked = other.event("SigningRequestReceived");
        other.answer_request("yes", &asked);
    }
    let ended = alice.wait().expect(0);
    ended.objects().iter().for_each(shape::check);
    let raw = ended.last("raw_transaction");
    accepted(raw["transaction"].as_str().unwrap(), &psbt);
    assert_eq!(raw["txid"], ended.last("transaction")["txid"]);
    // The file has the same transaction.
    assert_eq!(ended.last("psbt")["file"], "pay.final.psbt");
    let extracted = scene.run(&["psbt", "extract", "pay.final.psbt"]).expect(0).output;
    assert_eq!(extracted, [raw["transaction"].as_str().unwrap()]);
    // The others were shown what their own nodes have verified.
    for other in [bob, carol] {
        let told = other.told();
        assert!(told.contains("a transaction, verified here"), "{told}");
        assert!(told.contains("output 1   0.00030000 BTC  change, 1/0 of the group"), "{told}");
    }
}

#[test]
fn a_request_through_the_running_signer_makes_the_transaction_too() {
    let (people, psbt) = treasury(&["alice", "bob"]);
    let scene = &people.scene;
    let (mut bob, address) = member(scene, "bob", &[]);
    let (mut running, _) = member(scene, "alice", &["--peer", &address]);
    // The command names no node: that is known to the signer that runs with its key.
    let mut alice = scene.start(&request(&[]));
    let digits = alice.question();
    alice.answer(&format!("yes {digits}"));
    let created = running.event("SigningRequestCreated");
    let asked = bob.event("SigningRequestReceived");
    assert_eq!(asked["request"], created["request"]);
    bob.answer_request("yes", &asked);
    let ended = alice.wait().expect(0);
    ended.objects().iter().for_each(shape::check);
    assert!(ended.objects().iter().all(|object| object["event"] != "Listening"), "{}", ended.told(""));
    let raw = ended.last("raw_transaction");
    accepted(raw["transaction"].as_str().unwrap(), &psbt);
    let extracted = scene.run(&["psbt", "extract", "pay.final.psbt"]).expect(0).output;
    assert_eq!(extracted, [raw["transaction"].as_str().unwrap()]);
    // Its user has answered once, to the command. The request went to the members alone.
    running.event("SessionComplete");
    assert!(!running.told().contains("to sign, type"), "{}", running.told());
    assert!(bob.told().contains("a transaction, verified here"), "{}", bob.told());
}

/// No node but those of the members takes a request without a proof of work, hands it on or stores it.
#[test]
fn the_request_goes_to_the_members_alone() {
    let (people, psbt) = treasury(&["alice", "bob"]);
    let scene = &people.scene;
    let backup = people.run("bob", &["backup", "treasury"]).expect(0).output.join("\n");
    let group = RegisteredGroup::restore(&format!("{backup}\n")).unwrap();
    let mut config = Config::default();
    config.contacts.insert(secret(scene, "alice").public_key());
    let mut registry = Registry::new();
    registry.add(group).unwrap();
    let (key, runtime) = (secret(scene, "bob"), runtime());
    let (bob, mut events, address) = runtime.block_on(async {
        let signer = key.public_key();
        let node = Node::builder(NetConfig::local(NetworkId::new("dev").unwrap(), Keypair::generate()))
            .store(MemoryStore::default())
            .policy(ApproveAll)
            .config(config)
            .groups(Arc::new(RwLock::new(registry)))
            .signer(LocalSigner::new(key, OsEntropy));
        let (bob, mut events) = node.start().await.unwrap();
        let address = loop {
            if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
                break format!("{address}/p2p/{}", bob.peer_id());
            }
        };
        let hour = core::time::Duration::from_secs(3600);
        bob.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), hour).await.unwrap();
        (bob, events, address)
    });
    let mut alice = scene.start(&request(&["--peer", &address]));
    let digits = alice.question();
    alice.answer(&format!("yes {digits}"));
    let requested = runtime.block_on(async {
        loop {
            if let Event::SigningRequestReceived(requested) = events.next().await.unwrap().unwrap() {
                break requested;
            }
        }
    });
    assert_eq!(requested.request.work, None);
    let raw = alice.wait().expect(0).last("raw_transaction");
    accepted(raw["transaction"].as_str().unwrap(), &psbt);
    runtime.block_on(bob.stop());
}

#[test]
fn a_member_that_declines_leaves_no_transaction() {
    let (people, _) = treasury(&["alice", "bob"]);
    let scene = &people.scene;
    let shown = ["psbt", "inspect", "pay.psbt", "--group", "treasury", "--groups", "alice.groups", "--json"];
    let approval = scene.run(&shown).expect(0).last("transaction")["approval"].as_str().unwrap().to_owned();
    let (mut bob, address) = member(scene, "bob", &[]);
    let alice = scene.start(&request(&["--peer", &address, "--approve", &approval]));
    let asked = bob.event("SigningRequestReceived");
    bob.answer_request("no", &asked);
    let ended = alice.wait().expect(5);
    assert!(ended.errors.contains("bob"), "{}", ended.errors);
    assert!(!scene.path("pay.final.psbt").exists());
}

#[test]
fn nothing_is_asked_without_an_approval_and_a_confirmed_group() {
    let (people, _) = treasury(&["alice", "bob"]);
    let scene = &people.scene;
    let refused = |code: i32, words: &[&str], why: &str| {
        let ended = scene.start(words).wait().expect(code);
        assert!(ended.errors.contains(why), "{}", ended.errors);
        assert!(ended.objects().iter().all(|object| object["event"] != "Listening"), "{}", ended.told(""));
    };
    refused(7, &request(&["--approve", &"0".repeat(64)]), "--approve names another transaction");
    let mut declined = scene.start(&request(&[]));
    let digits = declined.question();
    declined.answer(&format!("no {digits}"));
    declined.wait().expect(6);
    std::fs::write(scene.path("pay.final.psbt"), "mine").unwrap();
    refused(1, &request(&[]), "is there already");
    std::fs::remove_file(scene.path("pay.final.psbt")).unwrap();
    scene.run(&["key", "new", "--key-file", "alice.key.new"]).expect(0);
    std::fs::rename(scene.path("alice.key.new"), scene.path("alice.key")).unwrap();
    refused(7, &request(&[]), "is of no member");
    std::fs::remove_dir_all(scene.path("alice.groups")).unwrap();
    refused(2, &request(&[]), "no group with the name treasury is registered");
    people.run("alice", &["import", "treasury.group"]).expect(0);
    refused(7, &request(&[]), "is not confirmed");
}

#[test]
fn a_group_that_is_registered_while_a_member_waits_counts_at_once() {
    let people = People::new(&["alice", "bob"]);
    let scene = &people.scene;
    let made = people.make("alice", &[]);
    people.run("alice", &["words", "treasury", "--confirm", &words(&made)]).expect(0);
    let group = motet_psbt::Group::new(made["descriptor"].as_str().unwrap().parse().unwrap()).unwrap();
    let psbt = spend(&group, 1, Version::V2);
    std::fs::write(scene.path("pay.psbt"), psbt.to_bytes()).unwrap();
    let (mut bob, address) = member(scene, "bob", &[]);
    // The folder is not there yet; then the group is in it, and then it is confirmed.
    people.run("alice", &["export", "treasury", "--output", "treasury.group"]).expect(0);
    people.run("bob", &["import", "treasury.group", "--key", "bob.key"]).expect(0);
    let request = request(&["--peer", &address]);
    let unconfirmed = ask(scene, &request).expect(5);
    assert_eq!(unconfirmed.last("ParticipantDeclined")["reason"], "E_GROUP_UNCONFIRMED");
    people.run("bob", &["words", "treasury", "--confirm", &words(&made)]).expect(0);
    let mut alice = scene.start(&request);
    let digits = alice.question();
    alice.answer(&format!("yes {digits}"));
    let asked = loop {
        let asked = bob.event("SigningRequestReceived");
        if asked["request"] != unconfirmed.last("ParticipantDeclined")["request"] {
            break asked;
        }
    };
    bob.answer_request("yes", &asked);
    let ended = alice.wait().expect(0);
    accepted(ended.last("raw_transaction")["transaction"].as_str().unwrap(), &psbt);
}

/// Asks, approves, and waits for the end.
fn ask(scene: &Scene, request: &[&str]) -> Ended {
    let mut alice = scene.start(request);
    let digits = alice.question();
    alice.answer(&format!("yes {digits}"));
    alice.wait()
}
