//! V-27 to V-31: what a validator remembers, each rule with its neighbour on the right side.

use motet_core_crypto::schnorr;
use motet_tests::wire_fixtures::{
    NOW, Session, Signer, WALL, advertisement, arrival, later, network, pay_advertisement, peer, resource, validator,
    validator_with,
};
use motet_tests::wire_forge::Forged;
use motet_wire::{
    AdvertisementId, Arrival, AttemptId, Channel, Difficulty, Message, MessageId, NonceCommit, PeerClass, Penalty,
    Rule, SignerAdvertisement, SignerUnavailable, TimestampMs, ValidatorLimits, Verdict,
};

fn offer_at(signer: &Signer, sequence: u64, time: u64) -> motet_wire::Sealed {
    let offer = SignerAdvertisement {
        created: TimestampMs(WALL + time),
        expires: TimestampMs(WALL + time + 3_600_000),
        ..advertisement(signer)
    };
    signer.seal_at(sequence, WALL + time, pay_advertisement(offer, Difficulty(8)))
}

#[test]
fn v27_a_message_comes_in_once_whatever_the_channel_and_the_peer() {
    let session = Session::run(2);
    let mut validator = validator();
    let offer = offer_at(session.signer(0), 1, 0).frame;
    assert!(validator.validate(arrival(offer.clone()), NOW).is_ok());
    for channel in [Channel::Direct, Channel::Gossip] {
        let copy = Arrival::new(offer.clone(), channel, peer(5));
        let rejection = validator.validate(copy, later(1)).unwrap_err();
        assert_eq!(
            (rejection.rule, rejection.verdict, rejection.penalty),
            (Rule::Replay, Verdict::Ignore, Penalty::None)
        );
    }
    assert!(validator.validate(arrival(session.joins[1].frame.clone()), NOW).is_ok());
}

#[test]
fn v27_a_copy_that_the_sender_signed_again_is_the_same_message() {
    let session = Session::run(2);
    let mut validator = validator();
    let first = validator.validate(arrival(session.nonces[0].frame.clone()), NOW).unwrap();
    let again = Forged::from(&session.nonces[0]).sign(&network(), &session.signer(0).message_key).frame();
    assert_ne!(again, *first.frame());
    assert_eq!(validator.validate(arrival(again), NOW).unwrap_err().rule, Rule::Replay);
}

#[test]
fn v27_what_we_asked_for_may_have_been_here() {
    let session = Session::run(2);
    let mut validator = validator();
    let frame = session.nonces[0].frame.clone();
    assert!(validator.validate(arrival(frame.clone()), NOW).is_ok());
    let again = Arrival { channel: Channel::Sync, ..arrival(frame) };
    assert!(validator.validate(again, NOW).is_ok());
}

#[test]
fn v27_a_frame_in_flight_is_not_checked_twice_and_a_dropped_one_may_come_again() {
    let session = Session::run(2);
    let frame = session.nonces[0].frame.clone();
    let mut validator = validator();
    let admitted = validator.admit(arrival(frame.clone()), NOW).unwrap();
    assert_eq!(validator.admit(arrival(frame.clone()), NOW).unwrap_err().rule, Rule::Replay);
    drop(admitted);
    assert!(validator.validate(arrival(frame), NOW).is_ok());
}

#[test]
fn v27_a_forged_copy_does_not_keep_the_message_out() {
    let session = Session::run(2);
    let frame = session.nonces[0].frame.clone();
    let end = frame.len();
    let forged = Forged::from_bytes(&frame).set(end - 1, &[frame[end - 1] ^ 1]).frame();
    let mut validator = validator();
    assert_eq!(validator.validate(arrival(forged), NOW).unwrap_err().rule, Rule::Signature);
    assert!(validator.validate(arrival(frame), NOW).is_ok());
}

