//! A session costs its members alone: what nodes hear of sessions that they are no part of.

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config, Decision, Input};
use motet_core_crypto::PublicKey;
use motet_wire::{Commitments, Kind, RequestId, peek};

use crate::network::Network;
use crate::session::{items, options};

/// A network of 100 nodes, of which the first few are members of what follows.
const NODES: usize = 100;

/// Which nodes have heard where the members are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    All,
    Creator,
    Nobody,
}

fn network(members: usize, known: Known) -> (Network, Vec<PublicKey>) {
    let mut network = Network::new(NODES, 3, &Config::default());
    for node in (0..members).filter(|_| known != Known::Nobody) {
        let is_deaf = |other: usize| known == Known::Creator && other != 0 && other != node;
        (0..NODES).for_each(|other| network.nodes[other].deaf = is_deaf(other));
        network.advertise(node);
        network.run();
    }
    network.nodes.iter_mut().for_each(|node| node.deaf = false);
    network.nodes.iter_mut().for_each(|node| node.heard.clear());
    let keys = (0..members).map(|node| network.key(node)).collect();
    (network, keys)
}

/// Lets so much time pass that everything is said again that can be.
fn pass_time(network: &mut Network) {
    let end = network.clock + 120_000;
    while network.clock < end {
        network.run();
        network.sleep_to_next_deadline();
    }
    network.run();
}

/// Sees that each node which is no member has heard this much of the session, and nothing else but offers.
fn assert_overheard(network: &Network, members: usize, expected: &[Kind]) {
    for (number, node) in network.nodes.iter().enumerate().skip(members) {
        let kinds = node.heard.iter().map(|frame| peek(frame).unwrap().kind);
        let kinds: Vec<Kind> = kinds.filter(|kind| *kind != Kind::SignerAdvertisement).collect();
        assert_eq!(kinds, expected, "node {number}");
    }
}

fn assert_phase(network: &mut Network, members: usize, request: RequestId, phase: Phase) {
    for node in 0..members {
        assert_eq!(network.status(node, request).phase, phase, "node {node}");
    }
}

#[test]
fn a_node_hears_nothing_of_a_session_of_others_whose_peers_are_known() {
    let (mut network, keys) = network(3, Known::All);
    let request = network.announce_to(keys, items(2), options(Commitments::On));
    network.run();
    assert_phase(&mut network, 3, request, Phase::Complete);
    pass_time(&mut network);
    assert_overheard(&network, 3, &[]);
}

#[test]
fn a_node_hears_the_request_and_no_more_of_a_session_of_others_whose_peers_are_not_known() {
    for commitments in [Commitments::On, Commitments::Off] {
        let (mut network, keys) = network(3, Known::Nobody);
        let request = network.announce_to(keys, items(2), options(commitments));
        network.run();
        assert_phase(&mut network, 3, request, Phase::Complete);
        pass_time(&mut network);
        assert_overheard(&network, 3, &[Kind::SigningRequest]);
    }
}

#[test]
fn a_request_to_a_signer_whose_peer_is_not_reached_is_gossiped_once() {
    let (mut network, keys) = network(3, Known::All);
    network.undecided = true;
    let request = network.announce_to(keys, items(1), options(Commitments::On));
    network.run();
    let unreachable = |network: &mut Network, node: usize| {
        let peer = network.nodes[node].peer;
        network.input(0, Input::PeerUnreachable { peer, reason: "it is not there".to_owned() });
        network.run();
    };
    // A peer that has nothing to do with it, and one whose signer has joined.
    unreachable(&mut network, 50);
    let signer = network.key(1);
    network.command(1, Command::Join { request, signer }).unwrap();
    network.run();
    unreachable(&mut network, 1);
    assert_overheard(&network, 3, &[]);
    unreachable(&mut network, 2);
    unreachable(&mut network, 2);
    assert_overheard(&network, 3, &[Kind::SigningRequest]);
}

