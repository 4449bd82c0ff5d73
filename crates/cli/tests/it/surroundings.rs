//! Hostile surroundings: no home, no room, folders that take nothing, a port that is taken. Each is a failure with a next step, and leaves
//! nothing half done. Closed outputs are in `writes.rs`, missing terminals in `nobody.rs`, second processes in `fine.rs`.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};

use crate::folders::as_nobody;
use crate::process::Scene;

const KEY: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";

/// Commands that write into the folder `there`, each with the file that it could not write.
const WRITES: [(&str, &str); 7] = [
    ("key new --key-file there/key", "there/key"),
    ("key new alice --keystore there/keystore --passphrase-file secret", "there/keystore"),
    ("key export bob --out there/exported --yes --keystore keystore --passphrase-file secret", "there/exported"),
    ("group seed --words-file there/words", "there/words"),
    ("init --keystore there/first --passphrase-file secret --config there/config.toml", "there/first"),
    ("backup there/saved --key key --passphrase-file secret", "there/saved"),
    ("contact add CONTACT --name bob --data there/data", "there/data"),
];

/// The commands, with the key of a contact.
fn commands() -> impl Iterator<Item = (String, &'static str)> {
    WRITES.into_iter().map(|(command, file)| (command.replace("CONTACT", KEY), file))
}

/// A scene with a keystore, a key file, a passphrase, and an empty folder `there`.
fn furnished() -> Scene {
    let scene = Scene::new();
    fs::write(scene.path("secret"), "correct horse\n").unwrap();
    fs::set_permissions(scene.path("secret"), Permissions::from_mode(0o600)).unwrap();
    scene.run(&["key", "new", "--key-file", "key"]).expect(0);
    scene.run(&["key", "new", "bob", "--keystore", "keystore", "--passphrase-file", "secret"]).expect(0);
    fs::create_dir(scene.path("there")).unwrap();
    scene
}

/// The files below the folder `there`.
fn left(scene: &Scene) -> Vec<String> {
    scene.script("find there -type f").expect(0).output
}

#[test]
fn a_full_disk_leaves_no_part_of_a_file_and_room_again_lets_the_command_succeed() {
    let scene = furnished();
    for (command, file) in commands() {
        let full = scene.script(&format!("ulimit -f 0; exec \"$MOTET\" {command}")).expect(1);
        assert!(full.errors.contains(file) && full.errors.contains("File too large"), "{command}\n{}", full.errors);
        assert_eq!(left(&scene), Vec::<String>::new(), "{command}");
        scene.script(&format!("exec \"$MOTET\" {command}")).expect(0);
        assert!(!left(&scene).is_empty(), "{command}");
        fs::remove_dir_all(scene.path("there")).unwrap();
        fs::create_dir(scene.path("there")).unwrap();
    }
}

#[test]
fn a_folder_that_takes_nothing_is_named_by_every_command_that_writes() {
    let scene = furnished();
    let Some(nobody) = as_nobody(&scene) else { return };
    for file in ["key", "secret", "keystore"] {
        chown(scene.path(file), Some(65534), Some(65534)).unwrap();
    }
    for (command, file) in commands() {
        let refused = scene.script(&format!("exec {nobody} \"$MOTET\" {command}")).expect(1);
        assert!(
            refused.errors.contains(file) && refused.errors.contains("ermission denied"),
            "{command}\n{}",
            refused.errors
        );
        assert_eq!(left(&scene), Vec::<String>::new(), "{command}");
    }
    // A signer that could not keep its records does not start.
    let run =
        scene.script(&format!("exec {nobody} \"$MOTET\" run --key key --data there/run --auto-approve")).expect(1);
    assert!(run.errors.contains("there/run") && run.errors.contains("--data DIR"), "{}", run.errors);
}

#[test]
fn without_a_home_each_command_names_the_option_that_stands_for_it() {
    let scene = furnished();
    let homeless = |command: &str| scene.script(&format!("unset HOME; exec \"$MOTET\" {command}"));
    for (command, option) in [
        ("key list --passphrase-file secret", "--keystore FILE"),
        ("key new --passphrase-file secret", "--keystore FILE"),
        ("run --key alice", "--keystore FILE"),
        ("init --passphrase-file secret", "--config FILE"),
        ("service install -- --key alice", "--system"),
    ] {
        let ended = homeless(command).expect(1);
        assert!(
            ended.errors.contains("HOME is not set") && ended.errors.contains(option),
            "{command}\n{}",
            ended.errors
        );
    }
    // Where nothing of the home is needed, nothing is missing.
    homeless("config show").expect(0);
    homeless("key list --keystore keystore --passphrase-file secret").expect(0);
    homeless("find --key key --data data --listen /ip4/127.0.0.1/tcp/0 --timeout 1ms").expect(3);
    homeless("find --dev nobody --type none --timeout 1ms").expect(3);
}

#[test]
fn a_port_of_the_api_that_is_taken_is_told_with_the_option() {
    let scene = Scene::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = scene.run(&["run", "--dev", &scene.name("alice"), "--api", &address, "--json"]).expect(1);
    assert!(ended.errors.contains(&address) && ended.errors.contains("--api ADDRESS"), "{}", ended.errors);
    assert!(ended.output.is_empty(), "{}", ended.told(""));
}