#[test]
fn v27_the_window_of_replays_is_longer_than_that_of_clocks() {
    let signer = Signer::new(1);
    let withdrawn = SignerUnavailable {
        delegation: signer.delegation(),
        advertisement: AdvertisementId::from(MessageId::from_bytes([1; 32])),
        reason: String::new(),
    };
    // Made five minutes ahead of us, it is in date for ten minutes.
    let sealed = signer.seal_at(7, WALL + 300_000, withdrawn);
    let mut validator = validator();
    assert!(validator.validate(arrival(sealed.frame.clone()), NOW).is_ok());
    // Traffic of others in between must not push it out.
    for number in 0..20 {
        let time = number * 30_000;
        let other = Signer::new(100 + number);
        let commit = NonceCommit {
            session: AttemptId::from_bytes([1; 32]),
            attempt: motet_wire::Attempt(0),
            commitment: motet_core_crypto::NonceCommitment::from_bytes(&[2; 32]),
        };
        assert!(validator.validate(arrival(other.seal(1, commit).frame), later(time)).is_ok());
        assert_eq!(validator.validate(arrival(sealed.frame.clone()), later(time)).unwrap_err().rule, Rule::Replay);
    }
}

#[test]
fn v28_a_frame_that_failed_is_not_checked_again() {
    let session = Session::run(2);
    let stranger = schnorr::sign(&session.signer(1).message_key, &[0; 32], &[0; 32]).unwrap();
    let frame = &session.nonces[0].frame;
    let forged = Forged::from_bytes(frame).set(frame.len() - 64, &stranger.to_bytes()).frame();
    let mut validator = validator();
    let first = validator.validate(arrival(forged.clone()), NOW).unwrap_err();
    assert_eq!((first.rule, first.penalty), (Rule::Signature, Penalty::InvalidSignature));
    let second = validator.admit(arrival(forged), NOW).unwrap_err();
    assert_eq!(
        (second.rule, second.verdict, second.penalty),
        (Rule::KnownBad, Verdict::Reject, Penalty::InvalidSignature)
    );
    assert!(validator.validate(arrival(frame.clone()), NOW).is_ok());
}

#[test]
fn v29_versions_of_announcements_grow() {
    let signer = Signer::new(1);
    let mut validator = validator();
    let mut hear = |sequence, time| {
        let arrival = arrival(offer_at(&signer, sequence, time).frame);
        validator.validate(arrival, later(time)).map(|validated| validated.sequence()).map_err(|error| error.rule)
    };
    assert_eq!(hear(10, 0), Ok(10));
    assert_eq!(hear(10, 60_000), Err(Rule::Stale));
    assert_eq!(hear(9, 61_000), Err(Rule::Stale));
    // Gaps are fine.
    assert_eq!(hear(1_000, 62_000), Ok(1_000));
    assert_eq!(hear(999, 200_000), Err(Rule::Stale));
}

#[test]
fn v29_what_is_older_than_a_withdrawal_is_stale() {
    let signer = Signer::new(1);
    let mut validator = validator();
    let offer = offer_at(&signer, 10, 0);
    let withdrawn = SignerUnavailable {
        delegation: signer.delegation(),
        advertisement: AdvertisementId::from(offer.id),
        reason: String::new(),
    };
    assert!(validator.validate(arrival(offer.frame.clone()), NOW).is_ok());
    assert!(validator.validate(arrival(signer.seal(11, withdrawn).frame), NOW).is_ok());
    let from_dht = Arrival { channel: Channel::Dht, ..arrival(offer.frame) };
    assert_eq!(validator.validate(from_dht, later(1)).unwrap_err().rule, Rule::Stale);
    assert!(validator.validate(arrival(offer_at(&signer, 12, 61_000).frame), later(61_000)).is_ok());
}

#[test]
fn v29_the_newest_version_may_be_asked_for_again() {
    let signer = Signer::new(1);
    let mut validator = validator();
    let offer = offer_at(&signer, 10, 0).frame;
    assert!(validator.validate(arrival(offer.clone()), NOW).is_ok());
    assert!(validator.validate(Arrival { channel: Channel::Dht, ..arrival(offer) }, later(1)).is_ok());
}

