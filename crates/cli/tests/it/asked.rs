//! The request of a command and the requests of everybody else: only the first decides how the command ends, and its end
//! claims no more than is known.

use core::time::Duration;
use std::sync::{Arc, Mutex, mpsc};

use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, SecretKey, Signature};
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{
    LocalSigner, MemoryStore, Node, NonceId, OsEntropy, Signer, SignerError, SigningItem, SigningRequestSpec,
};
use motet_wire::{Criteria, Derivation, Item, NetworkId, RequestMetadata, RequestOptions, SignerMetadata};
use serde_json::Value;

use crate::daemon_first;
use crate::judge::Signed;
use crate::process::{Motet, Scene, strings};

pub(crate) const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";

/// A node of this test, on the network of nodes with `--dev`.
pub(crate) async fn node(signer: Arc<dyn Signer>) -> (Node, PublicKey, String) {
    let key = signer.public_key();
    let mut net = NetConfig::local(NetworkId::new("dev").unwrap(), Keypair::generate());
    net.listen = vec![parse_address(LISTEN).unwrap()];
    let node = Node::builder(net).store(MemoryStore::default()).policy(ApproveAll).signer(signer);
    let (handle, mut events) = node.start().await.unwrap();
    loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            let address = format!("{address}/p2p/{}", handle.peer_id());
            return (handle, key, address);
        }
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

fn items(value: &Value) -> Vec<Vec<u8>> {
    Signed::items(value).into_iter().map(|signed| signed.message).collect()
}

#[test]
fn a_stranger_does_not_end_a_request_that_waits() {
    let scene = Scene::new();
    let (bob, carol) = (scene.name("bob"), scene.name("carol"));
    let mut other = scene.start(&["run", "--dev", &bob, "--json"]);
    other.event("ready");
    let mut asked = scene.start(&["sign", "--dev", &carol, "--with", &bob, "--message", "mine", "--json"]);
    let address = asked.event("Listening")["address"].as_str().unwrap().to_owned();
    let request = other.event("SigningRequestReceived");
    let creator: PublicKey = request["creator"].as_str().unwrap().parse().unwrap();
    // Mallory knows carol's key from the request, and asks her for something.
    let runtime = runtime();
    let foreign = runtime.block_on(async {
        let key = SecretKey::generate(&mut OsEntropy).unwrap();
        let (mallory, own, _) = node(Arc::new(LocalSigner::new(key, OsEntropy))).await;
        mallory.connect(parse_address(&address).unwrap()).await.unwrap();
        let mut events = mallory.events();
        while !matches!(events.next().await.unwrap().unwrap(), Event::PeerConnected { .. }) {}
        let announcement = SigningRequestSpec {
            creator: own,
            keys: vec![own, creator],
            items: vec![Item { message: b"x".to_vec(), derivation: Derivation::None }],
            options: RequestOptions::default(),
            metadata: RequestMetadata::default(),
            lifetime: Duration::from_secs(60),
        };
        let (request, _) = mallory.announce_signing_request(announcement).await.unwrap();
        while !matches!(events.next().await.unwrap().unwrap(), Event::SessionAborted(_)) {}
        request.to_string()
    });
    // It is told as what it is, and decides nothing.
    assert_eq!(asked.event("SessionAborted")["request"], foreign.as_str());
    other.answer_request("yes", &request);
    let result = asked.wait().expect(0).last("result");
    assert_eq!(result["request"], request["request"]);
    assert_eq!(items(&result), [b"mine"]);
    runtime.shutdown_background();
}

/// A signer with a key in a file, and how others reach it.
fn kept(scene: &Scene, name: &str) -> (Motet, String) {
    let file = format!("{name}.key");
    scene.run(&["key", "new", "--key-file", &file]).expect(0);
    let run = ["run", "--key", &file, "--network", "dev", "--nickname", name, "--listen", LISTEN, "--json"];
    let mut signer = scene.start(&run);
    let peer = signer.event("ready")["peer"].as_str().unwrap().to_owned();
    let address = signer.event("Listening")["address"].as_str().unwrap().to_owned();
    (signer, format!("{address}/p2p/{peer}"))
}

