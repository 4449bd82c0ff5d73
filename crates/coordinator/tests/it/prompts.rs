//! Requests that wait for a decision: bounded by peer and by network, and not to be pushed out by cheaper ones.

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, Config, Reply, SigningRequestSpec};
use motet_node::limits;
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Commitments, Message, NetworkGroup, RequestId, RequestMetadata, SessionAbort,
};

use crate::network::Network;
use crate::session::{items, options};
use crate::stranger::Stranger;

/// A node whose user does not answer.
fn network() -> Network {
    let mut network = Network::new(1, 1, &Config::default());
    network.undecided = true;
    network
}

fn waits(network: &mut Network, request: RequestId) -> bool {
    matches!(network.command(0, Command::Status { request }), Ok(Reply::Status(status)) if status.phase == Phase::Joining)
}

/// A request whose stamp is worth so many bits comes from a stranger, over a connection of another or of this peer.
fn ask(
    network: &mut Network,
    stranger: &mut Stranger,
    over: Option<&Stranger>,
    group: NetworkGroup,
    bits: u8,
) -> RequestId {
    let other = network.key(0);
    let (request, frame) = stranger.asks_with(network, other, options(Commitments::On), bits);
    let from = over.map_or(stranger.peer, |over| over.peer);
    network.hear_over(0, from, group, &frame);
    request
}

fn refusal(network: &Network, stranger: &Stranger) -> Option<String> {
    network.messages_to(stranger).into_iter().find_map(|message| match message {
        Message::ParticipantDeclined(declined) => Some(declined.reason),
        _ => None,
    })
}

#[test]
fn one_peer_asks_for_no_more_than_ten_decisions_at_a_time() {
    let mut network = network();
    let relay = Stranger::new(1000);
    for number in 0..limits::PROMPTS_PER_PEER as u64 {
        let request = ask(&mut network, &mut Stranger::new(number), Some(&relay), NetworkGroup::Local, 0);
        assert!(waits(&mut network, request));
    }
    let mut last = Stranger::new(500);
    let request = ask(&mut network, &mut last, Some(&relay), NetworkGroup::Local, 0);
    assert!(!waits(&mut network, request));
    let reason = refusal(&network, &last).unwrap();
    assert!(reason.contains("from your peer"), "{reason}");
    // Another peer is heard.
    let request = ask(&mut network, &mut last, None, NetworkGroup::Local, 0);
    assert!(waits(&mut network, request));
}

#[test]
fn one_network_asks_for_no_more_than_twenty_decisions_at_a_time() {
    let mut network = network();
    let group = NetworkGroup::V4([203, 0, 113]);
    for number in 0..limits::PROMPTS_PER_GROUP as u64 {
        let request = ask(&mut network, &mut Stranger::new(number), None, group, 0);
        assert!(waits(&mut network, request));
    }
    let mut last = Stranger::new(500);
    let request = ask(&mut network, &mut last, None, group, 0);
    assert!(!waits(&mut network, request));
    let reason = refusal(&network, &last).unwrap();
    assert!(reason.contains("from your network"), "{reason}");
    let request = ask(&mut network, &mut last, None, NetworkGroup::V4([203, 0, 114]), 0);
    assert!(waits(&mut network, request));
}

#[test]
fn to_take_requests_back_makes_no_room_for_more_at_once() {
    let mut network = network();
    let mut stranger = Stranger::new(1);
    let other = network.key(0);
    let mut ask_and_take_back = |network: &mut Network| {
        let now = network.clock;
        let (request, frame) = stranger.asks(network, other, options(Commitments::On));
        network.hear_stranger(0, stranger.peer, &frame);
        let was_asked = waits(network, request);
        let reason = AbortReason { code: AbortCode::Cancelled, detail: String::new() };
        let abort = SessionAbort { subject: AbortSubject::Request(request), reason, evidence: None };
        let frame = stranger.says(abort, now);
        network.hear_stranger(0, stranger.peer, &frame);
        assert!(!waits(network, request));
        was_asked
    };
    for _ in 0..limits::PROMPTS_PER_PEER {
        assert!(ask_and_take_back(&mut network));
    }
    assert!(!ask_and_take_back(&mut network));
    network.clock += limits::PROMPT_REST.as_millis() as u64;
    assert!(ask_and_take_back(&mut network));
}

/// As many requests as may wait, all of them with cheap stamps, of as many peers.
fn crowd(network: &mut Network) -> Vec<(RequestId, Stranger)> {
    let mut crowd = Vec::new();
    for number in 0..limits::UNAPPROVED_REQUESTS as u64 {
        let mut stranger = Stranger::new(number);
        let request = ask(network, &mut stranger, None, NetworkGroup::Local, 0);
        assert!(waits(network, request));
        crowd.push((request, stranger));
        network.clock += 1;
    }
    crowd
}

#[test]
fn a_waiting_request_is_not_pushed_out_by_cheaper_newer_ones() {
    let mut network = network();
    let crowd = crowd(&mut network);
    for bits in 0..limits::DEARER_BITS {
        let mut late = Stranger::new(500 + u64::from(bits));
        let request = ask(&mut network, &mut late, None, NetworkGroup::Local, bits);
        assert!(!waits(&mut network, request));
        assert!(refusal(&network, &late).unwrap().contains("too many requests"));
    }
    assert!(crowd.iter().all(|(request, _)| waits(&mut network, *request)));
    // One that has cost four times as much takes the place of the newest.
    let dear = ask(&mut network, &mut Stranger::new(600), None, NetworkGroup::Local, limits::DEARER_BITS);
    assert!(waits(&mut network, dear));
    let (gone, stayed) = crowd.split_last().unwrap();
    assert!(stayed.iter().all(|(request, _)| waits(&mut network, *request)));
    let ended = network.nodes[0].events.iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == gone.0 => Some(end.cause.clone()),
        _ => None,
    });
    assert_eq!(ended, Some(AbortCause::Crowded));
    assert!(refusal(&network, &gone.1).unwrap().contains("too many requests"));
}

#[test]
fn a_signer_that_has_helped_before_is_heard_in_any_crowd() {
    let mut network = Network::new(2, 2, &Config::default());
    network.advertise_all();
    network.announce(items(1), options(Commitments::On));
    network.run();
    network.undecided = true;
    crowd(&mut network);
    let announcement = SigningRequestSpec {
        creator: network.key(1),
        keys: vec![network.key(0), network.key(1)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: network.lifetime,
    };
    let Ok(Reply::Announced { request, .. }) = network.command(1, Command::Announce(announcement)) else { panic!() };
    network.run();
    assert!(waits(&mut network, request));
}