#[test]
fn v29_a_forger_cannot_make_a_signer_stale() {
    let signer = Signer::new(1);
    let mut validator = validator();
    let offer = offer_at(&signer, 10, 0);
    let jumped = Forged::from(&offer).set(motet_tests::wire_forge::SEQUENCE, &u64::MAX.to_le_bytes()).frame();
    assert_eq!(validator.validate(arrival(jumped), NOW).unwrap_err().rule, Rule::Signature);
    assert!(validator.validate(arrival(offer.frame), NOW).is_ok());
}

#[test]
fn v30_a_signer_advertises_once_a_minute_and_three_times_at_once() {
    let signer = Signer::new(1);
    let mut validator = validator();
    let mut hear = |sequence, time| {
        let arrival = arrival(offer_at(&signer, sequence, time).frame);
        validator.validate(arrival, later(time)).map(|_| ()).map_err(|error| (error.rule, error.verdict))
    };
    for sequence in 1..=3 {
        assert_eq!(hear(sequence, 0), Ok(()));
    }
    assert_eq!(hear(4, 59_999), Err((Rule::TooSoon, Verdict::Ignore)));
    assert_eq!(hear(4, 60_000), Ok(()));
    assert_eq!(hear(5, 119_999), Err((Rule::TooSoon, Verdict::Ignore)));
    assert_eq!(hear(5, 120_000), Ok(()));
}

#[test]
fn v30_a_withdrawal_in_between_does_not_shorten_the_minute() {
    let signer = Signer::new(1);
    let mut validator = validator();
    let mut hear = |sealed: motet_wire::Sealed, time| {
        validator.validate(arrival(sealed.frame), later(time)).map(|_| ()).map_err(|error| error.rule)
    };
    for sequence in 1..=2 {
        assert_eq!(hear(offer_at(&signer, sequence, 0), 0), Ok(()));
    }
    let third = offer_at(&signer, 3, 0);
    let advertisement = AdvertisementId::from(third.id);
    assert_eq!(hear(third, 0), Ok(()));
    let gone = SignerUnavailable { delegation: signer.delegation(), advertisement, reason: String::new() };
    assert_eq!(hear(signer.seal(4, gone), 1_000), Ok(()));
    assert_eq!(hear(offer_at(&signer, 5, 59_999), 59_999), Err(Rule::TooSoon));
    assert_eq!(hear(offer_at(&signer, 5, 60_000), 60_000), Ok(()));
}

#[test]
fn v31_signers_of_one_peer_share_what_it_may_announce() {
    let mut validator = validator();
    let mut hear = |number, home: motet_wire::PeerId| {
        let signer = Signer { peer: home, ..Signer::new(number) };
        let arrival = Arrival { from: peer(number), ..arrival(offer_at(&signer, 1, 0).frame) };
        validator.validate(arrival, NOW).map(|_| ()).map_err(|error| error.rule)
    };
    // Ten keys a peer, all announced when it starts; an eleventh has to wait, unless it lives elsewhere.
    for number in 1..=10 {
        assert_eq!(hear(number, peer(1)), Ok(()));
    }
    assert_eq!(hear(11, peer(1)), Err(Rule::AuthorRate));
    assert_eq!(hear(11, peer(2)), Ok(()));
}

#[test]
fn v31_what_we_asked_for_is_not_counted_against_its_author() {
    let signer = Signer::new(1);
    let commit = |attempt: u32| {
        let commitment = motet_core_crypto::NonceCommitment::from_bytes(&[2; 32]);
        let session = AttemptId::from_bytes([1; 32]);
        signer.seal(1, NonceCommit { session, attempt: motet_wire::Attempt(attempt), commitment }).frame
    };
    let mut validator = validator();
    for attempt in 0..50 {
        let answer = Arrival { channel: Channel::Sync, ..arrival(commit(attempt)) };
        assert!(validator.validate(answer, NOW).is_ok());
    }
    for attempt in 50..70 {
        assert!(validator.validate(arrival(commit(attempt)), NOW).is_ok());
    }
    assert_eq!(validator.validate(arrival(commit(70)), NOW).unwrap_err().rule, Rule::AuthorRate);
}

