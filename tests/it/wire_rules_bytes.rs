//! V-01 to V-05 and V-11 to V-13: what a frame's bytes must be, each rule with its neighbour on the right side.

use std::sync::Arc;

use motet_tests::wire_fixtures::{NOW, Session, Signer, WALL, arrival, network, one_of_each, validator};
use motet_tests::wire_forge::{BODY_LENGTH, Forged};
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Arrival, Channel, Kind, Message, Penalty, Rejection, Rule, SessionAbort,
    SyncResponse, TimestampMs, Validated, Verdict, limits,
};

/// The rule that a frame breaks in a fresh validator.
#[track_caller]
pub(crate) fn must_break(frame: impl Into<Arc<[u8]>>) -> Rejection {
    validator().validate(arrival(frame), NOW).expect_err("the frame should have been refused")
}

/// The message that a frame becomes in a fresh validator.
#[track_caller]
pub(crate) fn must_pass(frame: impl Into<Arc<[u8]>>) -> Validated {
    validator().validate(arrival(frame), NOW).expect("the frame should have passed")
}

fn sealed(kind: Kind) -> Arc<[u8]> {
    one_of_each().into_iter().map(|(_, sealed)| sealed).find(|sealed| sealed.kind == kind).unwrap().frame
}

#[test]
fn one_message_of_each_kind_passes() {
    for (name, sealed) in one_of_each() {
        let validated = must_pass(sealed.frame.clone());
        assert_eq!(validated.kind(), sealed.kind, "{name}");
        assert_eq!(validated.id(), sealed.id, "{name}");
        assert_eq!(validated.frame(), &sealed.frame, "{name}");
    }
}

#[test]
fn v01_a_frame_without_a_body_is_too_short() {
    for length in [0, 1, 2, limits::FRAME_OVERHEAD] {
        let mut frame = vec![0; length];
        frame.iter_mut().zip([1, 7]).for_each(|(to, from)| *to = from);
        assert_eq!(must_break(frame).rule, Rule::Short);
    }
    let mut frame = vec![0; limits::FRAME_OVERHEAD + 1];
    frame[..2].copy_from_slice(&[1, 7]);
    assert_ne!(must_break(frame).rule, Rule::Short);
}

#[test]
fn v02_another_version_is_ignored_without_penalty() {
    let frame = sealed(Kind::NonceCommit);
    let rejection = must_break(Forged::from_bytes(&frame).set(0, &[2]).frame());
    assert_eq!((rejection.rule, rejection.verdict, rejection.penalty), (Rule::Version, Verdict::Ignore, Penalty::None));
    must_pass(frame);
}

#[test]
fn v03_an_unknown_kind_is_ignored_without_penalty() {
    for code in [0, 16, 255] {
        let frame = Forged::from_bytes(&sealed(Kind::NonceCommit)).set(1, &[code]).frame();
        let rejection = must_break(frame);
        assert_eq!(
            (rejection.rule, rejection.verdict, rejection.penalty),
            (Rule::Kind, Verdict::Ignore, Penalty::None)
        );
    }
    for kind in [Kind::SignerAdvertisement, Kind::SyncResponse] {
        must_pass(sealed(kind));
    }
}

#[test]
fn v04_each_kind_has_its_own_longest_frame() {
    for kind in Kind::ALL {
        let mut frame = vec![0; kind.frame_limit() + 1];
        frame[..2].copy_from_slice(&[1, kind.code()]);
        assert_eq!(must_break(frame.clone()).rule, Rule::Long, "{kind}");
        frame.pop();
        assert_ne!(must_break(frame).rule, Rule::Long, "{kind}");
    }
}

#[test]
fn v04_the_longest_answer_that_can_be_sealed_passes() {
    let session = Session::run(2);
    let request = session.request.id(&network()).unwrap();
    let spare = limits::FRAME_SYNC_RESPONSE - limits::FRAME_OVERHEAD - 36;
    let mut frames = vec![vec![0; 60_000]; 4];
    frames.push(vec![0; spare - 4 * 60_000 - 5 * 4]);
    let longest = session.signer(0).seal(1, SyncResponse { request, frames });
    assert_eq!(longest.frame.len(), limits::FRAME_SYNC_RESPONSE);
    must_pass(longest.frame);
}

