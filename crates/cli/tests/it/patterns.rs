//! The deployment patterns of `docs/deployment/` that no other test shows.

use crate::judge::Signed;
use crate::keyless::{hub, hub_at, signer};
use crate::process::Scene;

#[test]
fn wallets_alone_sign() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "a.key"]).expect(0);
    let own =
        ["--key", "a.key", "--nickname", "a", "--network", "keyless", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];
    let willing = ["run", "--auto-approve", "--once"];
    let mut first = scene.start(&[&willing[..], &own].concat());
    let (ready, listening) = (first.event("ready"), first.event("Listening"));
    let address = format!("{}/p2p/{}", listening["address"].as_str().unwrap(), ready["peer"].as_str().unwrap());
    let second = signer(&scene, "b", &[&address], &willing);
    let asked = signer(&scene, "c", &[&address], &["sign", "--with", "a,b", "--message", "hello"]).wait().expect(0);
    let signed = Signed::items(&asked.last("result"));
    signed[0].verify();
    for other in [first, second] {
        assert_eq!(Signed::items(&other.wait().expect(0).last("SessionComplete")), signed);
    }
}

#[test]
fn signers_that_know_two_nodes_sign_when_one_of_them_has_gone() {
    let scene = Scene::new();
    let (mut one, first) = hub(&scene, &[]);
    let (_two, second) = hub_at(&scene, "other", &["--peer", &first]);
    let both = [first.as_str(), second.as_str()];
    let mut alice = signer(&scene, "alice", &both, &["run", "--auto-approve", "--once"]);
    alice.event("SignerAdvertised");
    one.kill();
    let ask = ["sign", "--with", "alice", "--message", "hello", "--find-timeout", "60s"];
    let asked = signer(&scene, "bob", &both, &ask).wait().expect(0);
    Signed::items(&asked.last("result"))[0].verify();
    alice.wait().expect(0);
}
