//! Messages of applications over the API, and further keys of a signer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::Value;

use crate::api::{Signer, answer, get, post, text};
use crate::process::Scene;

/// The next event of a stream, by name, with its data.
fn next_event(lines: &mut impl Iterator<Item = String>, name: &str) -> Value {
    let mut event = String::new();
    for line in lines {
        if let Some(found) = line.strip_prefix("event: ") {
            event = found.to_owned();
        }
        if let Some(data) = line.strip_prefix("data: ").filter(|_| event == name) {
            return serde_json::from_str(data).unwrap();
        }
    }
    panic!("the stream has ended without {name}");
}

#[test]
fn a_program_hears_what_another_signers_program_says() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &[]);
    let mut bob = Signer::start(&scene, "bob", &[]);
    bob.motet.output_line(&alice.name);
    let key_of = |signer: &Signer| signer.told(&scene, &["status"])[0]["signers"][0].as_str().unwrap().to_owned();
    let (alices, bobs) = (key_of(&alice), key_of(&bob));
    let mut stream = alice.unix();
    stream.write_all(get("/v1/applications/chat/messages", "").as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == ": listening"));
    let send = format!("{{\"to\":\"{alices}\",\"data\":\"{}\"}}", hex::encode("lunch?"));
    let (status, sent) = answer(&mut bob.unix(), &post("/v1/applications/chat/messages", &send));
    assert_eq!(status, 202, "{sent}");
    let heard = next_event(&mut lines, "message");
    assert_eq!((text(&heard, "message"), text(&heard, "from")), (text(&sent, "message"), bobs.as_str()));
    assert_eq!((text(&heard, "to"), text(&heard, "data")), (alices.as_str(), hex::encode("lunch?").as_str()));
    for (path, body, code) in [
        ("/v1/applications/a%20b/messages", send.as_str(), "application_name"),
        ("/v1/applications/chat/messages", &send.replace(&hex::encode("lunch?"), "0"), "bad_hex"),
    ] {
        let (status, told) = answer(&mut bob.unix(), &post(path, body));
        assert_eq!((status, text(&told["error"], "code")), (400, code), "{told}");
    }
    // The stream ends with the signer.
    alice.call(&scene, &["halt"]).expect(0);
    assert_eq!(lines.find(|line| line.starts_with("data")), None);
}

#[test]
fn a_further_key_of_the_keystore_is_served_by_its_name() {
    let scene = Scene::new();
    std::fs::write(scene.path("passphrase"), "five random words of a list\n").unwrap();
    std::fs::set_permissions(scene.path("passphrase"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let keystore = ["--keystore", "keystore", "--passphrase-file", "passphrase"];
    for name in ["first", "second"] {
        scene.run(&[&["key", "new", name][..], &keystore].concat()).expect(0);
    }
    let net = ["--network", "dev", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];
    let run = [&["run", "--key", "first"][..], &keystore, &net].concat();
    let mut motet = scene.start_reading(Stdio::null(), &run);
    let folder = motet.event("ready")["api"].as_str().unwrap().to_owned();
    motet.event("SignerAdvertised");
    // The folder is named as the command line names the keystore.
    let folder = scene.path(&folder).to_str().unwrap().to_owned();
    let signer = Signer { motet, name: "first".to_owned(), folder };
    let served = || signer.told(&scene, &["status"])[0]["signers"].as_array().unwrap().len();
    let (status, added) = answer(&mut signer.unix(), &post("/v1/signers", "{\"key\":\"second\"}"));
    assert_eq!((status, served()), (201, 2), "{added}");
    let second = text(&added, "signer");
    // It is served here alone: its data folder is taken.
    let again = [&["run", "--key", "second"][..], &keystore, &net].concat();
    scene.run(&again).expect(1);
    let (status, told) =
        answer(&mut signer.unix(), &post("/v1/advertisements", &format!("{{\"signer\":\"{second}\"}}")));
    assert_eq!(status, 201, "{told}");
    // Names are of entries of the keystore alone, and no path reaches a file.
    std::fs::copy(scene.path("passphrase"), scene.path("third")).unwrap();
    for name in ["third", "./third", "../keystore", ""] {
        let (status, told) = answer(&mut signer.unix(), &post("/v1/signers", &format!("{{\"key\":\"{name}\"}}")));
        assert_eq!((status, text(&told["error"], "code")), (409, "key"), "{told}");
    }
    // Its folder is free once it is served no more.
    let remove = get(&format!("/v1/signers/{second}"), "").replace("GET", "DELETE");
    assert_eq!((answer(&mut signer.unix(), &remove).0, served()), (200, 1));
    let mut other = scene.start_reading(Stdio::null(), &again);
    assert_eq!(other.event("SignerAdvertised")["signer"], second);
    other.signal("TERM");
    other.wait().expect(0);
    // Locking takes further keys out of memory as well, and none is loaded meanwhile.
    assert_eq!(answer(&mut signer.unix(), &post("/v1/signers", "{\"key\":\"second\"}")).0, 201);
    signer.call(&scene, &["lock"]).expect(0);
    assert_eq!(served(), 1);
    let (status, told) = answer(&mut signer.unix(), &post("/v1/signers", "{\"key\":\"second\"}"));
    assert_eq!((status, text(&told["error"], "code")), (423, "locked"), "{told}");
    signer.call(&scene, &["unlock", "--passphrase-file", "passphrase"]).expect(0);
    // A node that stops withdraws all its signers.
    answer(&mut signer.unix(), &post("/v1/signers", "{\"key\":\"second\"}"));
    answer(&mut signer.unix(), &post("/v1/advertisements", &format!("{{\"signer\":\"{second}\"}}")));
    signer.call(&scene, &["halt"]).expect(0);
    let ended = signer.motet.wait().expect(0).objects();
    let withdrawn = ended.iter().filter(|event| event["event"] == "SignerWithdrawn" && event["reason"] == "stopped");
    assert_eq!(withdrawn.count(), 2);
}
