//! What follows from how signers behave: reputation, failover of the coordinator, rounds that an application steps.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config, Input, Reply, Rounds, Score, SignerQuery};
use motet_core_crypto::PublicKey;
use motet_testkit::Cluster;
use motet_wire::{Attempt, Commitments, Election, Kind, RequestOptions, SignerIndex};

use crate::kit::{announce, cluster_of, partials_sent};
use crate::session::{assert_signed, items, options};

pub(crate) fn score(cluster: &mut Cluster, node: usize, of: PublicKey) -> i8 {
    match cluster.command(node, Command::Reputation { signer: of }).unwrap() {
        Reply::Reputation(score) => score.get(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_asked_remembers_who_helped() {
    let mut cluster = cluster_of(3, 1, &Config::default());
    cluster.advertise_all();
    announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    let (creator, helper) = (cluster.key(0), cluster.key(1));
    assert_eq!(score(&mut cluster, 0, helper), 1);
    // Nobody earns anything by asking, or with itself.
    assert_eq!(score(&mut cluster, 1, creator), 0);
    assert_eq!(score(&mut cluster, 0, creator), 0);
    cluster.restart(0);
    assert_eq!(score(&mut cluster, 0, helper), 1);
}

#[test]
fn silence_costs_rank_once_everybody_was_asked_and_is_found_last() {
    let mut cluster = cluster_of(4, 2, &Config::default().max_attempts(1));
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(0, request, Phase::Nonces);
    cluster.network().cut(3);
    cluster.settle();
    while cluster.status(0, request).unwrap().phase != Phase::Aborted {
        cluster.sleep();
        cluster.settle();
    }
    let silent = cluster.key(3);
    assert_eq!(score(&mut cluster, 0, silent), -10);
    let find = |cluster: &mut Cluster, wishes| match cluster.command(0, Command::Find(wishes)).unwrap() {
        Reply::Found(found) => found.iter().map(|offer| offer.delegation.signer).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(find(&mut cluster, SignerQuery::default()).last(), Some(&silent));
    let picky = SignerQuery { min_score: Some(Score::default()), ..SignerQuery::default() };
    assert!(!find(&mut cluster, picky).contains(&silent));
}

#[test]
fn when_the_coordinator_says_nothing_the_next_one_does() {
    let config = Config::default().failover_after(Duration::from_secs(3));
    let mut cluster = cluster_of(3, 3, &config);
    cluster.advertise_all();
    let first = RequestOptions { election: Election::First, ..RequestOptions::default() };
    let request = announce(&mut cluster, items(1), first);
    cluster.deliver_until(0, request, Phase::Partials);
    // It has said all that the others need, and dies before it has told them what came of it.
    while partials_sent(&cluster, 0) == 0 {
        assert!(cluster.deliver_next());
    }
    cluster.network().cut(0);
    cluster.settle();
    for _ in 0..20 {
        cluster.sleep();
        cluster.settle();
    }
    for node in [1, 2] {
        let failover = Event::CoordinatorFailover { request, from: SignerIndex(0), to: SignerIndex(1) };
        let count = |event: &Event| cluster.node(node).events().iter().filter(|other| *other == event).count();
        assert_eq!(count(&failover), 1);
        let next = Event::CoordinatorFailover { request, from: SignerIndex(1), to: SignerIndex(2) };
        assert_eq!(count(&next), 0, "the second one has told everybody");
    }
}

#[test]
fn an_application_steps_the_rounds_of_every_attempt() {
    let config = Config::default().rounds(Rounds::Manual);
    let mut cluster = cluster_of(2, 4, &config);
    cluster.advertise_all();
    let items = items(1);
    let request = announce(&mut cluster, items.clone(), options(Commitments::On));
    cluster.settle();
    assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Nonces);
    cluster.command(0, Command::Retry { request, replace: Vec::new() }).unwrap();
    cluster.settle();
    let all = |cluster: &mut Cluster, command: fn(motet_wire::RequestId) -> Command| {
        for node in 0..2 {
            cluster.command(node, command(request)).unwrap();
            cluster.settle();
        }
    };
    all(&mut cluster, |request| Command::StartNonceCommitment { request });
    for node in 0..2 {
        let status = cluster.status(node, request).unwrap();
        assert_eq!((status.attempt, status.phase), (Attempt(1), Phase::Nonces));
    }
    all(&mut cluster, |request| Command::StartRound1 { request });
    assert_eq!(cluster.status(1, request).unwrap().phase, Phase::Partials);
    all(&mut cluster, |request| Command::StartRound2 { request });
    assert_signed(&cluster, &items);
}

/// A frame of a sender that is about no session: version, kind, sender, sequence, time, an empty body and a signature.
fn nonsense(sender: &PublicKey) -> Arc<[u8]> {
    [&[1, Kind::NonceShare.code()], &sender.to_bytes()[..], &[0; 8 + 8 + 4], &[0; 64]].concat().into()
}

#[test]
fn signed_nonsense_costs_its_signer_and_nobody_else() {
    let mut cluster = cluster_of(3, 21, &Config::default());
    cluster.advertise_all();
    let sender_of = |cluster: &Cluster, signer: PublicKey| {
        let discovered = cluster.node(0).events().iter().find_map(|event| match event {
            Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer => {
                Some(found.advertisement.delegation.message_key)
            }
            _ => None,
        });
        discovered.unwrap()
    };
    let (one, other) = (cluster.key(1), cluster.key(2));
    let score = |cluster: &mut Cluster, signer: PublicKey| match cluster.command(0, Command::Reputation { signer }) {
        Ok(Reply::Reputation(score)) => score.get(),
        reply => panic!("{reply:?}"),
    };
    let sender = sender_of(&cluster, one);
    cluster.input(0, Input::Malformed { frame: nonsense(&sender) });
    assert_eq!((score(&mut cluster, one), score(&mut cluster, other)), (-5, 0));
    // A key that nobody has certified is nobody's.
    cluster.input(0, Input::Malformed { frame: nonsense(&one) });
    assert_eq!(score(&mut cluster, one), -5);
    // What it did well still counts.
    announce(&mut cluster, items(1), RequestOptions::default());
    cluster.settle();
    cluster.input(0, Input::Malformed { frame: nonsense(&sender_of(&cluster, other)) });
    assert_eq!(score(&mut cluster, other), -4);
    // Silence and nonsense cost rank; only a proof blocks.
    for _ in 0..50 {
        cluster.input(0, Input::Malformed { frame: nonsense(&sender) });
    }
    assert_eq!(score(&mut cluster, one), -100);
}
