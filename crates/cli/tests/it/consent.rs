//! A yes counts for the question that stands on the screen when it is typed, and for nothing else. Real terminals.

use std::process::Command;

use serde_json::Value;

use crate::process::{Ended, Motet, Scene};
use crate::terminal::Terminal;

/// A signer that asks the person at its terminal.
fn at_a_terminal(scene: &Scene, name: &str) -> Terminal {
    let mut terminal = Terminal::start(scene.command(&["run", "--dev", name]));
    terminal.shows("stop with Ctrl-C");
    terminal
}

/// Asks a signer for a signature.
fn ask(scene: &Scene, who: &str, with: &str, more: &[&str]) -> Motet {
    let arguments = ["sign", "--dev", &scene.name(who), "--with", with, "--message", who, "--json"];
    scene.start(&[&arguments, more].concat())
}

/// The id of the request that this process has announced.
fn request_of(asker: &mut Motet) -> String {
    asker.event("SigningRequestCreated")["request"].as_str().unwrap().to_owned()
}

/// The request was declined with these words.
#[track_caller]
fn is_declined(asker: Motet, reason: &str) {
    let asker = asker.wait().expect(5);
    assert_eq!(reason_of(&asker), reason, "{}", asker.told(""));
}

fn reason_of(asker: &Ended) -> Value {
    asker.last("ParticipantDeclined")["reason"].clone()
}

#[test]
fn what_is_typed_before_a_question_stands_signs_nothing() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    terminal.types("y\nyes\n");
    // A line that has been begun is thrown away, too.
    terminal.types("yes ");
    let asker = ask(&scene, "bob", &alice, &[]);
    let code = terminal.is_asked();
    terminal.types(&format!("{code}\n"));
    terminal.shows("nothing is decided yet");
    terminal.types("no\n");
    is_declined(asker, "declined");
}

#[test]
fn what_is_typed_after_an_answer_signs_nothing_else() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let first = ask(&scene, "bob", &alice, &[]);
    let code = terminal.is_asked();
    terminal.types(&format!("yes {code}\nyes {code}\ny\nyes\n"));
    terminal.shows("you approve");
    first.wait().expect(0);
    let second = ask(&scene, "carol", &alice, &[]);
    assert_ne!(terminal.is_asked(), code);
    terminal.types("no\n");
    terminal.shows("you decline");
    is_declined(second, "declined");
}

#[test]
fn a_yes_that_fits_every_question_signs_none() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let mut asker = ask(&scene, "bob", &alice, &[]);
    let id = request_of(&mut asker);
    let code = terminal.is_asked();
    assert!(code.len() >= 4 && id.starts_with(&code), "{code} {id}");
    for blind in ["y", "yes", ""] {
        terminal.types(&format!("{blind}\n"));
        assert!(terminal.shows("nothing is decided yet").contains(&format!("to sign, type: yes {code}")));
    }
    // Ctrl-D is no answer, either, and does not end the input of a terminal.
    terminal.presses(4);
    terminal.shows("nothing is decided yet");
    terminal.types(&format!("yes {code}\n"));
    terminal.shows("you approve");
    asker.wait().expect(0);
}

#[test]
fn a_question_to_which_nobody_gives_a_clear_answer_is_declined() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let asker = ask(&scene, "bob", &alice, &[]);
    terminal.is_asked();
    terminal.types("y\ny\ny\ny\ny\n");
    terminal.shows("no clear answer; declined");
    is_declined(asker, "no clear answer was given");
}

#[test]
fn an_answer_to_one_request_does_not_sign_another() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let first = ask(&scene, "bob", &alice, &[]);
    let code = terminal.is_asked();
    let mut second = ask(&scene, "carol", &alice, &[]);
    let other = request_of(&mut second);
    terminal.types(&format!("yes {other}\n"));
    terminal.shows(&format!("request {other} is not asked about"));
    terminal.types("no\n");
    is_declined(first, "declined");
    let next = terminal.is_asked();
    assert!(other.starts_with(&next));
    terminal.types(&format!("yes {code}\n"));
    terminal.shows(&format!("too late: request {code} is over"));
    terminal.types(&format!("no {code}\n"));
    terminal.shows(&format!("too late: request {code} is over"));
    terminal.types(&format!("yes {other}\n"));
    second.wait().expect(0);
}

