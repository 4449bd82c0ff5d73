//! The status of a session: all that a user needs to show how it is, why it ended, and what can be done.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::{AbortCause, Phase};
use motet_coordinator::{Command, Config, Reply, Retry, SessionStatus};
use motet_testkit::Cluster;
use motet_wire::{Attempt, AttemptId, Commitments, RequestId};

use crate::kit::{announce, cluster_of};
use crate::session::{items, options};

/// Three signers, of whom the last hears nothing from the start of the second round on.
fn one_silent(config: &Config) -> (Cluster, RequestId) {
    let mut cluster = cluster_of(3, 5, config);
    cluster.advertise_all();
    let request = announce(&mut cluster, items(2), options(Commitments::On));
    cluster.deliver_until(0, request, Phase::Nonces);
    // The other one has all joins, too.
    cluster.deliver_until(1, request, Phase::Nonces);
    cluster.network().cut(2);
    cluster.network().lose(|flight| flight.by == 2);
    cluster.settle();
    (cluster, request)
}

fn wait_for(cluster: &mut Cluster, request: RequestId, phase: Phase) -> SessionStatus {
    loop {
        let status = cluster.status(0, request).unwrap();
        if status.phase == phase {
            return status;
        }
        cluster.sleep_of(&[0, 1]);
        cluster.settle();
    }
}

#[test]
fn a_status_says_what_is_awaited_from_whom_and_for_how_long() {
    let config = Config::default().max_attempts(2);
    let (mut cluster, request) = one_silent(&config);
    let begun = cluster.status(0, request).unwrap();
    assert_eq!((begun.phase, begun.attempt, begun.max_attempts), (Phase::Nonces, Attempt(0), 2));
    assert_eq!((begun.creator, begun.signers.len()), (cluster.key(0), 3));
    assert_eq!(begun.awaiting, [cluster.key(2)]);
    assert_eq!(begun.session, AttemptId::derive(&request, Attempt(0)));
    // Two items: two seconds more than a round takes.
    assert_eq!(begun.phase_ends_in, Some(Duration::from_secs(122)));
    assert_eq!(begun.ends_in, Some(config.session_timeout));
    assert_eq!((begun.idle_for, begun.cause, begun.retry), (Duration::ZERO, None, Some(Retry::Attempt)));

    cluster.jump(Duration::from_millis(7_000));
    let later = cluster.status(0, request).unwrap();
    assert_eq!(later.phase_ends_in, Some(Duration::from_secs(115)));
    assert_eq!(later.ends_in, Some(config.session_timeout - Duration::from_secs(7)));
    assert_eq!(later.idle_for, Duration::from_secs(7));
}

#[test]
fn a_status_after_the_end_says_why_it_ended_and_that_nothing_is_awaited() {
    let (mut cluster, request) = one_silent(&Config::default().max_attempts(1));
    let ended = wait_for(&mut cluster, request, Phase::Aborted);
    let silent = cluster.key(2);
    assert!(
        matches!(&ended.cause, Some(AbortCause::Unresponsive { signers, .. }) if *signers == [silent]),
        "{ended:?}"
    );
    assert_eq!((ended.phase_ends_in, ended.ends_in, ended.retry), (None, None, None));
    assert!(ended.awaiting.is_empty() && ended.may_complete.is_empty() && ended.signatures.is_none());
}

#[test]
fn a_status_of_the_last_attempt_promises_no_other() {
    let (mut cluster, request) = one_silent(&Config::default().max_attempts(1));
    assert_eq!(cluster.status(0, request).unwrap().retry, None);
}

#[test]
fn a_session_that_not_all_have_joined_can_be_asked_for_again_by_its_creator_alone() {
    let mut cluster = cluster_of(3, 5, &Config::default());
    cluster.advertise_all();
    cluster.network().cut(2);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    assert_eq!(cluster.status(0, request).unwrap().retry, None);
    let ended = wait_for(&mut cluster, request, Phase::Aborted);
    assert_eq!(ended.retry, Some(Retry::Request));
    assert_eq!(cluster.status(1, request).unwrap().retry, None);
    // It does what the status says.
    assert!(matches!(cluster.command(0, Command::Retry { request, replace: Vec::new() }), Ok(Reply::Announced { .. })));
    assert!(cluster.command(1, Command::Retry { request, replace: Vec::new() }).is_err());
}

#[test]
fn a_complete_session_has_its_signed_items_and_no_cause() {
    let mut cluster = cluster_of(2, 5, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(2), options(Commitments::On));
    cluster.settle();
    let status = cluster.status(0, request).unwrap();
    assert_eq!((status.phase, &status.cause, status.retry), (Phase::Complete, &None, None));
    let completed = status.completed().unwrap();
    assert_eq!((completed.request, completed.session), (request, status.session));
    for (signed, asked) in completed.items.iter().zip(&items(2)) {
        assert_eq!(signed.message, asked.message);
        motet_core_crypto::schnorr::verify(&signed.aggregate_key, &signed.message, &signed.signature).unwrap();
    }
}

#[test]
fn statuses_share_the_messages_that_they_show() {
    let (mut cluster, request) = one_silent(&Config::default());
    let (first, second) = (cluster.status(0, request).unwrap(), cluster.status(0, request).unwrap());
    for (first, second) in first.items.iter().zip(&second.items) {
        assert!(Arc::ptr_eq(&first.message, &second.message));
    }
    assert_eq!(first.items.len(), 2);
}