#[test]
fn a_restarted_command_takes_no_earlier_signature_for_its_own() {
    let scene = Scene::new();
    let bob = scene.name("bob");
    let (mut other, address) = kept(&scene, &bob);
    scene.run(&["key", "new", "--key-file", "c.key"]).expect(0);
    let sign = |message: &str| {
        let own =
            ["sign", "--key", "c.key", "--network", "dev", "--listen", LISTEN, "--peer", &address, "--with", &bob];
        scene.start(&[&own[..], &["--message", message, "--json"]].concat())
    };
    let mut first = sign("ONE");
    let one = other.event("SigningRequestReceived");
    first.kill();
    first.wait();
    let mut second = sign("TWO");
    let two = other.event("SigningRequestReceived");
    assert_ne!(one["request"], two["request"]);
    other.answer_request("yes", &one);
    // The earlier request is completed while the later waits.
    let earlier = second.event("SessionComplete");
    assert_eq!((&earlier["request"], items(&earlier)), (&one["request"], vec![b"ONE".to_vec()]));
    other.answer_request("yes", &two);
    let result = second.wait().expect(0).last("result");
    assert_eq!((&result["request"], items(&result)), (&two["request"], vec![b"TWO".to_vec()]));
}

#[test]
fn signatures_that_were_shown_are_not_told_again_after_a_restart() {
    let scene = Scene::new();
    let bob = scene.name("bob");
    scene.run(&["key", "new", "--key-file", "c.key"]).expect(0);
    let (mut other, address) = kept(&scene, &bob);
    let sign = ["sign", "--key", "c.key", "--network", "dev", "--listen", LISTEN, "--peer", &address, "--with", &bob];
    let asking = scene.start(&[&sign[..], &["--message", "rent", "--json"]].concat());
    let request = other.event("SigningRequestReceived");
    other.answer_request("yes", &request);
    asking.wait().expect(0);
    other.event("SessionComplete");
    other.signal("INT");
    other.wait().expect(0);
    for key in ["c.key", &format!("{bob}.key")] {
        let mut again =
            scene.start(&["run", "--key", key, "--network", "dev", "--listen", LISTEN, "--auto-approve", "--json"]);
        again.event("SignerAdvertised");
        again.signal("INT");
        let told = again.wait().expect(0);
        assert!(told.objects().iter().all(|object| object["event"] != "SessionComplete"), "{}", told.told(key));
    }
}

#[test]
fn the_text_of_a_result_says_which_message_is_signed() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let other = scene.start(&["run", "--dev", &alice, "--once", "--auto-approve", "--json"]);
    let asked = scene.run(&["sign", "--dev", &bob, "--with", &alice, "--message", "rent"]).expect(0);
    assert!(asked.output.iter().any(|line| line.trim() == "message        \"rent\""), "{}", asked.told(""));
    other.wait().expect(0);
}

#[test]
fn a_request_with_little_time_to_join_ends() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = scene.start(&["run", "--dev", &alice, "--auto-approve", "--json"]);
    other.event("ready");
    for time in ["1ms", "30ms", "300ms"] {
        let sign = ["sign", "--dev", &bob, "--with", &alice, "--message", "m", "--join-timeout", time, "--json"];
        let asked = scene.run(&sign);
        match asked.status.code() {
            Some(0) => Signed::items(&asked.last("result"))[0].verify(),
            Some(5) => assert!(asked.errors.contains("no signature"), "{}", asked.told(time)),
            _ => panic!("{}", asked.told(time)),
        }
    }
}

#[test]
fn a_signer_that_leaves_declines_what_it_was_asked() {
    for signal in ["INT", "TERM", "HUP"] {
        let scene = Scene::new();
        let (alice, bob) = (scene.name("alice"), scene.name("bob"));
        let mut other = scene.start(&["run", "--dev", &alice, "--json"]);
        other.event("ready");
        let asked = scene.start(&["sign", "--dev", &bob, "--with", &alice, "--message", "m", "--json"]);
        other.event("SigningRequestReceived");
        other.signal(signal);
        other.wait().expect(0);
        // At once, and not when the time to join is up.
        let asked = asked.wait().expect(5);
        assert!(asked.errors.contains("stopped"), "{}", asked.told(""));
        assert!(asked.objects().iter().all(|object| object["event"] != "SessionTimeout"), "{}", asked.told(""));
    }
}

#[test]
fn a_node_that_only_asks_is_not_on_offer() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = scene.start(&["run", "--dev", &alice, "--auto-approve", "--json"]);
    other.event("ready");
    let asked = scene.run(&["sign", "--dev", &bob, "--with", &alice, "--message", "m", "--json"]).expect(0);
    assert!(asked.objects().iter().all(|object| object["event"] != "SignerAdvertised"), "{}", asked.told(""));
    let found = scene.run(&["find", "--dev", "seeker", "--count", "1", "--json"]).expect(0);
    let names: Vec<Value> = found.objects().iter().map(|signer| signer["nickname"].clone()).collect();
    assert!(names.iter().all(|name| *name != bob.as_str()), "{names:?}");
    other.signal("INT");
    let other = other.wait().expect(0);
    let discovered = |object: &Value| object["event"] == "SignerDiscovered" && object["nickname"] == bob.as_str();
    assert!(!other.objects().iter().any(discovered), "{}", other.told(""));
}

