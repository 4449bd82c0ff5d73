//! Contacts: names that stand for keys, links that are handed on, and a running signer that takes them up.

use serde_json::Value;

use crate::daemon_first::{NET, Signer};
use crate::judge::Signed;
use crate::process::Scene;

#[test]
fn a_link_is_handed_on_and_its_name_is_asked() {
    let scene = Scene::new();
    let mut bob = Signer::start(&scene, "b.key", &["--auto-approve"]);
    // Its owner shows it as a link, and as a code for a phone.
    let shown = scene.run(&["contact", "show", "--nickname", "bob", "--key", "b.key", "--json"]).expect(0);
    let shown = shown.last("contact");
    let link = shown["link"].as_str().unwrap();
    assert!(shown["addresses"][0].as_str().unwrap().starts_with("/ip4/127.0.0.1/tcp/"), "{shown}");
    let code = scene.run(&["contact", "show", "--key", "b.key"]).expect(0);
    assert!(code.output.iter().filter(|line| line.contains('█')).count() > 10, "{}", code.told(""));
    // A signer that runs takes the contact up, and needs no --peer.
    let alice = Signer::start(&scene, "a.key", &["--auto-approve"]);
    scene.run(&["contact", "add", link, "--name", "robert", "--key", "a.key"]).expect(0);
    let sign = |with: &str| scene.run(&["sign", "--key", "a.key", "--with", with, "--message", "m", "--json"]);
    let signed = sign("robert").expect(0);
    Signed::items(&signed.last("result"))[0].verify();
    let listed = scene.run(&["contact", "list", "--key", "a.key", "--json"]).expect(0).last("contact");
    assert_eq!((&listed["name"], &listed["signer"]), (&Value::from("robert"), &Value::from(bob.key.as_str())));
    // One name, and one name for each key.
    let again = scene.run(&["contact", "add", link, "--key", "a.key"]).expect(2);
    assert!(again.errors.contains("under the name robert"), "{}", again.errors);
    let taken = scene.run(&["contact", "add", &alice.key, "--name", "robert", "--key", "a.key"]).expect(2);
    assert!(taken.errors.contains("is the name of"), "{}", taken.errors);
    alice.halt(&scene, "a.key");
    // An own node, and a signer that starts, know the contact and its place, too.
    let own = [&["sign", "--key", "a.key", "--with", "robert", "--message", "m", "--json"], &NET[..]].concat();
    let signed = scene.run(&own).expect(0);
    Signed::items(&signed.last("result"))[0].verify();
    let alice = Signer::start(&scene, "a.key", &[]);
    bob.motet.event("PeerConnected");
    let forgotten = scene.run(&["contact", "remove", "robert", "--key", "a.key", "--json"]).expect(0);
    assert_eq!(forgotten.last("removed_contact")["signer"], bob.key.as_str());
    let missing = scene.run(&["contact", "remove", "robert", "--key", "a.key"]).expect(3);
    assert!(missing.errors.contains("no contact robert"), "{}", missing.errors);
    alice.halt(&scene, "a.key");
    let away = scene.run(&["contact", "show", "--key", "a.key"]).expect(1);
    assert!(away.errors.contains("motet run"), "{}", away.errors);
    let wrong = scene.run(&["contact", "add", "motet:mcontact1qqqq", "--key", "a.key"]).expect(2);
    assert!(wrong.errors.contains("copy the whole of it"), "{}", wrong.errors);
}

