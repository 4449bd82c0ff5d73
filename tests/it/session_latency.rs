//! How many message delays a session takes, in virtual time: `docs/protocol.md` §7 promises four from announcement to
//! signature, three without commitments, and nothing else on the critical path.
//!
//! Engines with real arithmetic, joined by a network in which every message takes the same time and everything else
//! takes none. A delay more, or a timer on the critical path, fails the test; no clock is read.

use core::time::Duration;

use motet_coordinator::Config;
use motet_testkit::{Cluster, Way};
use motet_wire::{Commitments, Derivation, Item, Kind, RequestId, RequestOptions};

/// What every message between two nodes takes.
const DELAY: u64 = 50;
/// What a session may take besides its delays; computations take no virtual time.
const SLACK: u64 = 20;

/// Which way messages go. A session needs one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paths {
    All,
    /// No gossip: the signers have to know of each other.
    Direct,
    /// The participants have never heard of each other before the request.
    Strangers,
}

fn cluster_of(count: usize, paths: Paths) -> Cluster {
    let mut cluster = Cluster::with_config(count, count as u64, &Config::default().max_signers(count));
    cluster.network().set_delay(Duration::from_millis(DELAY));
    if paths != Paths::Strangers {
        cluster.advertise_all();
    }
    // Advertisements travel by gossip, whatever follows.
    cluster.network().set_gossip(paths != Paths::Direct);
    cluster
}

fn announce(cluster: &mut Cluster, commitments: Commitments) -> RequestId {
    let items = vec![Item { message: vec![7; 32], derivation: Derivation::Taproot { merkle_root: None } }];
    let all: Vec<usize> = (0..cluster.nodes().len()).collect();
    let request = cluster.request(0, &all, items, RequestOptions { commitments, ..RequestOptions::default() });
    cluster.announce_request(0, request).unwrap()
}

/// Announces a request for signatures of all nodes, and says after how many milliseconds each node has them.
fn sign(cluster: &mut Cluster, commitments: Commitments) -> Vec<u64> {
    let begin = cluster.elapsed();
    let request = announce(cluster, commitments);
    let mut took = vec![None; cluster.nodes().len()];
    while took.contains(&None) {
        assert!(cluster.step(), "every node has the signature");
        let now = u64::try_from((cluster.elapsed() - begin).as_millis()).unwrap();
        for (took, node) in took.iter_mut().zip(cluster.nodes()) {
            *took = took.or(node.completed(request).map(|_| now));
        }
    }
    cluster.settle();
    took.into_iter().flatten().collect()
}

/// How often a request has been put into the DHT.
fn published(cluster: &Cluster) -> usize {
    cluster.sent().iter().filter(|sent| sent.way == Way::Dht && sent.kind() == Some(Kind::SigningRequest)).count()
}

fn every_node_has_it_within(count: usize, paths: Paths, commitments: Commitments, delays: u64) {
    let mut cluster = cluster_of(count, paths);
    // The second session finds delegations verified and peers known, and takes as long.
    for session in 0..2 {
        for (node, took) in sign(&mut cluster, commitments).into_iter().enumerate() {
            let story = format!("node {node} of {count}, session {session}, {paths:?}, {commitments:?}: {took} ms");
            assert!(took <= delays * DELAY + SLACK, "{story}");
            // No signature comes before everybody's partial signature can have come: the test measures something.
            assert!(took >= (delays - 1) * DELAY, "{story}");
        }
    }
}

#[test]
fn a_session_takes_four_message_delays() {
    for count in [2, 3, 5, 15] {
        every_node_has_it_within(count, Paths::All, Commitments::On, 4);
    }
}

#[test]
fn a_session_without_commitments_takes_three_message_delays() {
    for count in [2, 3, 5, 15] {
        every_node_has_it_within(count, Paths::All, Commitments::Off, 3);
    }
}

#[test]
fn direct_streams_alone_are_as_fast() {
    every_node_has_it_within(3, Paths::Direct, Commitments::On, 4);
    every_node_has_it_within(3, Paths::Direct, Commitments::Off, 3);
}

#[test]
fn strangers_need_one_delay_more_since_the_creator_makes_them_known_to_each_other() {
    for count in [2, 3, 5, 15] {
        every_node_has_it_within(count, Paths::Strangers, Commitments::On, 5);
    }
    every_node_has_it_within(2, Paths::Strangers, Commitments::Off, 4);
    // The creator hands joins on, and a join carries a commitment but no nonces: those are sent when the joins have come.
    for count in [3, 5, 15] {
        every_node_has_it_within(count, Paths::Strangers, Commitments::Off, 5);
    }
}

#[test]
fn only_a_request_that_somebody_has_not_heard_goes_into_the_dht() {
    let mut cluster = cluster_of(3, Paths::All);
    sign(&mut cluster, Commitments::On);
    assert_eq!(published(&cluster), 0, "everybody was there");
    cluster.network().cut(2);
    announce(&mut cluster, Commitments::On);
    cluster.settle();
    assert_eq!(published(&cluster), 0, "nobody is late yet");
    let begin = cluster.elapsed();
    while published(&cluster) == 0 {
        cluster.sleep();
        cluster.settle();
    }
    let took = cluster.elapsed() - begin;
    assert!((5_000..16_000).contains(&took.as_millis()), "somebody is, whose peer is known: {took:?}");
    cluster.sleep();
    cluster.settle();
    assert_eq!(published(&cluster), 1, "once is enough");
}
