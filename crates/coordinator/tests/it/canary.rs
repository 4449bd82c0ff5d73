//! Secrets stay where they are: signer keys, message keys and secret nonces of engines with known randomness, searched for
//! in everything that is logged, printed, stored and sent. The same with real sockets and a store on disk is in
//! `tests/canary`.

use core::time::Duration;
use motet_coordinator::event::Event;
use motet_coordinator::{Command, Config, Decision};
use motet_core_crypto::{PublicNonce, SecretKey, tagged_hash};
use motet_testkit::{Cluster, Node};
use motet_wire::{
    Arrival, Channel, Derivation, Item, Kind, Message, MonotonicMs, NetworkId, Now, RequestOptions, TimestampMs,
    Validator, ValidatorLimits, peek, work::Free,
};
use std::sync::Arc;
use tracing::subscriber;

use crate::capture::Capture;
use crate::kit::{announce, cluster_of, frames};
use crate::needles::Needles;
use crate::nonces::Made;

const START: u64 = 1_800_000_000_000;

/// Two sessions that succeed, the second at its second attempt; one that is refused; one whose signer comes back.
fn busy_day() -> (Cluster, Vec<Item>) {
    let mut cluster = cluster_of(3, 5, &Config::default());
    cluster.advertise_all();
    let items = vec![
        Item { message: vec![7; 32], derivation: Derivation::None },
        Item { message: b"any length".to_vec(), derivation: Derivation::Taproot { merkle_root: None } },
    ];
    announce(&mut cluster, items.clone(), RequestOptions::default());
    cluster.settle();
    let again = announce(&mut cluster, items.clone(), RequestOptions::default());
    cluster.deliver_until(0, again, motet_node::event::Phase::Nonces);
    cluster.command(0, Command::Retry { request: again, replace: Vec::new() }).unwrap();
    cluster.settle();
    let returned = announce(&mut cluster, items.clone(), RequestOptions::default());
    cluster.deliver_until(0, returned, motet_node::event::Phase::Nonces);
    cluster.jump(Duration::from_millis(10));
    cluster.restart(1);
    for _ in 0..20 {
        cluster.settle();
        cluster.sleep();
    }
    cluster.set_policy(|_, _| Some(Decision::Decline { reason: "no".to_owned() }));
    announce(&mut cluster, items.clone(), RequestOptions::default());
    cluster.settle();
    let done = |event: &&Event| matches!(event, Event::SessionComplete(_));
    assert_eq!(cluster.node(0).events().iter().filter(done).count(), 3);
    (cluster, items)
}

/// All secrets that there are, each shown to be what it is: by its public half on the wire.
fn secrets(cluster: &Cluster, items: &[Item]) -> Vec<(String, [u8; 32])> {
    let taken: Vec<[u8; 32]> = cluster.randomness();
    let bytes = |node: &Node| *node.secret_key().dangerous_to_bytes();
    let keys: Vec<SecretKey> =
        cluster.nodes().iter().map(|node| SecretKey::from_bytes(&bytes(node)).unwrap()).collect();
    let mut secrets: Vec<(String, [u8; 32])> = Vec::new();
    for (index, node) in cluster.nodes().iter().enumerate() {
        secrets.push((format!("signer key {index}"), bytes(node)));
    }
    // Message keys speak on the wire.
    let senders: std::collections::BTreeSet<[u8; 33]> =
        frames(cluster).iter().map(|frame| peek(frame).unwrap().sender).collect();
    // When signers were added: at the start, and after the restart.
    let times = [(START, 1_000_000u64), (START + 10, 1_000_010)];
    for (number, random) in taken.iter().enumerate() {
        let signers = keys.iter().map(SecretKey::public_key);
        for (signer, (wall, mono)) in signers.flat_map(|signer| times.map(|time| (signer, time))) {
            for epoch in 0..4u64 {
                let (epoch, wall, mono) = (epoch.to_be_bytes(), wall.to_be_bytes(), mono.to_be_bytes());
                let parts: [&[u8]; 5] = [random, &signer.to_bytes(), &epoch, &wall, &mono];
                let key = tagged_hash("motet/message-key/v1", &parts);
                if senders.contains(&SecretKey::from_bytes(&key).unwrap().public_key().to_bytes()) {
                    secrets.push((format!("message key {number}"), key));
                }
            }
        }
    }
    // Nonces that somebody has revealed.
    let aggregates: Vec<_> = items
        .iter()
        .map(|item| {
            item.key_context(&keys.iter().map(SecretKey::public_key).collect::<Vec<_>>()).unwrap().aggregate_key()
        })
        .collect();
    let mut shares = 0;
    let mut opened = 0;
    let now = Now { wall: TimestampMs(START), mono: MonotonicMs(1_000_000) };
    let mut seen = std::collections::BTreeSet::new();
    for frame in &frames(cluster) {
        if peek(frame).unwrap().kind != Kind::NonceShare || !seen.insert(frame.to_vec()) {
            continue;
        }
        let mut validator = Validator::with_work(NetworkId::test(), ValidatorLimits::default(), Arc::new(Free));
        let arrival = Arrival::new(Arc::clone(frame), Channel::Sync, cluster.node(0).peer());
        let message = validator.validate(arrival, now).unwrap();
        let Message::NonceShare(share) = message.message() else { panic!("not a nonce share") };
        for (item, public) in share.nonces.iter().enumerate() {
            shares += 1;
            let open = |random: &[u8; 32], key: &SecretKey, public: &PublicNonce| {
                let made = Made {
                    key,
                    aggregate_key: &aggregates[item],
                    message: &items[item].message,
                    session: share.session,
                    attempt: share.attempt,
                    item: item as u32,
                };
                made.open(random, public)
            };
            for random in &taken {
                for key in &keys {
                    if let Some(pair) = open(random, key, public) {
                        opened += 1;
                        secrets.extend(pair.map(|secret| (format!("secret nonce {shares}"), secret)));
                        secrets.push((format!("randomness of nonce {shares}"), *random));
                    }
                }
            }
        }
    }
    assert!(shares >= 24, "{shares} nonces");
    assert_eq!(opened, shares, "every public nonce has its secret one among those that are known");
    secrets
}

#[test]
fn no_secret_of_an_engine_is_logged_printed_stored_or_sent() {
    let capture = Capture::default();
    let guard = subscriber::set_default(capture.subscriber());
    let (cluster, items) = busy_day();
    for node in cluster.nodes() {
        tracing::error!(engine = ?node.engine(), signers = ?node.signers(), store = ?node.store().snapshot(), "state");
    }
    drop(guard);
    let secrets = secrets(&cluster, &items);
    for kind in ["signer key", "message key", "secret nonce"] {
        assert!(secrets.iter().filter(|(name, _)| name.starts_with(kind)).count() >= 3, "{kind}");
    }
    let mut needles = Needles::default();
    for (name, secret) in &secrets {
        needles.add(name, secret);
    }
    let logs = capture.bytes();
    assert_eq!(needles.search(&logs), [], "in {} bytes of logs", logs.len());
    for frame in &frames(&cluster) {
        assert_eq!(needles.search(frame), [], "in a frame");
    }
    // The search is one that finds: public keys are in the logs, frames and records, and found there.
    let mut public = Needles::default();
    let signer = cluster.key(1).to_bytes();
    public.add("public key", &signer[1..]);
    assert!(!public.search(&logs).is_empty());
    assert!(frames(&cluster).iter().any(|frame| !public.search(frame).is_empty()));
}
