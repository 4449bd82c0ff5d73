//! What follows from how signers behave: reputation, failover of the coordinator, rounds that an application steps.

use core::time::Duration;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config, Input, Reply, Rounds, Score, SignerQuery};
use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, Commitments, Election, RequestOptions, SignerIndex};

use crate::network::Network;
use crate::session::{assert_signed, items, options};

pub(crate) fn score(network: &mut Network, node: usize, of: PublicKey) -> i8 {
    match network.command(node, Command::Reputation { signer: of }).unwrap() {
        Reply::Reputation(score) => score.get(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_asked_remembers_who_helped() {
    let mut network = Network::new(3, 1, &Config::default());
    network.advertise_all();
    network.announce(items(1), options(Commitments::On));
    network.run();
    let (creator, helper) = (network.key(0), network.key(1));
    assert_eq!(score(&mut network, 0, helper), 1);
    // Nobody earns anything by asking, or with itself.
    assert_eq!(score(&mut network, 1, creator), 0);
    assert_eq!(score(&mut network, 0, creator), 0);
    network.restart(0);
    assert_eq!(score(&mut network, 0, helper), 1);
}

#[test]
fn silence_costs_rank_once_everybody_was_asked_and_is_found_last() {
    let mut network = Network::new(4, 2, &Config::default().max_attempts(1));
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(0, request, Phase::Nonces);
    network.nodes[3].deaf = true;
    network.run();
    while network.status(0, request).phase != Phase::Aborted {
        network.sleep_to_next_deadline();
        network.run();
    }
    let silent = network.key(3);
    assert_eq!(score(&mut network, 0, silent), -10);
    let find = |network: &mut Network, wishes| match network.command(0, Command::Find(wishes)).unwrap() {
        Reply::Found(found) => found.iter().map(|offer| offer.delegation.signer).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(find(&mut network, SignerQuery::default()).last(), Some(&silent));
    let picky = SignerQuery { min_score: Some(Score::default()), ..SignerQuery::default() };
    assert!(!find(&mut network, picky).contains(&silent));
}

#[test]
fn when_the_coordinator_says_nothing_the_next_one_does() {
    let config = Config::default().failover_after(Duration::from_secs(3));
    let mut network = Network::new(3, 3, &config);
    network.advertise_all();
    let first = RequestOptions { election: Election::First, ..RequestOptions::default() };
    let request = network.announce(items(1), first);
    network.run_until(0, request, Phase::Partials);
    // It has said all that the others need, and dies before it has told them what came of it.
    while network.nodes[0].partials_sent == 0 {
        assert!(network.deliver_one());
    }
    network.nodes[0].deaf = true;
    network.run();
    for _ in 0..20 {
        network.sleep_to_next_deadline();
        network.run();
    }
    for node in [1, 2] {
        let failover = Event::CoordinatorFailover { request, from: SignerIndex(0), to: SignerIndex(1) };
        let count = |event: &Event| network.nodes[node].events.iter().filter(|other| *other == event).count();
        assert_eq!(count(&failover), 1);
        let next = Event::CoordinatorFailover { request, from: SignerIndex(1), to: SignerIndex(2) };
        assert_eq!(count(&next), 0, "the second one has told everybody");
    }
}

#[test]
fn an_application_steps_the_rounds_of_every_attempt() {
    let config = Config::default().rounds(Rounds::Manual);
    let mut network = Network::new(2, 4, &config);
    network.advertise_all();
    let items = items(1);
    let request = network.announce(items.clone(), options(Commitments::On));
    network.run();
    assert_eq!(network.status(0, request).phase, Phase::Nonces);
    network.command(0, Command::Retry { request, replace: Vec::new() }).unwrap();
    network.run();
    let all = |network: &mut Network, command: fn(motet_wire::RequestId) -> Command| {
        for node in 0..2 {
            network.command(node, command(request)).unwrap();
            network.run();
        }
    };
    all(&mut network, |request| Command::StartNonceCommitment { request });
    for node in 0..2 {
        let status = network.status(node, request);
        assert_eq!((status.attempt, status.phase), (Attempt(1), Phase::Nonces));
    }
    all(&mut network, |request| Command::StartRound1 { request });
    assert_eq!(network.status(1, request).phase, Phase::Partials);
    all(&mut network, |request| Command::StartRound2 { request });
    assert_signed(&network, &items);
}

#[test]
fn signed_nonsense_costs_its_signer_and_nobody_else() {
    let mut network = Network::new(3, 21, &Config::default());
    network.advertise_all();
    let sender_of = |network: &Network, signer: PublicKey| {
        let discovered = network.nodes[0].events.iter().find_map(|event| match event {
            Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer => {
                Some(found.advertisement.delegation.message_key)
            }
            _ => None,
        });
        discovered.unwrap()
    };
    let (one, other) = (network.key(1), network.key(2));
    let score = |network: &mut Network, signer: PublicKey| match network.command(0, Command::Reputation { signer }) {
        Ok(Reply::Reputation(score)) => score.get(),
        reply => panic!("{reply:?}"),
    };
    let sender = sender_of(&network, one);
    network.input(0, Input::Malformed { sender });
    assert_eq!((score(&mut network, one), score(&mut network, other)), (-5, 0));
    // A key that nobody has certified is nobody's.
    network.input(0, Input::Malformed { sender: one });
    assert_eq!(score(&mut network, one), -5);
    // What it did well still counts.
    network.announce(items(1), RequestOptions::default());
    network.run();
    network.input(0, Input::Malformed { sender: sender_of(&network, other) });
    assert_eq!(score(&mut network, other), -4);
    // Silence and nonsense cost rank; only a proof blocks.
    for _ in 0..50 {
        network.input(0, Input::Malformed { sender });
    }
    assert_eq!(score(&mut network, one), -100);
}
