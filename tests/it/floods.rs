//! Floods over real sockets end in a disconnect, whatever they say.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig, NetHandle, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{CatchUp, Clock, Config, LocalSigner, LookUp, MemoryStore, Node, OsEntropy, SigningRequestSpec};
use motet_wire::work::Free;
use motet_wire::{
    Criteria, Delegation, Derivation, Difficulty, Item, NetworkId, RequestMetadata, RequestOptions,
    SignerAdvertisement, SignerMetadata, Topic, ValidatorLimits, Work, seal,
};

/// A hang guard: nothing here is timed, but nothing may hang for ever either.
const GUARD: Duration = Duration::from_secs(60);
/// Frames after which a peer that sends nothing of this protocol must be blocked. A stranger may send 600 a minute and ten times as many over its share;
/// the rest is what its own queues drop on the way.
const ENOUGH: u32 = 100_000;

struct Nothing;

impl EntryPolicy for Nothing {
    fn entry(&self, _: &[u8; 32], _: &[u8]) -> Option<Entry> {
        None
    }
}

fn net() -> NetConfig {
    NetConfig::local(NetworkId::new("floods").unwrap(), Keypair::generate())
}

/// A node, and a hostile one that is connected to it.
async fn attacked() -> (Node, NetHandle) {
    let (node, mut events) = Node::builder(net()).policy(ApproveAll).start().await.unwrap();
    node.subscribe_to_all_signers().unwrap().keep();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break format!("{address}/p2p/{}", node.peer_id());
        }
    };
    let mut config = net();
    config.bootstrap.push(parse_address(&address).unwrap());
    let (hostile, mut heard) = Net::start(config, Arc::new(Nothing)).unwrap();
    tokio::spawn(async move { while heard.recv().await.is_some() {} });
    while node.stats().await.unwrap().peers == 0 {}
    (node, hostile)
}

const HOUR: Duration = Duration::from_secs(3_600);

/// A node that signs everything, begins at others, and never asks for a message that it has lost. Its processor is never the limit.
async fn signing(at: &[&str]) -> (Node, String, PublicKey) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let mut net = net();
    net.bootstrap = at.iter().map(|address| parse_address(address).unwrap()).collect();
    let config = Config::default().difficulty(Difficulty(0)).sync_after(HOUR).catch_up(CatchUp::Off);
    let limits = ValidatorLimits { verifications_per_second: 1_000_000, ..ValidatorLimits::default() };
    let node = Node::builder(net).store(MemoryStore::default()).work(Free).policy(ApproveAll).config(config);
    let (node, mut events) = node.limits(limits).signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
    node.subscribe_to_all_signers().unwrap().keep();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break format!("{address}/p2p/{}", node.peer_id());
        }
    };
    tokio::spawn(async move { while events.next().await.is_some() {} });
    (node, address, signer)
}

/// The offer of a signer that nobody knows.
fn sound_offer() -> Arc<[u8]> {
    let network = NetworkId::new("floods").unwrap();
    let [signer, message_key] = [(), ()].map(|()| SecretKey::generate(&mut OsEntropy).unwrap());
    let (now, peer) = (Clock::start().now().wall, Keypair::generate().peer_id());
    let not_after = now.saturating_add(HOUR);
    let digest = Delegation::digest(&network, &signer.public_key(), &message_key.public_key(), &peer, not_after);
    let delegation = Delegation {
        signer: signer.public_key(),
        message_key: message_key.public_key(),
        peer,
        not_after,
        signature: schnorr::sign(&signer, &digest, &[0; 32]).unwrap(),
    };
    let advertisement = SignerAdvertisement {
        delegation,
        addresses: Vec::new(),
        criteria: Criteria::ANY,
        metadata: SignerMetadata::default(),
        created: now,
        expires: not_after,
        work: Work::default(),
    };
    seal(&network, &message_key, 1, now, &advertisement.into(), &[0; 32]).unwrap().frame
}

