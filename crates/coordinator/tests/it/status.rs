//! The status of a session: all that a user needs to show how it is, why it ended, and what can be done.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::{AbortCause, Phase};
use motet_coordinator::{Command, Config, Reply, Retry, SessionStatus};
use motet_wire::{Attempt, AttemptId, Commitments, RequestId};

use crate::network::Network;
use crate::session::{items, options};

/// Three signers, of whom the last hears nothing from the start of the second round on.
fn one_silent(config: &Config) -> (Network, RequestId) {
    let mut network = Network::new(3, 5, config);
    network.advertise_all();
    let request = network.announce(items(2), options(Commitments::On));
    network.run_until(0, request, Phase::Nonces);
    // The other one has all joins, too.
    network.run_until(1, request, Phase::Nonces);
    network.nodes[2].deaf = true;
    network.lose_words_of(2);
    network.run();
    (network, request)
}

fn wait_for(network: &mut Network, request: RequestId, phase: Phase) -> SessionStatus {
    loop {
        let status = network.status(0, request);
        if status.phase == phase {
            return status;
        }
        network.sleep_to_next_deadline_of(&[0, 1]);
        network.run();
    }
}

#[test]
fn a_status_says_what_is_awaited_from_whom_and_for_how_long() {
    let config = Config::default().max_attempts(2);
    let (mut network, request) = one_silent(&config);
    let begun = network.status(0, request);
    assert_eq!((begun.phase, begun.attempt, begun.max_attempts), (Phase::Nonces, Attempt(0), 2));
    assert_eq!((begun.creator, begun.signers.len()), (network.key(0), 3));
    assert_eq!(begun.awaiting, [network.key(2)]);
    assert_eq!(begun.session, AttemptId::derive(&request, Attempt(0)));
    // Two items: two seconds more than a round takes.
    assert_eq!(begun.phase_ends_in, Some(Duration::from_secs(122)));
    assert_eq!(begun.ends_in, Some(config.session_timeout));
    assert_eq!((begun.idle_for, begun.cause, begun.retry), (Duration::ZERO, None, Some(Retry::Attempt)));

    network.clock += 7_000;
    let later = network.status(0, request);
    assert_eq!(later.phase_ends_in, Some(Duration::from_secs(115)));
    assert_eq!(later.ends_in, Some(config.session_timeout - Duration::from_secs(7)));
    assert_eq!(later.idle_for, Duration::from_secs(7));
}

#[test]
fn a_status_after_the_end_says_why_it_ended_and_that_nothing_is_awaited() {
    let (mut network, request) = one_silent(&Config::default().max_attempts(1));
    let ended = wait_for(&mut network, request, Phase::Aborted);
    let silent = network.key(2);
    assert!(
        matches!(&ended.cause, Some(AbortCause::Unresponsive { signers, .. }) if *signers == [silent]),
        "{ended:?}"
    );
    assert_eq!((ended.phase_ends_in, ended.ends_in, ended.retry), (None, None, None));
    assert!(ended.awaiting.is_empty() && ended.may_complete.is_empty() && ended.signatures.is_none());
}

#[test]
fn a_status_of_the_last_attempt_promises_no_other() {
    let (mut network, request) = one_silent(&Config::default().max_attempts(1));
    assert_eq!(network.status(0, request).retry, None);
}

#[test]
fn a_session_that_not_all_have_joined_can_be_asked_for_again_by_its_creator_alone() {
    let mut network = Network::new(3, 5, &Config::default());
    network.advertise_all();
    network.nodes[2].deaf = true;
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    assert_eq!(network.status(0, request).retry, None);
    let ended = wait_for(&mut network, request, Phase::Aborted);
    assert_eq!(ended.retry, Some(Retry::Request));
    assert_eq!(network.status(1, request).retry, None);
    // It does what the status says.
    assert!(matches!(network.command(0, Command::Retry { request, replace: Vec::new() }), Ok(Reply::Announced { .. })));
    assert!(network.command(1, Command::Retry { request, replace: Vec::new() }).is_err());
}

#[test]
fn a_complete_session_has_its_signed_items_and_no_cause() {
    let mut network = Network::new(2, 5, &Config::default());
    network.advertise_all();
    let request = network.announce(items(2), options(Commitments::On));
    network.run();
    let status = network.status(0, request);
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
    let (mut network, request) = one_silent(&Config::default());
    let (first, second) = (network.status(0, request), network.status(0, request));
    for (first, second) in first.items.iter().zip(&second.items) {
        assert!(Arc::ptr_eq(&first.message, &second.message));
    }
    assert_eq!(first.items.len(), 2);
}
