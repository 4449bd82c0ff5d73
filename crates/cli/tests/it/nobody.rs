//! Signers that ask, where nobody can be asked: no terminal, no program that answers, or none any more.

use std::process::Stdio;

use crate::process::{Ended, Scene};

fn is_told_at_the_start(ended: &Ended) {
    for said in ["nobody to ask", "--policy", "--auto-approve"] {
        assert!(ended.errors.contains(said), "{said}\n{}", ended.told(""));
    }
    assert!(ended.output.is_empty(), "{}", ended.told(""));
}

#[test]
fn a_signer_that_could_only_decline_does_not_start() {
    let scene = Scene::new();
    let run = ["run", "--no-api", "--dev", &scene.name("alice")];
    is_told_at_the_start(&scene.start_reading(Stdio::null(), &run).wait().expect(2));
    // Nobody is at the other end of this pipe.
    let (input, closed) = std::io::pipe().unwrap();
    drop(closed);
    is_told_at_the_start(&scene.start_reading(input, &run).wait().expect(2));
    // A file holds what was written before there was a question.
    std::fs::write(scene.path("answers"), "yes\n").unwrap();
    let answers = std::fs::File::open(scene.path("answers")).unwrap();
    is_told_at_the_start(&scene.start_reading(answers, &run).wait().expect(2));
}

#[test]
fn nobody_has_declined_when_the_input_has_ended() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut other = scene.start(&["run", "--no-api", "--dev", &alice, "--once", "--json"]);
    other.event("SignerAdvertised");
    other.close_input();
    let asked =
        scene.run(&["sign", "--dev", &scene.name("bob"), "--with", &alice, "--message", "m", "--json"]).expect(5);
    assert_eq!(asked.last("ParticipantDeclined")["reason"], "nobody could be asked");
    let other = other.wait().expect(6);
    assert!(other.errors.contains("there is nobody to ask"), "{}", other.errors);
}

#[test]
fn an_input_that_ends_while_a_question_stands_answers_nothing() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut other = scene.start(&["run", "--no-api", "--dev", &alice, "--once", "--json"]);
    other.event("SignerAdvertised");
    let asked = scene.start(&["sign", "--dev", &scene.name("bob"), "--with", &alice, "--message", "m", "--json"]);
    other.error_line("to sign, type:");
    other.close_input();
    let asked = asked.wait().expect(5);
    assert_eq!(asked.last("ParticipantDeclined")["reason"], "nobody could be asked");
    other.wait().expect(6);
}

#[test]
fn what_a_program_writes_before_there_is_a_question_is_no_answer() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut other = scene.start(&["run", "--no-api", "--dev", &alice, "--once", "--json"]);
    other.answer("yes\ny\nno");
    other.event("SignerAdvertised");
    let asked = scene.start(&["sign", "--dev", &scene.name("bob"), "--with", &alice, "--message", "m", "--json"]);
    let request = other.event("SigningRequestReceived");
    other.answer_request("yes", &request);
    asked.wait().expect(0);
    other.wait().expect(0);
}

#[test]
fn rules_that_ask_where_nobody_is_say_so_and_decline_only_what_they_would_ask_about() {
    let scene = Scene::new();
    let rules = r#"{"rules": [{"when": {"items": {"min": 2}}, "then": "allow"}], "otherwise": "ask"}"#;
    std::fs::write(scene.path("rules.json"), rules).unwrap();
    let alice = scene.name("alice");
    let run = ["run", "--no-api", "--dev", &alice, "--once", "--policy", "rules.json", "--json"];
    let mut other = scene.start_reading(Stdio::null(), &run);
    other.error_line("nobody to ask");
    other.event("SignerAdvertised");
    let asked =
        scene.run(&["sign", "--dev", &scene.name("bob"), "--with", &alice, "--message", "m", "--json"]).expect(5);
    assert_eq!(asked.last("ParticipantDeclined")["reason"], "nobody could be asked");
    other.wait().expect(6);
    // Rules that ask nobody have nothing to say.
    std::fs::write(scene.path("rules.json"), rules.replace("\"ask\"", "\"allow\"")).unwrap();
    let mut other = scene.start_reading(Stdio::null(), &run);
    other.event("SignerAdvertised");
    other.signal("TERM");
    assert!(!other.wait().expect(0).errors.contains("nobody to ask"));
}
