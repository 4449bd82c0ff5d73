//! The clients in `clients/`: their examples run against real signers, and they agree with the program about webhooks.

use std::path::PathBuf;
use std::process::Command;

use crate::api::{Signer, ask, text};
use crate::lab::skip;
use crate::process::Scene;
use crate::webhooks::{Got, next, receiver};

/// The folder of a client.
fn folder(language: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients")).join(language)
}

/// True if a program of this machine runs with these arguments; otherwise the test is skipped.
fn runs(program: &str, arguments: &[&str], what: &str) -> bool {
    let runs = Command::new(program).args(arguments).output().is_ok_and(|ended| ended.status.success());
    if !runs {
        skip(what);
    }
    runs
}

fn has_python() -> bool {
    runs("python3", &["-c", "import sys; sys.exit(sys.version_info < (3, 9))"], "there is no Python 3.9")
}

fn has_node() -> bool {
    let check = "process.exit(Number(process.versions.node.split('.')[0]) < 18 ? 1 : 0)";
    runs("node", &["-e", check], "there is no Node 18")
}

/// Runs an example: the first signer asks and signs what it asks for, and the second is approved for by the example.
fn example(program: &str, language: &str, file: &str) {
    let scene = Scene::new();
    let bob = Signer::start(&scene, "bob", &[]);
    let alice = Signer::start(&scene, "alice", &["--auto-approve"]);
    let path = folder(language).join(file);
    let mut shown = scene.start_other(program, &[path.to_str().unwrap(), &alice.folder, &bob.folder]);
    shown.close_input();
    let lines = shown.wait().expect(0).output;
    let value = |name: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{lines:?}"));
        line.trim().to_owned()
    };
    let (key, message, signature) = (value("key"), value("message"), value("signature"));
    assert_eq!(message, hex::encode("lunch at noon"));
    assert!(lines.iter().any(|line| line.contains("\"lunch at noon\" (13 bytes)")), "{lines:?}");
    scene.run(&["verify", "--key", &key, "--message-hex", &message, "--signature", &signature]).expect(0);
}

#[test]
fn the_example_in_python_makes_a_signature() {
    if has_python() {
        example("python3", "python", "example.py");
    }
}

#[test]
fn the_example_in_javascript_makes_a_signature() {
    if has_node() {
        example("node", "typescript", "example.mjs");
    }
}

/// A webhook of a real signer, and its secret.
fn webhook() -> (Got, String) {
    let scene = Scene::new();
    let (address, got) = receiver(&[]);
    let mut alice = Signer::start(&scene, "alice", &["--webhook", &address]);
    let _asked = ask(&scene, "bob", &alice, "hello");
    let waiting = alice.waiting(&scene);
    let (got, event) = next(&got, "ApprovalAsked");
    assert_eq!(text(&event, "request"), text(&waiting, "request"));
    (got, std::fs::read_to_string(std::path::Path::new(&alice.folder).join("webhook.secret")).unwrap())
}

/// Lets a client check a webhook as it came, and changed.
fn checked(program: &str, script: &str, got: &Got, secret: &str) {
    let headers: serde_json::Map<_, _> =
        got.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let headers = serde_json::Value::from(headers).to_string();
    for (body, secret, expected) in [
        (got.body.clone(), secret.to_owned(), true),
        (got.body.replace("Approval", "approval"), secret.to_owned(), false),
        (got.body.clone(), secret.replace(|character: char| character.is_ascii_digit(), "z"), false),
    ] {
        let flag = if program == "node" { "--input-type=module" } else { "-I" };
        let (run, client) = if program == "node" { ("-e", "typescript") } else { ("-c", "python") };
        let ended = Command::new(program)
            .args([flag, run, script])
            .env("CLIENT", folder(client))
            .envs([("HEADERS", headers.as_str()), ("BODY", &body), ("SECRET", &secret)])
            .output()
            .unwrap();
        let told = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(told.trim() == "ApprovalAsked", expected, "{told} {}", String::from_utf8_lossy(&ended.stderr));
        assert!(expected || told.contains("signature"), "{told} {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn the_client_in_python_checks_webhooks() {
    if has_python() {
        let script = "import os, sys, json\nsys.path.insert(0, os.environ['CLIENT'])\nsys.dont_write_bytecode = True\n\
            from motet import verify_webhook\ne = os.environ\n\
            try:\n  print(verify_webhook(e['SECRET'], json.loads(e['HEADERS']), e['BODY'].encode())['event'])\n\
            except ValueError as error:\n  print(error)";
        let (got, secret) = webhook();
        checked("python3", script, &got, &secret);
    }
}

#[test]
fn the_client_in_javascript_checks_webhooks() {
    if has_node() {
        let script = "const { CLIENT, SECRET, HEADERS, BODY } = process.env;\n\
            const { verifyWebhook } = await import(CLIENT + '/motet.mjs');\n\
            try { console.log(verifyWebhook(SECRET, JSON.parse(HEADERS), BODY).event); }\n\
            catch (error) { console.log(error.message); }";
        let (got, secret) = webhook();
        checked("node", script, &got, &secret);
    }
}

#[test]
fn the_types_name_every_call_of_the_client() {
    let read = |file: &str| std::fs::read_to_string(folder("typescript").join(file)).unwrap();
    let (code, types) = (read("motet.mjs"), read("motet.d.mts"));
    let (_, class) = code.split_once("export class Motet {").unwrap();
    let (class, _) = class.split_once("\n}\n").unwrap();
    let mut calls = 0;
    for line in class.lines().filter_map(|line| line.strip_prefix("  ")) {
        let line = line.trim_start_matches("async ").trim_start_matches('*');
        let name: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
        let rest = &line[name.len()..];
        if name.starts_with(|first: char| first.is_ascii_lowercase())
            && (rest.starts_with('(') || rest.starts_with(" = "))
        {
            assert!(types.contains(&format!("  {name}(")), "motet.d.mts does not have {name}");
            calls += 1;
        }
    }
    assert!(calls >= 20, "{calls}");
}
