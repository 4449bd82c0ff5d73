//! Ends without a signature: what they claim, and what becomes of a signature that comes afterwards.

use motet_coordinator::event::{AbortCause, Aborted, Event, Phase};
use motet_coordinator::{Command, Config};
use motet_core_crypto::PublicKey;
use motet_node::limits;
use motet_testkit::{Cluster, Fate};
use motet_wire::{Attempt, Commitments, Kind, RequestId};

use crate::conduct::score;
use crate::kit::{announce, clock, cluster_of, freeze, partials_sent};
use crate::session::{assert_signed, items, options};

fn one_attempt() -> Config {
    Config::default().max_attempts(1)
}

/// Three signers, of whom the last stands still when it has signed, before that leaves: the others sign, wait and give up.
fn given_up(config: &Config) -> (Cluster, RequestId) {
    let mut cluster = cluster_of(3, 5, config);
    cluster.advertise_all();
    let request = announce(&mut cluster, items(2), options(Commitments::On));
    cluster.deliver_until(2, request, Phase::Partials);
    freeze(&mut cluster, 2);
    cluster.settle();
    while [0, 1].into_iter().any(|node| cluster.status(node, request).unwrap().phase != Phase::Aborted) {
        cluster.sleep_of(&[0, 1]);
        cluster.settle();
    }
    (cluster, request)
}

fn aborted(cluster: &Cluster, node: usize) -> Vec<Aborted> {
    let events = cluster.node(node).events().iter();
    events.filter_map(|event| if let Event::SessionAborted(end) = event { Some(end.clone()) } else { None }).collect()
}

fn signatures(cluster: &Cluster, node: usize) -> usize {
    cluster.node(node).events().iter().filter(|event| matches!(event, Event::SessionComplete(_))).count()
}

#[test]
fn an_end_names_the_signers_that_may_still_complete_it() {
    let (mut cluster, request) = given_up(&one_attempt());
    let late = cluster.key(2);
    for node in [0, 1] {
        let [end] = aborted(&cluster, node).try_into().unwrap();
        assert!(matches!(&end.cause, AbortCause::Unresponsive { signers, .. } if *signers == [late]), "{end:?}");
        assert_eq!(end.may_complete, [late]);
        let status = cluster.status(node, request).unwrap();
        assert_eq!(status.may_complete, [late]);
        let messages: Vec<&[u8]> = status.items.iter().map(|item| &*item.message).collect();
        assert_eq!(messages, [[1; 32], [2; 32]]);
    }
}

#[test]
fn a_signer_that_withholds_its_partial_signature_is_remembered_as_silent() {
    let (mut cluster, _) = given_up(&one_attempt());
    let silent = cluster.key(2);
    for node in [0, 1] {
        assert_eq!(score(&mut cluster, node, silent), -10);
    }
}

#[test]
fn an_end_before_this_node_has_signed_is_an_end() {
    let mut cluster = cluster_of(3, 5, &one_attempt());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(2, request, Phase::Joining);
    freeze(&mut cluster, 2);
    cluster.settle();
    while [0, 1].into_iter().any(|node| cluster.status(node, request).unwrap().phase != Phase::Aborted) {
        cluster.sleep_of(&[0, 1]);
        cluster.settle();
    }
    for node in [0, 1] {
        assert_eq!(aborted(&cluster, node)[0].may_complete, Vec::<PublicKey>::new());
        assert!(cluster.node(node).store().snapshot().ended.contains(&request));
    }
}

#[test]
fn a_signature_that_comes_after_the_end_is_told_to_everybody() {
    let (mut cluster, request) = given_up(&one_attempt());
    cluster.network().release();
    cluster.settle();
    assert_signed(&cluster, &items(2));
    for node in 0..3 {
        let status = cluster.status(node, request).unwrap();
        assert_eq!((status.phase, status.may_complete.len()), (Phase::Complete, 0));
        let stored = cluster.node(node).store().snapshot();
        assert!(stored.ended.contains(&request) && stored.given_up.is_empty());
    }
}

#[test]
fn a_late_signature_is_asked_for_where_its_delivery_was_lost() {
    let (mut cluster, request) = given_up(&one_attempt());
    cluster.network().release();
    // The late signer has the signature, and nothing that it says arrives.
    while cluster.status(2, request).unwrap().phase != Phase::Complete {
        assert!(cluster.deliver_next());
        cluster.network().lose(|flight| flight.by == 2);
    }
    cluster.network().lose(|flight| flight.by == 2);
    assert_eq!((signatures(&cluster, 0), signatures(&cluster, 1), signatures(&cluster, 2)), (0, 0, 1));
    for _ in 0..4 {
        cluster.sleep_of(&[0, 1]);
        cluster.settle();
    }
    assert_signed(&cluster, &items(2));
}

