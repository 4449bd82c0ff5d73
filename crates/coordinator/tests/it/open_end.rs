//! Ends without a signature: what they claim, and what becomes of a signature that comes afterwards.

use motet_coordinator::event::{AbortCause, Aborted, Event, Phase};
use motet_coordinator::{Command, Config};
use motet_core_crypto::PublicKey;
use motet_node::{Store, limits};
use motet_wire::{Attempt, Commitments, RequestId};

use crate::conduct::score;
use crate::network::Network;
use crate::session::{assert_signed, items, options};

fn one_attempt() -> Config {
    Config::default().max_attempts(1)
}

/// Three signers, of whom the last stands still when it has signed, before that leaves: the others sign, wait and give up.
fn given_up(config: &Config) -> (Network, RequestId) {
    let mut network = Network::new(3, 5, config);
    network.advertise_all();
    let request = network.announce(items(2), options(Commitments::On));
    network.run_until(2, request, Phase::Partials);
    network.nodes[2].frozen = true;
    network.run();
    while [0, 1].into_iter().any(|node| network.status(node, request).phase != Phase::Aborted) {
        network.sleep_to_next_deadline_of(&[0, 1]);
        network.run();
    }
    (network, request)
}

fn aborted(network: &Network, node: usize) -> Vec<Aborted> {
    let events = network.nodes[node].events.iter();
    events.filter_map(|event| if let Event::SessionAborted(end) = event { Some(end.clone()) } else { None }).collect()
}

fn signatures(network: &Network, node: usize) -> usize {
    network.nodes[node].events.iter().filter(|event| matches!(event, Event::SessionComplete(_))).count()
}

#[test]
fn an_end_names_the_signers_that_may_still_complete_it() {
    let (mut network, request) = given_up(&one_attempt());
    let late = network.key(2);
    for node in [0, 1] {
        let [end] = aborted(&network, node).try_into().unwrap();
        assert!(matches!(&end.cause, AbortCause::Unresponsive { signers, .. } if *signers == [late]), "{end:?}");
        assert_eq!(end.may_complete, [late]);
        let status = network.status(node, request);
        assert_eq!(status.may_complete, [late]);
        let messages: Vec<&[u8]> = status.items.iter().map(|item| &*item.message).collect();
        assert_eq!(messages, [[1; 32], [2; 32]]);
    }
}

#[test]
fn a_signer_that_withholds_its_partial_signature_is_remembered_as_silent() {
    let (mut network, _) = given_up(&one_attempt());
    let silent = network.key(2);
    for node in [0, 1] {
        assert_eq!(score(&mut network, node, silent), -10);
    }
}

#[test]
fn an_end_before_this_node_has_signed_is_an_end() {
    let mut network = Network::new(3, 5, &one_attempt());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(2, request, Phase::Joining);
    network.nodes[2].frozen = true;
    network.run();
    while [0, 1].into_iter().any(|node| network.status(node, request).phase != Phase::Aborted) {
        network.sleep_to_next_deadline_of(&[0, 1]);
        network.run();
    }
    for node in [0, 1] {
        assert_eq!(aborted(&network, node)[0].may_complete, Vec::<PublicKey>::new());
        assert!(network.nodes[node].store.load().unwrap().ended.contains(&request));
    }
}

#[test]
fn a_signature_that_comes_after_the_end_is_told_to_everybody() {
    let (mut network, request) = given_up(&one_attempt());
    network.nodes[2].frozen = false;
    network.run();
    assert_signed(&network, &items(2));
    for node in 0..3 {
        let status = network.status(node, request);
        assert_eq!((status.phase, status.may_complete.len()), (Phase::Complete, 0));
        let stored = network.nodes[node].store.load().unwrap();
        assert!(stored.ended.contains(&request) && stored.given_up.is_empty());
    }
}

#[test]
fn a_late_signature_is_asked_for_where_its_delivery_was_lost() {
    let (mut network, request) = given_up(&one_attempt());
    network.nodes[2].frozen = false;
    // The late signer has the signature, and nothing that it says arrives.
    while network.status(2, request).phase != Phase::Complete {
        assert!(network.deliver_one());
        network.lose_words_of(2);
    }
    network.lose_words_of(2);
    assert_eq!((signatures(&network, 0), signatures(&network, 1), signatures(&network, 2)), (0, 0, 1));
    for _ in 0..4 {
        network.sleep_to_next_deadline_of(&[0, 1]);
        network.run();
    }
    assert_signed(&network, &items(2));
}

