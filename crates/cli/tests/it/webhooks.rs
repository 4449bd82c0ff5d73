//! Webhooks of a running signer: what a receiver gets, signed, and what the signer tells of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::api::{Signer, answer, ask, get, text};
use crate::process::{GUARD, Scene};

/// A request that a receiver has got: its headers by lower-case names, and its body.
pub(crate) struct Got {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A receiver on loopback, which answers with these statuses and then with 204. Its address.
pub(crate) fn receiver(statuses: &'static [u16]) -> (String, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook?key=of-the-receiver", listener.local_addr().unwrap());
    let (tell, got) = channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.iter();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let head = stream.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty());
            let headers: Vec<(String, String)> = head
                .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length").unwrap().1.parse().unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let status = statuses.next().unwrap_or(&204);
            let _ = write!(stream.get_mut(), "HTTP/1.1 {status} told\r\ncontent-length: 0\r\n\r\n");
            if tell.send(Got { headers, body: String::from_utf8(body).unwrap() }).is_err() {
                break;
            }
        }
    });
    (address, got)
}

/// The next event of this name, which is asked for no longer than a test waits.
pub(crate) fn next(got: &Receiver<Got>, name: &str) -> (Got, Value) {
    loop {
        let got = got.recv_timeout(GUARD).unwrap_or_else(|_| panic!("no {name} came"));
        let event: Value = serde_json::from_str(&got.body).unwrap();
        if event["event"] == name {
            return (got, event);
        }
    }
}

#[test]
fn a_receiver_hears_of_a_question_and_of_the_signature() {
    let scene = Scene::new();
    // The first attempt fails, and the event comes again.
    let (address, got) = receiver(&[503]);
    let mut alice = Signer::start(&scene, "alice", &["--webhook", &address]);
    let asked = ask(&scene, "bob", &alice, "hello");
    let (first, question) = next(&got, "ApprovalAsked");
    let (second, _) = next(&got, "ApprovalAsked");
    let id = |got: &Got| got.headers.iter().find(|(name, _)| name == "webhook-id").unwrap().1.clone();
    assert_eq!((id(&first), &first.body), (id(&second), &second.body));
    let waiting = alice.waiting(&scene);
    assert_eq!(question["digest"], waiting["digest"]);
    alice.call(&scene, &["approve", text(&waiting, "request"), "--digest", text(&question, "digest")]).expect(0);
    let (_, signed) = next(&got, "SessionComplete");
    assert_eq!(signed["items"], asked.wait().expect(0).last("result")["items"]);
    let secret = Path::new(&alice.folder).join("webhook.secret");
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let (status, told) = answer(&mut alice.unix(), &get("/v1/webhooks", ""));
    assert_eq!(status, 200);
    let hook = &told["webhooks"][0];
    assert!(hook["delivered"].as_u64().unwrap() >= 2 && hook["failures"] == 1, "{told}");
    assert_eq!(hook["deliveries"][0]["attempts"], 2);
    assert!(!told.to_string().contains("of-the-receiver"), "{told}");
}

#[test]
fn the_last_event_leaves_before_the_signer_does() {
    let scene = Scene::new();
    let (address, got) = receiver(&[]);
    let event = ["--webhook-event", "SignerWithdrawn", "--webhook", &address];
    let alice = Signer::start(&scene, "alice", &event);
    alice.call(&scene, &["halt"]).expect(0);
    let mut motet = alice.motet;
    motet.event("SignerWithdrawn");
    motet.wait().expect(0);
    let (_, told) = next(&got, "SignerWithdrawn");
    assert_eq!(told["reason"], "stopped");
}

#[test]
fn wrong_addresses_and_events_are_refused_at_once() {
    let scene = Scene::new();
    for (arguments, word) in [
        (["--webhook", "http://example.org/"].as_slice(), "https://"),
        (&["--webhook", "https://me:word@example.org/"], "password"),
        (&["--webhook", "example.org"], "https://example.org"),
        (&["--webhook", "http://127.0.0.1:1/", "--webhook-event", "SessionCompleted"], "SessionComplete"),
        (&["--webhook-event", "SessionComplete"], "--webhook"),
        (&["--webhook", "http://127.0.0.1:1/", "--no-api"], "--no-api"),
    ] {
        let ended = scene.run(&[&["run", "--dev", "x"], arguments].concat()).expect(2);
        assert!(ended.errors.contains(word), "{arguments:?}: {}", ended.errors);
    }
}