#[test]
fn v05_round_messages_do_not_come_by_gossip() {
    for (name, sealed) in one_of_each() {
        let gossip = Arrival { channel: Channel::Gossip, ..arrival(sealed.frame.clone()) };
        let outcome = validator().validate(gossip, NOW).map_err(|rejection| rejection.rule);
        match sealed.kind.is_gossiped() {
            true => assert!(outcome.is_ok(), "{name}"),
            false => assert_eq!(outcome, Err(Rule::Channel), "{name}"),
        }
    }
}

#[test]
fn v05_the_dht_holds_announcements_and_answers_hold_no_answers() {
    let outcome = |kind, channel| {
        let arrival = Arrival { channel, ..arrival(sealed(kind)) };
        validator().validate(arrival, NOW).map(|_| ()).map_err(|rejection| rejection.rule)
    };
    assert_eq!(outcome(Kind::SignerAdvertisement, Channel::Dht), Ok(()));
    assert_eq!(outcome(Kind::ParticipantJoined, Channel::Dht), Err(Rule::Channel));
    assert_eq!(outcome(Kind::ParticipantJoined, Channel::Sync), Ok(()));
    assert_eq!(outcome(Kind::SyncResponse, Channel::Sync), Err(Rule::Channel));
}

#[test]
fn v05_a_resource_is_found_in_the_dht_and_comes_in_no_other_way_from_others() {
    let frame = sealed(Kind::ResourceAnnouncement);
    let outcome = |channel| validator().validate(Arrival { channel, ..arrival(frame.clone()) }, NOW);
    for channel in [Channel::Gossip, Channel::Direct, Channel::Sync] {
        let rejection = outcome(channel).unwrap_err();
        assert_eq!((rejection.rule, rejection.penalty), (Rule::Channel, Penalty::Malformed), "{channel:?}");
    }
    for channel in [Channel::Dht, Channel::Store] {
        assert!(outcome(channel).is_ok(), "{channel:?}");
    }
}

#[test]
fn v05_a_message_of_an_application_comes_directly_and_in_no_other_way() {
    let frame = sealed(Kind::ApplicationMessage);
    let outcome = |channel| validator().validate(Arrival { channel, ..arrival(frame.clone()) }, NOW);
    for channel in [Channel::Gossip, Channel::Dht, Channel::Sync, Channel::Store] {
        assert_eq!(outcome(channel).unwrap_err().rule, Rule::Channel, "{channel:?}");
    }
    assert!(outcome(Channel::Direct).is_ok());
}

#[test]
fn v05_no_frame_is_this_nodes_own() {
    for kind in Kind::ALL {
        let own = Arrival { channel: Channel::Own, ..arrival(sealed(kind)) };
        let rejection = validator().validate(own, NOW).unwrap_err();
        assert_eq!(rejection.rule, Rule::Channel, "{kind}");
    }
}

#[test]
fn v11_the_length_of_the_body_is_what_is_there() {
    let frame = sealed(Kind::NonceCommit);
    for length in [0_u32, 67, 69, u32::MAX] {
        let forged = Forged::from_bytes(&frame).set(BODY_LENGTH, &length.to_le_bytes()).frame();
        let rejection = must_break(forged);
        assert_eq!((rejection.rule, rejection.penalty), (Rule::Envelope, Penalty::Malformed), "{length}");
    }
    assert_eq!(Forged::from_bytes(&frame).body().len(), 68);
    must_pass(frame);
}

#[test]
fn v12_a_body_cut_short_or_over_a_bound_does_not_decode() {
    let session = Session::run(2);
    let share = Forged::from(&session.nonces[0]);
    let end = share.body().len();
    assert_eq!(must_break(share.clone().splice_body(end - 1..end, &[]).frame()).rule, Rule::Body);
    // More nonces than are there.
    for count in [64, u32::MAX] {
        assert_eq!(must_break(share.clone().set_body(36, &count.to_le_bytes()).frame()).rule, Rule::Body);
    }
    // All there, and more than any request has items.
    let nonce = share.body()[40..106].to_vec();
    let of_count = |count: usize| {
        let listed = [u32::try_from(count).unwrap().to_le_bytes().as_slice(), &nonce.repeat(count)].concat();
        share.clone().splice_body(36..end - 32, &listed).sign(&network(), &session.signer(0).message_key).frame()
    };
    must_pass(of_count(limits::ITEMS_MAX));
    assert_eq!(must_break(of_count(limits::ITEMS_MAX + 1)).rule, Rule::Body);
    must_pass(share.frame());
}

