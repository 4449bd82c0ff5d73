//! The API of a running signer: real processes, real sockets, and the commands that call it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::process::{Ended, GUARD, Motet, Scene};

/// A signer that nobody sits at, and the folder of its API.
pub(crate) struct Signer {
    pub(crate) motet: Motet,
    pub(crate) name: String,
    pub(crate) folder: String,
}

impl Signer {
    pub(crate) fn start(scene: &Scene, role: &str, more: &[&str]) -> Self {
        let name = scene.name(role);
        let own = ["run", "--dev", &name, "--json"];
        let mut motet = scene.start_reading(Stdio::null(), &[&own, more].concat());
        let folder = motet.event("ready")["api"].as_str().unwrap().to_owned();
        motet.event("SignerAdvertised");
        Self { motet, name, folder }
    }

    /// Runs a command that calls this signer.
    pub(crate) fn call(&self, scene: &Scene, words: &[&str]) -> Ended {
        scene.run(&[words, &["--data", &self.folder, "--json"]].concat())
    }

    /// The objects that a command prints.
    pub(crate) fn told(&self, scene: &Scene, words: &[&str]) -> Vec<Value> {
        let ended = self.call(scene, words).expect(0);
        ended.output.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The request that waits, as soon as one does.
    pub(crate) fn waiting(&mut self, scene: &Scene) -> Value {
        self.waiting_after(scene, 0)
    }

    /// The only request that waits, as soon as one does after so many others.
    pub(crate) fn waiting_after(&mut self, scene: &Scene, others: usize) -> Value {
        self.motet.error_lines("waits for an answer", others + 1);
        let waiting = self.told(scene, &["requests"]);
        let [request] = waiting.as_slice() else { panic!("{waiting:?}") };
        request.clone()
    }

    /// Approves the request that waits, over the socket.
    pub(crate) fn approve(&mut self, scene: &Scene) {
        let waiting = self.waiting(scene);
        let (id, digest) = (text(&waiting, "request"), text(&waiting, "digest"));
        self.call(scene, &["approve", id, "--digest", digest]).expect(0);
    }

    pub(crate) fn unix(&self) -> UnixStream {
        let stream = UnixStream::connect(Path::new(&self.folder).join("api.sock")).unwrap();
        stream.set_read_timeout(Some(GUARD)).unwrap();
        stream
    }
}

/// Asks a signer for a signature.
pub(crate) fn ask(scene: &Scene, role: &str, of: &Signer, message: &str) -> Motet {
    scene.start(&["sign", "--dev", &scene.name(role), "--with", &of.name, "--message", message, "--json"])
}

pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} of {object}"))
}

/// The status and the body of an answer, after which the connection ends.
pub(crate) fn answer(stream: &mut (impl std::io::Read + std::io::Write), request: &str) -> (u16, Value) {
    // A server that refuses early may have closed its end.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?} answers {request:.200}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())))
}

pub(crate) fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n")
}

pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn an_approval_over_the_socket_makes_a_signature() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "alice", &["--keep-results"]);
    let asked = ask(&scene, "bob", &alice, "hello");
    let waiting = alice.waiting(&scene);
    let id = text(&waiting, "request").to_owned();
    assert_eq!(waiting["items"][0]["message"], hex::encode("hello"));
    assert!(text(&waiting, "text").contains("\"hello\" (5 bytes)"));
    // Consent counts for what was shown, and for nothing else.
    let wrong = alice.call(&scene, &["approve", &id[..8], "--digest", &"0".repeat(64)]).expect(1);
    assert!(wrong.errors.contains("digest"), "{}", wrong.errors);
    // Without a digest a person would have to be asked, and nobody is there.
    let mut nobody = scene.start_reading(Stdio::null(), &["approve", &id[..8], "--data", &alice.folder]);
    nobody.error_line("--digest");
    nobody.wait().expect(2);
    alice.call(&scene, &["approve", &id[..8], "--digest", text(&waiting, "digest")]).expect(0);
    let asked = asked.wait().expect(0);
    let result = alice.told(&scene, &["result", &id[..8], "--wait", "60s"]);
    assert_eq!(result[0]["items"], asked.last("result")["items"]);
    assert_eq!(alice.told(&scene, &["sessions"])[0]["phase"], "complete");
    // It is kept until it is noted.
    assert_eq!(alice.told(&scene, &["status"])[0]["results"], 1);
    alice.call(&scene, &["result", &id, "--note"]).expect(0);
    assert_eq!(alice.told(&scene, &["status"])[0]["results"], 0);
    // There is nothing left to answer.
    let late = alice.call(&scene, &["decline", &id[..8]]).expect(1);
    assert!(late.errors.contains("no request here"), "{}", late.errors);
    alice.call(&scene, &["halt"]).expect(0);
    let folder = PathBuf::from(&alice.folder);
    alice.motet.wait().expect(0);
    assert!(!folder.exists());
    let gone = scene.run(&["status", "--data", folder.to_str().unwrap()]).expect(1);
    assert!(gone.errors.contains("motet run"), "{}", gone.errors);
}

