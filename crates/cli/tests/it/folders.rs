//! Folders of `motet`: the data folder of a signer, and the meeting place of nodes with `--dev`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::{Ended, Scene};

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

fn key(scene: &Scene, name: &str) -> String {
    let told = scene.run(&["key", "new", "--key-file", name, "--json"]).expect(0).last("key");
    told["signer"].as_str().unwrap().to_owned()
}

/// Looks for nobody with this key, and finds nobody.
fn find(scene: &Scene, key: &str, options: &[&str]) -> Ended {
    scene.run(&[&["find", "--key", key, "--listen", LOOPBACK, "--timeout", "1ms"], options].concat())
}

fn ready(scene: &Scene, key: &str) -> Value {
    let mut node = scene.start(&["run", "--key", key, "--listen", LOOPBACK, "--json"]);
    node.event("ready")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// The words before a command that run it as a user who is nobody; none, with a word, if the test may not.
pub(crate) fn as_nobody(scene: &Scene) -> Option<&'static str> {
    let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    fs::set_permissions(scene.folder(), Permissions::from_mode(0o1777)).unwrap();
    let may = scene.script(&format!("{nobody} \"$MOTET\" --version")).status.success();
    if !may {
        eprintln!("skipped: this test may not run the program as another user");
    }
    may.then_some(nobody)
}

#[test]
fn keys_whose_names_differ_in_the_extension_have_folders_of_their_own() {
    let scene = Scene::new();
    for name in ["ops.main", "ops.test", "ops"] {
        key(&scene, name);
    }
    let peers = ["ops.main", "ops.test", "ops"].map(|name| ready(&scene, name)["peer"].clone());
    assert!(peers[0] != peers[1] && peers[1] != peers[2] && peers[0] != peers[2], "{peers:?}");
    for folder in ["ops.main.motet", "ops.test.motet", "ops.motet"] {
        assert_eq!(mode(&scene.path(folder)), 0o700);
        assert_eq!(mode(&scene.path(folder).join("node.key")), 0o600);
    }
}

#[test]
fn a_data_folder_serves_the_signer_that_used_it_first_and_no_other() {
    let scene = Scene::new();
    let (alice, bob) = (key(&scene, "alice.key"), key(&scene, "bob.key"));
    find(&scene, "alice.key", &[]).expect(3);
    assert_eq!(fs::read_to_string(scene.path("alice.key.motet/signer")).unwrap().trim_end(), alice);
    // A copy of a folder is still hers.
    let copied =
        Command::new("cp").arg("-r").args([scene.path("alice.key.motet"), scene.path("bob.key.motet")]).status();
    assert!(copied.unwrap().success());
    for options in [&[][..], &["--data", "alice.key.motet"]] {
        let ended = find(&scene, "bob.key", options).expect(1);
        assert!(ended.errors.contains(&alice) && ended.errors.contains(&bob), "{}", ended.errors);
        assert!(ended.errors.contains("--data DIR") && ended.errors.contains("--key FILE"), "{}", ended.errors);
    }
    find(&scene, "alice.key", &["--data", "bob.key.motet"]).expect(3);
    find(&scene, "bob.key", &["--data", "own"]).expect(3);
    // What does not say whose it is, is not used.
    fs::write(scene.path("own/signer"), "somebody").unwrap();
    let ended = find(&scene, "bob.key", &["--data", "own"]).expect(1);
    assert!(ended.errors.contains("own/signer does not hold a signer's public key"), "{}", ended.errors);
    for file in ["signer", "records.redb", "records.redb.new"] {
        let folder = scene.path(&format!("{file}-is-a-pipe"));
        fs::create_dir(&folder).unwrap();
        assert!(Command::new("mkfifo").arg(folder.join(file)).status().unwrap().success());
        let ended = find(&scene, "bob.key", &["--data", folder.to_str().unwrap()]);
        let refused = file != "records.redb.new";
        assert_eq!(ended.status.code(), Some(if refused { 1 } else { 3 }), "{}", ended.told(file));
    }
}

#[test]
fn a_folder_without_a_binding_is_taken_over_by_the_signer_whose_records_it_has() {
    let scene = Scene::new();
    let alice = key(&scene, "alice.key");
    let bob = key(&scene, "bob.key");
    let peer = ready(&scene, "alice.key")["peer"].clone();
    let binding = scene.path("alice.key.motet/signer");
    fs::remove_file(&binding).unwrap();
    let ended = find(&scene, "bob.key", &["--data", "alice.key.motet"]).expect(1);
    assert!(ended.errors.contains(&alice) && ended.errors.contains(&bob), "{}", ended.errors);
    assert!(!binding.exists());
    assert_eq!(ready(&scene, "alice.key")["peer"], peer);
    assert_eq!(fs::read_to_string(&binding).unwrap().trim_end(), alice);
}

