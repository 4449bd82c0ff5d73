//! Statements against the terms of a request: their author is convicted at once.

use std::sync::Arc;

use motet_coordinator::event::{AbortCause, Event};
use motet_coordinator::{Command, Config, Reply};
use motet_core_crypto::{NonceCommitment, PartialSignature, PublicNonce};
use motet_testkit::{Cluster, Stranger};
use motet_wire::{
    Arrival, Attempt, AttemptId, Channel, Charge, Commitments, Message, NetworkId, NonceShare, PartialSigShare,
    ParticipantJoined, PeerId, RequestId, Rule, SignerIndex, transcript,
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

/// Lets the node hear a frame, and returns the rule that it breaks.
fn refused(cluster: &mut Cluster, from: PeerId, frame: &Arc<[u8]>) -> Rule {
    cluster.hear_afresh(0, Arrival::new(Arc::clone(frame), Channel::Direct, from)).unwrap_err().rule
}

/// The last words of a node to a stranger convict it, and so does the end at the node.
#[track_caller]
fn assert_convicted(mut cluster: Cluster, stranger: &Stranger, request: RequestId, charge: Charge) {
    cluster.settle();
    let culprit = stranger.signer();
    let end = cluster.node(0).events().iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == request => Some(end.cause.clone()),
        _ => None,
    });
    assert_eq!(end, Some(AbortCause::Convicted { culprit, charge }));
    assert_eq!(clock(&cluster), 0, "nobody has waited");
    let said = cluster.messages_to(stranger.peer());
    let Some(Message::SessionAbort(abort)) = said.last() else { panic!("{said:?}") };
    let conviction = abort.evidence.as_ref().unwrap().verify(&NetworkId::test()).unwrap();
    assert_eq!((conviction.signer, conviction.charge, conviction.request), (culprit, charge, Some(request)));
    let Ok(Reply::Proofs(proofs)) = cluster.command(0, Command::Proofs) else { panic!("no proofs") };
    assert_eq!(proofs.len(), 1);
    let score = cluster.command(0, Command::Reputation { signer: culprit });
    let nonsense = if charge == Charge::Malformed { 5 } else { 0 };
    assert!(matches!(score, Ok(Reply::Reputation(score)) if score.get() == -50 - nonsense), "{score:?}");
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
    assert_convicted(cluster, &stranger, request, Charge::AgainstTerms);
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
    assert_convicted(cluster, &stranger, request, Charge::AgainstTerms);
}

#[test]
fn nonces_that_are_no_points_and_partial_signatures_that_are_no_scalars_convict_their_author_at_once() {
    for is_partial in [false, true] {
        let (mut cluster, mut stranger, request) = session_with_stranger();
        let (session, attempt) = (AttemptId::derive(&request, Attempt::FIRST), Attempt::FIRST);
        let point = stranger.signer().to_bytes();
        let nonces = vec![PublicNonce::from_bytes(&[point, point].concat().try_into().unwrap()).unwrap(); 2];
        let partials = vec![PartialSignature::from_bytes(&[1; 32]).unwrap(); 2];
        let now = cluster.now();
        let sound = if is_partial {
            stranger.says(PartialSigShare { session, attempt, partials, nonces: transcript::NO_COMMITMENTS }, now)
        } else {
            stranger.says(NonceShare { session, attempt, nonces, commitments: transcript::NO_COMMITMENTS }, now)
        };
        // The session, the attempt and the number of values are 40 bytes.
        let nonsense = stranger.says_instead(&sound, |body| body[40..72].fill(0xff));
        let join = joined(&cluster, request, &stranger, None);
        let join = stranger.says(join, now);
        // Before it has joined, nothing shows whose message key has signed.
        assert_eq!(refused(&mut cluster, stranger.peer(), &nonsense), Rule::Points);
        hear_stranger(&mut cluster, 0, stranger.peer(), &join);
        cluster.settle();
        assert_eq!(cluster.status(0, request).unwrap().cause, None);
        assert_eq!(refused(&mut cluster, stranger.peer(), &nonsense), Rule::Points);
        assert_convicted(cluster, &stranger, request, Charge::Malformed);
    }
}

#[test]
fn a_join_with_a_commitment_that_was_not_asked_for_convicts_its_author_at_once() {
    let (mut cluster, mut stranger, request) = session_with_stranger();
    let join = joined(&cluster, request, &stranger, Some(NonceCommitment::from_bytes(&[7; 32])));
    let frame = stranger.says(join, cluster.now());
    hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    assert_convicted(cluster, &stranger, request, Charge::AgainstTerms);
}