#[test]
fn signatures_that_nobody_has_noted_outlive_the_process() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "a.key"]).expect(0);
    scene.run(&["key", "new", "--key-file", "b.key"]).expect(0);
    let net = ["--network", "dev", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];
    let run = [&["run", "--key", "a.key", "--auto-approve", "--keep-results"], &net[..]].concat();
    let mut alice = scene.start_reading(Stdio::null(), &run);
    let signer = text(&alice.event("ready"), "signer").to_owned();
    alice.event("SignerAdvertised");
    let status = scene.run(&["status", "--key", "a.key", "--json"]).expect(0);
    let status: Value = serde_json::from_str(&status.output[0]).unwrap();
    let address = format!("{}/p2p/{}", status["connections"]["listening"][0].as_str().unwrap(), text(&status, "peer"));
    let ask = ["sign", "--key", "b.key", "--with", &signer, "--message", "m", "--peer", &address];
    let asked = scene.run(&[&ask[..], &net].concat()).expect(0);
    let id = text(&asked.last("result"), "request").to_owned();
    alice.event("SessionComplete");
    alice.signal("TERM");
    alice.wait().expect(0);
    let mut alice = scene.start_reading(Stdio::null(), &run);
    alice.event("SignerAdvertised");
    let result = scene.run(&["result", &id[..8], "--note", "--key", "a.key", "--json"]).expect(0);
    let result: Value = serde_json::from_str(&result.output[0]).unwrap();
    assert_eq!(result["items"], asked.last("result")["items"]);
    let status = scene.run(&["status", "--key", "a.key", "--json"]).expect(0);
    assert!(status.output[0].contains("\"results\":0"), "{:?}", status.output);
}

#[test]
fn a_refusal_over_the_socket_ends_the_request() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "alice", &[]);
    let asked = ask(&scene, "bob", &alice, "m");
    let waiting = alice.waiting(&scene);
    alice.call(&scene, &["decline", &text(&waiting, "request")[..8], "--reason", "not today"]).expect(0);
    let asked = asked.wait().expect(5);
    assert_eq!(asked.last("ParticipantDeclined")["reason"], "not today");
    // The session says the same here.
    alice.call(&scene, &["result", text(&waiting, "request"), "--wait", "60s"]).expect(5);
}

#[test]
fn the_first_answer_counts_and_both_places_hear_of_it() {
    let scene = Scene::new();
    let name = scene.name("alice");
    let mut motet = scene.start(&["run", "--dev", &name, "--json"]);
    let folder = motet.event("ready")["api"].as_str().unwrap().to_owned();
    motet.event("SignerAdvertised");
    let mut alice = Signer { motet, name, folder };
    let status = alice.told(&scene, &["status"])[0].clone();
    let first = format!("{}-0", text(&status, "cursor").split_once('-').unwrap().0);
    let mut watch = scene.start(&["watch", "--data", &alice.folder, "--after", &first, "--json"]);
    // The API is first: the question at the terminal is taken back.
    let asked = ask(&scene, "bob", &alice, "one");
    let code = alice.motet.question();
    let request = alice.told(&scene, &["requests"])[0].clone();
    alice.call(&scene, &["approve", text(&request, "request"), "--digest", text(&request, "digest")]).expect(0);
    alice.motet.error_line("approved over the API");
    alice.motet.answer(&format!("no {code}"));
    asked.wait().expect(0);
    watch.output_line("\"place\":\"api\"");
    // The terminal is first: the API says so.
    let asked = ask(&scene, "carol", &alice, "two");
    let code = alice.motet.question_after(1);
    let request = alice.told(&scene, &["requests"])[0].clone();
    alice.motet.answer(&format!("yes {code}"));
    asked.wait().expect(0);
    watch.output_line("\"place\":\"terminal\"");
    let id = text(&request, "request");
    let approve = post(&format!("/v1/requests/{id}/approve"), &format!("{{\"digest\":{}}}", request["digest"]));
    let (status, late) = answer(&mut alice.unix(), &approve);
    assert_eq!((status, text(&late["error"], "code")), (409, "already_answered"), "{late}");
    assert!(text(&late["error"], "message").contains("at the terminal"), "{late}");
}

