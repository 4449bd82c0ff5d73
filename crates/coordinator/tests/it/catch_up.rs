//! Who comes late hears what was said before, from those who are there.

use std::sync::Arc;
use std::time::Duration;

use motet_coordinator::event::Event;
use motet_coordinator::{Config, Input};
use motet_core_crypto::PublicKey;
use motet_node::{Events, Node, parse_address};
use motet_wire::{Channel, Criteria, Kind, NetworkId, SignerMetadata, peek};

use crate::network::Network;
use crate::real::real_node;

/// How many signers a node has discovered, and how it heard of each.
fn discovered(network: &Network, node: usize) -> Vec<Channel> {
    let events = network.nodes[node].events.iter();
    events
        .filter_map(|event| if let Event::SignerDiscovered(found) = event { Some(found.channel) } else { None })
        .collect()
}

/// A network whose last node hears nothing of the others' advertisements.
fn with_late_one(count: usize, seed: u64) -> Network {
    let mut network = Network::new(count, seed, &Config::default());
    network.nodes[count - 1].deaf = true;
    network.advertise_all();
    network.nodes[count - 1].deaf = false;
    assert!(discovered(&network, count - 1).is_empty());
    network
}

fn meet(network: &mut Network, node: usize, other: usize) {
    let peer = network.nodes[other].peer;
    network.input(node, Input::PeerConnected { peer });
    network.run();
}

fn frames_of(network: &Network, kind: Kind) -> Vec<Arc<[u8]>> {
    network.frames.iter().filter(|frame| peek(frame).unwrap().kind == kind).cloned().collect()
}

#[test]
fn who_comes_late_is_told_who_is_there() {
    let mut network = with_late_one(4, 1);
    meet(&mut network, 3, 0);
    assert_eq!(discovered(&network, 3), [Channel::Sync; 3]);
    // Those who know it already hear nothing new, and nobody hears anything twice.
    let before = discovered(&network, 1).len();
    meet(&mut network, 1, 0);
    assert_eq!(discovered(&network, 1).len(), before);
    meet(&mut network, 3, 1);
    assert_eq!(discovered(&network, 3).len(), 3);
}

#[test]
fn what_is_known_comes_page_by_page() {
    let mut network = with_late_one(150, 2);
    meet(&mut network, 149, 0);
    assert_eq!(discovered(&network, 149).len(), 149);
    let pages = frames_of(&network, Kind::SyncResponse);
    assert_eq!(pages.len(), 3, "64, 64 and 21");
    assert!(pages.iter().all(|page| page.len() <= 128 * 1024));
}

#[test]
fn the_first_three_peers_are_asked_and_others_when_time_has_passed() {
    let mut network = with_late_one(6, 3);
    network.frames.clear();
    for other in 0..5 {
        meet(&mut network, 5, other);
    }
    // One page of each, and the question whether there is a second.
    assert_eq!(frames_of(&network, Kind::SyncRequest).len(), 6);
    network.clock += 601_000;
    meet(&mut network, 5, 4);
    assert_eq!(frames_of(&network, Kind::SyncRequest).len(), 8);
}

#[test]
fn nobody_is_told_more_than_a_few_pages_and_a_page_that_nobody_asked_for_is_not_looked_at() {
    let mut network = with_late_one(3, 4);
    meet(&mut network, 2, 0);
    let question = frames_of(&network, Kind::SyncRequest).remove(0);
    let answer = frames_of(&network, Kind::SyncResponse).remove(0);
    network.frames.clear();
    // The same question again and again, each time as a message that has not been seen.
    for _ in 0..30 {
        network.hear(0, 2, &question);
        network.run();
    }
    assert_eq!(frames_of(&network, Kind::SyncResponse).len(), 7, "eight pages in all");
    network.clock += 601_000;
    network.hear(0, 2, &question);
    network.run();
    assert_eq!(frames_of(&network, Kind::SyncResponse).len(), 8);
    // The answer once more, and at somebody who has not asked.
    let validated = network.validated;
    for node in [1, 2] {
        network.hear(node, 0, &answer);
        network.run();
    }
    assert_eq!(network.validated, validated + 2, "the pages were looked at, and what is in them was not");
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
