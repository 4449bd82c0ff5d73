//! A signer that breaks the protocol: its victim has proof, finds it again, and shows it to others.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::SecretKey;
use motet_node::{LocalSigner, OsEntropy};
use motet_testkit::Forger;
use motet_wire::{Criteria, SignerMetadata};

use crate::asked::{LISTEN, node, runtime};
use crate::process::Scene;

#[test]
fn whoever_was_harmed_finds_the_proof_again_and_anybody_can_check_it() {
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "c.key"]).expect(0);
    let runtime = runtime();
    let (_mallory, forger, address) = runtime.block_on(async {
        let signer = Forger(LocalSigner::new(SecretKey::generate(&mut OsEntropy).unwrap(), OsEntropy));
        let (mallory, key, address) = node(Arc::new(signer)).await;
        let (metadata, hour) = (SignerMetadata::default(), Duration::from_secs(3600));
        mallory.advertise_signer(key, Criteria::ANY, metadata, hour).await.unwrap();
        (mallory, key.to_string(), address)
    });
    let own = ["--key", "c.key", "--network", "dev", "--listen", LISTEN, "--peer", &address];
    let asked = scene.run(&[&["sign", "--with", &forger, "--message", "m", "--json"][..], &own].concat()).expect(5);
    runtime.shutdown_background();
    let told = asked.last("MisbehaviourProven");
    assert_eq!((&told["signer"], &told["charge"]), (&forger.as_str().into(), &"bad_partial_signature".into()));

    let list = ["evidence", "list", "c.key.motet", "--network", "dev", "--save", ".", "--json"];
    let listed = scene.run(&list).expect(0);
    let [proof] = listed.objects().try_into().unwrap();
    for key in ["signer", "request", "charge", "evidence"] {
        assert_eq!(proof[key], told[key]);
    }
    // What is saved is saved.
    scene.run(&list).expect(0);
    let file = format!("{forger}-{}.proof", told["request"].as_str().unwrap());
    let verified = scene.run(&["evidence", "verify", &file, "--network", "dev", "--json"]).expect(0);
    assert_eq!(verified.objects(), [proof]);
    let people = scene.run(&["evidence", "verify", &file, "--network", "dev"]).expect(0);
    assert!(people.output.iter().any(|line| line.contains(&forger)), "{}", people.told(""));
    // It says nothing of another network, and a file that has been changed says nothing at all.
    let elsewhere = scene.run(&["evidence", "verify", &file, "--json"]).expect(4);
    assert_eq!(elsewhere.last("verdict")["valid"], false);
    let mut bytes = std::fs::read(scene.path(&file)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(scene.path("changed"), bytes).unwrap();
    scene.run(&["evidence", "verify", "changed", "--network", "dev"]).expect(4);
}

#[test]
fn a_folder_without_records_is_no_nodes() {
    let scene = Scene::new();
    let listed = scene.run(&["evidence", "list", "."]).expect(1);
    assert!(listed.errors.contains("records.redb"), "{}", listed.told(""));
}
