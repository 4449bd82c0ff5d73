//! Signatures that a signer has missed: a node that has them tells it as long as it keeps them, after a restart too.

use core::time::Duration;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config};
use motet_testkit::Cluster;
use motet_wire::{Commitments, Kind, RequestId};

use crate::kit::{announce, cluster_of};
use crate::session::{assert_signed, items, options};

/// The second signer has the signatures. All that it sent since the partial signatures of the first came, its own among them, is lost.
fn signed_by_the_second_alone(commitments: Commitments) -> (Cluster, RequestId) {
    let mut cluster = cluster_of(2, 41, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(2), options(commitments));
    let is_last_word = |kind| matches!(kind, Some(Kind::PartialSigShare | Kind::SignatureFinalized));
    cluster.network().hold(move |flight| flight.by == 1 && is_last_word(flight.kind()));
    cluster.settle();
    assert_eq!(cluster.status(1, request).unwrap().phase, Phase::Complete);
    assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Partials);
    cluster.network().lose_everything();
    cluster.network().release();
    (cluster, request)
}

/// Lets time pass until the first signer's session has ended.
fn run_to_the_end(cluster: &mut Cluster, request: RequestId) -> Phase {
    for _ in 0..2000 {
        let phase = cluster.status(0, request).unwrap().phase;
        if matches!(phase, Phase::Complete | Phase::Aborted) {
            return phase;
        }
        cluster.sleep();
        cluster.settle();
    }
    panic!("the session goes on and on");
}

#[test]
fn a_node_that_was_restarted_tells_the_signatures_to_a_signer_that_has_missed_them() {
    for commitments in [Commitments::On, Commitments::Off] {
        let (mut cluster, request) = signed_by_the_second_alone(commitments);
        cluster.restart(1);
        assert_eq!(run_to_the_end(&mut cluster, request), Phase::Complete, "{commitments:?}");
        assert_signed(&cluster, &items(2));
    }
}

#[test]
fn it_does_so_after_its_application_has_noted_them() {
    let (mut cluster, request) = signed_by_the_second_alone(Commitments::On);
    cluster.command(1, Command::Close { request }).unwrap();
    cluster.restart(1);
    assert_eq!(run_to_the_end(&mut cluster, request), Phase::Complete);
}

#[test]
fn a_signer_that_was_away_for_an_hour_is_told_by_a_node_that_has_closed_the_session() {
    let (mut cluster, request) = signed_by_the_second_alone(Commitments::On);
    cluster.crash(0);
    cluster.command(1, Command::Close { request }).unwrap();
    cluster.advance(Duration::from_secs(60 * 60));
    assert!(cluster.status(1, request).is_err());
    cluster.restart(0);
    cluster.advertise_all();
    assert_eq!(run_to_the_end(&mut cluster, request), Phase::Complete);
    // Its own application has heard all of it before.
    let closed = |event: &Event| matches!(event, Event::SessionClosed { .. }).then_some(());
    assert_eq!(cluster.events(1, closed).len(), 1);
    cluster.advance(Duration::from_secs(60 * 60));
    assert!(cluster.status(1, request).is_err());
    assert_eq!(cluster.events(1, closed).len(), 1);
}

#[test]
fn nothing_is_said_of_a_session_that_has_ended_where_nobody_asks() {
    let mut cluster = cluster_of(2, 42, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    cluster.forget_sent();
    cluster.restart(1);
    cluster.advance(Duration::from_secs(60 * 60));
    assert!(cluster.status(1, request).is_err());
    let said = cluster.sent().iter().filter(|sent| sent.by == 1);
    let about = |kind| matches!(kind, Some(Kind::ParticipantJoined | Kind::SignatureFinalized | Kind::SyncRequest));
    assert_eq!(said.filter(|sent| about(sent.kind())).count(), 0);
}