#[test]
fn rules_that_ask_are_answered_over_the_api() {
    let scene = Scene::new();
    std::fs::write(scene.path("rules.json"), r#"{"rules": [], "otherwise": "ask"}"#).unwrap();
    let mut alice = Signer::start(&scene, "alice", &["--policy", "rules.json"]);
    let asked = ask(&scene, "bob", &alice, "m");
    alice.approve(&scene);
    asked.wait().expect(0);
}

#[test]
fn a_person_approves_what_the_command_shows() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "alice", &[]);
    let asked = ask(&scene, "bob", &alice, "hello");
    let waiting = alice.waiting(&scene);
    let mut approve = scene.start(&["approve", &text(&waiting, "request")[..8], "--data", &alice.folder]);
    approve.error_line("\"hello\" (5 bytes)");
    let code = approve.question();
    approve.answer(&format!("yes {code}"));
    approve.wait().expect(0);
    asked.wait().expect(0);
}

#[test]
fn events_are_read_again_from_a_place_and_a_restart_says_what_is_lost() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "a.key"]).expect(0);
    let run = ["run", "--key", "a.key", "--network", "dev", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];
    let start = || {
        let mut motet = scene.start_reading(Stdio::null(), &run);
        motet.event("SignerAdvertised");
        motet
    };
    let mut alice = start();
    let socket = scene.path("a.key.motet").join("api.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let status = scene.run(&["status", "--key", "a.key", "--json"]).expect(0);
    let status: Value = serde_json::from_str(&status.output[0]).unwrap();
    let cursor = text(&status, "cursor").to_owned();
    let first = format!("{}-0", cursor.split_once('-').unwrap().0);
    let told = |after: &str, wanted: &str| {
        let mut watch = scene.start(&["watch", "--key", "a.key", "--after", after, "--json"]);
        watch.output_line(wanted);
        let line = watch.output().iter().find(|line| line.contains(wanted)).unwrap();
        serde_json::from_str::<Value>(line).unwrap()
    };
    // From the beginning all is there, and from each event on what follows it.
    let advertised = told(&first, "SignerAdvertised");
    let mut again = UnixStream::connect(&socket).unwrap();
    assert_eq!(answer(&mut again, &post("/v1/advertisements", "{}")).0, 201);
    let next = told(text(&advertised, "cursor"), "SignerAdvertised");
    assert_ne!(next["cursor"], advertised["cursor"]);
    alice.signal("TERM");
    alice.wait().expect(0);
    assert!(!socket.exists());
    let mut alice = start();
    let lost = told(&cursor, "cursor");
    assert_eq!((text(&lost, "event"), text(&lost, "why")), ("lost", "other_run"));
    assert_ne!(text(&lost, "resume").split_once('-').unwrap().0, cursor.split_once('-').unwrap().0);
    // A process that dies leaves its socket, and the next one replaces it.
    alice.kill();
    alice.wait();
    assert!(socket.exists());
    let _alice = start();
    scene.run(&["peers", "--key", "a.key"]).expect(0);
}

