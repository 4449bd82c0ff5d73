//! What could not be said is a failure, and never a panic.

use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter};
use std::process::Stdio;

use crate::judge::Signed;
use crate::process::{Motet, Scene};

const KEY: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const MESSAGE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const SIGNATURE: &str = "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215\
25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0";

/// A device that takes nothing; `None` where there is none.
fn full() -> Option<Stdio> {
    let device = File::options().write(true).open("/dev/full");
    if device.is_err() {
        eprintln!("skipped: this machine has no /dev/full");
    }
    device.ok().map(Stdio::from)
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer): (PipeReader, PipeWriter) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Both kinds of outputs that take nothing.
fn deaf() -> Vec<Stdio> {
    full().into_iter().chain([closed()]).collect()
}

/// Waits for a command whose output went nowhere: it fails, and says so.
#[track_caller]
fn unsaid(motet: Motet) -> String {
    let ended = motet.wait().expect(1);
    assert!(ended.errors.contains("could not be written to standard output"), "{}", ended.errors);
    ended.errors
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let scene = Scene::new();
    let rules = r#"{"signers": {"a": "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"}, "rules": [], "otherwise": "ask"}"#;
    std::fs::write(scene.path("rules"), rules).unwrap();
    std::fs::write(scene.path("request"), r#"{"signer": "a", "requester": "a"}"#).unwrap();
    std::fs::write(scene.path("wrong"), "{").unwrap();
    let verify = ["verify", "--key", KEY, "--message-hex", MESSAGE, "--signature", SIGNATURE];
    let commands: &[&[&str]] = &[
        &verify,
        &[&verify[..], &["--json"]].concat(),
        &["policy", "check", "rules"],
        &["policy", "check", "rules", "--json"],
        &["policy", "check", "wrong", "--json"],
        &["policy", "explain", "rules", "--request", "request"],
        &["policy", "explain", "rules", "--request", "request", "--json"],
        &["help"],
        &["sign", "--help"],
        &["--version"],
        &["demo", "--signers", "2"],
        &["demo", "--signers", "2", "--json"],
        &["run", "--dev", "a"],
        &["run", "--dev", "a", "--json"],
    ];
    for arguments in commands {
        for output in deaf() {
            unsaid(scene.start_into(output, Stdio::piped(), arguments));
        }
    }
}

#[test]
fn a_key_whose_name_cannot_be_told_is_still_named_on_standard_error() {
    let scene = Scene::new();
    for (index, output) in deaf().into_iter().enumerate() {
        let file = format!("{index}.key");
        let errors = unsaid(scene.start_into(output, Stdio::piped(), &["key", "new", "--key-file", &file]));
        assert!(errors.contains(&format!("has been written to {file}")), "{errors}");
        assert!(scene.path(&file).exists());
    }
}

#[test]
fn a_signature_that_cannot_be_written_is_not_lost() {
    for format in [None, Some("--json")] {
        for output in deaf() {
            let scene = Scene::new();
            let alice = scene.name("alice");
            let other = scene.start(&["run", "--dev", &alice, "--once", "--auto-approve", "--json"]);
            let mut arguments = vec!["sign", "--dev", "asker", "--with", &alice, "--message", "m"];
            arguments.extend(format);
            let errors = unsaid(scene.start_into(output, Stdio::piped(), &arguments));
            let signed = Signed::items(&other.wait().expect(0).last("SessionComplete"));
            let signature = signed[0].signature.to_string();
            assert!(errors.contains("the signature has been made") && errors.contains(&signature), "{errors}");
        }
    }
}

#[test]
fn signers_that_are_found_and_cannot_be_listed_are_a_failure() {
    let scene = Scene::new();
    let (alice, kind) = (scene.name("alice"), scene.name("kind"));
    let mut signer = scene.start(&["run", "--dev", &alice, "--type", &kind, "--json"]);
    signer.event("SignerAdvertised");
    for format in [None, Some("--json")] {
        for output in deaf() {
            let mut find = vec!["find", "--dev", "seeker", "--type", &kind, "--timeout", "90s"];
            find.extend(format);
            unsaid(scene.start_into(output, Stdio::piped(), &find));
        }
    }
}

/// A signer, and what is behind the first line that it has said.
fn signer_with_one_reader(scene: &Scene, name: &str, more: &[&str]) -> (Motet, BufReader<PipeReader>) {
    let (reader, writer) = std::io::pipe().unwrap();
    let arguments = [&["run", "--dev", name, "--auto-approve"], more].concat();
    let motet = scene.start_into(writer, Stdio::piped(), &arguments);
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    assert!(reader.read_line(&mut line).unwrap() > 0);
    (motet, reader)
}

#[test]
fn a_signer_whose_timeline_nobody_reads_any_more_signs_on() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let (signer, reader) = signer_with_one_reader(&scene, &alice, &["--once"]);
    drop(reader);
    let sign = ["sign", "--dev", "asker", "--with", &alice, "--message", "m", "--find-timeout", "90s", "--json"];
    scene.run(&sign).expect(0);
    assert_eq!(signer.wait().expect(0).errors, "");
}

#[test]
fn a_signer_whose_events_nobody_reads_any_more_says_farewell_and_fails() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let (signer, reader) = signer_with_one_reader(&scene, &alice, &["--json"]);
    drop(reader);
    // Something happens.
    let mut other = scene.start(&["run", "--dev", &bob, "--json"]);
    other.event("ready");
    unsaid(signer);
    assert_eq!(std::fs::read_dir(scene.meeting_place()).unwrap().count(), 1, "its note is gone");
}

#[test]
fn an_error_that_cannot_be_said_has_its_exit_code_still() {
    let scene = Scene::new();
    let verify = ["verify", "--key", KEY, "--message-hex", MESSAGE, "--signature", SIGNATURE];
    for (code, arguments) in [
        (0, &verify[..]),
        (1, &["key", "new", "--key-file", "missing/signer.key"]),
        (2, &["verify"]),
        (2, &["verify", "--key", "00"]),
        (2, &[]),
        (3, &["find", "--dev", "seeker", "--type", "nobody", "--timeout", "1ms"]),
        (3, &["sign", "--dev", "asker", "--with", "nobody", "--message", "m", "--find-timeout", "1ms"]),
    ] {
        for errors in deaf() {
            scene.start_into(Stdio::piped(), errors, arguments).wait().expect(code);
        }
    }
}

#[test]
fn logs_that_cannot_be_written_end_nothing() {
    let scene = Scene::new();
    for device in ["/dev/full", "&-"] {
        let script = format!("MOTET_LOG=trace exec \"$0\" \"$@\" 2>{device}");
        let arguments = ["-c", &script, crate::process::MOTET, "demo", "--signers", "2", "--json"];
        scene.start_other("sh", &arguments).wait().expect(0).last("result");
    }
}

#[test]
fn closed_outputs_end_nothing() {
    let scene = Scene::new();
    for closed in [">&-", "2>&-", "<&-", "<&- >&- 2>&-"] {
        let script = format!("exec \"$0\" \"$@\" {closed}");
        let demo = ["-c", &script, crate::process::MOTET, "demo", "--signers", "2"];
        scene.start_other("sh", &demo).wait().expect(0);
        let wrong = ["-c", &script, crate::process::MOTET, "verify", "--key", "00"];
        scene.start_other("sh", &wrong).wait().expect(2);
    }
}