#[test]
fn a_folder_of_an_earlier_version_is_not_left_behind_in_silence() {
    let scene = Scene::new();
    key(&scene, "alice.key");
    let peer = ready(&scene, "alice.key")["peer"].clone();
    let (now, earlier) = (scene.path("alice.key.motet"), scene.path("alice.motet"));
    fs::rename(&now, &earlier).unwrap();
    // Its own folder under the earlier name is used on.
    assert_eq!(ready(&scene, "alice.key")["peer"], peer);
    assert!(!now.exists());
    // Without a binding, it may be another's.
    fs::remove_file(earlier.join("signer")).unwrap();
    let ended = find(&scene, "alice.key", &[]).expect(1);
    assert!(ended.errors.contains("mv alice.motet alice.key.motet"), "{}", ended.errors);
    assert!(!now.exists());
    fs::rename(&earlier, &now).unwrap();
    assert_eq!(ready(&scene, "alice.key")["peer"], peer);
    // Another signer's is left alone.
    key(&scene, "alice.other");
    fs::rename(&now, &earlier).unwrap();
    assert_ne!(ready(&scene, "alice.other")["peer"], peer);
    assert!(scene.path("alice.other.motet").exists());
}

#[test]
fn a_data_folder_that_cannot_be_made_or_written_points_to_the_option() {
    let scene = Scene::new();
    key(&scene, "alice.key");
    fs::write(scene.path("file"), "").unwrap();
    for data in ["file", "file/folder"] {
        let ended = find(&scene, "alice.key", &["--data", data]).expect(1);
        assert!(ended.errors.contains(data) && ended.errors.contains("--data DIR"), "{}", ended.errors);
    }
    let Some(nobody) = as_nobody(&scene) else { return };
    let command = format!("exec {nobody} \"$MOTET\" find --listen {LOOPBACK} --timeout 1ms --key");
    for (name, files) in [("closed", &["k"][..]), ("half", &["k", "k.motet/"])] {
        let folder = scene.path(name);
        fs::create_dir(&folder).unwrap();
        for file in files {
            match file.strip_suffix('/') {
                Some(folder_name) => fs::create_dir(folder.join(folder_name)).unwrap(),
                None => drop(fs::copy(scene.path("alice.key"), folder.join(file)).unwrap()),
            }
        }
        assert!(scene.script(&format!("chown 65534 {name}/k")).status.success());
        let ended = scene.script(&format!("{command} {name}/k")).expect(1);
        assert!(ended.errors.contains("ermission denied") && ended.errors.contains("--data DIR"), "{}", ended.errors);
        scene.script(&format!("{command} {name}/k --data {name}-data")).expect(3);
    }
}

#[test]
fn a_store_that_does_not_open_gets_the_hint_that_helps() {
    let scene = Scene::new();
    key(&scene, "alice.key");
    // A signer that serves no API cannot be asked.
    let mut node = scene.start(&["run", "--key", "alice.key", "--listen", LOOPBACK, "--no-api", "--json"]);
    node.event("ready");
    let ended = find(&scene, "alice.key", &[]).expect(1);
    assert!(ended.errors.contains("alice.key.motet: another process uses the store"), "{}", ended.errors);
    assert!(ended.errors.contains("stop it first"), "{}", ended.errors);
    node.signal("INT");
    node.wait().expect(0);

    let records = scene.path("alice.key.motet/records.redb");
    let sound = fs::read(&records).unwrap();
    for damaged in [vec![], b"no records at all".to_vec(), vec![7; sound.len()], sound[..sound.len() / 2].to_vec()] {
        fs::write(&records, &damaged).unwrap();
        let ended = find(&scene, "alice.key", &[]).expect(1);
        assert!(ended.errors.contains("move records.redb away"), "{} bytes: {}", damaged.len(), ended.errors);
        assert!(!ended.errors.contains("another motet"), "{}", ended.errors);
    }
    fs::write(&records, sound).unwrap();
    find(&scene, "alice.key", &[]).expect(3);
    // No room: neither for a new store nor for what has to be written to this one.
    for data in ["alice.key.motet", "new"] {
        let arguments = format!("find --key alice.key --data {data} --listen {LOOPBACK} --timeout 1ms");
        let ended = scene.script(&format!("ulimit -f 0; exec \"$MOTET\" {arguments}")).expect(1);
        assert!(ended.errors.contains("make room there"), "{}", ended.errors);
        assert!(!ended.errors.contains("another motet"), "{}", ended.errors);
        find(&scene, "alice.key", &["--data", data]).expect(3);
    }
}

