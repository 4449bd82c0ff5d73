//! Backups: one encrypted file, from which a signer begins again, and which can do no harm however old it is.

use std::collections::BTreeSet;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::daemon_first::{NET, Signer};
use crate::judge::Signed;
use crate::process::Scene;

fn secret(scene: &Scene) {
    for (file, passphrase) in [("secret", "correct horse"), ("wrong", "correct house")] {
        fs::write(scene.path(file), format!("{passphrase}\n")).unwrap();
        fs::set_permissions(scene.path(file), Permissions::from_mode(0o600)).unwrap();
    }
}

/// The commitments and nonces that a signer has told, by what they are for.
fn shares(objects: &[Value]) -> BTreeSet<String> {
    objects
        .iter()
        .filter(|object| object["event"] == "SessionNoncesComplete")
        .map(|object| object["session"].to_string())
        .collect()
}

#[test]
fn a_restored_signer_signs_and_an_old_backup_has_nothing_to_use_twice() {
    let (old, new) = (Scene::new(), Scene::new());
    secret(&old);
    secret(&new);
    let init = ["init", "alice", "--network", "dev", "--nickname", "alice", "--passphrase-file", "secret", "--json"];
    let made = old.run(&init).expect(0).last("initialized");
    let bob = Signer::start(&new, "b.key", &["--auto-approve"]);
    old.run(&["contact", "add", &bob.key, "--name", "bob", "--key", "alice"]).expect(0);
    let sign = ["sign", "--with", "b.key", "--message", "m", "--json", "--passphrase-file", "secret"];
    let sign = [&sign[..], &["--peer", &bob.address, "--listen", NET[3]]].concat();
    let backup = ["backup", "saved", "--passphrase-file", "secret", "--json"];
    let saved = old.run(&backup).expect(0).last("backup");
    assert_eq!(saved["files"], 3, "{saved}");
    let bytes = fs::read(old.path("saved")).unwrap();
    let secrets = [&b"alice"[..], b"contacts", b"keystore", b"network"];
    for word in secrets {
        assert!(!bytes.windows(word.len()).any(|window| window == word), "{}", String::from_utf8_lossy(word));
    }
    assert_eq!(fs::metadata(old.path("saved")).unwrap().permissions().mode() & 0o777, 0o600);
    old.run(&backup).expect(1);
    // After the backup, the signer signs: the backup is old from here on.
    let before = old.run(&sign).expect(0);
    Signed::items(&before.last("result"))[0].verify();
    // Elsewhere, nothing is there; the wrong passphrase and a damaged file leave it so.
    fs::copy(old.path("saved"), new.path("saved")).unwrap();
    new.run(&["restore", "saved", "--passphrase-file", "wrong"]).expect(9);
    let mut damaged = bytes.clone();
    damaged[200] ^= 1;
    fs::write(new.path("damaged"), damaged).unwrap();
    new.run(&["restore", "damaged", "--passphrase-file", "secret"]).expect(9);
    new.run(&["restore", "secret", "--passphrase-file", "secret"]).expect(7);
    assert!(!new.path(".local").exists() && !new.path(".config").exists());
    let restore = ["restore", "saved", "--passphrase-file", "secret"];
    let restored = new.run(&restore).expect(0);
    assert!(restored.output.iter().any(|line| line.contains("motet run --key alice")), "{}", restored.told(""));
    let again = new.run(&restore).expect(1);
    assert!(again.errors.contains("exists already"), "{}", again.errors);
    // The same signer asks for the same, and its contact is there.
    let listed = new.run(&["contact", "list", "--key", "alice", "--json"]).expect(0).last("contact");
    assert_eq!(listed["signer"], bob.key.as_str());
    let after = new.run(&sign).expect(0);
    Signed::items(&after.last("result"))[0].verify();
    let creator = |ended: &crate::process::Ended| ended.last("SigningRequestCreated")["creator"].clone();
    assert_eq!((creator(&before), creator(&after)), (made["signer"].clone(), made["signer"].clone()));
    // It is another request, in another session, with other nonces: nothing of the earlier one is known any more.
    assert!(shares(&before.objects()).is_disjoint(&shares(&after.objects())));
    let folder = new.path(".local/share/motet/alice.motet");
    let identity = |scene: &Scene| fs::read(scene.path(".local/share/motet/alice.motet/node.key")).unwrap();
    assert_ne!(identity(&old), identity(&new));
    assert!(folder.join("records.redb").exists());
}

#[test]
fn a_key_file_is_saved_under_a_passphrase_of_its_own() {
    let (old, new) = (Scene::new(), Scene::new());
    secret(&old);
    secret(&new);
    let made = old.run(&["key", "new", "--key-file", "a.key", "--json"]).expect(0).last("key");
    old.run(&["backup", "saved", "--key", "a.key", "--passphrase-file", "secret"]).expect(0);
    fs::copy(old.path("saved"), new.path("saved")).unwrap();
    new.run(&["restore", "saved", "--passphrase-file", "secret"]).expect(0);
    assert_eq!(fs::read(old.path("a.key")).unwrap(), fs::read(new.path("a.key")).unwrap());
    assert_eq!(fs::metadata(new.path("a.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let alice = Signer::start(&new, "a.key", &[]);
    assert_eq!(alice.key, made["signer"].as_str().unwrap());
}

#[test]
fn signatures_that_nobody_has_noted_are_saved_while_the_signer_runs() {
    let (old, new) = (Scene::new(), Scene::new());
    secret(&old);
    secret(&new);
    let alice = Signer::start(&old, "a.key", &["--auto-approve", "--keep-results"]);
    let bob = Signer::start(&old, "b.key", &["--peer", &alice.address]);
    let asked = old.run(&["sign", "--key", "b.key", "--with", &alice.key, "--message", "m", "--json"]).expect(0);
    let request = asked.last("result")["request"].as_str().unwrap().to_owned();
    old.run(&["result", &request, "--key", "a.key", "--wait", "60s"]).expect(0);
    old.run(&["backup", "saved", "--key", "a.key", "--passphrase-file", "secret"]).expect(0);
    alice.halt(&old, "a.key");
    bob.halt(&old, "b.key");
    fs::copy(old.path("saved"), new.path("saved")).unwrap();
    new.run(&["restore", "saved", "--passphrase-file", "secret"]).expect(0);
    let alice = Signer::start(&new, "a.key", &["--keep-results"]);
    let result = new.run(&["result", &request, "--key", "a.key", "--json"]).expect(0);
    let result: Value = serde_json::from_str(&result.output[0]).unwrap();
    assert_eq!(result["items"], asked.last("result")["items"]);
    alice.halt(&new, "a.key");
}
