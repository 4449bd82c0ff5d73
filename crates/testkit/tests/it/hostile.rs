//! Peers and signers that do what they should not.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::Event;
use motet_testkit::{Cluster, Entropy, Forger, KeySigner, Stranger};
use motet_wire::{Arrival, Channel, Charge, Derivation, Item, Message, RequestOptions, Rule};

#[test]
fn a_forger_is_convicted_by_its_partial_signature() {
    let mut cluster = Cluster::new(3, 1);
    let honest = Arc::clone(&cluster.node(2).signers()[0]);
    cluster.node_mut(2).replace_signer(Forger(honest));
    cluster.advertise_all();
    let request = cluster.announce(0, &[0, 1, 2], b"m").unwrap();
    cluster.settle();
    assert!(cluster.signature(request).is_none());
    let forger = cluster.key(2);
    let proofs = cluster.events(0, |event| match event {
        Event::MisbehaviourProven(proof) => Some((proof.signer, proof.charge)),
        _ => None,
    });
    assert_eq!(proofs, [(forger, Charge::BadPartialSignature)]);
}

#[test]
fn a_stranger_asks_and_is_answered() {
    let mut cluster = Cluster::new(1, 2);
    let mut stranger = Stranger::new(1);
    let items = vec![Item { message: b"m".to_vec(), derivation: Derivation::None }];
    let (request, frame) = stranger.asks(cluster.key(0), items, RequestOptions::default(), 0, cluster.now());
    cluster.hear(0, Arrival::new(frame, Channel::Direct, stranger.peer())).unwrap();
    cluster.settle();
    let joined = cluster.messages_to(stranger.peer()).into_iter().any(|message| match message {
        Message::ParticipantJoined(join) => join.request == request,
        _ => false,
    });
    assert!(joined);
}

#[test]
fn a_pipeline_remembers_and_one_without_a_memory_does_not() {
    let mut cluster = Cluster::new(1, 3);
    let mut stranger = Stranger::new(1);
    let frame = stranger.advertises(Duration::from_secs(600), 8, cluster.now());
    let arrival = || Arrival::new(Arc::clone(&frame), Channel::Direct, stranger.peer());
    cluster.hear(0, arrival()).unwrap();
    let rejection = cluster.hear(0, arrival()).unwrap_err();
    assert_eq!(rejection.rule, Rule::Replay);
    cluster.hear_afresh(0, arrival()).unwrap();
    assert_eq!(cluster.accepted(), 2);
}

#[test]
fn a_node_serves_a_second_signer() {
    let mut cluster = Cluster::new(2, 5);
    let mut entropy = Entropy::from_seed(9);
    let key = motet_core_crypto::SecretKey::generate(&mut entropy).unwrap();
    let second = key.public_key();
    cluster.add_signer(1, KeySigner::new(key, entropy)).unwrap();
    cluster.advertise_all();
    let mut request = cluster.request(
        0,
        &[0],
        vec![Item { message: b"m".to_vec(), derivation: Derivation::None }],
        RequestOptions::default(),
    );
    request.keys.push(second);
    let request = cluster.announce_request(0, request).unwrap();
    cluster.settle();
    assert!(cluster.node(1).completed(request).is_some());
}
