//! Statements against the terms of a request: their author is convicted at once.

use motet_coordinator::event::{AbortCause, Event};
use motet_coordinator::{Command, Config, Reply};
use motet_core_crypto::{NonceCommitment, PartialSignature, PublicNonce};
use motet_wire::{
    Attempt, AttemptId, Charge, Commitments, Message, NetworkId, NonceShare, PartialSigShare, ParticipantJoined,
    RequestId, SignerIndex, transcript,
};

use crate::network::Network;
use crate::session::options;
use crate::stranger::Stranger;

/// A session without commitments of a stranger, which has asked for two items, and of a node, which has joined.
fn session_with_stranger() -> (Network, Stranger, RequestId) {
    let mut network = Network::new(1, 4, &Config::default());
    let mut stranger = Stranger::new(1);
    let (request, frame) = stranger.asks(&network, network.key(0), options(Commitments::Off));
    network.hear_stranger(0, stranger.peer, &frame);
    network.run();
    (network, stranger, request)
}

fn joined(request: RequestId, stranger: &Stranger, commitment: Option<NonceCommitment>) -> ParticipantJoined {
    ParticipantJoined { request, index: SignerIndex(0), delegation: stranger.delegation(0), commitment }
}

/// The last words of a node to a stranger convict it, and so does the end at the node.
#[track_caller]
fn assert_convicted(mut network: Network, stranger: &Stranger, request: RequestId) {
    network.run();
    let (culprit, charge) = (stranger.signer(), Charge::AgainstTerms);
    let end = network.nodes[0].events.iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == request => Some(end.cause.clone()),
        _ => None,
    });
    assert_eq!(end, Some(AbortCause::Convicted { culprit, charge }));
    assert_eq!(network.clock, 0, "nobody has waited");
    let said = network.messages_to(stranger);
    let Some(Message::SessionAbort(abort)) = said.last() else { panic!("{said:?}") };
    let conviction = abort.evidence.as_ref().unwrap().verify(&NetworkId::test()).unwrap();
    assert_eq!((conviction.signer, conviction.charge), (culprit, charge));
    let score = network.command(0, Command::Reputation { signer: culprit });
    assert!(matches!(score, Ok(Reply::Reputation(score)) if score.get() == -50), "{score:?}");
}

#[test]
fn nonces_for_another_number_of_items_convict_their_author_at_once() {
    let (mut network, mut stranger, request) = session_with_stranger();
    let session = AttemptId::derive(&request, Attempt::FIRST);
    let point = stranger.signer().to_bytes();
    let nonce = PublicNonce::from_bytes(&[point, point].concat().try_into().unwrap()).unwrap();
    let share =
        NonceShare { session, attempt: Attempt::FIRST, nonces: vec![nonce], commitments: transcript::NO_COMMITMENTS };
    let join = joined(request, &stranger, None);
    for frame in [stranger.says(join, 0), stranger.says(share, 0)] {
        network.hear_stranger(0, stranger.peer, &frame);
    }
    assert_convicted(network, &stranger, request);
}

#[test]
fn partial_signatures_for_another_number_of_items_convict_their_author_at_once() {
    let (mut network, mut stranger, request) = session_with_stranger();
    let session = AttemptId::derive(&request, Attempt::FIRST);
    let mut scalar = [0; 32];
    scalar[31] = 1;
    let share = PartialSigShare {
        session,
        attempt: Attempt::FIRST,
        partials: vec![PartialSignature::from_bytes(&scalar).unwrap(); 3],
        nonces: transcript::NO_COMMITMENTS,
    };
    let join = joined(request, &stranger, None);
    for frame in [stranger.says(join, 0), stranger.says(share, 0)] {
        network.hear_stranger(0, stranger.peer, &frame);
    }
    assert_convicted(network, &stranger, request);
}

#[test]
fn a_join_with_a_commitment_that_was_not_asked_for_convicts_its_author_at_once() {
    let (mut network, mut stranger, request) = session_with_stranger();
    let join = joined(request, &stranger, Some(NonceCommitment::from_bytes(&[7; 32])));
    let frame = stranger.says(join, 0);
    network.hear_stranger(0, stranger.peer, &frame);
    assert_convicted(network, &stranger, request);
}