#[test]
fn the_end_of_a_session_is_told_to_its_members_alone() {
    for known in [Known::All, Known::Creator, Known::Nobody] {
        let expected: &[Kind] = if known == Known::Nobody { &[Kind::SigningRequest] } else { &[] };
        for joins_first in [false, true] {
            let (mut network, keys) = network(4, known);
            network.undecided = true;
            let request = network.announce_to(keys, items(1), options(Commitments::On));
            network.run();
            let (signer, reason) = (network.key(2), "enough".to_owned());
            if joins_first {
                network.command(2, Command::Join { request, signer }).unwrap();
                network.run();
                network.command(2, Command::Abort { request, detail: reason }).unwrap();
            } else {
                network.command(2, Command::Decline { request, signer, reason }).unwrap();
            }
            network.run();
            if known == Known::Nobody {
                // Nobody knows where the others are, until they answer.
                assert_eq!(network.status(1, request).phase, Phase::Joining);
                for node in [1, 3] {
                    let signer = network.key(node);
                    network.command(node, Command::Join { request, signer }).unwrap();
                }
                network.run();
            }
            assert_phase(&mut network, 4, request, Phase::Aborted);
            pass_time(&mut network);
            assert_overheard(&network, 4, expected);
        }
    }
}

#[test]
fn a_signer_whose_advertisement_comes_after_the_request_is_asked_then() {
    let (mut network, keys) = network(3, Known::All);
    // Its node is not there when the request is gossiped.
    let late = network.key(7);
    network.nodes[7].deaf = true;
    let keys = keys.into_iter().chain([late]).collect();
    let request = network.announce_to(keys, items(1), options(Commitments::On));
    network.run();
    network.nodes[7].deaf = false;
    network.advertise(7);
    network.run();
    let signed = |network: &Network, node: usize| {
        network.nodes[node].events.iter().any(|event| matches!(event, Event::SessionComplete(_)))
    };
    assert!([0, 1, 2, 7].iter().all(|node| signed(&network, *node)), "{request}: without waiting for anything");
}

#[test]
fn members_that_do_not_know_each_other_sign_in_a_lossy_network() {
    for seed in 0..20 {
        let mut network = Network::new(5, seed, &Config::default());
        network.shuffle = true;
        let commitments = if seed % 2 == 0 { Commitments::On } else { Commitments::Off };
        let request = network.announce(items(1), options(commitments));
        network.loss = 30;
        for _ in 0..200 {
            network.run();
            if network.nodes.iter().all(|node| node.engine.active_sessions() == 0) {
                break;
            }
            network.sleep_to_next_deadline();
        }
        assert_phase(&mut network, 5, request, Phase::Complete);
    }
}

#[test]
fn a_decision_of_one_is_no_news_for_nodes_that_are_not_asked() {
    let (mut network, keys) = network(3, Known::All);
    network.decision = Decision::Decline { reason: "no".to_owned() };
    let request = network.announce_to(keys, items(1), options(Commitments::On));
    network.run();
    assert_phase(&mut network, 3, request, Phase::Aborted);
    pass_time(&mut network);
    assert_overheard(&network, 3, &[]);
}

#[test]
fn a_member_hears_three_messages_of_each_other_member_and_at_most_two_more() {
    for members in [2, 3, 15] {
        let (mut network, keys) = network(members, Known::All);
        network.announce_to(keys, items(1), options(Commitments::On));
        network.run();
        // The coordinator says when nothing else is to be done what the signature is.
        (0..members).for_each(|node| network.input(node, Input::Tick));
        network.run();
        let counts: Vec<usize> = (0..members).map(|node| network.nodes[node].heard.len()).collect();
        // A join, nonces and a partial signature; the request, and the coordinator's word on the signature.
        let others = members - 1;
        assert!(counts.iter().all(|count| *count <= 3 * others + 2), "{counts:?}");
        assert_eq!(counts.iter().sum::<usize>(), others * (3 * members + 2), "{counts:?}");
    }
}
