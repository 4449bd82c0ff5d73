//! Statements against the terms of a request: their author is convicted at once.

use motet_coordinator::event::{AbortCause, Event};
use motet_coordinator::{Command, Config, Reply};
use motet_core_crypto::{NonceCommitment, PartialSignature, PublicNonce};
use motet_testkit::{Cluster, Stranger};
use motet_wire::{
    Attempt, AttemptId, Charge, Commitments, Message, NetworkId, NonceShare, PartialSigShare, ParticipantJoined,
    RequestId, SignerIndex, transcript,
};

use crate::kit::{asks, clock, cluster_of, hear_stranger};
use crate::session::options;

/// A session without commitments of a stranger, which has asked for two items, and of a node, which has joined.
fn session_with_stranger() -> (Cluster, Stranger, RequestId) {
    let mut cluster = cluster_of(1, 4, &Config::default());
    let mut stranger = Stranger::new(1);
    let (request, frame) = asks(&cluster, &mut stranger, cluster.key(0), options(Commitments::Off));
    hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    cluster.settle();
    (cluster, stranger, request)
}

fn joined(
    cluster: &Cluster,
    request: RequestId,
    stranger: &Stranger,
    commitment: Option<NonceCommitment>,
) -> ParticipantJoined {
    ParticipantJoined { request, index: SignerIndex(0), delegation: stranger.delegation(cluster.now()), commitment }
}

/// The last words of a node to a stranger convict it, and so does the end at the node.
#[track_caller]
fn assert_convicted(mut cluster: Cluster, stranger: &Stranger, request: RequestId) {
    cluster.settle();
    let (culprit, charge) = (stranger.signer(), Charge::AgainstTerms);
    let end = cluster.node(0).events().iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == request => Some(end.cause.clone()),
        _ => None,
    });
    assert_eq!(end, Some(AbortCause::Convicted { culprit, charge }));
    assert_eq!(clock(&cluster), 0, "nobody has waited");
    let said = cluster.messages_to(stranger.peer());
    let Some(Message::SessionAbort(abort)) = said.last() else { panic!("{said:?}") };
    let conviction = abort.evidence.as_ref().unwrap().verify(&NetworkId::test()).unwrap();
    assert_eq!((conviction.signer, conviction.charge), (culprit, charge));
    let score = cluster.command(0, Command::Reputation { signer: culprit });
    assert!(matches!(score, Ok(Reply::Reputation(score)) if score.get() == -50), "{score:?}");
}

#[test]
fn nonces_for_another_number_of_items_convict_their_author_at_once() {
    let (mut cluster, mut stranger, request) = session_with_stranger();
    let session = AttemptId::derive(&request, Attempt::FIRST);
    let point = stranger.signer().to_bytes();
    let nonce = PublicNonce::from_bytes(&[point, point].concat().try_into().unwrap()).unwrap();
    let share =
        NonceShare { session, attempt: Attempt::FIRST, nonces: vec![nonce], commitments: transcript::NO_COMMITMENTS };
    let join = joined(&cluster, request, &stranger, None);
    for frame in [stranger.says(join, cluster.now()), stranger.says(share, cluster.now())] {
        hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    }
    assert_convicted(cluster, &stranger, request);
}

#[test]
fn partial_signatures_for_another_number_of_items_convict_their_author_at_once() {
    let (mut cluster, mut stranger, request) = session_with_stranger();
    let session = AttemptId::derive(&request, Attempt::FIRST);
    let mut scalar = [0; 32];
    scalar[31] = 1;
    let share = PartialSigShare {
        session,
        attempt: Attempt::FIRST,
        partials: vec![PartialSignature::from_bytes(&scalar).unwrap(); 3],
        nonces: transcript::NO_COMMITMENTS,
    };
    let join = joined(&cluster, request, &stranger, None);
    for frame in [stranger.says(join, cluster.now()), stranger.says(share, cluster.now())] {
        hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    }
    assert_convicted(cluster, &stranger, request);
}

#[test]
fn a_join_with_a_commitment_that_was_not_asked_for_convicts_its_author_at_once() {
    let (mut cluster, mut stranger, request) = session_with_stranger();
    let join = joined(&cluster, request, &stranger, Some(NonceCommitment::from_bytes(&[7; 32])));
    let frame = stranger.says(join, cluster.now());
    hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    assert_convicted(cluster, &stranger, request);
}
