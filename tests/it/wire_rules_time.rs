//! V-23 to V-26: time, each rule with its neighbour on the right side. Our clock is ours: none of these is a reject.

use motet_tests::wire_fixtures::{
    NOW, Session, Signer, WALL, advertisement, arrival, later, network, one_of_each, pay_advertisement, request,
    resource, validator,
};
use motet_wire::{
    Arrival, Channel, Difficulty, Kind, Message, MonotonicMs, Now, Penalty, Rule, Scope, SignerAdvertisement,
    TimestampMs, Validated, Verdict,
};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn outcome(frame: &motet_wire::Sealed, channel: Channel, now: Now) -> Result<Validated, Rule> {
    let arrival = Arrival { channel, ..arrival(frame.frame.clone()) };
    validator().validate(arrival, now).map_err(|rejection| {
        assert_eq!((rejection.verdict, rejection.penalty), (Verdict::Ignore, Penalty::None), "{rejection}");
        rejection.rule
    })
}

fn at(wall: u64) -> Now {
    Now { wall: TimestampMs(wall), mono: NOW.mono }
}

#[test]
fn v23_an_announcement_is_of_our_time_give_or_take_five_minutes() {
    for (name, sealed) in one_of_each().into_iter().filter(|(_, sealed)| sealed.kind.scope() == Scope::Announcement) {
        let pushed = sealed.kind.is_gossiped().then_some([Channel::Gossip, Channel::Direct]);
        for channel in pushed.into_iter().flatten() {
            for far in [WALL - 5 * MINUTE - 1, WALL + 5 * MINUTE + 1] {
                assert_eq!(outcome(&sealed, channel, at(far)).map(|_| ()), Err(Rule::Skew), "{name}");
            }
            for near in [WALL - 5 * MINUTE, WALL + 5 * MINUTE] {
                assert!(outcome(&sealed, channel, at(near)).is_ok(), "{name}");
            }
        }
        // What we ask the DHT for was announced some time ago.
        assert!(outcome(&sealed, Channel::Dht, at(WALL + 6 * MINUTE)).is_ok(), "{name}");
    }
}

#[test]
fn v23_a_message_of_an_application_is_of_our_time_so_that_it_cannot_come_again_later() {
    let sealed = one_of_each().into_iter().map(|(_, sealed)| sealed).find(|sealed| sealed.kind.scope() == Scope::Node);
    let sealed = sealed.unwrap();
    for (far, near) in [(WALL - 5 * MINUTE - 1, WALL - 5 * MINUTE), (WALL + 5 * MINUTE + 1, WALL + 5 * MINUTE)] {
        assert_eq!(outcome(&sealed, Channel::Direct, at(far)).map(|_| ()), Err(Rule::Skew));
        assert!(outcome(&sealed, Channel::Direct, at(near)).is_ok());
    }
}

#[test]
fn v23_session_messages_need_no_clock() {
    for (name, sealed) in one_of_each() {
        // Those that carry a delegation end with it.
        let bare = matches!(
            sealed.kind,
            Kind::SessionReady
                | Kind::NonceCommit
                | Kind::NonceShare
                | Kind::PartialSigShare
                | Kind::SignatureFinalized
                | Kind::SessionAbort
                | Kind::SyncRequest
                | Kind::SyncResponse
        );
        if bare {
            for wall in [0, WALL + 365 * DAY] {
                assert!(outcome(&sealed, Channel::Direct, at(wall)).is_ok(), "{name}");
            }
        }
    }
}

