//! Entries in the DHT.

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_net::{DhtMode, DhtState, DhtStats, Keypair, NetConfig, parse_address};
use motet_wire::{DhtKey, NetworkId};

use crate::peer::{Peer, entry};

/// The point of the curve that everybody knows.
const GENERATOR: [u8; 33] = [
    0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b,
    0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];

fn key() -> DhtKey {
    DhtKey::signer(&NetworkId::test(), &PublicKey::from_bytes(&GENERATOR).unwrap())
}

/// Asks until the answer is this: entries travel from node to node without telling anybody when they are there.
async fn get(node: &Peer, wanted: &[Arc<[u8]>]) {
    let asking = async {
        loop {
            let mut found = node.handle.get(key()).await.unwrap();
            found.sort();
            if found == wanted {
                break;
            }
        }
    };
    tokio::time::timeout(crate::peer::GUARD, asking).await.unwrap();
}

/// Two nodes that know each other.
async fn pair() -> (Peer, Peer) {
    let mut one = Peer::alone().await;
    let mut two = Peer::at(&one).await;
    one.dht_ready().await;
    two.connected(&one.id()).await;
    (one, two)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_puts_another_gets_who_comes_later() {
    let (one, two) = pair().await;
    let frame = entry(1, 1, b"here I am");
    one.handle.put(key(), vec![Arc::clone(&frame)]).await.unwrap();
    get(&two, &[Arc::clone(&frame)]).await;
    let mut late = Peer::at(&two).await;
    late.connected(&two.id()).await;
    get(&late, &[Arc::clone(&frame)]).await;
    // Its author may be gone by then.
    one.handle.stop().await;
    let mut later = Peer::at(&late).await;
    later.connected(&late.id()).await;
    get(&later, &[frame]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_entry_is_found_in_a_network_of_any_size_and_bags_are_waited_for() {
    let (one, two) = pair().await;
    let mut others: Vec<Peer> = Vec::new();
    for _ in 0..8 {
        let mut other = Peer::at(&one).await;
        other.connected(&one.id()).await;
        others.push(other);
    }
    let last = others.last().unwrap();
    assert!(two.handle.find(key()).await.unwrap().is_empty());
    let frame = entry(1, 1, b"here I am");
    one.handle.put(key(), vec![Arc::clone(&frame)]).await.unwrap();
    get(&two, &[Arc::clone(&frame)]).await;
    get(last, &[Arc::clone(&frame)]).await;
    for node in [&two, last] {
        assert_eq!(node.handle.find(key()).await.unwrap(), [Arc::clone(&frame)]);
    }
    // More than belongs to one entry is not taken for one.
    let many: Vec<_> = (2..=20).map(|author| entry(author, 1, b"another's")).collect();
    two.handle.put(key(), many).await.unwrap();
    let asking = async { while one.handle.find(key()).await.unwrap().len() < 20 {} };
    tokio::time::timeout(crate::peer::GUARD, asking).await.unwrap();
    assert_eq!(one.handle.dht_stats().await.unwrap().queries, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_puts_before_it_stops_lies_there() {
    for number in 0..10_u64 {
        let (one, mut two) = pair().await;
        let frame = entry(1, number, b"gone");
        one.handle.put(key(), vec![Arc::clone(&frame)]).await.unwrap();
        one.handle.stop().await;
        two.disconnected(&one.id()).await;
        // It is judged beside the event loop, before anything of this node itself that comes later.
        two.handle.put(key(), vec![entry(2, 1, b"later")]).await.unwrap();
        get(&two, &[frame, entry(2, 1, b"later")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_few_connections_puts_many_records_at_the_nodes_closest_to_each() {
    let memory = |others: &[Peer]| {
        let mut config = NetConfig::memory(NetworkId::test(), Keypair::generate());
        config.bootstrap = others.iter().take(3).map(|other| parse_address(&other.address).unwrap()).collect();
        config
    };
    let mut nodes: Vec<Peer> = Vec::new();
    for _ in 0..30 {
        nodes.push(Peer::start(memory(&nodes)).await);
    }
    let writer = NetConfig { dht: DhtMode::Client, connections: 32, ..memory(&nodes) };
    let writer = Peer::start(writer).await;
    let known = async {
        for (node, wanted) in nodes.iter().map(|node| (node, 20)).chain([(&writer, 3)]) {
            while node.handle.dht_stats().await.unwrap().peers < wanted {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(crate::peer::GUARD, known).await.unwrap();
    for number in 0..8 {
        writer.handle.put(DhtKey::from_bytes([number; 32]), vec![entry(1, 1, b"here I am")]).await.unwrap();
    }
    let settled = async {
        while writer.handle.dht_stats().await.unwrap().puts > 0 {
            tokio::task::yield_now().await;
        }
        for node in &nodes {
            while node.handle.dht_stats().await.unwrap().unjudged > 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(crate::peer::GUARD, settled).await.unwrap();
    let mut copies = 0;
    for node in &nodes {
        copies += node.handle.dht_stats().await.unwrap().records;
    }
    // Twenty nodes for each of three places, of which fifteen have confirmed the record.
    assert!(copies >= 8 * 3 * 15, "{copies} of {}", 8 * 3 * 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_one_key_lies_the_newest_of_each_author() {
    let (one, two) = pair().await;
    one.handle.put(key(), vec![entry(1, 1, b"old")]).await.unwrap();
    get(&two, &[entry(1, 1, b"old")]).await;
    two.handle.put(key(), vec![entry(2, 5, b"another's")]).await.unwrap();
    get(&one, &[entry(1, 1, b"old"), entry(2, 5, b"another's")]).await;
    one.handle.put(key(), vec![entry(1, 2, b"new")]).await.unwrap();
    get(&two, &[entry(1, 2, b"new"), entry(2, 5, b"another's")]).await;
    // Nobody can turn the time back.
    two.handle.put(key(), vec![entry(1, 1, b"old")]).await.unwrap();
    two.handle.put(key(), vec![entry(2, 6, b"another's, later")]).await.unwrap();
    get(&one, &[entry(1, 2, b"new"), entry(2, 6, b"another's, later")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_refuses_is_not_there() {
    let (one, two) = pair().await;
    one.handle.put(key(), vec![entry(1, 1, b"refused")]).await.unwrap();
    one.handle.put(key(), vec![(*b"no entry at all").into()]).await.unwrap();
    one.handle.put(key(), vec![entry(2, 1, b"taken")]).await.unwrap();
    get(&two, &[entry(2, 1, b"taken")]).await;
    get(&one, &[entry(2, 1, b"taken")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_where_nothing_lies() {
    let (one, two) = pair().await;
    assert!(one.handle.get(key()).await.unwrap().is_empty());
    drop(two);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_what_its_part_of_the_dht_looks_like() {
    let lonely = Peer::alone().await;
    assert_eq!(lonely.handle.dht_stats().await.unwrap(), DhtStats { server: true, ..DhtStats::default() });
    // Nobody answers at the address that it is given; and then it stops.
    let nobody = format!("/ip4/127.0.0.1/tcp/1/p2p/{}", Peer::alone().await.id());
    lonely.handle.dial(parse_address(&nobody).unwrap()).await.unwrap();
    assert_eq!(lonely.handle.dht_stats().await.unwrap().state, DhtState::Bootstrapping);
    lonely.handle.stop().await;
    assert_eq!(lonely.handle.dht_stats().await.unwrap().state, DhtState::Stopped);
    let (one, two) = pair().await;
    let frame = entry(1, 1, b"something");
    one.handle.put(key(), vec![Arc::clone(&frame)]).await.unwrap();
    get(&two, &[Arc::clone(&frame)]).await;
    let stats = one.handle.dht_stats().await.unwrap();
    assert_eq!((stats.state, stats.peers), (DhtState::Ready, 1));
    // At each of the key's places.
    assert_eq!((stats.records, stats.bytes), (3, 3 * (4 + frame.len())));
}
