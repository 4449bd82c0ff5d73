//! V-34: the checks that this node can afford; and that each rejection is counted once.

use motet_tests::wire_fixtures::{NOW, Session, Signer, arrival, peer, validator, validator_with};
use motet_wire::{
    AdvertisementId, Arrival, Channel, Load, PeerClass, Rate, Rule, SignerUnavailable, SigningRequest, Validator,
    ValidatorLimits,
};

use crate::wire_rules_meter::{forged, fresh};

#[test]
fn v34_strangers_use_a_fifth_of_the_checks_and_members_always_have_half() {
    let limits = ValidatorLimits { verifications_per_second: 100, ..ValidatorLimits::default() };
    let heard = |validator: &mut Validator, from: u32, standing| {
        (0..200)
            .filter(|number| {
                let arrival = Arrival { from: peer(u64::from(from + number)), ..arrival(fresh(from + number)) };
                let admitted = validator.admit(arrival.standing(PeerClass::Contact, standing), NOW);
                admitted.map(drop).map_err(|rejection| assert_eq!(rejection.rule, Rule::Budget)).is_ok()
            })
            .count()
    };
    let mut flooded = validator_with(limits.clone());
    assert_eq!(heard(&mut flooded, 0, PeerClass::Stranger), 20);
    assert_eq!(heard(&mut flooded, 1_000, PeerClass::Contact), 30);
    assert_eq!(heard(&mut flooded, 2_000, PeerClass::Participant { sessions: 1 }), 50);
    let mut idle = validator_with(limits);
    assert_eq!(heard(&mut idle, 0, PeerClass::Participant { sessions: 1 }), 100);
}

#[test]
fn v34_who_has_lied_is_not_believed_to_be_a_member() {
    let limits = ValidatorLimits { verifications_per_second: 10, ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let member = PeerClass::Participant { sessions: 1 };
    let lie = arrival(forged(0)).standing(PeerClass::Stranger, member);
    assert_eq!(validator.validate(lie, NOW).unwrap_err().rule, Rule::Signature);
    let admitted: Vec<bool> = (1..=5)
        .map(|number| {
            let arrival = arrival(fresh(number)).standing(PeerClass::Stranger, member);
            validator.admit(arrival, NOW).is_ok()
        })
        .collect();
    // What strangers have: a fifth of ten.
    assert_eq!(admitted, [true, true, false, false, false]);
    // The member's own peer is believed.
    let honest = Arrival { from: peer(7), ..arrival(fresh(6)) }.standing(member, member);
    assert_eq!(validator.admit(honest, NOW).unwrap().standing(), member);
}

#[test]
fn v34_what_is_read_from_the_dht_takes_nothing_from_strangers() {
    let limits = ValidatorLimits { verifications_per_second: 50, ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let gone = |number| {
        let signer = Signer::new(number);
        let (delegation, advertisement) = (signer.delegation(), AdvertisementId::from_bytes([1; 32]));
        signer.seal(1, SignerUnavailable { delegation, advertisement, reason: String::new() }).frame
    };
    let read = |number| Arrival { channel: Channel::Dht, ..arrival(gone(number)) };
    assert!((0..100).all(|number| validator.validate(read(number), NOW).is_ok()), "a whole bag is read");
    let pushed = |number| Arrival { from: peer(number), ..arrival(gone(number)) };
    let heard = (1_000..1_100).filter(|number| validator.admit(pushed(*number), NOW).is_ok()).count();
    assert_eq!(heard, 5, "strangers have what they always have: two checks each, of a fifth");
}

#[test]
fn v34_so_many_messages_are_in_flight() {
    let mut validator = validator_with(ValidatorLimits { in_flight: 2, ..ValidatorLimits::default() });
    let first = validator.admit(arrival(fresh(1)), NOW).unwrap();
    let second = validator.admit(arrival(fresh(2)), NOW).unwrap();
    assert_eq!(validator.admit(arrival(fresh(3)), NOW).unwrap_err().rule, Rule::Budget);
    assert!(second.verify().is_ok());
    assert!(validator.admit(arrival(fresh(3)), NOW).is_ok());
    assert!(first.verify().is_ok());
}

#[test]
fn what_comes_out_of_our_own_store_costs_nobody_anything() {
    let limits = ValidatorLimits {
        peer_messages: Rate::per_minute(0),
        verifications_per_second: 0,
        ..ValidatorLimits::default()
    };
    let mut validator = validator_with(limits);
    let session = Session::run(2);
    for sealed in &session.joins {
        let own = Arrival { channel: Channel::Store, ..arrival(sealed.frame.clone()) };
        assert!(validator.validate(own, NOW).is_ok());
    }
    // Nor does our own request need a stamp, however busy we are.
    validator.set_load(Load::percent(100));
    let unpaid = session.signer(0).seal(1, SigningRequest { work: None, ..session.request.clone() });
    let own = Arrival { channel: Channel::Store, ..arrival(unpaid.frame.clone()) };
    assert!(validator.validate(own, NOW).is_ok());
}

#[test]
fn every_rejection_is_counted_once() {
    let mut validator = validator();
    validator.validate(arrival(fresh(1)), NOW).unwrap();
    validator.validate(arrival(fresh(1)), NOW).unwrap_err();
    validator.validate(arrival(forged(1)), NOW).unwrap_err();
    validator.validate(arrival(forged(1)), NOW).unwrap_err();
    validator.validate(arrival(vec![]), NOW).unwrap_err();
    let counted: Vec<_> = validator.counts().into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [(Rule::Short, 1), (Rule::Replay, 1), (Rule::KnownBad, 1), (Rule::Signature, 1)]);
    assert_eq!(validator.accepted(), 1);
}