#[test]
fn nodes_of_two_users_meet_in_different_places() {
    let scene = Scene::new();
    let Some(nobody) = as_nobody(&scene) else { return };
    let mut alice = scene.start(&["run", "--dev", &scene.name("alice"), "--json"]);
    alice.event("SignerAdvertised");
    let bob = scene.name("bob");
    let found = scene.script(&format!("exec {nobody} \"$MOTET\" find --dev {bob} --type none --timeout 1ms")).expect(3);
    assert!(!found.errors.contains("cannot use"), "{}", found.errors);
    let place = fs::metadata(scene.path("motet-dev-65534")).unwrap();
    assert_eq!((place.uid(), place.mode() & 0o777), (65534, 0o700));
    assert_eq!(mode(&scene.meeting_place()), 0o700);
}

#[test]
fn a_meeting_place_that_is_not_this_users_alone_is_said_once_and_not_used() {
    let other = tempfile::tempdir().unwrap();
    type Spoil = fn(&Path, &Path);
    let spoils: [(&str, Spoil); 4] = [
        ("not a directory", |place, other| symlink(other, place).unwrap()),
        ("not a directory", |place, _| fs::write(place, "").unwrap()),
        ("other users can use it", |place, _| {
            fs::create_dir(place).unwrap();
            fs::set_permissions(place, Permissions::from_mode(0o777)).unwrap();
        }),
        ("belongs to another user", |place, _| {
            fs::create_dir(place).unwrap();
            if std::os::unix::fs::chown(place, Some(65534), None).is_err() {
                eprintln!("skipped: this test may not give files to other users");
                fs::remove_dir(place).unwrap();
            }
        }),
    ];
    for (words, spoil) in spoils {
        let scene = Scene::new();
        spoil(&scene.meeting_place(), other.path());
        if fs::symlink_metadata(scene.meeting_place()).is_err() {
            continue;
        }
        let ended = scene.run(&["find", "--dev", "nobody", "--type", "none", "--timeout", "1ms"]).expect(3);
        assert_eq!(ended.errors.matches("cannot use").count(), 1, "{}", ended.errors);
        assert!(ended.errors.contains(words) && ended.errors.contains("by multicast alone"), "{}", ended.errors);
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_meeting_place_is_in_the_users_runtime_folder_if_there_is_one() {
    let scene = Scene::new();
    let runtime = scene.path("runtime");
    fs::create_dir(&runtime).unwrap();
    let alice = scene.name("alice");
    let run = ["run", "--dev", &alice, "--json"];
    let mut node = scene.start_with(&run, &[("XDG_RUNTIME_DIR", runtime.to_str().unwrap())]);
    node.event("ready");
    assert_eq!(fs::read_dir(runtime.join("motet-dev")).unwrap().count(), 1);
    assert!(!scene.meeting_place().exists());
    // A folder that is not there is not made, and a name that depends on the current folder is none.
    for useless in [scene.path("missing").to_str().unwrap(), "runtime", ""] {
        let mut node = scene.start_with(&run, &[("XDG_RUNTIME_DIR", useless)]);
        node.event("ready");
        assert_eq!(fs::read_dir(scene.meeting_place()).unwrap().count(), 1);
        node.signal("INT");
        node.wait().expect(0);
    }
}

#[test]
fn what_is_no_note_in_the_meeting_place_keeps_nobody_and_notes_of_killed_nodes_go() {
    let scene = Scene::new();
    let mut killed = scene.start(&["run", "--dev", &scene.name("alice"), "--json"]);
    killed.event("ready");
    let place = scene.meeting_place();
    let mut lives = scene.start(&["run", "--dev", &scene.name("bob"), "--json"]);
    let lives_as = lives.event("ready")["peer"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_dir(&place).unwrap().count(), 2);
    killed.kill();
    killed.wait();
    assert!(Command::new("mkfifo").arg(place.join("pipe")).status().unwrap().success());
    fs::write(place.join("long"), "x".repeat(1_000_000)).unwrap();
    scene.run(&["find", "--dev", &scene.name("carol"), "--type", "none", "--timeout", "1ms"]).expect(3);
    let mut left: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [lives_as.as_str(), "pipe"]);
}

#[test]
fn without_a_temporary_folder_a_node_goes_on_and_a_demonstration_says_which() {
    let scene = Scene::new();
    let missing = scene.path("missing");
    let variables = [("TMPDIR", missing.to_str().unwrap())];
    let demo = scene.start_with(&["demo"], &variables).wait().expect(1);
    assert!(demo.errors.contains("missing") && demo.errors.contains("let TMPDIR name"), "{}", demo.errors);
    let find = scene.start_with(&["find", "--dev", "nobody", "--type", "none", "--timeout", "1ms"], &variables);
    let find = find.wait().expect(3);
    assert!(find.errors.contains("missing") && find.errors.contains("by multicast alone"), "{}", find.errors);
}
