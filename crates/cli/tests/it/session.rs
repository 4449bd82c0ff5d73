//! Sessions of separate processes: who is asked approves, declines, dies or lives, and everybody learns how it ended.

use crate::judge::{Signed, Tweak, signers};
use crate::process::{Ended, Motet, Scene, strings};

/// A signer in a process of its own that signs whatever it is asked for.
pub(crate) fn willing(scene: &Scene, name: &str, variables: &[(&str, &str)]) -> Motet {
    scene.start_with(&["run", "--dev", name, "--once", "--auto-approve", "--json"], variables)
}

/// A signer in a process of its own that asks before it signs.
fn asking(scene: &Scene, name: &str) -> Motet {
    scene.start(&["run", "--dev", name, "--once", "--json"])
}

/// The signer of a process that has just been started.
pub(crate) fn signer_of(motet: &mut Motet) -> String {
    motet.event("ready")["signer"].as_str().unwrap().to_owned()
}

pub(crate) fn sign(scene: &Scene, name: &str, with: &[&str], more: &[&str]) -> Motet {
    let with = with.join(",");
    let arguments = ["sign", "--dev", name, "--with", &with, "--message", "hello", "--json"];
    scene.start(&[&arguments, more].concat())
}

/// The outcome was told, on standard error for people and as an event for programs, and names exactly these signers.
#[track_caller]
pub(crate) fn names(ended: &Ended, name: &str, signer: &str) {
    assert!(ended.errors.contains(name), "{name} is not named\n{}", ended.told(""));
    assert_eq!(strings(&ended.last("SessionAborted")["signers"]), [signer], "{}", ended.told(""));
}

#[test]
fn three_processes_sign_one_message() {
    let scene = Scene::new();
    let (alice, bob, carol) = (scene.name("alice"), scene.name("bob"), scene.name("carol"));
    let others = [willing(&scene, &alice, &[]), willing(&scene, &bob, &[])];
    let asked = sign(&scene, &carol, &[&alice, &bob], &[]).wait().expect(0);
    let result = asked.last("result");
    assert_eq!(asked.objects().last(), Some(&result), "the result is the last line");
    let signed = Signed::items(&result);
    let [item] = signed.as_slice() else { panic!("{result}") };
    assert_eq!(item.message, b"hello");
    item.verify();
    let order = signers(&asked.objects());
    assert_eq!(order.len(), 3);
    assert!(order.is_sorted(), "BIP-327's KeySort: the same signers have the same key again");
    item.is_of(&order, Tweak::None);
    for other in others {
        let other = other.wait().expect(0);
        assert_eq!(other.errors, "");
        assert_eq!(Signed::items(&other.last("SessionComplete")), signed);
        assert_eq!(other.last("SignerWithdrawn")["reason"], "stopped", "it is on offer no more");
    }

    let (key, signature) = (item.key.to_string(), item.signature.to_string());
    let verify = ["verify", "--key", &key, "--signature", &signature, "--json"];
    let verdict = scene.run(&[&verify[..], &["--message", "hello"]].concat()).expect(0);
    assert_eq!(verdict.objects(), [serde_json::json!({"event": "verdict", "valid": true})]);
    scene.run(&[&verify[..], &["--message-hex", "68656c6c6f"]].concat()).expect(0);
    let verdict = scene.run(&[&verify[..], &["--message", "hullo"]].concat()).expect(4);
    assert_eq!(verdict.objects(), [serde_json::json!({"event": "verdict", "valid": false})]);
}

#[test]
fn the_one_who_asks_may_sign_for_a_taproot_output() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = willing(&scene, &alice, &[]);
    // A key names a signer as well as a nickname does.
    let key = signer_of(&mut other);
    let asked = sign(&scene, &bob, &[&key], &["--taproot"]).wait().expect(0);
    let signed = Signed::items(&asked.last("result"));
    signed[0].verify();
    signed[0].is_of(&signers(&asked.objects()), Tweak::Taproot);
    other.wait().expect(0);
}

