//! Networks that delay, lose, split, repeat and hold back.

use core::time::Duration;

use motet_testkit::{Cluster, Fate, Way};
use motet_wire::{Kind, RequestId};

fn asked(count: usize, seed: u64) -> (Cluster, RequestId) {
    let mut cluster = Cluster::new(count, seed);
    cluster.advertise_all();
    let all: Vec<usize> = (0..count).collect();
    let request = cluster.announce(0, &all, b"m").unwrap();
    (cluster, request)
}

#[test]
fn a_frame_takes_the_delay_of_the_network() {
    let mut cluster = Cluster::new(2, 1);
    cluster.network().set_delay(Duration::from_secs(3));
    cluster.advertise(0).unwrap();
    cluster.advance(Duration::from_millis(2999));
    assert!(cluster.node(1).events().is_empty());
    cluster.advance(Duration::from_millis(1));
    assert_eq!(cluster.node(1).events().len(), 1);
}

#[test]
fn a_session_waits_for_the_end_of_a_partition() {
    let (mut cluster, request) = asked(3, 2);
    cluster.network().partition(&[&[0, 1], &[2]]);
    cluster.advance(Duration::from_secs(30));
    assert!(cluster.signature(request).is_none());
    cluster.network().heal();
    cluster.run_until(|cluster| cluster.signature(request).is_some());
}

#[test]
fn a_node_that_was_cut_off_is_told_what_it_missed() {
    let (mut cluster, request) = asked(3, 3);
    cluster.network().cut(1);
    cluster.advance(Duration::from_secs(10));
    assert!(cluster.network().is_cut(1));
    cluster.network().reconnect(1);
    cluster.run_until(|cluster| cluster.signature(request).is_some());
}

#[test]
fn a_rule_for_links_loses_delays_and_repeats_frames() {
    let (mut cluster, request) = asked(3, 4);
    let mut number = 0;
    cluster.network().on_link(move |flight| {
        number += 1;
        match (flight.kind(), number % 3) {
            (Some(Kind::NonceShare), _) => Fate::Late(Duration::from_secs(2)),
            (_, 0) => Fate::Twice,
            (Some(Kind::PartialSigShare), 1) => Fate::Lose,
            _ => Fate::Arrive,
        }
    });
    cluster.run_until(|cluster| cluster.signature(request).is_some());
    assert!(cluster.elapsed() > Duration::from_secs(1));
}

#[test]
fn frames_that_are_held_wait_where_they_are() {
    let (mut cluster, request) = asked(2, 5);
    cluster.network().hold(|flight| flight.kind() == Some(Kind::PartialSigShare) && flight.to != flight.by);
    cluster.settle();
    assert!(cluster.network().on_the_way().any(|flight| flight.kind() == Some(Kind::PartialSigShare)));
    assert!(cluster.signature(request).is_none());
    cluster.network().release();
    cluster.settle();
    assert!(cluster.signature(request).is_some());
}

#[test]
fn frames_that_are_lost_are_asked_for() {
    let (mut cluster, request) = asked(3, 6);
    cluster.network().lose(|flight| flight.kind() == Some(Kind::SigningRequest));
    cluster.settle();
    assert_eq!(cluster.node(1).completed(request), None);
    cluster.run_until(|cluster| cluster.signature(request).is_some());
}

#[test]
fn direct_streams_are_enough_and_everything_that_left_is_listed() {
    let mut cluster = Cluster::new(2, 7);
    cluster.advertise_all();
    cluster.forget_sent();
    cluster.network().set_gossip(false);
    let request = cluster.announce(0, &[0, 1], b"m").unwrap();
    cluster.run_until(|cluster| cluster.signature(request).is_some());
    let peer = cluster.node(1).peer();
    let partials = cluster.sent().iter().filter(|sent| sent.kind() == Some(Kind::PartialSigShare));
    assert!(partials.clone().any(|sent| (sent.by, sent.way) == (0, Way::Direct(peer))), "{:?}", partials.count());
}
