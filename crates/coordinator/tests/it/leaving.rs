//! Signers that leave their node while it runs.

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, CommandError, Config};
use motet_testkit::Cluster;
use motet_wire::{Commitments, RequestId};

use crate::kit::{announce, cluster_of, partials_sent};
use crate::session::{assert_signed, items, options};

fn refusal(cluster: &Cluster, node: usize, request: RequestId) -> Option<String> {
    cluster.node(node).events().iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == request => match &end.cause {
            AbortCause::Refused { detail, .. } => Some(detail.clone()),
            other => panic!("{other:?}"),
        },
        _ => None,
    })
}

#[test]
fn a_signer_that_leaves_withdraws_its_offer_and_declines_what_waits_for_it() {
    let mut cluster = cluster_of(2, 1, &Config::default());
    cluster.advertise_all();
    cluster.set_policy(|_, _| None);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    let signer = cluster.key(1);
    cluster.command(1, Command::RemoveSigner { signer }).unwrap();
    cluster.settle();
    assert_eq!(refusal(&cluster, 0, request).unwrap(), "this signer is not served here any more");
    let withdrawn = cluster.node(0).events().iter().any(|event| matches!(event, Event::SignerUnavailable(_)));
    assert!(withdrawn);
    // Nobody is asked for it, and it cannot be removed twice.
    let told = cluster.node(1).events().len();
    announce(&mut cluster, items(2), options(Commitments::On));
    cluster.settle();
    assert!(!cluster.node(1).events()[told..].iter().any(|event| matches!(event, Event::SigningRequestReceived(_))));
    let again = cluster.command(1, Command::RemoveSigner { signer });
    assert_eq!(again.unwrap_err(), CommandError::UnknownSigner(signer));
}

#[test]
fn a_signer_that_leaves_in_the_middle_of_a_session_says_so() {
    for (phase, commitments) in
        [(Phase::Joining, Commitments::On), (Phase::Nonces, Commitments::On), (Phase::Nonces, Commitments::Off)]
    {
        let mut cluster = cluster_of(2, 2, &Config::default());
        cluster.advertise_all();
        let request = announce(&mut cluster, items(1), options(commitments));
        cluster.deliver_until(1, request, phase);
        let signer = cluster.key(1);
        cluster.command(1, Command::RemoveSigner { signer }).unwrap();
        cluster.settle();
        assert_eq!(refusal(&cluster, 0, request).unwrap(), "declined: this signer is not served here any more");
    }
}

#[test]
fn a_signer_that_has_signed_before_it_left_is_told_the_signature() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(1, request, Phase::Partials);
    while partials_sent(&cluster, 1) == 0 {
        assert!(cluster.deliver_next());
    }
    let signer = cluster.key(1);
    cluster.command(1, Command::RemoveSigner { signer }).unwrap();
    cluster.settle();
    assert_signed(&cluster, &items(1));
    let aborted = cluster.node(1).events().iter().any(|event| matches!(event, Event::SessionAborted(_)));
    assert!(aborted, "it left before the signature was there");
}

#[test]
fn a_signer_that_comes_back_signs_again() {
    let mut cluster = cluster_of(2, 4, &Config::default());
    cluster.advertise_all();
    let signer = cluster.key(1);
    cluster.command(1, Command::RemoveSigner { signer }).unwrap();
    cluster.settle();
    cluster.command(1, Command::AddSigner { signer }).unwrap();
    cluster.advertise(1).unwrap();
    cluster.settle();
    announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    assert_signed(&cluster, &items(1));
}
