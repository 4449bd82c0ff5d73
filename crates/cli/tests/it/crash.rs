//! A process that dies at a named place of a session, and what the others tell: with the feature `failpoints` alone.

use crate::judge::Signed;
use crate::process::{Ended, Scene, strings};
use crate::session::{names, sign, signer_of, willing};

#[test]
fn who_dies_before_its_partial_signature_is_named_by_the_others() {
    let scene = Scene::new();
    let (alice, bob, carol) = (scene.name("alice"), scene.name("bob"), scene.name("carol"));
    let other = willing(&scene, &alice, &[]);
    let mut victim = willing(&scene, &bob, &[("MOTET_CRASH_AT", "before-partial")]);
    let dead = signer_of(&mut victim);
    let asked = sign(&scene, &carol, &[&alice, &bob], &[]).wait().expect(5);
    let other = other.wait().expect(5);
    let victim = victim.wait();
    assert_eq!(victim.status.code(), None, "it was killed by a signal\n{}", victim.told(""));
    for survivor in [asked, other] {
        names(&survivor, &bob, &dead);
        let timeout = survivor.last("SessionTimeout");
        assert_eq!(timeout["phase"], "partial signatures");
        assert_eq!(strings(&timeout["awaiting"]), [dead.as_str()]);
        assert!(survivor.objects().iter().all(|object| object["event"] != "SessionComplete"));
    }
}

/// Two signers, of whom the one that is asked dies at this place. What the other makes of it.
fn dies_at(place: &str) -> (Ended, String, String) {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut victim = willing(&scene, &alice, &[("MOTET_CRASH_AT", place)]);
    let dead = signer_of(&mut victim);
    let asked = sign(&scene, &bob, &[&alice], &["--join-timeout", "10s"]).wait();
    assert_eq!(victim.wait().status.code(), None, "{place}: it was killed by a signal");
    (asked, alice, dead)
}

#[test]
fn who_dies_before_it_has_said_its_part_is_named() {
    // What it said just before may have left the process or not, so the others may wait for that instead.
    let places = [("before-nonces", ["joining", "nonces"]), ("before-signing", ["nonces", "partial signatures"])];
    let waiting = places.map(|(place, phases)| (place, phases, std::thread::spawn(move || dies_at(place))));
    for (place, phases, outcome) in waiting {
        let (asked, name, dead) = outcome.join().unwrap();
        let asked = asked.expect(5);
        names(&asked, &name, &dead);
        let timeout = asked.last("SessionTimeout");
        assert!(phases.iter().any(|phase| timeout["phase"] == *phase), "{place}: {timeout}");
    }
}

#[test]
fn who_dies_while_its_part_is_on_the_way_is_named_or_not_missed() {
    // The words may have left the process or not: whoever waits for the next ones learns it, and nobody hangs.
    let places = ["after-join", "after-nonces", "after-partial"];
    let waiting = places.map(|place| (place, std::thread::spawn(move || dies_at(place))));
    for (place, outcome) in waiting {
        let (asked, name, dead) = outcome.join().unwrap();
        if place == "after-partial" && asked.status.success() {
            Signed::items(&asked.last("result"))[0].verify();
        } else {
            names(&asked.expect(5), &name, &dead);
        }
    }
}
