//! Two processes of one signer that have a part in one session: the older gives it up, and says so by its exit code.

use std::fs;
use std::path::Path;

use crate::daemon_first::{NET, Signer};
use crate::judge::Signed;
use crate::process::{Motet, Scene};

/// Copies the data folder of a running process, which stands still meanwhile. The copy gets another identity in the network, so that both
/// processes are reached.
fn copy(motet: &mut Motet, from: &Path, to: &Path) {
    motet.signal("STOP");
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() && entry.file_name() != "node.key" {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    motet.signal("CONT");
}

/// The older process has given its session up, because of the newer one.
#[track_caller]
fn is_superseded(older: Motet, signer: &str) {
    let ended = older.wait().expect(12);
    let end = ended.last("SessionAborted");
    assert_eq!((&end["end"]["why"], &end["end"]["signer"]), (&"superseded".into(), &signer.into()), "{end}");
    assert!(ended.errors.contains("another process speaks for"), "{}", ended.errors);
    assert!(ended.errors.contains("stop one of the two"), "{}", ended.errors);
}

#[test]
fn of_two_processes_of_one_signer_the_older_ends_with_a_code_of_its_own() {
    let scene = Scene::new();
    let hub = Signer::start(&scene, "hub.key", &[]);
    let run = ["--auto-approve", "--peer", &hub.address, "--data"];
    let mut older = Signer::start(&scene, "a.key", &[&run[..], &["one", "--once"]].concat());
    // Nobody answers for carol yet, so that the session stays open.
    let mut carol = Signer::start(&scene, "c.key", &["--peer", &hub.address]);
    scene.run(&["key", "new", "--key-file", "b.key"]).expect(0);
    let with = format!("{},{}", older.key, carol.key);
    let sign = ["sign", "--key", "b.key", "--peer", &hub.address, "--with", &with, "--message", "m", "--json"];
    let asked = scene.start(&[&sign[..], &["--join-timeout", "10m"], &NET].concat());
    older.motet.event("SigningRequestJoined");
    let request = carol.motet.event("SigningRequestReceived");
    copy(&mut older.motet, &scene.path("one"), &scene.path("other"));
    let mut newer = Signer::start_with(&scene, "a.key", &[&run[..], &["other"]].concat());
    is_superseded(older.motet, &older.key);
    // The newer one goes on, and the session ends with its signature.
    let id = request["request"].as_str().unwrap();
    let waits = scene.run(&["requests", "--key", "c.key", "--json"]).expect(0);
    let waits: serde_json::Value = serde_json::from_str(&waits.output[0]).unwrap();
    scene.run(&["approve", id, "--digest", waits["digest"].as_str().unwrap(), "--key", "c.key"]).expect(0);
    Signed::items(&asked.wait().expect(0).last("result"))[0].verify();
    newer.motet.event("SessionComplete");
}

#[test]
fn a_request_whose_signer_runs_elsewhere_as_well_ends_with_a_code_of_its_own() {
    let scene = Scene::new();
    let bob = Signer::start(&scene, "b.key", &[]);
    scene.run(&["key", "new", "--key-file", "a.key"]).expect(0);
    let own = [&["--key", "a.key", "--peer", &bob.address, "--json"], &NET[..]].concat();
    let sign = ["sign", "--data", "one", "--with", &bob.key, "--message", "m", "--join-timeout", "10m"];
    let mut asking = scene.start(&[&sign[..], &own].concat());
    let signer = asking.event("SigningRequestCreated")["creator"].as_str().unwrap().to_owned();
    copy(&mut asking, &scene.path("one"), &scene.path("other"));
    let _newer = scene.start(&[&["run", "--data", "other", "--auto-approve"], &own[..]].concat());
    is_superseded(asking, &signer);
}
