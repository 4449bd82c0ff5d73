//! Floods over real sockets end in a disconnect, whatever they say.

use core::time::Duration;
use std::sync::Arc;

use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig, NetHandle, parse_address};
use motet_node::Node;
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_wire::{NetworkId, Topic};

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
