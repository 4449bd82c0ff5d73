//! A million senders, and what a validator holds of them: never more than it says beforehand.
//!
//! That every memory of the validator stays under its own share is a test in `motet-wire`, where what has been proven can
//! be written without a million signatures; here the frames come from outside.

use allocation_counter::measure;
use motet_tests::wire_fixtures::{NOW, Session, Signer, arrival, later, peer, validator, validator_with};
use motet_tests::wire_forge::{Forged, SENDER};
use motet_wire::{Arrival, Channel, MonotonicMs, NetworkGroup, Now, Rule, Validator, ValidatorLimits};

const SENDERS: u32 = 1_000_000;

/// The most that was held at once while a closure ran.
fn most(run: impl FnOnce()) -> usize {
    usize::try_from(measure(run).bytes_max).unwrap()
}

/// Memories of a hundredth of the default size.
fn small() -> ValidatorLimits {
    ValidatorLimits {
        in_flight: 82,
        peers: 143,
        groups: 71,
        authors: 286,
        signers: 143,
        seen: 573,
        bad: 143,
        delegations: 71,
        member_keys: 1,
        verifications_per_second: 1_000_000,
        ..ValidatorLimits::default()
    }
}

#[test]
fn a_million_senders_stay_under_the_stated_bound() {
    // A sound message in the name of a million senders, by a million peers of 250,000 networks, within half an hour. Nearly
    // all of them are refused for want of budget; the rest fail at the signature and are remembered as bad.
    let session = Session::run(2);
    let share = Forged::from(&session.nonces[0]);
    let mut bound = 0;
    let mut counts = Vec::new();
    let most = most(|| {
        let mut validator =
            validator_with(ValidatorLimits { verifications_per_second: 40, ..ValidatorLimits::default() });
        bound = validator.memory_bound();
        for number in 0..SENDERS {
            let [_, high, middle, low] = number.to_be_bytes();
            let frame = share.clone().set(SENDER + 1, &number.to_be_bytes()).frame();
            let arrival = Arrival { from: peer(u64::from(number)), ..arrival(frame) }.group(NetworkGroup::V4([
                high,
                middle,
                low / 4,
            ]));
            let now = Now { mono: MonotonicMs(NOW.mono.0 + 2 * u64::from(number)), ..NOW };
            assert!(validator.validate(arrival, now).is_err());
        }
        counts = validator.counts();
    });
    assert!(most <= bound, "{most} held, {bound} stated");
    let count = |wanted: Rule| counts.iter().find(|(rule, _)| *rule == wanted).unwrap().1;
    assert_eq!(count(Rule::Budget) + count(Rule::Signature), u64::from(SENDERS));
    assert!(count(Rule::Signature) > 10_000, "{counts:?}");
    // The flood did fill what it could: buckets of peers and of groups.
    assert!(most > 3 << 20, "{most}");
}

#[test]
fn proven_senders_stay_under_the_bound_too() {
    // Each with its own signer, message key and peer, advertising: everything is written that can be.
    let frames: Vec<_> = (1_000..2_500u64)
        .map(|number| {
            let signer = Signer::new(number);
            (signer.peer, signer.seal(number, motet_tests::wire_fixtures::advertisement(&signer)).frame)
        })
        .collect();
    let mut bound = 0;
    let most = most(|| {
        let mut validator = validator_with(small());
        bound = validator.memory_bound();
        for (number, (from, frame)) in (0u64..).zip(&frames) {
            let [.., high, low] = number.to_be_bytes();
            let arrival = Arrival { from: *from, channel: Channel::Gossip, ..arrival(frame.clone()) }
                .group(NetworkGroup::V4([high, low, 0]));
            validator.validate(arrival, later(number)).unwrap();
        }
        assert_eq!(validator.accepted(), 1_500);
    });
    // A message on its way takes a few thousand bytes besides.
    assert!(most <= bound + 16 * 1024, "{most} held, {bound} stated");
    assert!(most * 4 > bound, "{most} held, {bound} stated: the flood is no flood");
}

#[test]
fn what_is_in_flight_is_bounded() {
    let frames: Vec<_> = (0..400u64)
        .map(|number| {
            let signer = Signer::new(number);
            signer.seal(number, motet_tests::wire_fixtures::advertisement(&signer)).frame
        })
        .collect();
    let mut validator: Validator = validator_with(small());
    let admitted: Vec<_> = (0..)
        .zip(frames)
        .filter_map(|(number, frame)| {
            let arrival = Arrival { from: peer(number), ..arrival(frame) };
            validator.admit(arrival, later(number)).ok()
        })
        .collect();
    assert_eq!(admitted.len(), small().in_flight);
}

#[test]
fn the_stated_bound_is_what_the_document_says() {
    let bound = validator().memory_bound();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/validation.md")).unwrap();
    let stated = format!("{:.1} MiB", bound as f64 / f64::from(1 << 20));
    assert!(page.contains(&format!("**{stated}**")), "docs/validation.md does not say {stated}");
}