#[test]
fn who_is_killed_while_it_is_asked_is_named() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut victim = asking(&scene, &alice);
    let dead = signer_of(&mut victim);
    let asked = sign(&scene, &bob, &[&alice], &["--join-timeout", "10s"]);
    victim.event("SigningRequestReceived");
    victim.kill();
    let victim = victim.wait();
    assert_eq!(victim.status.code(), None);
    names(&asked.wait().expect(5), &alice, &dead);
}

#[test]
fn a_yes_at_the_prompt_signs() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = asking(&scene, &alice);
    let own = signer_of(&mut other);
    let asked = sign(&scene, &bob, &[&alice], &[]);
    let request = other.event("SigningRequestReceived");
    other.answer_request("yes", &request);
    let other = other.wait().expect(0);
    let key = strings(&request["aggregate_keys"]).remove(0);
    for shown in [&format!("{own} (you)"), &format!("under key  {key}"), "\"hello\" (5 bytes)", "to sign, type: yes "] {
        assert!(other.errors.contains(shown), "{shown}\n{}", other.errors);
    }
    let signed = Signed::items(&asked.wait().expect(0).last("result"));
    signed[0].verify();
    assert_eq!(signed[0].key.to_string(), key);
    assert_eq!(Signed::items(&other.last("SessionComplete")), signed);
}

#[test]
fn a_no_at_the_prompt_declines() {
    for answer in ["no", "n"] {
        let scene = Scene::new();
        let (alice, bob) = (scene.name("alice"), scene.name("bob"));
        let mut other = asking(&scene, &alice);
        let decliner = signer_of(&mut other);
        let asked = sign(&scene, &bob, &[&alice], &[]);
        other.error_line("to sign, type:");
        other.answer(answer);
        let asked = asked.wait().expect(5);
        names(&asked, &alice, &decliner);
        assert_eq!(asked.last("ParticipantDeclined")["reason"], "declined");
        // The one who declined did what its user wanted: another code than that of a session that failed.
        let other = other.wait().expect(6);
        assert!(other.objects().iter().all(|object| object["event"] != "SessionComplete"));
    }
}

#[test]
fn who_is_not_there_is_not_found() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let ended = sign(&scene, &bob, &[&alice], &["--find-timeout", "1ms"]).wait().expect(3);
    assert!(ended.errors.contains(&alice), "{}", ended.errors);
}

#[test]
fn an_interrupt_cancels_a_request_for_everybody() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = asking(&scene, &alice);
    signer_of(&mut other);
    let mut asked = sign(&scene, &bob, &[&alice], &[]);
    other.event("SigningRequestReceived");
    asked.signal("INT");
    asked.wait().expect(130);
    // Whoever was asked hears of it, and need not wait for nothing.
    let other = other.wait().expect(5);
    assert!(other.last("SessionAborted")["cause"].as_str().unwrap().contains("given up by its asker"));
    nobody_has_left_an_address(&scene);
}

#[test]
fn a_signer_that_is_interrupted_withdraws() {
    for signal in ["INT", "TERM"] {
        let scene = Scene::new();
        let alice = scene.name("alice");
        let mut waiting = scene.start(&["run", "--dev", &alice, "--json"]);
        waiting.event("SignerAdvertised");
        waiting.signal(signal);
        let waiting = waiting.wait().expect(0);
        assert_eq!(waiting.last("SignerWithdrawn")["reason"], "stopped");
        nobody_has_left_an_address(&scene);
    }
}

#[test]
fn an_interrupt_ends_who_is_still_looking_for_others() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let arguments = ["sign", "--dev", &bob, "--with", &alice, "--message", "hello", "--find-timeout", "1h"];
    let mut looking = scene.start(&arguments);
    looking.output_line("looking");
    looking.signal("INT");
    looking.wait().expect(130);
    nobody_has_left_an_address(&scene);
}

#[test]
fn an_interrupt_ends_a_signer_that_has_not_advertised_yet() {
    let scene = Scene::new();
    let mut early = asking(&scene, &scene.name("alice"));
    signer_of(&mut early);
    early.signal("INT");
    early.wait().expect(0);
    nobody_has_left_an_address(&scene);
}

/// Where nobody listens any more, no address may lie.
#[track_caller]
fn nobody_has_left_an_address(scene: &Scene) {
    let left: Vec<_> = std::fs::read_dir(scene.meeting_place()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