#[test]
fn an_attempt_that_was_given_up_for_another_may_be_completed_too() {
    let config = Config::default().max_attempts(2);
    let (mut network, _) = given_up(&config);
    let late = network.key(2);
    for node in [0, 1] {
        assert_eq!(aborted(&network, node)[0].may_complete, [late], "of the first attempt");
    }
    network.nodes[2].frozen = false;
    for _ in 0..12 {
        network.run();
        network.sleep_to_next_deadline();
    }
    let signed: Vec<usize> = (0..3).map(|node| signatures(&network, node)).collect();
    assert!(signed == [1, 1, 1] || signed == [0, 0, 0], "all or nobody: {signed:?}");
}

#[test]
fn a_restart_does_not_forget_what_may_still_be_completed() {
    let (mut network, request) = given_up(&one_attempt());
    assert_eq!(network.nodes[0].store.load().unwrap().given_up, [request]);
    network.restart(0);
    network.advertise(0);
    network.run();
    let status = network.status(0, request);
    assert_eq!(status.phase, Phase::Aborted);
    assert_eq!(status.may_complete, [network.key(1), network.key(2)]);
    assert_eq!(network.nodes[0].partials_sent, 2, "nothing is signed again");
    network.nodes[2].frozen = false;
    for _ in 0..6 {
        network.run();
        network.sleep_to_next_deadline();
    }
    assert_signed(&network, &items(2));
    assert_eq!(network.nodes[0].store.load().unwrap().given_up, []);
}

#[test]
fn a_restart_in_a_later_attempt_does_not_forget_that_an_earlier_one_may_be_completed() {
    let mut network = Network::new(3, 5, &Config::default());
    network.advertise_all();
    let request = network.announce(items(2), options(Commitments::On));
    network.run_until(2, request, Phase::Partials);
    network.nodes[2].frozen = true;
    network.run();
    while network.status(0, request).attempt == Attempt::FIRST {
        network.sleep_to_next_deadline_of(&[0, 1]);
        network.run();
    }
    network.restart(0);
    network.advertise(0);
    network.run();
    assert_ne!(network.status(0, request).attempt, Attempt::FIRST, "its nonces for a later attempt are dead");
    while network.status(0, request).phase != Phase::Aborted {
        network.sleep_to_next_deadline_of(&[0, 1]);
        network.run();
    }
    // Whose partial signatures of the first attempt had come, the earlier process knew.
    assert_eq!(aborted(&network, 0)[0].may_complete, [network.key(1), network.key(2)]);
    assert_eq!(network.nodes[0].store.load().unwrap().given_up, [request]);
}

#[test]
fn an_open_end_is_forgotten_after_a_day_and_by_command() {
    let (mut network, request) = given_up(&one_attempt());
    network.command(1, Command::Close { request }).unwrap();
    assert!(network.nodes[1].store.load().unwrap().ended.contains(&request));
    let start = network.clock;
    let day = u64::try_from(limits::OPEN_END.as_millis()).unwrap();
    while network.command(0, Command::Status { request }).is_ok() {
        network.sleep_to_next_deadline_of(&[0]);
        network.run();
        assert!(network.clock <= start + day);
    }
    let stored = network.nodes[0].store.load().unwrap();
    assert!(stored.ended.contains(&request) && stored.given_up.is_empty() && stored.approved.is_empty());
}

#[test]
fn a_request_that_is_cancelled_after_signing_may_still_be_completed_by_others() {
    let mut network = Network::new(2, 9, &one_attempt());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(0, request, Phase::Partials);
    let culprit = network.key(1);
    network.nodes[1].frozen = true;
    network.run();
    network.command(0, Command::Abort { request, detail: "enough".to_owned() }).unwrap();
    network.run();
    assert_eq!(aborted(&network, 0)[0].may_complete, [culprit], "its partial signature is out");
}
