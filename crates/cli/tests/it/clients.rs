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

/// Runs a script that calls a signer which nobody has asked anything.
fn tour(program: &str, language: &str, script: &str) {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &[]);
    let arguments = if program == "node" { ["--input-type=module", "-e"] } else { ["-I", "-c"] };
    let ended = Command::new(program)
        .args(arguments)
        .arg(script)
        .env("CLIENT", folder(language))
        .env("MOTET_DATA", &alice.folder)
        .output()
        .unwrap();
    let told = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(told.trim(), "alice hello 0", "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn the_client_in_python_makes_the_calls_of_an_operator() {
    if has_python() {
        let script = r#"
import os, sys
sys.path.insert(0, os.environ["CLIENT"])
sys.dont_write_bytecode = True
from motet import Motet
motet = Motet()
key = motet.status()["signers"][0]
assert motet.peers() == [] and motet.webhooks() == [] and motet.evidence() == [] and motet.requests_of(key) == []
assert motet.stats()["complete"] == 0 and len(motet.history(5)) <= 5
motet.set_log("motet=debug,info")
assert motet.log() == "motet=debug,info"
other = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
motet.add_contact(other)
motet.remove_contact(other)
assert motet.reputation(other) == 0
motet.advertise(types=["text"], nickname="alice", lifetime_ms=3_600_000)
nickname = motet.signer(key)["offer"]["nickname"]
motet.withdraw(key, reason="lunch")
motet.announce_resource("note", "one", b"hello")
found = bytes.fromhex(motet.resources("note", "one")[0]["data"]).decode()
print(nickname, found, len(motet.sessions()))
"#;
        tour("python3", "python", script);
    }
}

#[test]
fn the_client_in_javascript_makes_the_calls_of_an_operator() {
    if has_node() {
        let script = r#"
import assert from "node:assert";
const { Motet } = await import(process.env.CLIENT + "/motet.mjs");
const motet = new Motet();
const [key] = (await motet.status()).signers;
for (const none of [motet.peers(), motet.webhooks(), motet.evidence(), motet.requestsOf(key)]) assert.deepEqual(await none, []);
assert.equal((await motet.stats()).complete, 0);
assert((await motet.history(5)).length <= 5);
await motet.setLog("motet=debug,info");
assert.equal(await motet.log(), "motet=debug,info");
const other = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
await motet.addContact(other);
await motet.removeContact(other);
assert.equal(await motet.reputation(other), 0);
await motet.advertise({ types: ["text"], nickname: "alice", lifetime_ms: 3_600_000 });
const { offer } = await motet.signer(key);
await motet.withdraw(key, "lunch");
await motet.announceResource("note", "one", Buffer.from("hello"));
const [found] = await motet.resources({ type: "note", id: "one" });
console.log(offer.nickname, Buffer.from(found.data, "hex").toString(), (await motet.sessions()).length);
"#;
        tour("node", "typescript", script);
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

/// A text without what stands in braces, and without the marks of texts that are put together.
fn without_values(text: &str) -> String {
    let mut depth = 0_usize;
    let mut rest = String::new();
    for character in text.replace("${", "{").chars() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '`' => rest.push('"'),
            character if depth == 0 => rest.push(character),
            _ => {}
        }
    }
    rest
}

#[test]
fn the_clients_have_every_route_of_the_documentation() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md")).unwrap();
    let routes: Vec<(&str, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`')?.0.split_once(' '))
        .filter(|(_, path)| path.starts_with("/v1/"))
        .map(|(method, path)| (method, without_values(path)))
        .collect();
    assert!(routes.len() >= 40, "{}", routes.len());
    for (language, file) in [("python", "motet.py"), ("typescript", "motet.mjs")] {
        let code = std::fs::read_to_string(folder(language).join(file)).unwrap();
        let calls: Vec<String> =
            code.lines().filter(|line| line.contains("\"/v1/") || line.contains("`/v1/")).map(without_values).collect();
        for (method, path) in &routes {
            let called = [format!("\"{method}\", \"{path}\""), format!("\"{method}\", f\"{path}\"")];
            let streamed = [format!("stream(\"{path}\""), format!("stream(f\"{path}\"")];
            let has_it = |call: &String| {
                called.iter().any(|form| call.contains(form.as_str()))
                    || *method == "GET" && streamed.iter().any(|form| call.contains(form.as_str()))
            };
            assert!(calls.iter().any(has_it), "{file} does not have {method} {path}");
        }
    }
}