#[test]
fn over_tcp_the_token_the_host_and_the_origin_are_checked() {
    let scene = Scene::new();
    let wide = scene.run(&["run", "--dev", "x", "--api", "0.0.0.0:0"]).expect(2);
    assert!(wide.errors.contains("loopback"), "{}", wide.errors);
    let alice = Signer::start(&scene, "alice", &["--api", "127.0.0.1:0"]);
    let folder = Path::new(&alice.folder);
    let token_file = folder.join("api.token");
    assert_eq!(std::fs::metadata(&token_file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = std::fs::read_to_string(&token_file).unwrap();
    let status = alice.told(&scene, &["status"])[0].clone();
    let address = text(&status, "api").to_owned();
    let call = |head: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(GUARD)).unwrap();
        let (status, body) = answer(&mut stream, &format!("{head}connection: close\r\n\r\n"));
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let right = format!("authorization: Bearer {}\r\n", token.trim());
    let path = "GET /v1/status HTTP/1.1\r\n";
    let host = format!("host: {address}\r\n");
    assert_eq!(call(&format!("{path}{host}{right}")).0, 200);
    for (head, expected) in [
        (format!("{path}{host}"), (401, "token")),
        (format!("{path}{host}authorization: Bearer {}\r\n", "0".repeat(64)), (401, "token")),
        (format!("{path}{right}host: evil.example\r\n"), (403, "host")),
        (format!("{path}{right}host: evil.example:{}\r\n", address.rsplit_once(':').unwrap().1), (403, "host")),
        (format!("{path}{host}{right}origin: https://evil.example\r\n"), (403, "origin")),
        (format!("{path}{host}{right}origin: null\r\n"), (403, "origin")),
        ("GET /metrics HTTP/1.1\r\n".to_owned() + &host, (401, "token")),
    ] {
        let (status, code) = call(&head);
        assert_eq!((status, code.as_str()), expected, "{head}");
    }
    // Probes show nothing but that the node is there.
    assert_eq!(call(&format!("GET /healthz HTTP/1.1\r\n{host}")).0, 200);
    // A page may not speak to the Unix socket, either.
    let (status, body) = answer(&mut alice.unix(), &get("/v1/status", "origin: https://evil.example\r\n"));
    assert_eq!((status, text(&body["error"], "code")), (403, "origin"));
    let over_tcp = scene.run(&["status", "--data", &alice.folder, "--api", &address]).expect(0);
    assert!(over_tcp.output.iter().any(|line| line.ends_with(&format!(" http://{address}/"))), "{:?}", over_tcp.output);
}

#[test]
fn bodies_are_bounded_and_mistakes_have_codes() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &[]);
    let id = "0".repeat(64);
    let large = "x".repeat(300 * 1024);
    for (request, status, code) in [
        (get("/v1/nothing", ""), 404, "unknown_route"),
        (post("/v1/status", "{}"), 405, "wrong_method"),
        (get(&format!("/v1/sessions/{id}"), ""), 404, "unknown_request"),
        (get("/v1/sessions/12", ""), 400, "bad_id"),
        (get(&format!("/v1/sessions/{id}?wait=2m"), ""), 400, "wait"),
        (get(&format!("/v1/sessions/{id}?wait=1s&until=never"), ""), 400, "bad_query"),
        (get(&format!("/v1/sessions/{id}?patience=1"), ""), 400, "bad_query"),
        (post(&format!("/v1/requests/{id}/approve"), &format!("{{\"digest\":\"{id}\"}}")), 404, "not_asked"),
        (post(&format!("/v1/requests/{id}/approve"), "{}"), 400, "bad_body"),
        (post("/v1/sign", "{\"with\": [], \"messages\": []}"), 400, "no_signers"),
        (post("/v1/sign", &large), 413, "body_too_large"),
        (post("/v1/halt", "{}").replace("application/json", "text/plain"), 415, "not_json"),
    ] {
        let (told, body) = answer(&mut alice.unix(), &request);
        assert_eq!((told, text(&body["error"], "code")), (status, code), "{request:.200}\n{body}");
    }
    // A body without an end is not read to its end.
    let mut endless = alice.unix();
    let head = post("/v1/sign", "").replace("content-length: 0", "transfer-encoding: chunked");
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let (status, body) = answer(&mut endless, &(head + &chunk.repeat(100)));
    assert_eq!((status, text(&body["error"], "code")), (413, "body_too_large"));
    // The signer is as well as before.
    alice.call(&scene, &["status"]).expect(0);
}