#[test]
fn v12_texts_are_utf8_and_codes_are_defined() {
    let abort = SessionAbort {
        subject: AbortSubject::Session(Session::run(2).id),
        reason: AbortReason { code: AbortCode::Cancelled, detail: "abc".to_owned() },
        evidence: None,
    };
    let abort = Forged::from(&Session::run(2).signer(0).seal(1, abort));
    // subject u8 | id 32 | code u8 | detail u32 + 3 | no evidence u8
    assert_eq!(abort.body(), [&[1][..], Session::run(2).id.as_bytes(), &[1, 3, 0, 0, 0, b'a', b'b', b'c', 0]].concat());
    for (offset, byte) in [(0, 2), (33, 8), (38, 0xff), (41, 2)] {
        assert_eq!(must_break(abort.clone().set_body(offset, &[byte]).frame()).rule, Rule::Body, "{offset}");
    }
    must_pass(abort.frame());
}

#[test]
fn v13_nothing_may_follow_a_body() {
    let session = Session::run(2);
    for sealed in [&session.joins[0], &session.nonces[0], &session.partials[0]] {
        let forged = Forged::from(sealed);
        let longer = forged.clone().append_body(&[0]).sign(&network(), &session.signer(0).message_key);
        assert_eq!(must_break(longer.frame()).rule, Rule::Canonical);
        must_pass(forged.frame());
    }
}

#[test]
fn every_rule_has_its_own_number_and_counter() {
    for (number, rule) in (1..).zip(Rule::ALL) {
        assert_eq!(rule.number(), number);
        assert!(rule.counter().starts_with("wire_rejected_"));
    }
    let mut counters: Vec<_> = Rule::ALL.map(Rule::counter).to_vec();
    counters.sort_unstable();
    counters.dedup();
    assert_eq!(counters.len(), Rule::ALL.len());
}

#[test]
fn only_what_the_forwarder_could_know_is_a_reject() {
    for rule in Rule::ALL {
        match rule.verdict() {
            Verdict::Reject => assert!(rule.penalty() >= Penalty::Malformed, "{rule}"),
            Verdict::Ignore => {
                assert!(matches!(rule.penalty(), Penalty::None | Penalty::Excess | Penalty::Ban), "{rule}")
            }
            Verdict::Accept => panic!("{rule} accepts"),
        }
    }
}

#[test]
fn a_validated_message_narrows_to_its_kind_alone() {
    let share = must_pass(sealed(Kind::NonceShare));
    let wrong = share.narrow::<SyncResponse>().unwrap_err();
    let right = wrong.narrow::<motet_wire::NonceShare>().unwrap();
    assert_eq!(right.kind(), Kind::NonceShare);
    assert!(matches!(right.widen().message(), Message::NonceShare(_)));
}

#[test]
fn a_peek_says_what_a_frame_claims_and_nothing_of_other_versions() {
    let sealed = Session::run(2).nonces[0].clone();
    let seen = motet_wire::peek(&sealed.frame).unwrap();
    assert_eq!((seen.kind, seen.sequence, seen.timestamp), (sealed.kind, 2, TimestampMs(WALL)));
    assert_eq!(seen.sender, Signer::new(1).message_key.public_key().to_bytes());
    let forged = Forged::from(&sealed);
    assert_eq!(motet_wire::peek(&forged.clone().set(0, &[2]).frame()), None);
    assert_eq!(motet_wire::peek(&forged.clone().set(1, &[0]).frame()), None);
    assert_eq!(motet_wire::peek(&sealed.frame[..sealed.frame.len() - 1]), None);
    assert_eq!(motet_wire::peek(&[]), None);
}

#[test]
fn a_peek_names_the_signer_whose_delegation_a_frame_claims_to_hold() {
    for (name, sealed) in one_of_each() {
        let delegation = must_pass(sealed.frame.clone()).message().delegation().map(|it| it.signer.to_bytes());
        assert_eq!(motet_wire::peek(&sealed.frame).unwrap().signer, delegation, "{name}");
    }
    let resource = sealed(Kind::ResourceAnnouncement);
    assert_eq!(motet_wire::peek(&resource).unwrap().signer, Some(Signer::new(1).key.public_key().to_bytes()));
}
