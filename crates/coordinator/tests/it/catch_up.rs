//! Who comes late hears what was said before, from those who are there.

use std::sync::Arc;
use std::time::Duration;

use motet_coordinator::event::Event;
use motet_coordinator::{Config, Input};
use motet_core_crypto::PublicKey;
use motet_net::{Keypair, NetConfig};
use motet_node::{Events, Node, parse_address};
use motet_testkit::Cluster;
use motet_wire::work::Free;
use motet_wire::{Channel, Criteria, Kind, NetworkId, SignerMetadata, peek};

use crate::kit::{cluster_of, frames, hear};
use crate::real::real_node;

/// How many signers a node has discovered, and how it heard of each.
fn discovered(cluster: &Cluster, node: usize) -> Vec<Channel> {
    let events = cluster.node(node).events().iter();
    events
        .filter_map(|event| if let Event::SignerDiscovered(found) = event { Some(found.channel) } else { None })
        .collect()
}

/// A cluster whose last node hears nothing of the others' advertisements.
fn with_late_one(count: usize, seed: u64) -> Cluster {
    let mut cluster = cluster_of(count, seed, &Config::default());
    cluster.network().cut(count - 1);
    cluster.advertise_all();
    cluster.network().reconnect(count - 1);
    assert!(discovered(&cluster, count - 1).is_empty());
    cluster
}

fn meet(cluster: &mut Cluster, node: usize, other: usize) {
    let peer = cluster.node(other).peer();
    cluster.input(node, Input::PeerConnected { peer });
    cluster.settle();
}

fn frames_of(cluster: &Cluster, kind: Kind) -> Vec<Arc<[u8]>> {
    frames(cluster).iter().filter(|frame| peek(frame).unwrap().kind == kind).cloned().collect()
}

#[test]
fn who_comes_late_is_told_who_is_there() {
    let mut cluster = with_late_one(4, 1);
    meet(&mut cluster, 3, 0);
    assert_eq!(discovered(&cluster, 3), [Channel::Sync; 3]);
    // Those who know it already hear nothing new, and nobody hears anything twice.
    let before = discovered(&cluster, 1).len();
    meet(&mut cluster, 1, 0);
    assert_eq!(discovered(&cluster, 1).len(), before);
    meet(&mut cluster, 3, 1);
    assert_eq!(discovered(&cluster, 3).len(), 3);
}

#[test]
fn what_is_known_comes_page_by_page() {
    let mut cluster = with_late_one(150, 2);
    meet(&mut cluster, 149, 0);
    assert_eq!(discovered(&cluster, 149).len(), 149);
    let pages = frames_of(&cluster, Kind::SyncResponse);
    assert_eq!(pages.len(), 3, "64, 64 and 21");
    assert!(pages.iter().all(|page| page.len() <= 128 * 1024));
}

#[test]
fn the_first_three_peers_are_asked_and_others_when_time_has_passed() {
    let mut cluster = with_late_one(6, 3);
    cluster.forget_sent();
    for other in 0..5 {
        meet(&mut cluster, 5, other);
    }
    // One page of the first; of the others one from their own position on, and one from the first.
    assert_eq!(frames_of(&cluster, Kind::SyncRequest).len(), 5);
    cluster.jump(Duration::from_millis(601_000));
    meet(&mut cluster, 5, 4);
    assert_eq!(frames_of(&cluster, Kind::SyncRequest).len(), 8);
}

#[test]
fn nobody_is_told_more_than_a_few_pages_and_a_page_that_nobody_asked_for_is_not_looked_at() {
    let mut cluster = with_late_one(3, 4);
    meet(&mut cluster, 2, 0);
    let question = frames_of(&cluster, Kind::SyncRequest).remove(0);
    let answer = frames_of(&cluster, Kind::SyncResponse).remove(0);
    cluster.forget_sent();
    // The same question again and again, each time as a message that has not been seen.
    for _ in 0..30 {
        hear(&mut cluster, 0, 2, &question);
        cluster.settle();
    }
    assert_eq!(frames_of(&cluster, Kind::SyncResponse).len(), 7, "eight pages in all");
    cluster.jump(Duration::from_millis(601_000));
    hear(&mut cluster, 0, 2, &question);
    cluster.settle();
    assert_eq!(frames_of(&cluster, Kind::SyncResponse).len(), 8);
    // The answer once more, and at somebody who has not asked.
    let validated = cluster.accepted();
    for node in [1, 2] {
        hear(&mut cluster, node, 0, &answer);
        cluster.settle();
    }
    assert_eq!(cluster.accepted(), validated + 2, "the pages were looked at, and what is in them was not");
}

/// A node that advertises a signer, and where it listens.
async fn node() -> (Node, Events, PublicKey, String) {
    let (handle, events, signer, address) = real_node(NetworkId::new("catch-up").unwrap()).await;
    let hour = Duration::from_secs(3600);
    handle.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), hour).await.unwrap();
    (handle, events, signer, address)
}

async fn discover(events: &mut Events, signer: PublicKey) -> Channel {
    loop {
        match events.next().await.unwrap().unwrap() {
            Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer => return found.channel,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_hears_from_its_first_peer_of_signers_whose_nodes_are_gone() {
    let (there, mut heard, _, address) = node().await;
    let (gone, _, absent, _) = node().await;
    gone.connect(parse_address(&address).unwrap()).await.unwrap();
    discover(&mut heard, absent).await;
    gone.stop().await;
    let (late, mut events, ..) = node().await;
    late.connect(parse_address(&address).unwrap()).await.unwrap();
    assert_eq!(discover(&mut events, absent).await, Channel::Sync);
    for handle in [there, late] {
        handle.stop().await;
    }
}

/// A node without signers, and where it listens.
async fn keyless() -> (Node, Events, String) {
    let net = NetConfig::local(NetworkId::new("catch-up").unwrap(), Keypair::generate());
    let (handle, mut events) = Node::builder(net).work(Free).start().await.unwrap();
    handle.subscribe_to_all_signers().unwrap().keep();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break format!("{address}/p2p/{}", handle.peer_id());
        }
    };
    (handle, events, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_signers_tells_and_is_told_of_signers_whose_nodes_are_gone() {
    let (there, mut heard, address) = keyless().await;
    let (gone, _, absent, _) = node().await;
    gone.connect(parse_address(&address).unwrap()).await.unwrap();
    discover(&mut heard, absent).await;
    gone.stop().await;
    // It tells a signer's node that comes later, and another node without signers.
    let (late, mut events, ..) = node().await;
    late.connect(parse_address(&address).unwrap()).await.unwrap();
    assert_eq!(discover(&mut events, absent).await, Channel::Sync);
    let (other, mut events, _) = keyless().await;
    other.connect(parse_address(&address).unwrap()).await.unwrap();
    assert_eq!(discover(&mut events, absent).await, Channel::Sync);
    for handle in [there, late, other] {
        handle.stop().await;
    }
}