#[test]
fn idle_listeners_have_a_bound_and_signing_goes_on() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "alice", &[]);
    let (mut listening, mut refused) = (Vec::new(), 0);
    for _ in 0..1000 {
        let mut stream = alice.unix();
        match &answer_head(&mut stream) {
            b"HTTP/1.1 200" => listening.push(stream),
            b"HTTP/1.1 503" => refused += 1,
            head => panic!("{}", String::from_utf8_lossy(head)),
        }
    }
    assert_eq!((listening.len(), refused), (64, 936));
    let asked = ask(&scene, "bob", &alice, "m");
    alice.approve(&scene);
    asked.wait().expect(0);
    // Nothing of them stays: once they have gone, their places are free again.
    drop(listening);
    while answer_head(&mut alice.unix()) != *b"HTTP/1.1 200" {}
}

/// The beginning of the answer to a listener.
fn answer_head(stream: &mut UnixStream) -> [u8; 12] {
    stream.write_all(get("/v1/events", "").replace("connection: close\r\n", "").as_bytes()).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    head
}

#[test]
fn a_program_asks_for_signatures_over_the_socket() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &["--auto-approve"]);
    let mut bob = Signer::start(&scene, "bob", &["--auto-approve"]);
    bob.motet.output_line(&alice.name);
    let status = alice.told(&scene, &["status"])[0].clone();
    let other = status["signers"][0].as_str().unwrap().to_owned();
    // A hash shows nobody what is signed.
    let blind = format!("{{\"with\":[\"{other}\"],\"messages\":[{{\"hex\":\"{}\"}}]}}", "00".repeat(32));
    let (code, body) = answer(&mut bob.unix(), &post("/v1/sign", &blind));
    assert_eq!((code, text(&body["error"], "code")), (400, "blind"));
    let (code, found) = answer(&mut bob.unix(), &get("/v1/signers?known=true", ""));
    assert_eq!(code, 200);
    assert!(found["signers"].as_array().unwrap().iter().any(|offer| offer["signer"] == other.as_str()), "{found}");
    let sign =
        format!("{{\"with\":[\"{other}\"],\"messages\":[{{\"text\":\"one\"}},{{\"text\":\"two\"}}],\"taproot\":true}}");
    let (code, announced) = answer(&mut bob.unix(), &post("/v1/sign", &sign));
    assert_eq!(code, 201, "{announced}");
    let id = text(&announced, "request");
    let result = bob.told(&scene, &["result", id, "--wait", "60s"]);
    let keys: Vec<&Value> = result[0]["items"].as_array().unwrap().iter().map(|item| &item["aggregate_key"]).collect();
    assert_eq!(keys, announced["aggregate_keys"].as_array().unwrap().iter().collect::<Vec<_>>());
    for item in result[0]["items"].as_array().unwrap() {
        let (key, message, signature) = (text(item, "aggregate_key"), text(item, "message"), text(item, "signature"));
        scene.run(&["verify", "--key", key, "--message-hex", message, "--signature", signature]).expect(0);
    }
    let (code, metrics) = answer(&mut bob.unix(), &get("/metrics", ""));
    assert!(code == 200 && metrics.as_str().unwrap().ends_with("# EOF\n"), "{metrics}");
    assert_eq!(answer(&mut bob.unix(), &get("/readyz", "")).0, 200);
}

#[test]
fn the_document_and_the_page_list_every_route() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &[]);
    let (status, document) = answer(&mut alice.unix(), &get("/openapi.json", ""));
    assert_eq!(status, 200);
    let page = include_str!("../../../../docs/api.md");
    let mut routes = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            routes += 1;
            let route = format!("`{method} {path}`");
            assert!(page.contains(&route), "docs/api.md does not have {route}");
            // Streams have no end, and a halt is one.
            if ["/v1/halt", "/v1/events"].contains(&path.as_str()) || path.ends_with("/messages") {
                continue;
            }
            // What is no id, no key and no JSON is refused by the route itself.
            let place = path.replace("{request}", "x").replace("{signer}", "x").replace("{peer}", "x");
            let request = get(&place, "").replace("GET", &method);
            let (_, body) = answer(&mut alice.unix(), &request);
            let code = body["error"]["code"].as_str().unwrap_or_default();
            assert!(!["unknown_route", "wrong_method"].contains(&code), "{route}: {body}");
        }
    }
    let listed = page.lines().filter(|line| line.starts_with("| `") && line.contains(" /")).count();
    assert_eq!(
        listed,
        routes + 2,
        "docs/api.md has routes that are not there; two more are the page and the document's own"
    );
}