/// A late signer that is restarted, and whose new join is lost: node 0 gets the signatures in messages of this kind alone.
fn told_by_an_unknown_key(kind: Kind) {
    let (mut cluster, _) = given_up(&one_attempt());
    let ways = [Kind::SyncResponse, Kind::SignatureFinalized];
    cluster.network().on_link(move |flight| {
        let is_other = |found: Kind| found == Kind::ParticipantJoined || ways.contains(&found) && found != kind;
        let lost = flight.to == 0 && (flight.by == 1 || flight.by == 2 && flight.kind().is_some_and(is_other));
        if lost { Fate::Lose } else { Fate::Arrive }
    });
    cluster.restart(2);
    cluster.network().release();
    for _ in 0..6 {
        cluster.settle();
        cluster.sleep();
    }
    assert_signed(&cluster, &items(2));
}

#[test]
fn signatures_of_a_restarted_signer_are_taken_before_its_join() {
    told_by_an_unknown_key(Kind::SignatureFinalized);
}

#[test]
fn the_join_of_a_restarted_signer_is_learnt_from_its_answer() {
    told_by_an_unknown_key(Kind::SyncResponse);
}

#[test]
fn an_attempt_that_was_given_up_for_another_may_be_completed_too() {
    let config = Config::default().max_attempts(2);
    let (mut cluster, _) = given_up(&config);
    let late = cluster.key(2);
    for node in [0, 1] {
        assert_eq!(aborted(&cluster, node)[0].may_complete, [late], "of the first attempt");
    }
    cluster.network().release();
    for _ in 0..12 {
        cluster.settle();
        cluster.sleep();
    }
    let signed: Vec<usize> = (0..3).map(|node| signatures(&cluster, node)).collect();
    assert!(signed == [1, 1, 1] || signed == [0, 0, 0], "all or nobody: {signed:?}");
}

#[test]
fn a_restart_does_not_forget_what_may_still_be_completed() {
    let (mut cluster, request) = given_up(&one_attempt());
    assert_eq!(cluster.node(0).store().snapshot().given_up, [request]);
    cluster.restart(0);
    cluster.advertise(0).unwrap();
    cluster.settle();
    let status = cluster.status(0, request).unwrap();
    assert_eq!(status.phase, Phase::Aborted);
    assert_eq!(status.may_complete, [cluster.key(1), cluster.key(2)]);
    assert_eq!(partials_sent(&cluster, 0), 2, "nothing is signed again");
    cluster.network().release();
    for _ in 0..6 {
        cluster.settle();
        cluster.sleep();
    }
    assert_signed(&cluster, &items(2));
    assert_eq!(cluster.node(0).store().snapshot().given_up, []);
}

#[test]
fn a_restart_in_a_later_attempt_does_not_forget_that_an_earlier_one_may_be_completed() {
    let mut cluster = cluster_of(3, 5, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(2), options(Commitments::On));
    cluster.deliver_until(2, request, Phase::Partials);
    freeze(&mut cluster, 2);
    cluster.settle();
    while cluster.status(0, request).unwrap().attempt == Attempt::FIRST {
        cluster.sleep_of(&[0, 1]);
        cluster.settle();
    }
    cluster.restart(0);
    cluster.advertise(0).unwrap();
    cluster.settle();
    assert_ne!(cluster.status(0, request).unwrap().attempt, Attempt::FIRST, "its nonces for a later attempt are dead");
    while cluster.status(0, request).unwrap().phase != Phase::Aborted {
        cluster.sleep_of(&[0, 1]);
        cluster.settle();
    }
    // Whose partial signatures of the first attempt had come, the earlier process knew.
    assert_eq!(aborted(&cluster, 0)[0].may_complete, [cluster.key(1), cluster.key(2)]);
    assert_eq!(cluster.node(0).store().snapshot().given_up, [request]);
}

#[test]
fn an_open_end_is_forgotten_after_a_day_and_by_command() {
    let (mut cluster, request) = given_up(&one_attempt());
    cluster.command(1, Command::Close { request }).unwrap();
    assert!(cluster.node(1).store().snapshot().ended.contains(&request));
    let start = clock(&cluster);
    let day = u64::try_from(limits::OPEN_END.as_millis()).unwrap();
    while cluster.command(0, Command::Status { request }).is_ok() {
        cluster.sleep_of(&[0]);
        cluster.settle();
        assert!(clock(&cluster) <= start + day);
    }
    let stored = cluster.node(0).store().snapshot();
    assert!(stored.ended.contains(&request) && stored.given_up.is_empty() && stored.approved.is_empty());
}

#[test]
fn a_request_that_is_cancelled_after_signing_may_still_be_completed_by_others() {
    let mut cluster = cluster_of(2, 9, &one_attempt());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(0, request, Phase::Partials);
    let culprit = cluster.key(1);
    freeze(&mut cluster, 1);
    cluster.settle();
    cluster.command(0, Command::Abort { request, detail: "enough".to_owned() }).unwrap();
    cluster.settle();
    assert_eq!(aborted(&cluster, 0)[0].may_complete, [culprit], "its partial signature is out");
}