#[test]
fn v24_what_has_expired_is_ignored() {
    let signer = Signer::new(1);
    let offer = advertisement(&signer);
    let end = offer.expires.0;
    let offer = signer.seal(1, offer);
    assert!(outcome(&offer, Channel::Dht, at(end - 1)).is_ok());
    assert_eq!(outcome(&offer, Channel::Dht, at(end)).map(|_| ()), Err(Rule::Expired));

    let signers: Vec<Signer> = (1..=2).map(Signer::new).collect();
    let asked = signers[0].seal(1, request(&signers));
    let end = WALL + 10 * MINUTE;
    assert!(outcome(&asked, Channel::Dht, at(end - 1)).is_ok());
    assert_eq!(outcome(&asked, Channel::Dht, at(end)).map(|_| ()), Err(Rule::Expired));
    // A participant hands the request on while its session is going on.
    assert!(outcome(&asked, Channel::Sync, at(end + 2 * HOUR - 1)).is_ok());
    assert_eq!(outcome(&asked, Channel::Sync, at(end + 2 * HOUR)).map(|_| ()), Err(Rule::Expired));
    let announced = signer.seal(2, resource(&signer, "relay", "1"));
    assert!(outcome(&announced, Channel::Dht, at(WALL + 6 * HOUR - 1)).is_ok());
    assert_eq!(outcome(&announced, Channel::Dht, at(WALL + 6 * HOUR)).map(|_| ()), Err(Rule::Expired));
    // Our own store is for us to judge.
    assert!(outcome(&asked, Channel::Store, at(end + DAY)).is_ok());
}

#[test]
fn v25_what_would_live_too_long_by_our_clock_is_ignored() {
    let signer = Signer::new(1);
    let offer = SignerAdvertisement { expires: TimestampMs(WALL + DAY), ..advertisement(&signer) };
    let offer = signer.seal(1, pay_advertisement(offer, Difficulty(8)));
    // Our clock is five minutes behind: the day is counted from here all the same.
    let early = at(WALL - 5 * MINUTE);
    let validated = outcome(&offer, Channel::Dht, early).unwrap();
    assert_eq!(validated.deadline(), Some(MonotonicMs(early.mono.0 + DAY)));
    assert_eq!(outcome(&offer, Channel::Dht, at(WALL - 5 * MINUTE - 1)).map(|_| ()), Err(Rule::FarFuture));
}

#[test]
fn v26_a_delegation_ends() {
    let session = Session::run(2);
    let join = &session.joins[0];
    let end = WALL + 12 * HOUR;
    assert!(outcome(join, Channel::Direct, at(end - 1)).is_ok());
    assert_eq!(outcome(join, Channel::Direct, at(end)).map(|_| ()), Err(Rule::DelegationExpired));
    assert!(outcome(join, Channel::Sync, at(end + 2 * HOUR - 1)).is_ok());
    assert_eq!(outcome(join, Channel::Sync, at(end + 2 * HOUR)).map(|_| ()), Err(Rule::DelegationExpired));
    assert!(outcome(join, Channel::Store, at(end + DAY)).is_ok());
}

#[test]
fn an_announcement_ends_by_the_monotonic_clock_too() {
    let signer = Signer::new(1);
    let offer = outcome(&signer.seal(1, advertisement(&signer)), Channel::Direct, NOW).unwrap();
    assert_eq!(offer.deadline(), Some(MonotonicMs(NOW.mono.0 + 6 * HOUR)));
    assert!(!offer.is_expired(later(6 * HOUR - 1)));
    assert!(offer.is_expired(later(6 * HOUR)));
    // The wall clock was set back: the message still ends.
    assert!(offer.is_expired(Now { wall: TimestampMs(WALL - DAY), mono: MonotonicMs(NOW.mono.0 + 6 * HOUR) }));
    // The wall clock jumped ahead.
    assert!(offer.is_expired(Now { wall: TimestampMs(WALL + DAY), mono: NOW.mono }));
}

#[test]
fn a_message_of_another_network_never_verifies() {
    for (name, sealed) in one_of_each() {
        let mut other = motet_wire::Validator::with_work(
            motet_wire::NetworkId::main(),
            motet_wire::ValidatorLimits::default(),
            std::sync::Arc::new(motet_wire::work::Free),
        );
        assert_ne!(network(), *other.network());
        let outcome = other.validate(arrival(sealed.frame), NOW).map_err(|rejection| rejection.rule);
        assert_eq!(outcome.map(|validated| Message::kind(validated.message())), Err(Rule::Signature), "{name}");
    }
}