#[test]
fn a_contact_stands_for_its_node_and_for_a_place_in_a_request() {
    let scene = Scene::new();
    let bob = Signer::start(&scene, "b.key", &["--auto-approve"]);
    let shown = scene.run(&["contact", "show", "--nickname", "bob", "--key", "b.key", "--json"]).expect(0);
    let shown = shown.last("contact");
    let link = shown["link"].as_str().unwrap();
    // A node without a signer begins at a contact's node.
    scene.run(&["contact", "add", link, "--data", "hub"]).expect(0);
    let node = |folder: &'static str, peer: &'static str| {
        [&["node", "--data", folder, "--peer", peer, "--json"], &NET[..]].concat()
    };
    let mut hub = scene.start(&node("hub", "bob"));
    let (_, peer) = bob.address.split_once("/p2p/").unwrap();
    while hub.event("PeerConnected")["peer"] != peer {}
    let unknown = scene.run(&node("other", "robert")).expect(2);
    assert!(unknown.errors.contains("--peer: robert") && unknown.errors.contains("contact list"), "{}", unknown.errors);
    // So does a search that is made through a running signer.
    let mut carol = Signer::start(&scene, "c.key", &["--peer", &bob.address]);
    let alice = Signer::start(&scene, "a.key", &["--peer", &bob.address]);
    scene.run(&["contact", "add", link, "--key", "a.key"]).expect(0);
    scene.run(&["find", "--key", "a.key", "--peer", "bob", "--count", "2", "--timeout", "60s"]).expect(0);
    // Carol declines, and the contact takes her place: short ids name the request, and her in it.
    let asked = scene.start(&["sign", "--key", "a.key", "--with", &carol.key, "--message", "m", "--json"]);
    let request = carol.motet.event("SigningRequestReceived");
    let id = request["request"].as_str().unwrap();
    carol.motet.error_line(&format!("request {id} waits"));
    scene.run(&["decline", &id[..8], "--key", "c.key"]).expect(0);
    asked.wait().expect(5);
    let retry = |seat: &str| scene.run(&["retry", &id[..8], "--replace", seat, "--key", "a.key", "--json"]);
    for wrong in ["dave=bob", &format!("{}=dave", &carol.key[..8]), &format!("0={}", bob.key)] {
        let refused = retry(wrong).expect(2);
        assert!(refused.errors.contains("--replace") && refused.errors.contains("contact list"), "{}", refused.errors);
    }
    let next = retry(&format!("{}=bob", &carol.key[..8])).expect(0);
    let next: Value = serde_json::from_str(&next.output[0]).unwrap();
    let next = next["request"].as_str().unwrap();
    let signed = scene.run(&["result", &next[..8], "--wait", "60s", "--key", "a.key", "--json"]).expect(0);
    Signed::items(&serde_json::from_str(&signed.output[0]).unwrap())[0].verify();
    // The beginning of a contact's key is enough, too.
    let short = ["sign", "--key", "a.key", "--with", &bob.key[..8], "--message", "n", "--json"];
    Signed::items(&scene.run(&short).expect(0).last("result"))[0].verify();
    alice.halt(&scene, "a.key");
}

#[test]
fn two_that_are_contacts_of_each_other_need_no_proof_of_work() {
    let scene = Scene::new();
    let _bob = Signer::start(&scene, "b.key", &["--auto-approve"]);
    let alice = Signer::start(&scene, "a.key", &["--auto-approve"]);
    let link = |key: &str| {
        let shown = scene.run(&["contact", "show", "--key", key, "--json"]).expect(0);
        shown.last("contact")["link"].as_str().unwrap().to_owned()
    };
    let (of_alice, of_bob) = (link("a.key"), link("b.key"));
    scene.run(&["contact", "add", &of_alice, "--name", "alice", "--mutual", "--key", "b.key"]).expect(0);
    scene.run(&["contact", "add", &of_bob, "--name", "bob", "--mutual", "--key", "a.key"]).expect(0);
    let sign = |words: &[&str]| {
        scene.run(&[&["sign", "--key", "a.key", "--with", "bob", "--message", "m", "--json"], words].concat())
    };
    Signed::items(&sign(&[]).expect(0).last("result"))[0].verify();
    // Among contacts alone a request may be private, which nobody else hears of.
    Signed::items(&sign(&["--private"]).expect(0).last("result"))[0].verify();
    alice.halt(&scene, "a.key");
    // They know each other after a restart, too.
    let _alice = Signer::start(&scene, "a.key", &["--auto-approve"]);
    Signed::items(&sign(&["--private"]).expect(0).last("result"))[0].verify();
}

#[test]
fn an_offer_is_replaced_and_withdrawn() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "a.key", &[]);
    let own = [&["find", "--key", "b.key", "--peer", &alice.address, "--json"], &NET[..]].concat();
    scene.run(&["key", "new", "--key-file", "b.key"]).expect(0);
    let offer = ["advertise", "--type", "rent", "--min-amount", "5", "--max-amount", "50", "--fee", "3"];
    let more = ["--nickname", "alicia", "--description", "at night", "--lifetime", "10m", "--key", "a.key"];
    scene.run(&[&offer[..], &more].concat()).expect(0);
    let find = |words: &[&str]| scene.run(&[&own[..], words].concat());
    let found = find(&["--type", "rent", "--amount", "7"]).expect(0).last("signer");
    for (key, value) in [("nickname", Value::from("alicia")), ("fee", 3.into()), ("max_amount", 50.into())] {
        assert_eq!(found[key], value, "{found}");
    }
    find(&["--type", "rent", "--amount", "51", "--timeout", "1s"]).expect(3);
    let wrong = scene.run(&["advertise", "--min-amount", "5", "--max-amount", "4", "--key", "a.key"]).expect(2);
    assert!(wrong.errors.contains("--max-amount"), "{}", wrong.errors);
    scene.run(&["withdraw", "--reason", "on holiday & away", "--key", "a.key"]).expect(0);
    find(&["--timeout", "1s"]).expect(3);
    // There is no offer left to take back.
    scene.run(&["withdraw", "--key", "a.key"]).expect(1);
    alice.halt(&scene, "a.key");
}
