//! Rules in files: looked at, explained, and followed by a signer in a process of its own.

use serde_json::json;

use crate::judge::Signed;
use crate::process::{Motet, Scene, strings};

/// Two keys that nobody has the secrets of: the x coordinates of BIP-340's test vectors 0 and 1.
const ALICE: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const BOB: &str = "02dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659";

fn write(scene: &Scene, name: &str, text: &str) {
    std::fs::write(scene.path(name), text).unwrap();
}

#[test]
fn a_good_file_is_checked_and_what_is_perhaps_not_meant_is_remarked_on() {
    let scene = Scene::new();
    write(&scene, "good.json", r#"{"rules": [{"when": {"items": {"max": 1}}, "then": "allow"}], "otherwise": "ask"}"#);
    let told = scene.run(&["policy", "check", "good.json", "--json"]).expect(0).last("policy");
    assert_eq!((&told["valid"], &told["rules"], &told["otherwise"]), (&json!(true), &json!(1), &json!("ask")));
    assert_eq!(told["contacts"], json!(null));
    let [remark] = strings(&told["remarks"]).try_into().unwrap();
    assert!(remark.contains("rule 1 signs for anybody"), "{remark}");
    let people = scene.run(&["policy", "check", "good.json"]).expect(0).output;
    assert_eq!(people.len(), 2);
    assert!(people[0].starts_with("good.json: 1 rule; otherwise ask;") && people[1].contains(&remark), "{people:?}");
}

#[test]
fn a_wrong_file_is_refused_everywhere_with_the_place_and_the_remedy() {
    let scene = Scene::new();
    write(
        &scene,
        "line.json",
        "{\"rules\": [\n  {\"when\": {\"amout\": {\"max\": 1}}, \"then\": \"allow\"}], \"otherwise\": \"ask\"}",
    );
    write(&scene, "name.json", r#"{"rules": [{"when": {"requester": ["zoe"]}, "then": "allow"}], "otherwise": "ask"}"#);
    for (file, place, remedy) in [
        ("line.json", "line.json: line 2, column 19: unknown field `amout`", "docs/operations.md"),
        ("name.json", "name.json: rule 1, requester: no signer or group is called \"zoe\"", "define it under"),
    ] {
        let checked = scene.run(&["policy", "check", file, "--json"]).expect(2);
        assert!(checked.errors.contains(place) && checked.errors.contains(remedy), "{}", checked.errors);
        let told = checked.last("policy");
        assert_eq!(told["valid"], json!(false));
        assert!(told["error"].as_str().unwrap().starts_with(place) && told["next"].as_str().unwrap().contains(remedy));
        // No node starts with it, either.
        let run = scene.run(&["run", "--dev", &scene.name("alice"), "--policy", file]).expect(2);
        assert!(run.errors.contains(place) && run.output.is_empty(), "{}", run.told(""));
    }
    let missing = scene.run(&["policy", "check", "missing.json"]).expect(1);
    assert!(missing.errors.contains("cannot read missing.json"), "{}", missing.errors);
    scene.run(&["run", "--dev", "alice", "--auto-approve", "--policy", "name.json"]).expect(2);
}

#[test]
fn an_explanation_names_the_rule_that_decides() {
    let scene = Scene::new();
    let policy = format!(
        r#"{{"signers": {{"alice": "{ALICE}", "bob": "{BOB}"}},
 "rules": [
  {{"name": "small", "when": {{"requester": ["alice"], "amount": {{"max": 10}}}}, "then": "allow"}},
  {{"name": "large", "when": {{"requester": ["alice"]}}, "then": {{"deny": "ask me first"}}}}],
 "otherwise": "ask"}}"#
    );
    write(&scene, "rules.json", &policy);
    write(&scene, "request.json", r#"{"signer": "bob", "requester": "alice", "amount": 11}"#);
    let arguments = ["policy", "explain", "rules.json", "--request", "request.json"];
    let told = scene.run(&[&arguments[..], &["--json"]].concat()).expect(0).last("explanation");
    let expected = json!({
        "event": "explanation", "verdict": "deny", "reason": "ask me first", "decided_by": "rule",
        "rule": {"number": 2, "name": "large"},
        "passed_over": [
            {"rule": {"number": 1, "name": "small"}, "because": ["the stated amount 11 is not within 0 to 10"]},
        ],
    });
    assert_eq!(told, expected);
    let people = scene.run(&arguments).expect(0).output;
    assert_eq!(people[0], "deny (\"ask me first\"): rule 2 \"large\" matches");
    assert_eq!(people[1], "  rule 1 \"small\" does not match: the stated amount 11 is not within 0 to 10");
    // The same from standard input.
    let mut typed = scene.start(&["policy", "explain", "rules.json", "--request", "-"]);
    typed.answer(r#"{"signer": "bob", "requester": "alice", "amount": 10}"#);
    typed.close_input();
    assert_eq!(typed.wait().expect(0).output, ["allow: rule 1 \"small\" matches"]);
}

/// A signer that follows the rules in this file, and its name.
fn ruled(scene: &Scene, file: &str) -> (Motet, String) {
    let name = scene.name("ruled");
    let mut motet = scene.start(&["run", "--dev", &name, "--once", "--policy", file, "--json"]);
    motet.event("ready");
    (motet, name)
}

#[test]
fn a_signer_follows_its_rules_without_asking() {
    for (rule, code) in [(r#""allow""#, 0), (r#"{"deny": "not on a Sunday"}"#, 5)] {
        let scene = Scene::new();
        let policy = r#"{"rules": [{"when": {"items": {"max": 1}}, "then": RULE}], "otherwise": "ask"}"#;
        write(&scene, "rules.json", &policy.replace("RULE", rule));
        let (other, name) = ruled(&scene, "rules.json");
        let (asks, with) = (scene.name("asks"), name.as_str());
        let asked = scene.run(&["sign", "--dev", &asks, "--with", with, "--message", "hello", "--json"]).expect(code);
        let other = other.wait();
        assert!(!other.errors.contains("to sign, type:"), "{}", other.errors);
        if code == 0 {
            let signed = Signed::items(&asked.last("result"));
            signed[0].verify();
            assert_eq!(Signed::items(&other.expect(0).last("SessionComplete")), signed);
        } else {
            assert_eq!(asked.last("ParticipantDeclined")["reason"], "not on a Sunday");
            other.expect(10);
        }
    }
}

#[test]
fn a_person_is_asked_where_the_rules_say_so() {
    let scene = Scene::new();
    write(&scene, "rules.json", r#"{"rules": [{"when": {"items": {"min": 2}}, "then": "allow"}], "otherwise": "ask"}"#);
    let (mut other, name) = ruled(&scene, "rules.json");
    let asked = scene.start(&["sign", "--dev", &scene.name("asks"), "--with", &name, "--message", "hello", "--json"]);
    let request = other.event("SigningRequestReceived");
    other.answer_request("yes", &request);
    other.wait().expect(0);
    Signed::items(&asked.wait().expect(0).last("result"))[0].verify();
}

#[test]
fn with_contacts_only_their_requests_are_shown() {
    let scene = Scene::new();
    let policy =
        format!(r#"{{"contacts": ["{ALICE}"], "rules": [{{"when": {{}}, "then": "allow"}}], "otherwise": "ask"}}"#);
    write(&scene, "rules.json", &policy);
    let (other, name) = ruled(&scene, "rules.json");
    let asked = scene.run(&["sign", "--dev", &scene.name("asks"), "--with", &name, "--message", "hello", "--json"]);
    let asked = asked.expect(5);
    assert_eq!(asked.last("ParticipantDeclined")["reason"], "this signer answers its contacts only");
    let other = other.wait().expect(10);
    assert!(!other.errors.contains("to sign, type:"), "{}", other.errors);
}

/// A node with a kept key, on loopback.
fn kept(command: &str, key: &str, more: &[&str]) -> Vec<String> {
    let fixed = [command, "--key", key, "--nickname", key, "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];
    fixed.iter().chain(more).map(ToString::to_string).collect()
}

#[test]
fn a_rule_knows_its_requester_by_the_key() {
    let scene = Scene::new();
    let keys = ["alice.key", "bob.key"].map(|file| {
        let told = scene.run(&["key", "new", "--key-file", file, "--json"]).expect(0).last("key");
        told["signer"].as_str().unwrap().to_owned()
    });
    let policy = r#"{"signers": {"alice": "ALICE"}, "contacts": ["alice"],
 "rules": [{"when": {"requester": ["alice"], "cosigners": {"exactly": ["alice"]}, "items": {"max": 1}}, "then": "allow"}],
 "otherwise": {"deny": "no rule for that"}}"#;
    write(&scene, "rules.json", &policy.replace("ALICE", &keys[0]));
    let run = kept("run", "bob.key", &["--once", "--policy", "rules.json"]);
    let mut other = scene.start(&run.iter().map(String::as_str).collect::<Vec<_>>());
    let peer = other.event("ready")["peer"].as_str().unwrap().to_owned();
    let address = other.event("Listening")["address"].as_str().unwrap().to_owned();
    let address = format!("{address}/p2p/{peer}");
    let sign = kept("sign", "alice.key", &["--peer", &address, "--with", &keys[1], "--message", "hello"]);
    let asked = scene.run(&sign.iter().map(String::as_str).collect::<Vec<_>>()).expect(0);
    Signed::items(&asked.last("result"))[0].verify();
    other.wait().expect(0);
}

#[test]
fn a_question_that_is_left_standing_keeps_no_process() {
    let scene = Scene::new();
    write(&scene, "rules.json", r#"{"rules": [], "otherwise": "ask"}"#);
    let (mut other, name) = ruled(&scene, "rules.json");
    let mut asked =
        scene.start(&["sign", "--dev", &scene.name("asks"), "--with", &name, "--message", "hello", "--json"]);
    other.error_line("under key");
    asked.signal("INT");
    asked.wait().expect(130);
    // Its standard input stays open, and nobody types anything.
    let other = other.wait().expect(5);
    assert!(other.errors.contains("no signature"), "{}", other.errors);
}

#[test]
fn an_explanation_of_a_transaction_shows_verified_facts_and_the_rule() {
    let (people, _) = crate::requests::treasury(&["alice", "bob"]);
    let scene = &people.scene;
    let policy = r#"{"rules": [
  {"name": "small", "when": {"transaction": {"group": ["treasury"], "outflow": {"max": 1000}}}, "then": "allow"},
  {"name": "savings", "when": {"transaction": {"group": ["savings"]}}, "then": "allow"},
  {"name": "usual", "when": {"transaction": {"group": ["treasury"], "outflow": {"max": 1000000}, "sighash_default": true}}, "then": "allow"}],
 "otherwise": "ask"}"#;
    write(scene, "rules.json", policy);
    let arguments = ["policy", "explain", "rules.json", "--psbt", "pay.psbt", "--group", "treasury", "--groups"];
    let arguments = [&arguments[..], &["bob.groups"]].concat();
    let told = scene.run(&[&arguments[..], &["--json"]].concat()).expect(0);
    told.objects().iter().for_each(crate::shape::check);
    let explanation = told.last("explanation");
    assert_eq!((&explanation["verdict"], &explanation["rule"]["name"]), (&json!("allow"), &json!("usual")));
    let passed: Vec<_> =
        explanation["passed_over"].as_array().unwrap().iter().map(|passed| &passed["because"]).collect();
    assert_eq!(passed.len(), 2);
    assert!(passed[0][0].as_str().unwrap().contains("outflow \"70000\""), "{passed:?}");
    assert!(passed[1][0].as_str().unwrap().contains("treasury"), "{passed:?}");
    assert_eq!(told.last("transaction")["outflow"]["proven"], true);
    let people_see = scene.run(&arguments).expect(0).output;
    assert!(people_see.iter().any(|line| line == "bob decides on a request of alice"), "{people_see:?}");
    assert!(people_see.iter().any(|line| line == "allow: rule 3 \"usual\" matches"), "{people_see:?}");
    // Another member, asked by the first; nobody of the group; a group that is not confirmed here.
    let other = scene.run(&[&arguments[..], &["--signer", "alice", "--requester", "bob"]].concat()).expect(0).output;
    assert!(other.iter().any(|line| line == "alice decides on a request of bob"), "{other:?}");
    let nobody = scene.run(&[&arguments[..], &["--signer", "carol"]].concat()).expect(2);
    assert!(nobody.errors.contains("carol"), "{}", nobody.errors);
    scene.run(&["policy", "explain", "rules.json"]).expect(2);
}
