//! Requests that wait for a decision: bounded by peer and by cluster, and not to be pushed out by cheaper ones.

use core::time::Duration;
use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, Config, Decision, Reply, SigningRequestSpec};
use motet_node::limits;
use motet_testkit::{Cluster, Stranger};
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Commitments, Message, NetworkGroup, RequestId, RequestMetadata, SessionAbort,
};

use crate::kit::{announce, asks, asks_with, cluster_of, hear_over, hear_stranger};
use crate::session::{items, options};

/// A node whose user does not answer.
fn undecided() -> Cluster {
    let mut cluster = cluster_of(1, 1, &Config::default());
    cluster.set_policy(|_, _| None);
    cluster
}

fn waits(cluster: &mut Cluster, request: RequestId) -> bool {
    matches!(cluster.command(0, Command::Status { request }), Ok(Reply::Status(status)) if status.phase == Phase::Joining)
}

/// A request whose stamp is worth so many bits comes from a stranger, over a connection of another or of this peer.
fn ask(
    cluster: &mut Cluster,
    stranger: &mut Stranger,
    over: Option<&Stranger>,
    group: NetworkGroup,
    bits: u8,
) -> RequestId {
    let other = cluster.key(0);
    let (request, frame) = asks_with(cluster, stranger, other, options(Commitments::On), bits);
    let from = over.map_or(stranger.peer(), |over| over.peer());
    hear_over(cluster, 0, from, group, &frame);
    request
}

fn refusal(cluster: &Cluster, stranger: &Stranger) -> Option<String> {
    cluster.messages_to(stranger.peer()).into_iter().find_map(|message| match message {
        Message::ParticipantDeclined(declined) => Some(declined.reason),
        _ => None,
    })
}

#[test]
fn one_peer_asks_for_no_more_than_ten_decisions_at_a_time() {
    let mut cluster = undecided();
    let relay = Stranger::new(1000);
    for number in 0..limits::PROMPTS_PER_PEER as u64 {
        let request = ask(&mut cluster, &mut Stranger::new(number), Some(&relay), NetworkGroup::Local, 0);
        assert!(waits(&mut cluster, request));
    }
    let mut last = Stranger::new(500);
    let request = ask(&mut cluster, &mut last, Some(&relay), NetworkGroup::Local, 0);
    assert!(!waits(&mut cluster, request));
    let reason = refusal(&cluster, &last).unwrap();
    assert!(reason.contains("from your peer"), "{reason}");
    // Another peer is heard.
    let request = ask(&mut cluster, &mut last, None, NetworkGroup::Local, 0);
    assert!(waits(&mut cluster, request));
}

#[test]
fn one_network_asks_for_no_more_than_twenty_decisions_at_a_time() {
    let mut cluster = undecided();
    let group = NetworkGroup::V4([203, 0, 113]);
    for number in 0..limits::PROMPTS_PER_GROUP as u64 {
        let request = ask(&mut cluster, &mut Stranger::new(number), None, group, 0);
        assert!(waits(&mut cluster, request));
    }
    let mut last = Stranger::new(500);
    let request = ask(&mut cluster, &mut last, None, group, 0);
    assert!(!waits(&mut cluster, request));
    let reason = refusal(&cluster, &last).unwrap();
    assert!(reason.contains("from your network"), "{reason}");
    let request = ask(&mut cluster, &mut last, None, NetworkGroup::V4([203, 0, 114]), 0);
    assert!(waits(&mut cluster, request));
}

#[test]
fn to_take_requests_back_makes_no_room_for_more_at_once() {
    let mut cluster = undecided();
    let mut stranger = Stranger::new(1);
    let other = cluster.key(0);
    let mut ask_and_take_back = |cluster: &mut Cluster| {
        let now = cluster.now();
        let (request, frame) = asks(cluster, &mut stranger, other, options(Commitments::On));
        hear_stranger(cluster, 0, stranger.peer(), &frame);
        let was_asked = waits(cluster, request);
        let reason = AbortReason { code: AbortCode::Cancelled, detail: String::new() };
        let abort = SessionAbort { subject: AbortSubject::Request(request), reason, evidence: None };
        let frame = stranger.says(abort, now);
        hear_stranger(cluster, 0, stranger.peer(), &frame);
        assert!(!waits(cluster, request));
        was_asked
    };
    for _ in 0..limits::PROMPTS_PER_PEER {
        assert!(ask_and_take_back(&mut cluster));
    }
    assert!(!ask_and_take_back(&mut cluster));
    cluster.jump(Duration::from_millis(limits::PROMPT_REST.as_millis() as u64));
    assert!(ask_and_take_back(&mut cluster));
}

/// As many requests as may wait, all of them with cheap stamps, of as many peers.
fn crowd(cluster: &mut Cluster) -> Vec<(RequestId, Stranger)> {
    let mut crowd = Vec::new();
    for number in 0..limits::UNAPPROVED_REQUESTS as u64 {
        let mut stranger = Stranger::new(number);
        let request = ask(cluster, &mut stranger, None, NetworkGroup::Local, 0);
        assert!(waits(cluster, request));
        crowd.push((request, stranger));
        cluster.jump(Duration::from_millis(1));
    }
    crowd
}

#[test]
fn a_waiting_request_is_not_pushed_out_by_cheaper_newer_ones() {
    let mut cluster = undecided();
    let crowd = crowd(&mut cluster);
    for bits in 0..limits::DEARER_BITS {
        let mut late = Stranger::new(500 + u64::from(bits));
        let request = ask(&mut cluster, &mut late, None, NetworkGroup::Local, bits);
        assert!(!waits(&mut cluster, request));
        assert!(refusal(&cluster, &late).unwrap().contains("too many requests"));
    }
    assert!(crowd.iter().all(|(request, _)| waits(&mut cluster, *request)));
    // One that has cost four times as much takes the place of the newest.
    let dear = ask(&mut cluster, &mut Stranger::new(600), None, NetworkGroup::Local, limits::DEARER_BITS);
    assert!(waits(&mut cluster, dear));
    let (gone, stayed) = crowd.split_last().unwrap();
    assert!(stayed.iter().all(|(request, _)| waits(&mut cluster, *request)));
    let ended = cluster.node(0).events().iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == gone.0 => Some(end.cause.clone()),
        _ => None,
    });
    assert_eq!(ended, Some(AbortCause::Crowded));
    assert!(refusal(&cluster, &gone.1).unwrap().contains("too many requests"));
}

#[test]
fn a_signer_that_has_helped_before_is_heard_in_any_crowd() {
    let mut cluster = cluster_of(2, 2, &Config::default());
    cluster.advertise_all();
    announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    cluster.set_policy(|_, _| None);
    crowd(&mut cluster);
    let announcement = SigningRequestSpec {
        creator: cluster.key(1),
        keys: vec![cluster.key(0), cluster.key(1)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let Ok(Reply::Announced { request, .. }) = cluster.command(1, Command::Announce(announcement)) else { panic!() };
    cluster.settle();
    assert!(waits(&mut cluster, request));
}

#[test]
fn requests_that_wait_for_the_user_do_not_keep_a_node_from_asking() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    cluster.advertise_all();
    cluster.set_policy(|node, _| (node == 1).then_some(Decision::Approve));
    crowd(&mut cluster);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Complete);
}
