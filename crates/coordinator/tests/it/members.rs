//! A session costs its members alone: what nodes hear of sessions that they are no part of.

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config, Decision, Input, Interest};
use motet_core_crypto::PublicKey;
use motet_testkit::Cluster;
use motet_wire::{Commitments, Criteria, Kind, RequestId, Topic, peek};

use crate::kit::{announce, announce_to, clock, cluster_of};
use crate::session::{items, options};

/// A cluster of 100 nodes, of which the first few are members of what follows.
const NODES: usize = 100;

/// Which nodes have heard where the members are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    All,
    Creator,
    Nobody,
}

fn advertised(members: usize, known: Known) -> (Cluster, Vec<PublicKey>) {
    let mut cluster = cluster_of(NODES, 3, &Config::default());
    for node in (0..members).filter(|_| known != Known::Nobody) {
        (0..NODES)
            .filter(|other| known == Known::Creator && *other != 0 && *other != node)
            .for_each(|other| cluster.network().cut(other));
        cluster.advertise(node).unwrap();
        cluster.settle();
        (0..NODES).for_each(|other| cluster.network().reconnect(other));
    }
    cluster.forget_heard();
    let keys = (0..members).map(|node| cluster.key(node)).collect();
    (cluster, keys)
}

/// Lets so much time pass that everything is said again that can be.
fn pass_time(cluster: &mut Cluster) {
    let end = clock(cluster) + 120_000;
    while clock(cluster) < end {
        cluster.settle();
        cluster.sleep();
    }
    cluster.settle();
}

/// Sees that each node which is no member has heard this of the session, and nothing else but offers: the request, if it serves a signer
/// of the shard of one of these, and nothing otherwise.
fn assert_overheard(cluster: &Cluster, members: usize, published_for: &[PublicKey]) {
    for (number, node) in cluster.nodes().iter().enumerate().skip(members) {
        let is_asked = published_for.iter().any(|signer| node.topics().contains(&Topic::of_requests_to(signer)));
        let expected = if is_asked { vec![Kind::SigningRequest] } else { Vec::new() };
        let kinds = node.heard().iter().map(|frame| peek(frame).unwrap().kind);
        let kinds: Vec<Kind> = kinds.filter(|kind| *kind != Kind::SignerAdvertisement).collect();
        assert_eq!(kinds, expected, "node {number}");
    }
}

fn assert_phase(cluster: &mut Cluster, members: usize, request: RequestId, phase: Phase) {
    for node in 0..members {
        assert_eq!(cluster.status(node, request).unwrap().phase, phase, "node {node}");
    }
}

#[test]
fn a_node_hears_nothing_of_a_session_of_others_whose_peers_are_known() {
    let (mut cluster, keys) = advertised(3, Known::All);
    let request = announce_to(&mut cluster, keys, items(2), options(Commitments::On));
    cluster.settle();
    assert_phase(&mut cluster, 3, request, Phase::Complete);
    pass_time(&mut cluster);
    assert_overheard(&cluster, 3, &[]);
}

#[test]
fn a_node_hears_at_most_the_request_of_a_session_of_others_whose_peers_are_not_known() {
    for commitments in [Commitments::On, Commitments::Off] {
        let (mut cluster, keys) = advertised(3, Known::Nobody);
        let request = announce_to(&mut cluster, keys.clone(), items(2), options(commitments));
        cluster.settle();
        assert_phase(&mut cluster, 3, request, Phase::Complete);
        pass_time(&mut cluster);
        assert_overheard(&cluster, 3, &keys[1..]);
    }
}

#[test]
fn a_request_to_a_signer_whose_peer_is_not_reached_is_gossiped_once() {
    let (mut cluster, keys) = advertised(3, Known::All);
    cluster.set_policy(|_, _| None);
    let request = announce_to(&mut cluster, keys, items(1), options(Commitments::On));
    cluster.settle();
    let unreachable = |cluster: &mut Cluster, node: usize| {
        let peer = cluster.node(node).peer();
        cluster.input(0, Input::PeerUnreachable { peer, reason: "it is not there".to_owned() });
        cluster.settle();
    };
    // A peer that has nothing to do with it, and one whose signer has joined.
    unreachable(&mut cluster, 50);
    let signer = cluster.key(1);
    cluster.command(1, Command::Join { request, signer }).unwrap();
    cluster.settle();
    unreachable(&mut cluster, 1);
    assert_overheard(&cluster, 3, &[]);
    unreachable(&mut cluster, 2);
    unreachable(&mut cluster, 2);
    let unreached = cluster.key(2);
    assert_overheard(&cluster, 3, &[unreached]);
}

#[test]
fn the_end_of_a_session_is_told_to_its_members_alone() {
    for known in [Known::All, Known::Creator, Known::Nobody] {
        for joins_first in [false, true] {
            let (mut cluster, keys) = advertised(4, known);
            cluster.set_policy(|_, _| None);
            let request = announce_to(&mut cluster, keys.clone(), items(1), options(Commitments::On));
            cluster.settle();
            let (signer, reason) = (cluster.key(2), "enough".to_owned());
            if joins_first {
                cluster.command(2, Command::Join { request, signer }).unwrap();
                cluster.settle();
                cluster.command(2, Command::Abort { request, detail: reason }).unwrap();
            } else {
                cluster.command(2, Command::Decline { request, signer, reason }).unwrap();
            }
            cluster.settle();
            if known == Known::Nobody {
                // Nobody knows where the others are, until they answer.
                assert_eq!(cluster.status(1, request).unwrap().phase, Phase::Joining);
                for node in [1, 3] {
                    let signer = cluster.key(node);
                    cluster.command(node, Command::Join { request, signer }).unwrap();
                }
                cluster.settle();
            }
            assert_phase(&mut cluster, 4, request, Phase::Aborted);
            pass_time(&mut cluster);
            let published_for = if known == Known::Nobody { &keys[1..] } else { &[] };
            assert_overheard(&cluster, 4, published_for);
        }
    }
}

