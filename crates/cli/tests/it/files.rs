//! Files that `motet` reads and writes: keys are whole or absent, and what is no file never makes it wait.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::process::{Ended, Scene};

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Whether the test may do this; if not, it is skipped, with a word.
fn may(scene: &Scene, what: &str, script: &str) -> bool {
    let may = scene.script(script).status.success();
    if !may {
        eprintln!("skipped: this machine does not allow {what}");
    }
    may
}

/// Looks for nobody with this key: what is wrong with the key shows, and otherwise nobody is found.
fn with_key(scene: &Scene, key: &str, variables: &[(&str, &str)]) -> Ended {
    let loopback = "/ip4/127.0.0.1/tcp/0";
    let arguments = ["find", "--key", key, "--data", "data", "--listen", loopback, "--timeout", "1ms"];
    let mut motet = scene.start_with(&arguments, variables);
    motet.close_input();
    motet.wait()
}

#[test]
fn a_key_that_cannot_be_written_leaves_nothing_and_the_next_one_is_written() {
    for trap in ["", "trap '' XFSZ; "] {
        let scene = Scene::new();
        let limited = scene.script(&format!("{trap}ulimit -f 0; exec \"$MOTET\" key new --key-file signer.key"));
        let limited = limited.expect(1);
        assert!(limited.errors.contains("signer.key: File too large"), "{}", limited.errors);
        assert!(limited.errors.contains("no key was made"), "{}", limited.errors);
        assert_eq!(names(scene.folder()), Vec::<String>::new());
        scene.run(&["key", "new", "--key-file", "signer.key"]).expect(0);
        assert_eq!(names(scene.folder()), ["signer.key"]);
    }
}

#[test]
fn a_full_disk_holds_no_part_of_a_key() {
    let scene = Scene::new();
    fs::create_dir(scene.path("disk")).unwrap();
    let mounted = "mount -t tmpfs -o size=8k tmpfs disk && head -c 100000 /dev/zero > disk/filler; test -s disk/filler";
    let inside =
        |script: &str| format!("unshare --user --map-root-user --mount bash -c '{mounted} && {{ {script}; }}'");
    if !may(&scene, "a file system in a namespace", &inside("true")) {
        return;
    }
    let script = r#""$MOTET" key new --key-file disk/signer.key; echo "first $?"; ls -A disk; rm disk/filler;
        "$MOTET" key new --key-file disk/signer.key > /dev/null; echo "second $?"; ls -A disk"#;
    let ended = scene.script(&inside(script)).expect(0);
    assert_eq!(ended.output, ["first 1", "filler", "second 0", "signer.key"], "{}", ended.told(""));
    assert!(ended.errors.contains("signer.key: No space left on device"), "{}", ended.errors);
}

#[test]
fn a_name_that_is_taken_is_told_in_words() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "file"]).expect(0);
    fs::create_dir(scene.path("folder.motet")).unwrap();
    symlink("nowhere", scene.path("link")).unwrap();
    pipe(&scene.path("pipe"));
    for (name, words) in [
        ("file", "file exists already, and no key file is ever overwritten"),
        ("folder.motet", "folder.motet is a directory, perhaps the data folder of a node"),
        ("link", "link exists already: it is a link"),
        ("pipe", "pipe exists already: it is a pipe"),
    ] {
        let ended = scene.run(&["key", "new", "--key-file", name]).expect(1);
        assert!(ended.errors.contains(words) && ended.errors.contains("choose another name"), "{}", ended.errors);
        assert!(!ended.errors.contains("os error"), "{}", ended.errors);
    }
}

#[test]
fn a_folder_that_takes_no_key_is_told_with_the_reason() {
    let scene = Scene::new();
    fs::write(scene.path("file"), "").unwrap();
    for (name, words) in [
        ("missing/k", "missing/k: No such file or directory"),
        ("file/k", "file/k: Not a directory"),
        ("/proc/k", "/proc/k: No such file or directory"),
    ] {
        let ended = scene.run(&["key", "new", "--key-file", name]).expect(1);
        assert!(ended.errors.contains(words) && ended.errors.contains("no key was made"), "{}", ended.errors);
        assert!(!ended.errors.contains(".motet-"), "{}", ended.errors);
    }
    assert_eq!(names(scene.folder()), ["file"]);
}

