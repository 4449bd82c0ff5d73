//! Sessions of honest nodes, users that do not agree, and time.

use core::time::Duration;
use std::cell::Cell;
use std::rc::Rc;

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, Config, Decision};
use motet_core_crypto::schnorr;
use motet_testkit::{Cluster, Seen};
use motet_wire::RequestId;

fn ends(cluster: &Cluster, node: usize) -> Vec<AbortCause> {
    cluster.events(node, |event| match event {
        Event::SessionAborted(end) => Some(end.cause.clone()),
        _ => None,
    })
}

/// Three nodes, and a request that all of them have been sent.
fn asked(seed: u64) -> (Cluster, RequestId) {
    let mut cluster = Cluster::new(3, seed);
    cluster.advertise_all();
    let request = cluster.announce(0, &[0, 1, 2], b"m").unwrap();
    (cluster, request)
}

#[test]
fn a_session_ends_in_a_signature_that_verifies() {
    let (mut cluster, request) = asked(1);
    let begin = cluster.elapsed();
    cluster.run_until(|cluster| cluster.signature(request).is_some());
    let took = cluster.elapsed() - begin;
    assert!(
        (Duration::from_millis(150)..=Duration::from_millis(220)).contains(&took),
        "four delays of 50 ms: {took:?}"
    );
    let signed = &cluster.node(0).completed(request).unwrap().items[0];
    schnorr::verify(&signed.aggregate_key, b"m", &cluster.signature(request).unwrap()).unwrap();
}

#[test]
fn the_same_seed_gives_the_same_story() {
    let story = |seed| {
        let (mut cluster, request) = asked(seed);
        cluster.network().set_loss(30);
        cluster.network().set_shuffled(true);
        cluster.run_until(|cluster| cluster.signature(request).is_some());
        (cluster.elapsed(), format!("{:?}", cluster.nodes().iter().map(|node| node.events()).collect::<Vec<_>>()))
    };
    assert_eq!(story(3), story(3));
    assert_ne!(story(3), story(4));
}

#[test]
fn a_user_that_declines_ends_the_session() {
    let (mut cluster, request) = asked(2);
    cluster.set_policy(|node, _| {
        Some(if node == 2 { Decision::Decline { reason: "no".to_owned() } } else { Decision::Approve })
    });
    cluster.settle();
    assert!(matches!(&ends(&cluster, 0)[..], [AbortCause::Refused { detail, .. }] if detail == "no"));
    assert!(cluster.signature(request).is_none());
}

#[test]
fn a_user_that_answers_later_is_waited_for() {
    let (mut cluster, request) = asked(3);
    cluster.set_policy(|node, _| (node != 2).then_some(Decision::Approve));
    cluster.advance(Duration::from_secs(20));
    assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Joining);
    let signer = cluster.key(2);
    cluster.command(2, Command::Join { request, signer }).unwrap();
    cluster.run_until(|cluster| cluster.signature(request).is_some());
}

#[test]
fn timers_run_out_while_time_advances() {
    let (mut cluster, _) = asked(4);
    cluster.network().cut(2);
    cluster.advance(Duration::from_secs(59));
    assert_eq!(ends(&cluster, 0), []);
    cluster.advance(Duration::from_secs(2));
    assert!(matches!(&ends(&cluster, 0)[..], [AbortCause::Unresponsive { .. }]), "{:?}", ends(&cluster, 0));
    assert_eq!(cluster.elapsed(), Duration::from_millis(61_000 + 50));
}

#[test]
fn a_node_that_is_down_misses_what_is_said_and_a_restart_takes_the_session_up() {
    let (mut cluster, request) = asked(5);
    cluster.deliver_until(2, request, Phase::Nonces);
    cluster.crash(2);
    assert!(cluster.node(2).is_down());
    cluster.advance(Duration::from_secs(5));
    assert!(cluster.signature(request).is_none());
    cluster.restart(2);
    cluster.run_until(|cluster| cluster.signature(request).is_some());
}

#[test]
fn held_back_frames_leave_when_their_time_has_come() {
    let mut config = Config::default();
    config.privacy.delay = Duration::from_secs(1);
    let mut cluster = Cluster::with_config(2, 6, &config);
    cluster.advertise_all();
    let begin = cluster.elapsed();
    let request = cluster.announce(0, &[0, 1], b"m").unwrap();
    cluster.run_until(|cluster| cluster.signature(request).is_some());
    assert!(cluster.elapsed() - begin > Duration::from_millis(500), "{:?}", cluster.elapsed() - begin);
    assert!(!cluster.node(0).holds().is_empty());
}

#[test]
fn an_observer_sees_each_event_when_it_is_told() {
    let told = Rc::new(Cell::new(0));
    let mut cluster = Cluster::new(2, 7);
    let counter = Rc::clone(&told);
    cluster.observe(move |_, seen| {
        if let Seen::Effect(motet_coordinator::Effect::Emit(..)) = seen {
            counter.set(counter.get() + 1);
        }
    });
    cluster.advertise_all();
    let request = cluster.announce(0, &[0, 1], b"m").unwrap();
    cluster.run_until(|cluster| cluster.signature(request).is_some());
    assert_eq!(told.get(), cluster.nodes().iter().map(|node| node.events().len()).sum::<usize>());
}

#[test]
fn a_copy_of_a_node_has_its_key_and_its_records() {
    let (mut cluster, request) = asked(8);
    cluster.settle();
    cluster.jump(Duration::from_secs(61));
    let copy = cluster.copy(1);
    assert_eq!(cluster.key(copy), cluster.key(1));
    assert_ne!(cluster.node(copy).peer(), cluster.node(1).peer());
    assert!(cluster.node(copy).completed(request).is_some(), "its user has not noted the signature");
}