#[test]
fn a_question_that_is_over_is_taken_back_and_the_next_is_shown_at_once() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let mut first = ask(&scene, "bob", &alice, &[]);
    let code = terminal.is_asked();
    let mut second = ask(&scene, "carol", &alice, &[]);
    request_of(&mut second);
    terminal.shows("receives the request of");
    terminal.types("yes ");
    first.signal("INT");
    first.wait().expect(130);
    let line = terminal.shows(&format!("request {code} is over"));
    assert!(line.contains("given up by its asker"), "{line}");
    let next = terminal.is_asked();
    // The end of the answer to the first request is nothing to the second.
    terminal.types(&format!("{next}\n"));
    terminal.shows("nothing is decided yet");
    terminal.types(&format!("yes {code}\n"));
    terminal.shows(&format!("too late: request {code} is over"));
    terminal.types(&format!("yes {next}\n"));
    second.wait().expect(0);
}

#[test]
fn an_answer_to_a_question_that_is_over_is_told_that_it_is_too_late() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let mut asker = ask(&scene, "bob", &alice, &[]);
    let code = terminal.is_asked();
    asker.signal("INT");
    asker.wait().expect(130);
    terminal.shows("is over");
    terminal.types(&format!("yes {code}\n"));
    terminal.shows("too late: that request is over");
    // The next question stands all the same.
    let asker = ask(&scene, "carol", &alice, &[]);
    let code = terminal.is_asked();
    terminal.types(&format!("yes {code}\n"));
    asker.wait().expect(0);
}

#[test]
fn a_person_who_takes_too_long_is_told_so() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let asker = ask(&scene, "bob", &alice, &["--join-timeout", "4s"]);
    let code = terminal.is_asked();
    let line = terminal.shows(&format!("request {code} is over"));
    assert!(line.contains("not answered in time"), "{line}");
    asker.wait().expect(5);
}

#[test]
fn a_question_ends_when_another_signer_declines() {
    let scene = Scene::new();
    let (alice, dave) = (scene.name("alice"), scene.name("dave"));
    let mut terminal = at_a_terminal(&scene, &alice);
    let mut other = scene.start(&["run", "--dev", &dave, "--once", "--json"]);
    other.event("SignerAdvertised");
    let asker = ask(&scene, "bob", &format!("{alice},{dave}"), &[]);
    let code = terminal.is_asked();
    other.error_line("to sign, type:");
    other.answer("no");
    let line = terminal.shows(&format!("request {code} is over"));
    assert!(line.contains("refused: declined"), "{line}");
    is_declined(asker, "declined");
}

#[test]
fn nothing_is_printed_behind_a_question() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut terminal = at_a_terminal(&scene, &alice);
    let first = ask(&scene, "bob", &alice, &[]);
    let code = terminal.is_asked();
    let mut second = ask(&scene, "carol", &alice, &[]);
    request_of(&mut second);
    terminal.shows("receives the request of");
    terminal.types(&format!("yes {code}\n"));
    first.wait().expect(0);
    terminal.is_asked();
    terminal.types("no\n");
    second.wait().expect(5);
    terminal.signal("INT");
    let (_, all) = terminal.wait();
    for line in all.lines().filter(|line| line.contains(" ms  ")) {
        // Milliseconds come first in a line of the timeline.
        let first = line.split_whitespace().next().unwrap();
        assert!(first.chars().all(|digit| digit.is_ascii_digit()), "{line:?}\n{all}");
    }
}

/// In the background, a process that reads its terminal is stopped by the system, and its sessions with it.
#[test]
fn a_process_in_the_background_asks_without_being_stopped_and_is_answered_in_front() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let script = r#"set -m; "$0" run --dev "$1" & read -r line; echo "the shell has read $line"; fg"#;
    let mut shell = Command::new("setsid");
    shell.args(["--ctty", "sh", "-c", script]).arg(env!("CARGO_BIN_EXE_motet")).arg(&alice);
    shell.current_dir(scene.folder()).env("TMPDIR", scene.folder());
    if Command::new("setsid").arg("--version").output().is_err() {
        eprintln!("skipped: there is no setsid");
        return;
    }
    let mut terminal = Terminal::start(shell);
    terminal.shows("stop with Ctrl-C");
    let asker = ask(&scene, "bob", &alice, &[]);
    terminal.shows("this program runs in the background");
    let code = terminal.is_asked();
    // This is the shell's to read.
    terminal.types(&format!("yes {code}\n"));
    terminal.shows(&format!("the shell has read yes {code}"));
    terminal.shows(&format!("request {code}: to sign, type: yes {code}"));
    terminal.types(&format!("yes {code}\n"));
    terminal.shows("you approve");
    asker.wait().expect(0);
}