#[test]
fn v31_an_author_says_so_much_of_a_kind_in_a_session() {
    let signer = Signer::new(1);
    let commit = |session: u8, attempt: u32| -> Message {
        let session = AttemptId::from_bytes([session; 32]);
        let commitment = motet_core_crypto::NonceCommitment::from_bytes(&[2; 32]);
        NonceCommit { session, attempt: motet_wire::Attempt(attempt), commitment }.into()
    };
    let mut validator = validator();
    let mut hear_at = |message, standing, time| {
        let arrival = arrival(signer.seal(1, message).frame).standing(PeerClass::Stranger, standing);
        validator.validate(arrival, later(time)).map(|_| ()).map_err(|error| (error.rule, error.penalty))
    };
    for attempt in 0..20 {
        assert_eq!(hear_at(commit(1, attempt), PeerClass::Stranger, 0), Ok(()));
    }
    assert_eq!(hear_at(commit(1, 20), PeerClass::Stranger, 0), Err((Rule::AuthorRate, Penalty::None)));
    // Another session of the same two is no flood.
    assert_eq!(hear_at(commit(2, 20), PeerClass::Stranger, 0), Ok(()));
    // One flows in every three seconds; for a member of one session, twelve.
    assert_eq!(hear_at(commit(1, 20), PeerClass::Stranger, 250), Err((Rule::AuthorRate, Penalty::None)));
    assert_eq!(hear_at(commit(1, 20), PeerClass::Participant { sessions: 1 }, 250), Ok(()));
}

#[test]
fn v31_forgeries_do_not_use_up_an_authors_share() {
    let signer = Signer::new(1);
    let commit = |attempt: u32| {
        let commitment = motet_core_crypto::NonceCommitment::from_bytes(&[2; 32]);
        let session = AttemptId::from_bytes([1; 32]);
        signer.seal(1, NonceCommit { session, attempt: motet_wire::Attempt(attempt), commitment })
    };
    let mut validator = validator_with(ValidatorLimits { strikes: 1_000, ..ValidatorLimits::default() });
    for attempt in 0..100 {
        let forged = Forged::from(&commit(attempt)).set(motet_tests::wire_forge::SEQUENCE, &[9]).frame();
        assert_eq!(validator.validate(arrival(forged), NOW).unwrap_err().rule, Rule::Signature);
    }
    assert!(validator.validate(arrival(commit(0).frame), NOW).is_ok());
}

#[test]
fn v29_resources_grow_older_each_by_its_own_name() {
    let (anna, ben) = (Signer::new(1), Signer::new(2));
    let mut validator = validator();
    let mut hear = |signer: &Signer, sequence, resource_type, id| {
        let sealed = signer.seal(sequence, resource(signer, resource_type, id));
        validator.validate(arrival(sealed.frame), NOW).map(|_| ()).map_err(|error| error.rule)
    };
    assert_eq!(hear(&anna, 10, "relay", "1"), Ok(()));
    // What we asked for may be what we know.
    assert_eq!(hear(&anna, 10, "relay", "1"), Ok(()));
    assert_eq!(hear(&anna, 9, "relay", "1"), Err(Rule::Stale));
    // Another id, another type, another cut of the same letters, another signer: another resource.
    for (resource_type, id) in [("relay", "2"), ("mirror", "1"), ("rela", "y1")] {
        assert_eq!(hear(&anna, 9, resource_type, id), Ok(()), "{resource_type} {id}");
    }
    assert_eq!(hear(&ben, 9, "relay", "1"), Ok(()));
    // Nor do a signer's resources make its advertisements stale.
    assert_eq!(validator.validate(arrival(offer_at(&anna, 1, 0).frame), NOW).map(|_| ()), Ok(()));
}
