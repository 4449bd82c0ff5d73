//! The index of the DHT under attack, over real sockets: offers of signers that are away are found by newcomers that nobody tells of them.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_net::{DhtMode, Entry, EntryPolicy, Keypair, Net, NetConfig, NetHandle, Price, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{Clock, Config, Events, LocalSigner, MemoryStore, Node, OsEntropy, SignerQuery};
use motet_wire::{
    AdvertisementId, Criteria, Delegation, DhtKey, Difficulty, HashWork, Index, NetworkId, Shard, SignerMetadata,
    SignerUnavailable, peek, seal,
};

/// A hang guard: nothing here is timed, but nothing may hang for ever either.
const GUARD: Duration = Duration::from_secs(60);
/// Enough for stamps to be needed, and little enough for a test to find them.
const FLOOR: u8 = 8;
const SIGNERS: usize = 6;

fn network() -> NetworkId {
    NetworkId::new("index").unwrap()
}

/// The nodes without a signer store entries, and nobody else: so an answer of the DHT is one of theirs.
fn net(bootstrap: Option<&str>, dht: DhtMode) -> NetConfig {
    let mut net = NetConfig::local(network(), Keypair::generate());
    net.dht = dht;
    // A node that has gone refuses connections at once.
    net.listen = vec![parse_address("/ip4/127.0.0.1/tcp/0").unwrap()];
    net.bootstrap.extend(bootstrap.map(|address| parse_address(address).unwrap()));
    net
}

/// A node that serves this signer, or none; and where it listens.
async fn node(bootstrap: Option<&str>, key: Option<SecretKey>) -> (Node, Events, String) {
    let work = HashWork { floor: Difficulty(FLOOR), ..HashWork::default() };
    let config = Config::default().difficulty(Difficulty(FLOOR));
    let dht = if key.is_some() { DhtMode::Client } else { DhtMode::Server };
    let mut builder = Node::builder(net(bootstrap, dht)).policy(ApproveAll).config(config).work(work);
    if let Some(key) = key {
        builder = builder.store(Arc::new(MemoryStore::default())).signer(LocalSigner::new(key, OsEntropy));
    }
    let (node, mut events) = builder.start().await.unwrap();
    let address = loop {
        if let Event::Listening { address } = next(&mut events).await {
            break format!("{address}/p2p/{}", node.peer_id());
        }
    };
    (node, events, address)
}

async fn next(events: &mut Events) -> Event {
    tokio::time::timeout(GUARD, events.next()).await.unwrap().unwrap().unwrap()
}

/// Believes whatever it finds.
struct Anything;

impl EntryPolicy for Anything {
    fn entry(&self, _: &[u8; 32], frame: &[u8]) -> Option<Entry> {
        let id = motet_core_crypto::tagged_hash("test", &[frame]);
        let mut author = [0; 33];
        author[..32].copy_from_slice(&id);
        Some(Entry { author, name: id, version: 0, id, price: Price::Paid(0), life: GUARD })
    }
}

fn swap() -> Index {
    Index::SignersOfType("swap".to_owned())
}

fn bags(index: &Index) -> impl Iterator<Item = DhtKey> {
    let shards = [4, 8].into_iter().flat_map(Shard::all);
    shards.map(|shard| DhtKey::bag(&network(), index, shard)).collect::<Vec<_>>().into_iter()
}

/// A hostile node, which puts what it likes.
async fn hostile(address: &str) -> NetHandle {
    let (net, mut events) = Net::start(net(Some(address), DhtMode::Client), Arc::new(Anything)).unwrap();
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    net
}

/// The withdrawal by a fresh signer of an offer that never was; it needs no work.
fn withdrawal() -> (PublicKey, Arc<[u8]>) {
    let [signer, message_key] = [(); 2].map(|()| SecretKey::generate(&mut OsEntropy).unwrap());
    let now = Clock::start().now().wall;
    let (key, speaks, until) = (signer.public_key(), message_key.public_key(), now.saturating_add(GUARD));
    let peer = Keypair::generate().peer_id();
    let digest = Delegation::digest(&network(), &key, &speaks, &peer, until);
    let signature = schnorr::sign(&signer, &digest, &[0; 32]).unwrap();
    let delegation = Delegation { signer: key, message_key: speaks, peer, not_after: until, signature };
    let advertisement = AdvertisementId::from_bytes([1; 32]);
    let gone = SignerUnavailable { delegation, advertisement, reason: String::new() };
    (key, seal(&network(), &message_key, 1, now, &gone.into(), &[0; 32]).unwrap().frame)
}

