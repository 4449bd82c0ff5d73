//! V-14 to V-22, and V-38: what anybody can see from a message alone, each rule with its neighbour on the right side.

use std::sync::Arc;

use motet_core_crypto::SecretKey;
use motet_tests::wire_fixtures::{
    FLOOR, NOW, Session, Signer, WALL, advertisement, application_message, arrival, network, pay_advertisement,
    pay_resource, request, request_of_members, resource, validator,
};
use motet_tests::wire_forge::{BODY, DELEGATION, Forged, TIMESTAMP};
use motet_wire::{
    Address, AdvertisementId, Arrival, Channel, Criteria, Derivation, Difficulty, Item, MemberPaths, Message,
    NonceShare, ResourceAnnouncement, Rule, SealError, SessionReady, SignerAdvertisement, SignerIndex, SignerSet,
    SignerUnavailable, SigningRequest, SyncRequest, TimestampMs, Topic, seal,
};

use crate::wire_rules_bytes::{must_break, must_pass};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn signers(count: u64) -> Vec<Signer> {
    (1..=count).map(Signer::new).collect()
}

/// Why the message cannot even be sealed.
#[track_caller]
fn must_not_seal(signer: &Signer, message: impl Into<Message>) -> Rule {
    match seal(&network(), &signer.message_key, 1, TimestampMs(WALL), &message.into(), &[0; 32]) {
        Err(SealError::Structure(rule)) => rule,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn v14_the_sender_is_the_key_that_was_delegated_to() {
    let session = Session::run(2);
    let stranger = SecretKey::from_bytes(&[5; 32]).unwrap();
    let stolen = Forged::from(&session.joins[0]).sign(&network(), &stranger);
    assert_eq!(must_break(stolen.frame()).rule, Rule::Sender);
    must_pass(Forged::from(&session.joins[0]).sign(&network(), &session.signer(0).message_key).frame());
}

#[test]
fn v15_a_delegation_lives_for_a_day_at_most() {
    let signer = Signer::new(1);
    let with = |not_after| {
        let mut offer = advertisement(&signer);
        offer.delegation = signer.delegation_until(TimestampMs(not_after));
        pay_advertisement(offer, Difficulty(8))
    };
    // Five minutes are for clocks that disagree.
    must_pass(signer.seal(1, with(WALL + DAY + 300_000)).frame);
    assert_eq!(must_not_seal(&signer, with(WALL + DAY + 300_001)), Rule::DelegationLifetime);
    let sound = Forged::from(&signer.seal(1, with(WALL + HOUR)));
    let late = sound.clone().set(TIMESTAMP, &(WALL + HOUR).to_le_bytes()).sign(&network(), &signer.message_key);
    assert_eq!(must_break(late.frame()).rule, Rule::DelegationLifetime);
    must_pass(sound.set(TIMESTAMP, &(WALL + 300_000).to_le_bytes()).sign(&network(), &signer.message_key).frame());
}

#[test]
fn v16_an_announcement_lives_no_longer_than_its_kind_allows() {
    let signer = Signer::new(1);
    let lives = |milliseconds| {
        let offer = advertisement(&signer);
        pay_advertisement(SignerAdvertisement { expires: TimestampMs(WALL + milliseconds), ..offer }, Difficulty(8))
    };
    must_pass(signer.seal(1, lives(DAY)).frame);
    assert_eq!(must_not_seal(&signer, lives(DAY + 1)), Rule::Lifetime);
    assert_eq!(must_not_seal(&signer, lives(0)), Rule::Lifetime);

    let signers = signers(2);
    let asks = |expires| {
        let unpaid = SigningRequest { expires: TimestampMs(expires), ..request(&signers) };
        motet_tests::wire_fixtures::pay_request(unpaid, Difficulty(8))
    };
    must_pass(signers[0].seal(1, asks(WALL + 2 * HOUR)).frame);
    assert_eq!(must_not_seal(&signers[0], asks(WALL + 2 * HOUR + 1)), Rule::Lifetime);
    assert_eq!(must_not_seal(&signers[0], asks(WALL - 1)), Rule::Lifetime);

    let lies = |milliseconds| {
        let expires = TimestampMs(WALL + milliseconds);
        pay_resource(ResourceAnnouncement { expires, ..resource(&signer, "relay", "1") })
    };
    must_pass(signer.seal(1, lies(DAY)).frame);
    assert_eq!(must_not_seal(&signer, lies(DAY + 1)), Rule::Lifetime);
    assert_eq!(must_not_seal(&signer, lies(0)), Rule::Lifetime);
}

#[test]
fn v17_a_request_names_two_signers_or_more_and_none_twice() {
    let three = signers(3);
    must_pass(three[0].seal(1, request(&three)).frame);
    must_pass(three[0].seal(1, request(&three[..2])).frame);
    assert_eq!(must_not_seal(&three[0], request(&three[..1])), Rule::Keys);
    let mut twice = request(&three);
    twice.keys[2] = twice.keys[1];
    assert_eq!(must_not_seal(&three[0], twice), Rule::Keys);
}

#[test]
fn v17_a_request_names_at_most_a_hundred_signers() {
    let many = signers(101);
    must_pass(many[0].seal(1, request(&many[..100])).frame);
    let full = Forged::from(&many[0].seal(1, request(&many[..100])));
    let one_more = full
        .splice_body(DELEGATION..DELEGATION + 4, &101_u32.to_le_bytes())
        .splice_body(DELEGATION + 4..DELEGATION + 4, &many[100].key.public_key().to_bytes());
    assert_eq!(must_break(one_more.frame()).rule, Rule::Body);
}

#[test]
fn v18_the_creator_is_one_of_the_signers() {
    let three = signers(3);
    let mut outsider = request(&three);
    outsider.keys.remove(0);
    assert_eq!(must_not_seal(&three[0], outsider), Rule::Creator);
    let mut last = request(&three);
    last.keys.rotate_left(1);
    let last = motet_tests::wire_fixtures::pay_request(last, Difficulty(8));
    must_pass(three[0].seal(1, last).frame);
}

#[test]
fn v19_an_item_has_a_message_and_unhardened_steps() {
    let two = signers(2);
    let with = |items: Vec<Item>| {
        let unpaid = SigningRequest { items, ..request(&two) };
        motet_tests::wire_fixtures::pay_request(unpaid, Difficulty(8))
    };
    let item = |message: &[u8], derivation| Item { message: message.to_vec(), derivation };
    must_pass(two[0].seal(1, with(vec![item(&[1], Derivation::None)])).frame);
    assert_eq!(must_not_seal(&two[0], with(vec![item(&[], Derivation::None)])), Rule::Items);
    assert_eq!(must_not_seal(&two[0], with(vec![])), Rule::Items);
    let last = 0x7fff_ffff;
    must_pass(two[0].seal(1, with(vec![item(&[1], Derivation::Bip328 { path: vec![last; 8] })])).frame);
    let hardened = with(vec![item(&[1], Derivation::Bip328 { path: vec![last + 1] })]);
    assert_eq!(must_not_seal(&two[0], hardened), Rule::Items);
}

#[test]
fn v19_members_have_a_chain_code_each_and_items_a_path() {
    let two = signers(2);
    let sealed = |change: fn(&mut MemberPaths)| {
        let mut request = request_of_members(&two);
        for item in &mut request.items {
            let Derivation::Members { paths, .. } = &mut item.derivation else { panic!("{item:?}") };
            change(paths);
        }
        if request.id(&network()).is_ok() {
            request = motet_tests::wire_fixtures::pay_request(request, Difficulty(8));
        }
        seal(&network(), &two[0].message_key, 1, TimestampMs(WALL), &request.into(), &[0; 32])
    };
    let rule = |change| match sealed(change) {
        Err(SealError::Structure(rule)) => rule,
        other => panic!("expected a refusal, got {other:?}"),
    };
    must_pass(sealed(|_| {}).unwrap().frame);
    assert_eq!(rule(|paths| paths.chain_codes = [Some([1; 32])].into()), Rule::Items);
    assert_eq!(rule(|paths| paths.chain_codes = [None, None].into()), Rule::Items);
    assert_eq!(rule(|paths| paths.path = vec![1 << 31]), Rule::Items);
    assert!(matches!(sealed(|paths| paths.path = Vec::new()), Err(SealError::Bound(_))));
    // All items are of one kind, with the same chain codes.
    let mut mixed = request_of_members(&two);
    mixed.items[1].derivation = Derivation::None;
    let sealed = seal(&network(), &two[0].message_key, 1, TimestampMs(WALL), &mixed.into(), &[0; 32]);
    assert!(matches!(sealed, Err(SealError::Bound(_))));
}

#[test]
fn v02_version_2_has_requests_alone() {
    let session = Session::run(2);
    let two = signers(2);
    must_pass(two[0].seal(1, request_of_members(&two)).frame);
    let join = Forged::from(&session.joins[0]).set(0, &[2]).sign(&network(), &session.signer(0).message_key);
    let rejected = must_break(join.frame());
    assert_eq!((rejected.rule, rejected.penalty), (Rule::Version, motet_wire::Penalty::None));
    // Version 1 has no place for chain codes, and version 2 none for a request without them.
    let members = Forged::from(&two[0].seal(1, request_of_members(&two))).set(0, &[1]);
    let members = members.sign(&network(), &two[0].message_key);
    assert_eq!(must_break(members.frame()).rule, Rule::Body);
    let plain = Forged::from(&two[0].seal(1, request(&two))).set(0, &[2]).sign(&network(), &two[0].message_key);
    assert!(matches!(must_break(plain.frame()).rule, Rule::Body | Rule::Canonical));
    let none = two[0].seal(1, request_of_members(&two));
    let start = none.frame.len() - 64 - 13 - (4 + 33 + 1) - BODY;
    let none = Forged::from(&none).splice_body(start..start + 4 + 33 + 1, &[0; 4]);
    assert_eq!(must_break(none.sign(&network(), &two[0].message_key).frame()).rule, Rule::Items);
}

#[test]
fn v19_an_item_is_bounded() {
    let two = signers(2);
    let sealed = |items: Vec<Item>| {
        let request = SigningRequest { items, work: None, ..request(&two) };
        seal(&network(), &two[0].message_key, 1, TimestampMs(WALL), &request.into(), &[0; 32])
    };
    let item = |length| Item { message: vec![1; length], derivation: Derivation::None };
    assert!(sealed(vec![item(16 * 1024)]).is_ok());
    assert!(matches!(sealed(vec![item(16 * 1024 + 1)]), Err(SealError::Bound(_))));
    assert!(sealed(vec![item(32); 64]).is_ok());
    assert!(matches!(sealed(vec![item(32); 65]), Err(SealError::Bound(_))));
    let path = |steps| Item { message: vec![1], derivation: Derivation::Bip328 { path: vec![0; steps] } };
    assert!(sealed(vec![path(8)]).is_ok());
    assert!(matches!(sealed(vec![path(9)]), Err(SealError::Bound(_))));
    // No steps at all is what Derivation::None says, and nothing is said in two ways.
    assert!(matches!(sealed(vec![path(0)]), Err(SealError::Bound(_))));
    assert!(matches!(sealed(vec![item(16 * 1024); 4]), Err(SealError::TooLong { .. })));
}

#[test]
fn v20_indices_are_of_possible_signers() {
    let session = Session::run(2);
    let join = Forged::from(&session.joins[0]);
    let key = &session.signer(0).message_key;
    let named = |index: u16| join.clone().set_body(32, &index.to_le_bytes()).sign(&network(), key).frame();
    must_pass(named(99));
    assert_eq!(must_break(named(100)).rule, Rule::Indices);

    let sync = SyncRequest {
        request: session.request.id(&network()).unwrap(),
        attempt: motet_wire::Attempt(0),
        have: motet_wire::Have { joins: SignerSet::first(100), ..Default::default() },
    };
    let sync = Forged::from(&session.signer(0).seal(1, sync));
    // The joins stand behind request 32, attempt 4 and one byte: signer 100 would be bit 4 of byte 12.
    let outside = sync.clone().set_body(37 + 12, &[0b1_1111]);
    assert_eq!(must_break(outside.frame()).rule, Rule::Indices);
    must_pass(sync.frame());
}

#[test]
fn v20_readiness_holds_the_joins_of_its_signers() {
    let session = Session::run(2);
    let joins: Vec<Vec<u8>> = session.joins.iter().map(|join| join.frame.to_vec()).collect();
    let ready = |coordinator, joins: &[Vec<u8>]| SessionReady {
        request: session.request.id(&network()).unwrap(),
        session: session.id,
        coordinator: SignerIndex(coordinator),
        joins: joins.to_vec(),
    };
    let signer = session.signer(0);
    must_pass(signer.seal(1, ready(1, &joins)).frame);
    assert_eq!(must_not_seal(signer, ready(2, &joins)), Rule::Indices);
    assert_eq!(must_not_seal(signer, ready(0, &joins[..1])), Rule::Indices);
    let share = session.nonces[0].frame.to_vec();
    assert_eq!(must_not_seal(signer, ready(0, &[joins[0].clone(), share])), Rule::Indices);
}

#[test]
fn v20_a_share_shares_something() {
    let session = Session::run(2);
    let share = |nonces: &[motet_core_crypto::PublicNonce]| NonceShare {
        session: session.id,
        attempt: motet_wire::Attempt(0),
        nonces: nonces.to_vec(),
        commitments: motet_wire::transcript::NO_COMMITMENTS,
    };
    must_pass(session.signer(0).seal(1, share(&session.public_nonces[0][..1])).frame);
    assert_eq!(must_not_seal(session.signer(0), share(&[])), Rule::Indices);
}

#[test]
fn v21_what_is_said_says_something() {
    let signer = Signer::new(1);
    let with = |criteria: Criteria| {
        let offer = SignerAdvertisement { criteria, ..advertisement(&signer) };
        pay_advertisement(offer, Difficulty(8))
    };
    must_pass(signer.seal(1, with(Criteria { min_amount: 7, max_amount: 7, ..Criteria::ANY })).frame);
    let upside_down = with(Criteria { min_amount: 8, max_amount: 7, ..Criteria::ANY });
    assert_eq!(must_not_seal(&signer, upside_down), Rule::Fields);
    must_pass(signer.seal(1, with(Criteria { transaction_types: vec!["x".repeat(32); 16], ..Criteria::ANY })).frame);
    let nameless = with(Criteria { transaction_types: vec![String::new()], ..Criteria::ANY });
    assert_eq!(must_not_seal(&signer, nameless), Rule::Fields);

    let mut reachable = advertisement(&signer);
    reachable.addresses = vec![Address::from_bytes(&[1; 128]).unwrap(); 8];
    must_pass(signer.seal(1, pay_advertisement(reachable, Difficulty(8))).frame);
    // An address of no bytes and a peer of no bytes cannot be made from values, only from bytes.
    let offer = Forged::from(&signer.seal(1, advertisement(&signer)));
    let no_address = offer.clone().splice_body(DELEGATION + 4..DELEGATION + 16, &[0; 4]);
    assert_eq!(must_break(no_address.frame()).rule, Rule::Fields);
    let no_peer = offer.splice_body(66..66 + 4 + 38, &[0; 4]);
    assert_eq!(must_break(no_peer.frame()).rule, Rule::Fields);
}

#[test]
fn v21_an_abort_says_why() {
    let session = Session::run(2);
    let abort = motet_wire::SessionAbort {
        subject: motet_wire::AbortSubject::Session(session.id),
        reason: motet_wire::AbortReason { code: motet_wire::AbortCode::Cancelled, detail: String::new() },
        evidence: None,
    };
    let sound = Forged::from(&session.signer(0).seal(1, abort));
    must_pass(sound.frame());
    // subject u8 | id 32 | code u8
    assert_eq!(must_break(sound.set_body(33, &[0]).frame()).rule, Rule::Fields);
}

#[test]
fn v22_evidence_in_an_abort_decodes() {
    let session = Session::run(2);
    let abort = |evidence| motet_wire::SessionAbort {
        subject: motet_wire::AbortSubject::Session(session.id),
        reason: motet_wire::AbortReason { code: motet_wire::AbortCode::Fault, detail: String::new() },
        evidence: Some(evidence),
    };
    let evidence = motet_tests::wire_fixtures::equivocation(&session);
    let sound = Forged::from(&session.signer(0).seal(1, abort(evidence)));
    must_pass(sound.frame());
    // subject u8 | id 32 | code u8 | detail u32 | some u8 | length u32 | charge u8
    let evidence = 1 + 32 + 1 + 4 + 1 + 4;
    for charge in [0, 5, 255] {
        assert_eq!(must_break(sound.clone().set_body(evidence, &[charge]).frame()).rule, Rule::Evidence);
    }
    let key = &session.signer(0).message_key;
    must_pass(sound.set_body(evidence, &[1]).sign(&network(), key).frame());
}

#[test]
fn v21_an_application_has_a_name_that_can_be_seen() {
    let signer = Signer::new(1);
    for name in ["a", &*"~".repeat(32), "!chat/1"] {
        must_pass(signer.seal(1, application_message(&signer, name)).frame);
    }
    for name in ["", "a b", "a\n", "\u{fc}"] {
        assert_eq!(must_not_seal(&signer, application_message(&signer, name)), Rule::Fields, "{name}");
    }
}

#[test]
fn v21_a_resource_has_a_type_and_an_id_that_can_be_seen() {
    let signer = Signer::new(1);
    for (resource_type, id) in [("r", "1"), (&*"r".repeat(32), &*"~".repeat(64)), ("!/:", "anna/1?x=0")] {
        must_pass(signer.seal(1, resource(&signer, resource_type, id)).frame);
    }
    let empty = ResourceAnnouncement { data: Vec::new(), ..resource(&signer, "relay", "anna") };
    must_pass(signer.seal(1, pay_resource(empty)).frame);
    for (resource_type, id) in [("", "1"), ("r", ""), ("a relay", "1"), ("r", "1\n"), ("r", "\u{fc}"), ("\u{7f}", "1")]
    {
        assert_eq!(must_not_seal(&signer, resource(&signer, resource_type, id)), Rule::Fields, "{resource_type} {id}");
    }
}

#[test]
fn v38_an_announcement_comes_on_the_topics_of_its_purpose() {
    let signer = Signer::new(1);
    let on = |frame: &Arc<[u8]>, topic: Topic| {
        let arrival = Arrival { channel: Channel::Gossip, ..arrival(Arc::clone(frame)) };
        validator().validate(arrival.topic(Some(topic)), NOW).map(|_| ()).map_err(|rejection| rejection.rule)
    };
    let types = |name: &str| Topic::Offers(name.to_owned());
    let offer_of = |names: &[&str]| {
        let transaction_types = names.iter().map(|name| (*name).to_owned()).collect();
        let criteria = Criteria { transaction_types, ..Criteria::ANY };
        let offer = SignerAdvertisement { criteria, ..advertisement(&signer) };
        signer.seal(1, pay_advertisement(offer, FLOOR)).frame
    };
    let offer = offer_of(&["swap", "vault"]);
    for topic in [Topic::AllOffers, types("swap"), types("vault")] {
        assert_eq!(on(&offer, topic), Ok(()));
    }
    for topic in [Topic::OpenOffers, types("payment"), Topic::Requests(0)] {
        assert_eq!(on(&offer, topic), Err(Rule::Topic));
    }
    let open = offer_of(&[]);
    assert_eq!((on(&open, Topic::OpenOffers), on(&open, Topic::AllOffers)), (Ok(()), Ok(())));
    assert_eq!(on(&open, types("swap")), Err(Rule::Topic));
    // What a withdrawal withdraws is not said in it.
    let (delegation, reason) = (signer.delegation(), String::new());
    let withdrawal = SignerUnavailable { delegation, advertisement: AdvertisementId::from_bytes([1; 32]), reason };
    let withdrawal = signer.seal(1, withdrawal).frame;
    assert_eq!((on(&withdrawal, types("swap")), on(&withdrawal, Topic::AllOffers)), (Ok(()), Ok(())));
    assert_eq!(on(&withdrawal, Topic::Requests(3)), Err(Rule::Topic));
    let session = Session::run(3);
    let asked: Vec<Topic> = session.request.keys.iter().map(Topic::of_requests_to).collect();
    let frame = session.signer(0).seal(1, session.request.clone()).frame;
    for topic in (0..Topic::SHARDS).map(Topic::Requests) {
        let expected = if asked.contains(&topic) { Ok(()) } else { Err(Rule::Topic) };
        assert_eq!(on(&frame, topic.clone()), expected, "{topic}");
    }
    assert_eq!(on(&frame, Topic::AllOffers), Err(Rule::Topic));
}
