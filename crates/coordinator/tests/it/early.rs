//! Messages that come before what they refer to: those of strangers do not push out those of participants.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::Config;
use motet_coordinator::event::Event;
use motet_core_crypto::{NonceCommitment, PublicNonce, tagged_hash};
use motet_node::limits;
use motet_testkit::{Cluster, Stranger};
use motet_wire::{
    Attempt, AttemptId, Commitments, Kind, NonceCommit, NonceShare, ParticipantJoined, RequestId, SignerIndex, peek,
    transcript,
};

use crate::kit::{announce, asks, cluster_of, frames, freeze, hear, hear_stranger};
use crate::session::{assert_signed, items, options};

/// Joins for requests that nobody knows, of signers that have advertised or have not: more than are kept.
fn flood(cluster: &mut Cluster, node: usize, advertised: bool) {
    for number in 0..=(limits::EARLY_MESSAGES / limits::EARLY_PER_SENDER) as u64 {
        let mut stranger = Stranger::new(1000 + number);
        if advertised {
            let offer = stranger.advertises(Duration::from_secs(3600), 0, cluster.now());
            hear_stranger(cluster, node, stranger.peer(), &offer);
        }
        for unknown in 0..limits::EARLY_PER_SENDER as u64 {
            let name = tagged_hash("test", &[&number.to_be_bytes(), &unknown.to_be_bytes()]);
            let (request, delegation) = (RequestId::from_bytes(name), stranger.delegation(cluster.now()));
            let join = ParticipantJoined { request, index: SignerIndex(0), delegation, commitment: None };
            let frame = stranger.says(join, cluster.now());
            hear_stranger(cluster, node, stranger.peer(), &frame);
        }
    }
}

/// All joins that have left a node.
fn joins(cluster: &Cluster) -> Vec<Arc<[u8]>> {
    let is_join = |frame: &&Arc<[u8]>| peek(frame).is_some_and(|peek| peek.kind == Kind::ParticipantJoined);
    frames(cluster).iter().filter(is_join).cloned().collect()
}

#[test]
fn strangers_do_not_push_out_the_joins_of_a_request_that_is_on_its_way() {
    let mut cluster = cluster_of(3, 1, &Config::default());
    cluster.advertise_all();
    freeze(&mut cluster, 2);
    announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    // Of two that have advertised, the joins come first, then much of strangers, and the request last of all.
    let known: Vec<Arc<[u8]>> = joins(&cluster);
    for frame in &known {
        let author = usize::from(peek(frame).unwrap().sender != peek(&known[0]).unwrap().sender);
        hear(&mut cluster, 2, author, frame);
    }
    flood(&mut cluster, 2, false);
    let is_request = |frame: &Arc<[u8]>| peek(frame).is_some_and(|peek| peek.kind == Kind::SigningRequest);
    let request = frames(&cluster).into_iter().find(is_request).unwrap();
    cluster.network().lose_everything();
    cluster.network().release();
    hear(&mut cluster, 2, 0, &request);
    cluster.settle();
    assert_signed(&cluster, &items(1));
}

#[test]
fn the_words_of_participants_outlive_a_flood_of_signers_that_have_advertised() {
    let mut cluster = cluster_of(1, 2, &Config::default());
    let mut stranger = Stranger::new(1);
    let (request, frame) = asks(&cluster, &mut stranger, cluster.key(0), options(Commitments::On));
    hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    cluster.settle();
    let point = stranger.signer().to_bytes();
    let nonces = vec![PublicNonce::from_bytes(&[point, point].concat().try_into().unwrap()).unwrap(); 2];
    let commitment_of = |attempt| NonceCommitment::new(AttemptId::derive(&request, attempt).as_bytes(), 0, &nonces);
    let join = ParticipantJoined {
        request,
        index: SignerIndex(0),
        delegation: stranger.delegation(cluster.now()),
        commitment: Some(commitment_of(Attempt::FIRST)),
    };
    let (session, attempt) = (AttemptId::derive(&request, Attempt(1)), Attempt(1));
    let share = NonceShare { session, attempt, nonces: nonces.clone(), commitments: transcript::NO_COMMITMENTS };
    let commit = NonceCommit { session, attempt, commitment: commitment_of(attempt) };
    // The nonces of another attempt overtake their commitment.
    for frame in [stranger.says(join, cluster.now()), stranger.says(share, cluster.now())] {
        hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
        cluster.settle();
    }
    flood(&mut cluster, 0, true);
    let frame = stranger.says(commit, cluster.now());
    hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    cluster.settle();
    let heard = cluster.node(0).events().iter().any(|event| match event {
        Event::NonceReceived(heard) => heard.index == SignerIndex(0) && heard.round.attempt == attempt,
        _ => false,
    });
    assert!(heard);
}