#[test]
fn a_signer_whose_advertisement_comes_after_the_request_is_asked_then() {
    let (mut cluster, keys) = advertised(3, Known::All);
    // Its node is not there when the request is gossiped.
    let late = cluster.key(7);
    cluster.network().cut(7);
    let keys = keys.into_iter().chain([late]).collect();
    let request = announce_to(&mut cluster, keys, items(1), options(Commitments::On));
    cluster.settle();
    cluster.network().reconnect(7);
    cluster.advertise(7).unwrap();
    cluster.settle();
    let signed = |cluster: &Cluster, node: usize| {
        cluster.node(node).events().iter().any(|event| matches!(event, Event::SessionComplete(_)))
    };
    assert!([0, 1, 2, 7].iter().all(|node| signed(&cluster, *node)), "{request}: without waiting for anything");
}

#[test]
fn members_that_do_not_know_each_other_sign_in_a_lossy_network() {
    for seed in 0..20 {
        let mut cluster = cluster_of(5, seed, &Config::default());
        cluster.network().set_shuffled(true);
        let commitments = if seed % 2 == 0 { Commitments::On } else { Commitments::Off };
        let request = announce(&mut cluster, items(1), options(commitments));
        cluster.network().set_loss(30);
        for _ in 0..200 {
            cluster.settle();
            if cluster.nodes().iter().all(|node| node.engine().active_sessions() == 0) {
                break;
            }
            cluster.sleep();
        }
        assert_phase(&mut cluster, 5, request, Phase::Complete);
    }
}

#[test]
fn a_decision_of_one_is_no_news_for_nodes_that_are_not_asked() {
    let (mut cluster, keys) = advertised(3, Known::All);
    cluster.set_policy(|_, _| Some(Decision::Decline { reason: "no".to_owned() }));
    let request = announce_to(&mut cluster, keys, items(1), options(Commitments::On));
    cluster.settle();
    assert_phase(&mut cluster, 3, request, Phase::Aborted);
    pass_time(&mut cluster);
    assert_overheard(&cluster, 3, &[]);
}

#[test]
fn a_member_hears_three_messages_of_each_other_member_and_at_most_two_more() {
    for members in [2, 3, 15] {
        let (mut cluster, keys) = advertised(members, Known::All);
        announce_to(&mut cluster, keys, items(1), options(Commitments::On));
        cluster.settle();
        // The coordinator says when nothing else is to be done what the signature is.
        (0..members).for_each(|node| cluster.input(node, Input::Tick));
        cluster.settle();
        let counts: Vec<usize> = (0..members).map(|node| cluster.node(node).heard().len()).collect();
        // A join, nonces and a partial signature; the request, and the coordinator's word on the signature.
        let others = members - 1;
        assert!(counts.iter().all(|count| *count <= 3 * others + 2), "{counts:?}");
        assert_eq!(counts.iter().sum::<usize>(), others * (3 * members + 2), "{counts:?}");
    }
}

#[test]
fn a_node_that_looks_for_nothing_hears_no_offers_and_one_that_looks_for_a_type_hears_those() {
    let mut cluster = cluster_of(NODES, 4, &Config::default());
    let types = |names: &[&str]| Interest::Types(names.iter().map(|name| (*name).to_owned()).collect());
    cluster.set_interest(97, Interest::Nothing);
    cluster.set_interest(98, types(&["swap"]));
    let offer = |cluster: &mut Cluster, node: usize, names: &[&str]| {
        let signer = cluster.key(node);
        let transaction_types = names.iter().map(|name| (*name).to_owned()).collect();
        let criteria = Criteria { transaction_types, ..Criteria::ANY };
        let (metadata, addresses) = Default::default();
        let lifetime = core::time::Duration::from_secs(3_600);
        cluster.command(node, Command::Advertise { signer, criteria, metadata, addresses, lifetime }).unwrap();
        cluster.settle();
    };
    offer(&mut cluster, 0, &["swap", "vault"]);
    offer(&mut cluster, 1, &["vault"]);
    offer(&mut cluster, 2, &[]);
    let heard = |cluster: &Cluster, node: usize| cluster.node(node).heard().len();
    assert_eq!([96, 97, 98].map(|node| heard(&cluster, node)), [3, 0, 2], "all, none, and those that may sign a swap");
    // A withdrawal reaches those that its offer has reached.
    for node in 0..2 {
        let signer = cluster.key(node);
        cluster.command(node, Command::Withdraw { signer, reason: String::new() }).unwrap();
    }
    cluster.settle();
    assert_eq!([96, 97, 98].map(|node| heard(&cluster, node)), [5, 0, 3]);
    // Nobody looks any more.
    cluster.set_interest(98, Interest::Nothing);
    offer(&mut cluster, 3, &["swap"]);
    assert_eq!([96, 97, 98].map(|node| heard(&cluster, node)), [6, 0, 3]);
}

#[test]
fn a_bystander_hears_no_more_when_more_sessions_go_on() {
    let heard = |sessions: usize| {
        let (mut cluster, keys) = advertised(3, Known::All);
        cluster.set_interest(50, Interest::Nothing);
        for _ in 0..sessions {
            announce_to(&mut cluster, keys.clone(), items(1), options(Commitments::On));
            cluster.settle();
        }
        pass_time(&mut cluster);
        cluster.node(50).heard().len()
    };
    assert_eq!([1, 4].map(heard), [0, 0]);
}
