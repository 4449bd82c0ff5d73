//! The log of a signer that runs: changed while it does, and as JSON.

use serde_json::Value;

use crate::api::{Signer, answer, get, post};
use crate::process::Scene;

#[test]
fn the_log_is_changed_while_the_signer_runs() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "alice", &["--auto-approve"]);
    let shown = |alice: &Signer, words: &[&str]| alice.told(&scene, words)[0]["filter"].as_str().unwrap().to_owned();
    assert_eq!(shown(&alice, &["log"]), "off");
    // The span of a session is the coordinator's.
    let wanted = "motet_coordinator=debug,motet_node=debug";
    let now = shown(&alice, &["log", wanted]);
    assert!(wanted.split(',').all(|part| now.contains(part)), "{now}");
    let sign = ["sign", "--dev", &scene.name("bob"), "--with", &alice.name, "--message", "m"];
    scene.run(&sign).expect(0);
    alice.motet.error_line("DEBUG session{");
    // What is no filter changes nothing.
    let wrong = alice.call(&scene, &["log", "motet_node=loud"]).expect(1);
    assert!(wrong.errors.contains("level"), "{}", wrong.errors);
    assert_eq!(shown(&alice, &["log"]), now);
    let put = post("/v1/log", "{\"filter\":\"off\"}").replace("POST", "PUT");
    assert_eq!(answer(&mut alice.unix(), &put).1["filter"], "off");
    assert_eq!(answer(&mut alice.unix(), &get("/v1/log", "")).1["filter"], "off");
}

#[test]
fn a_log_of_json_has_one_object_a_line() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let run = ["run", "--dev", &alice, "--auto-approve", "--once", "--json"];
    let variables = [("MOTET_LOG", "motet_coordinator=debug,motet_node=debug"), ("MOTET_LOG_FORMAT", "json")];
    let mut other = scene.start_with(&run, &variables);
    other.event("ready");
    scene.run(&["sign", "--dev", &bob, "--with", &alice, "--message", "m"]).expect(0);
    let ended = other.wait().expect(0);
    let lines: Vec<Value> = ended
        .errors
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_session: Vec<&Value> = lines.iter().filter(|line| line["span"]["name"] == "session").collect();
    assert!(!of_session.is_empty(), "{}", ended.errors);
    for line in of_session {
        assert_eq!(line["span"]["request"].as_str().unwrap().len(), 64);
        assert!(line["level"].is_string() && line["timestamp"].is_string() && line["target"].is_string());
    }
    let wrong = scene.start_with(&["find", "--dev", "x"], &[("MOTET_LOG_FORMAT", "xml")]).wait().expect(2);
    assert!(wrong.errors.contains("MOTET_LOG_FORMAT"), "{}", wrong.errors);
}