#[test]
fn what_is_no_file_is_no_key_and_nobody_waits_for_it() {
    let scene = Scene::new();
    pipe(&scene.path("pipe"));
    fs::create_dir(scene.path("folder")).unwrap();
    for (key, words) in [
        ("pipe", "pipe is a pipe, not a file with the signer key"),
        ("folder", "folder is a directory, not a file with the signer key"),
        ("/dev/null", "/dev/null is a device, not a file with the signer key"),
    ] {
        let ended = with_key(&scene, key, &[]).expect(1);
        assert!(ended.errors.contains(words) && !ended.errors.contains("chmod"), "{}", ended.errors);
    }
    // What the shell makes of `<(…)`.
    scene.run(&["key", "new", "--key-file", "signer.key"]).expect(0);
    let ended = scene.script(r#"exec "$MOTET" find --key <(cat signer.key) --timeout 1ms"#).expect(1);
    assert!(ended.errors.contains("is a pipe, not a file"), "{}", ended.errors);
}

#[test]
fn a_key_that_is_handed_over_is_read_where_its_folder_is_named() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "made.key"]).expect(0);
    // As Kubernetes does it.
    let folder = scene.path("secrets");
    fs::create_dir_all(folder.join("..2026_11_28")).unwrap();
    symlink("..2026_11_28", folder.join("..data")).unwrap();
    symlink("..data/key", folder.join("key")).unwrap();
    let key = folder.join("..2026_11_28/key");
    fs::copy(scene.path("made.key"), &key).unwrap();
    let absolute = folder.to_str().unwrap();
    for mode in [0o440, 0o444, 0o644] {
        chmod(&key, mode);
        for elsewhere in [&[][..], &[("CREDENTIALS_DIRECTORY", "/proc")], &[("CREDENTIALS_DIRECTORY", "secrets")]] {
            let refused = with_key(&scene, "secrets/key", elsewhere).expect(1);
            assert!(refused.errors.contains("can be read by others"), "{}", refused.errors);
            assert!(refused.errors.contains("CREDENTIALS_DIRECTORY"), "{}", refused.errors);
        }
        with_key(&scene, "secrets/key", &[("CREDENTIALS_DIRECTORY", absolute)]).expect(3);
    }
    // Others may read it there, and never change it.
    for mode in [0o660, 0o602] {
        chmod(&key, mode);
        let refused = with_key(&scene, "secrets/key", &[("CREDENTIALS_DIRECTORY", absolute)]).expect(1);
        assert!(refused.errors.contains("can be changed by others"), "{}", refused.errors);
    }
    // A private file needs nobody's word, and a link to it is as good as its name.
    chmod(&key, 0o400);
    with_key(&scene, "secrets/key", &[]).expect(3);
    // No way out of the folder makes a file one that was handed over.
    chmod(&scene.path("made.key"), 0o640);
    symlink("../made.key", folder.join("out")).unwrap();
    for out in ["secrets/out", "secrets/../made.key"] {
        with_key(&scene, out, &[("CREDENTIALS_DIRECTORY", absolute)]).expect(1);
    }
}

#[test]
fn a_link_of_another_user_is_not_followed() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "signer.key"]).expect(0);
    symlink("signer.key", scene.path("link")).unwrap();
    if !may(&scene, "giving files to other users", "chown --no-dereference 65534 link") {
        return;
    }
    let ended = with_key(&scene, "link", &[]).expect(1);
    assert!(
        ended.errors.contains("link is a link") && ended.errors.contains("neither to this user"),
        "{}",
        ended.errors
    );
    // The link is ours, and its file is not.
    fs::remove_file(scene.path("link")).unwrap();
    symlink("signer.key", scene.path("link")).unwrap();
    assert!(may(&scene, "giving files to other users", "chown 65534 signer.key"));
    with_key(&scene, "link", &[]).expect(1);
}

#[test]
fn a_damaged_file_is_named_with_its_purpose_and_what_to_do() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "signer.key"]).expect(0);
    with_key(&scene, "signer.key", &[]).expect(3);
    let identity = scene.path("data/node.key");
    for (text, problem) in [("", "it is empty"), ("00ff", "64 hexadecimal digits"), ("\u{feff}00", "64 hexadecimal")] {
        fs::write(&identity, text).unwrap();
        let ended = with_key(&scene, "signer.key", &[]).expect(1);
        assert!(ended.errors.contains("data/node.key does not hold the node's network identity"), "{}", ended.errors);
        assert!(ended.errors.contains(problem), "{}", ended.errors);
        assert!(ended.errors.contains("or remove it"), "{}", ended.errors);
    }
    fs::remove_file(&identity).unwrap();
    pipe(&identity);
    let ended = with_key(&scene, "signer.key", &[]).expect(1);
    assert!(ended.errors.contains("data/node.key is a pipe"), "{}", ended.errors);
    fs::remove_file(&identity).unwrap();
    with_key(&scene, "signer.key", &[]).expect(3);

    fs::write(scene.path("signer.key"), "alice").unwrap();
    let ended = with_key(&scene, "signer.key", &[]).expect(1);
    assert!(ended.errors.contains("signer.key does not hold the signer key"), "{}", ended.errors);
    assert!(ended.errors.contains("motet key new"), "{}", ended.errors);
}

#[test]
fn rules_are_read_from_files_and_a_node_never_waits_for_them() {
    let scene = Scene::new();
    let rules = r#"{"rules": [], "otherwise": "ask"}"#;
    pipe(&scene.path("pipe"));
    for command in [&["policy", "check", "pipe"][..], &["run", "--dev", "nobody", "--policy", "pipe"]] {
        let ended = scene.run(command).expect(1);
        assert!(ended.errors.contains("cannot read pipe: it is a pipe"), "{}", ended.errors);
    }
    let ended = scene.run(&["run", "--dev", "nobody", "--policy", "-"]).expect(2);
    assert!(ended.errors.contains("not read from standard input"), "{}", ended.errors);
    // An editor's mark of the byte order says nothing, and what is no UTF-8 is said to be none.
    fs::write(scene.path("marked.json"), format!("\u{feff}{rules}")).unwrap();
    scene.run(&["policy", "check", "marked.json"]).expect(0);
    let wide: Vec<u8> = format!("\u{feff}{rules}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(scene.path("wide.json"), wide).unwrap();
    let ended = scene.run(&["policy", "check", "wide.json"]).expect(2);
    assert!(ended.errors.contains("wide.json is not UTF-8") && ended.errors.contains("save it as"), "{}", ended.errors);
}

#[test]
fn a_command_that_reads_standard_input_dies_by_a_signal() {
    let scene = Scene::new();
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let mut motet = scene.start(&["policy", "check", "-"]);
        // More than the pipe holds: it is being read.
        motet.answer(&" ".repeat(200_000));
        motet.signal(signal);
        let ended = motet.wait();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(number), "{}", ended.told(""));
    }
}