/// A signer that makes its partial signatures when it is let.
#[derive(Debug)]
struct Slow {
    signer: LocalSigner<OsEntropy>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Signer for Slow {
    fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.signer.delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        self.signer.generate_nonces(nonce_id, items)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        // An end of the test lets it go on, too.
        let _ = self.go.lock().unwrap().recv();
        self.signer.sign(nonce_id, items, nonces)
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.signer.forget(nonce_id);
    }
}

/// A node on offer with such a signer, its key and its address.
async fn slow_node(go: mpsc::Receiver<()>) -> (Node, String, String) {
    let signer = LocalSigner::new(SecretKey::generate(&mut OsEntropy).unwrap(), OsEntropy);
    let (bob, key, address) = node(Arc::new(Slow { signer, go: Mutex::new(go) })).await;
    let (metadata, hour) = (SignerMetadata::default(), Duration::from_secs(3600));
    bob.advertise_signer(key, Criteria::ANY, metadata, hour).await.unwrap();
    (bob, key.to_string(), address)
}

#[test]
fn a_running_signer_asks_for_nothing_else_beside_what_others_may_complete() {
    let scene = Scene::new();
    let (go, waits) = mpsc::channel();
    let runtime = runtime();
    let (_bob, late, address) = runtime.block_on(slow_node(waits));
    let times = ["--round-timeout", "1s", "--attempts", "1", "--peer", &address];
    let running = daemon_first::Signer::start(&scene, "c.key", &times);
    let sign = |message: &str, more: &[&str]| {
        let what = ["sign", "--key", "c.key", "--with", &late, "--message", message, "--json"];
        scene.run(&[&what[..], more].concat()).expect(5)
    };
    let first = sign("ONE", &[]);
    assert_eq!(strings(&first.last("SessionAborted")["may_complete"]), [late.as_str()]);
    let second = sign("TWO", &[]);
    assert!(second.errors.contains("despite"), "{}", second.told(""));
    assert!(second.objects().is_empty(), "{}", second.told(""));
    sign("TWO", &["--despite-open"]).last("SigningRequestCreated");
    drop(go);
    running.halt(&scene, "c.key");
    runtime.shutdown_background();
}

#[test]
fn an_end_says_who_may_still_complete_it_and_a_late_signature_is_told() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "c.key"]).expect(0);
    let (go, waits) = mpsc::channel();
    let runtime = runtime();
    let (_bob, late, address) = runtime.block_on(slow_node(waits));
    let own = ["--key", "c.key", "--network", "dev", "--listen", LISTEN, "--peer", &address];
    // One's own interrupt is no more of an end than a time limit.
    let mut interrupted = scene.start(&[&["sign", "--with", &late, "--message", "NIL", "--json"][..], &own].concat());
    while interrupted.event("PartialSigReceived")["channel"] != "own" {}
    interrupted.signal("INT");
    let interrupted = interrupted.wait().expect(130);
    assert!(interrupted.errors.contains("may still be completed by"), "{}", interrupted.told(""));
    let sign = |message: &str, more: &[&str]| {
        let times = ["--round-timeout", "1s", "--attempts", "1"];
        let what = ["--with", &late, "--message", message, "--json"];
        scene.run(&[&["sign"][..], &own, &times, &what, more].concat()).expect(5)
    };
    let first = sign("ONE", &["--despite-open"]);
    let end = first.last("SessionAborted");
    assert_eq!(strings(&end["may_complete"]), [late.as_str()]);
    assert!(first.errors.contains("may still be completed by"), "{}", first.told(""));
    // Something else under the same key could be signed beside it.
    let second = sign("TWO", &[]);
    assert!(second.errors.contains("--despite-open"), "{}", second.told(""));
    assert!(second.objects().iter().all(|object| object["event"] != "SigningRequestCreated"), "{}", second.told(""));
    // The other signs after all: whoever runs with the key learns of it, also later.
    for _ in 0..2 {
        go.send(()).unwrap();
    }
    let mut again = scene.start(&[&["run", "--auto-approve", "--json"][..], &own].concat());
    let mut complete = again.event("SessionComplete");
    if complete["request"] != end["request"] {
        assert_eq!(items(&complete), [b"NIL"]);
        complete = again.event("SessionComplete");
    }
    assert_eq!((&complete["request"], items(&complete)), (&end["request"], vec![b"ONE".to_vec()]));
    runtime.shutdown_background();
}
