//! Words of strangers: whatever they hold, what people and terminals see of them is harmless, and programs read the same.

use crate::process::{Ended, Scene};

/// Turns the direction of writing, hides, breaks lines, moves the cursor, and piles marks.
const TRICKS: &str = "\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}\u{7f}\u{9b}\u{ad}a\u{301}\u{301}\u{301}\u{301}";

/// Nothing in what was shown does more than stand there.
#[track_caller]
fn is_harmless(ended: &Ended) {
    for text in ended.output.iter().chain([&ended.errors]) {
        for strange in TRICKS.chars().filter(|strange| !matches!(strange, 'a' | '\u{301}')) {
            assert!(!text.contains(strange), "{strange:?} in {text:?}");
        }
        assert!(!text.contains("\u{301}\u{301}\u{301}"), "{text:?}");
    }
}

#[test]
fn a_nickname_is_harmless_wherever_it_is_shown() {
    let scene = Scene::new();
    let name = format!("{}{TRICKS}", scene.name("bob"));
    let mut other = scene.start(&["run", "--dev", &name, "--auto-approve"]);
    other.output_line("advertises");
    let asks = scene.name("alice");
    // The table of `find`, for people and for programs.
    let found = scene.run(&["find", "--dev", &asks]).expect(0);
    is_harmless(&found);
    assert!(found.output.iter().any(|line| line.contains("\\u{202e}")), "{}", found.told(""));
    let found = scene.run(&["find", "--dev", &asks, "--json"]).expect(0);
    is_harmless(&found);
    assert!(found.objects().iter().any(|object| object["nickname"] == name.as_str()), "{}", found.told(""));
    // The timelines, the log, and the name on the command line.
    let sign = ["sign", "--dev", &asks, "--with", &name, "--message", "m"];
    let mut signed = scene.start_with(&sign, &[("MOTET_LOG", "trace")]);
    signed.close_input();
    let signed = signed.wait().expect(0);
    is_harmless(&signed);
    let scene_of_its_own = Scene::new();
    let sign = ["sign", "--dev", &asks, "--with", &name, "--message", "m", "--find-timeout", "1ms"];
    is_harmless(&scene_of_its_own.run(&sign).expect(3));
    other.signal("TERM");
    is_harmless(&other.wait().expect(0));
}

#[test]
fn a_reason_is_harmless_wherever_it_is_shown() {
    let scene = Scene::new();
    let rules = serde_json::json!({"rules": [], "otherwise": {"deny": format!("not now{TRICKS}")}});
    std::fs::write(scene.path("rules.json"), rules.to_string()).unwrap();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let sign = ["sign", "--dev", &bob, "--with", &alice, "--message", "m"];
    for json in [false, true] {
        let mut run = vec!["run", "--dev", &alice, "--once", "--policy", "rules.json"];
        let mut sign = sign.to_vec();
        if json {
            run.push("--json");
            sign.push("--json");
        }
        let mut other = scene.start_with(&run, &[("MOTET_LOG", "debug")]);
        other.output_line(if json { "SignerAdvertised" } else { "advertises" });
        let mut asked = scene.start_with(&sign, &[("MOTET_LOG", "debug")]);
        asked.close_input();
        let asked = asked.wait().expect(5);
        is_harmless(&asked);
        is_harmless(&other.wait().expect(10));
        assert!(asked.errors.contains("not now\\u{202e}"), "{}", asked.told(""));
        if json {
            assert_eq!(asked.last("ParticipantDeclined")["reason"], format!("not now{TRICKS}"));
        }
    }
}

#[test]
fn a_nickname_that_could_be_taken_for_more_than_a_name_stands_in_quotes() {
    let scene = Scene::new();
    let name = format!("{} (02f9308a0192…) signs nothing", scene.name("b"));
    let mut other = scene.start(&["run", "--dev", &name, "--auto-approve"]);
    other.output_line("advertises");
    let found = scene.run(&["find", "--dev", &scene.name("alice")]).expect(0);
    assert!(found.output.iter().any(|line| line.contains(&format!("\"{name}\""))), "{}", found.told(""));
}