/// Waits until an offer of a signer lies under its key and in all its bags at nodes that stay.
async fn lies(net: &NetHandle, signer: &PublicKey) {
    let bag = |index: &Index, depth| DhtKey::bag(&network(), index, Shard::of(signer, depth));
    let bags = [swap(), Index::Signers].into_iter().flat_map(|index| [4, 8].map(|depth| bag(&index, depth)));
    let is_its = |frame: &Arc<[u8]>| peek(frame).and_then(|peek| peek.signer) == Some(signer.to_bytes());
    for key in bags.chain([DhtKey::signer(&network(), signer)]) {
        let found = async { while !net.get(key).await.unwrap().iter().any(is_its) {} };
        tokio::time::timeout(GUARD, found).await.expect("the offer lies in the DHT");
    }
}

/// Offers of signers whose nodes have gone since, at public nodes without a signer; and a hostile node.
async fn offline() -> (Vec<(Node, Events)>, String, NetHandle) {
    let (first, events, address) = node(None, None).await;
    let mut public = vec![(first, events)];
    for _ in 0..2 {
        let (node, events, _) = node(Some(&address), None).await;
        public.push((node, events));
    }
    let hostile = hostile(&address).await;
    for _ in 0..SIGNERS {
        let key = SecretKey::generate(&mut OsEntropy).unwrap();
        let signer = key.public_key();
        let (node, _events, _) = node(Some(&address), Some(key)).await;
        let criteria = Criteria { transaction_types: vec!["swap".to_owned()], ..Criteria::ANY };
        let hour = Duration::from_secs(3_600);
        node.advertise_signer(signer, criteria, SignerMetadata::default(), hour).await.unwrap();
        lies(&hostile, &signer).await;
        node.stop().await;
    }
    (public, address, hostile)
}

/// The number of signers that a newcomer finds, which hears of them by the DHT alone: neighbours without a signer are mute in catch-up, and hand
/// on by gossip only what they say themselves.
async fn found_by_a_newcomer(address: &str) -> usize {
    let (newcomer, _events, _) = node(Some(address), None).await;
    while newcomer.dht_stats().await.unwrap().peers < 3 {}
    let wishes = SignerQuery { transaction_type: Some("swap".to_owned()), ..SignerQuery::default() };
    assert!(newcomer.find_known_signers(wishes.clone()).await.unwrap().is_empty());
    let found = newcomer.find_available_signers(wishes).await.unwrap().len();
    newcomer.stop().await;
    found
}

/// Something new by a stranger lies in the DHT, so that what was put before it has been judged.
async fn judged(hostile: &NetHandle, address: &str) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let (node, _events, _) = node(Some(address), Some(key)).await;
    let minute = Duration::from_secs(60);
    let criteria = Criteria { transaction_types: vec!["swap".to_owned()], ..Criteria::ANY };
    node.advertise_signer(signer, criteria, SignerMetadata::default(), minute).await.unwrap();
    lies(hostile, &signer).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_empties_the_index_neither_by_empty_puts_nor_by_withdrawals() {
    let (_public, address, hostile) = offline().await;
    assert_eq!(found_by_a_newcomer(&address).await, SIGNERS, "before the attack");
    for key in bags(&swap()).chain(bags(&Index::Signers)) {
        hostile.put(key, Vec::new()).await.unwrap();
    }
    for _ in 0..300 {
        let (signer, frame) = withdrawal();
        for index in [swap(), Index::Signers] {
            let key = DhtKey::bag(&network(), &index, Shard::of(&signer, 4));
            hostile.put(key, vec![Arc::clone(&frame)]).await.unwrap();
        }
    }
    judged(&hostile, &address).await;
    assert_eq!(found_by_a_newcomer(&address).await, SIGNERS + 1, "those, and one that came after it");
}