/// The frames that a node has refused because a peer had used up its share.
async fn over_share(node: &Node) -> u64 {
    let metrics = node.metrics().await.unwrap();
    let of_share = |line: &&str| {
        ["V-07", "V-08", "V-09"].iter().any(|rule| line.starts_with(&format!("motet_rejected_total{{rule=\"{rule}\"")))
    };
    metrics.lines().filter(of_share).filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hands_on_a_flood_of_sound_messages_is_heard_all_the_same() {
    let (relay, address, relays) = signing(&[]).await;
    let (victim, _, signs) = signing(&[&address]).await;
    while victim.stats().await.unwrap().peers == 0 {}
    for (node, signer) in [(&relay, relays), (&victim, signs)] {
        node.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
    }
    let knowing = async {
        for (node, signer) in [(&relay, signs), (&victim, relays)] {
            while !matches!(node.find_signer(signer).await.unwrap(), LookUp::Known(_)) {}
        }
    };
    tokio::time::timeout(GUARD, knowing).await.unwrap();
    let mut attackers = Vec::new();
    for _ in 0..3 {
        let mut config = net();
        config.bootstrap.push(parse_address(&address).unwrap());
        let (attacker, mut heard) = Net::start(config, Arc::new(Nothing)).unwrap();
        tokio::spawn(async move { while heard.recv().await.is_some() {} });
        while attacker.stats().await.unwrap().peers == 0 {}
        attackers.push(attacker);
    }
    let flooding = async {
        let mut turns = attackers.iter().cycle();
        while over_share(&victim).await == 0 {
            for attacker in turns.by_ref().take(60) {
                attacker.publish(vec![Topic::AllOffers], sound_offer()).await.unwrap();
            }
        }
    };
    tokio::time::timeout(GUARD, flooding).await.expect("what the relay hands on has used up its share");
    // What the relay says itself has a share of its own. No message of a session may be lost: nobody asks for it.
    for number in 0..3_u8 {
        let spec = SigningRequestSpec {
            creator: relays,
            keys: vec![relays, signs],
            items: vec![Item { message: vec![number; 32], derivation: Derivation::Taproot { merkle_root: None } }],
            options: RequestOptions::default(),
            metadata: RequestMetadata::default(),
            lifetime: HOUR,
        };
        let (request, _) = relay.announce_signing_request(spec).await.unwrap();
        let signed = async {
            for node in [&relay, &victim] {
                while node.final_signatures(request).await.unwrap().is_none() {
                    attackers[0].publish(vec![Topic::AllOffers], sound_offer()).await.unwrap();
                }
            }
        };
        tokio::time::timeout(GUARD, signed).await.expect("the session has all of its messages");
    }
    assert_eq!(victim.stats().await.unwrap().blocked, 0);
    for attacker in attackers {
        attacker.stop().await;
    }
    relay.stop().await;
    victim.stop().await;
}

/// A frame of another version, or of this one and of a kind that does not exist.
fn junk(version: u8, number: u32) -> Arc<[u8]> {
    let mut frame = vec![0; 200];
    frame[0] = version;
    frame[1] = 99;
    frame[2..6].copy_from_slice(&number.to_be_bytes());
    frame.into()
}

/// The number of such frames that the node takes before it blocks the peer.
async fn taken(version: u8, gossip: bool) -> u32 {
    let (node, hostile) = attacked().await;
    let flooding = async {
        for number in 0.. {
            let frame = junk(version, number);
            if gossip {
                hostile.publish(vec![Topic::AllOffers], frame).await.unwrap();
            } else {
                hostile.send(*node.peer_id(), Vec::new(), frame).await.unwrap();
            }
            if number % 100 == 99 && node.stats().await.unwrap().blocked == 1 {
                return number + 1;
            }
        }
        0
    };
    let taken = tokio::time::timeout(GUARD, flooding).await.expect("the peer is blocked");
    while node.stats().await.unwrap().peers > 0 {}
    hostile.stop().await;
    node.stop().await;
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_another_version_or_of_unknown_kinds_ends_in_a_disconnect() {
    for (version, gossip) in [(9, false), (1, false), (9, true), (1, true)] {
        let taken = taken(version, gossip).await;
        assert!(taken <= ENOUGH, "version {version}, gossip {gossip}: {taken} frames");
    }
}
