//! V-06 to V-10: bans and buckets, each rule with its neighbour on the right side.

use std::sync::Arc;

use motet_core_crypto::NonceCommitment;
use motet_tests::wire_fixtures::{
    NOW, Signer, advertisement, arrival, later, one_of_each, peer, validator, validator_with,
};
use motet_tests::wire_forge::Forged;
use motet_wire::{
    Arrival, Attempt, AttemptId, Channel, NetworkGroup, NonceCommit, Now, PeerClass, Penalty, Rate, Rule,
    ValidatorLimits, Verdict,
};

/// A message that nobody has seen before.
pub(crate) fn fresh(number: u32) -> Arc<[u8]> {
    let commitment = NonceCommitment::from_bytes(&[2; 32]);
    let session = AttemptId::from_bytes([number as u8; 32]);
    Signer::new(1).seal(1, NonceCommit { session, attempt: Attempt(number), commitment }).frame
}

/// A message that nobody has signed, and that nobody has seen before.
pub(crate) fn forged(number: u32) -> Arc<[u8]> {
    let sealed = Forged::from_bytes(&fresh(0));
    sealed.set(motet_tests::wire_forge::SEQUENCE, &(u64::from(number) + 2).to_le_bytes()).frame()
}

#[test]
fn v06_more_than_ten_invalid_signatures_ban_a_peer() {
    let mut validator = validator();
    for number in 0..10 {
        let rejection = validator.validate(arrival(forged(number)), NOW).unwrap_err();
        assert_eq!((rejection.rule, rejection.penalty), (Rule::Signature, Penalty::InvalidSignature));
    }
    assert!(validator.validate(arrival(fresh(1)), NOW).is_ok());
    assert_eq!(validator.validate(arrival(forged(10)), NOW).unwrap_err().penalty, Penalty::Ban);
    let banned = validator.validate(arrival(fresh(2)), NOW).unwrap_err();
    assert_eq!((banned.rule, banned.verdict, banned.penalty), (Rule::Banned, Verdict::Ignore, Penalty::Ban));
    // Another peer is not banned, and the ban ends.
    assert!(validator.validate(Arrival { from: peer(98), ..arrival(fresh(2)) }, NOW).is_ok());
    assert_eq!(validator.validate(arrival(fresh(3)), later(599_999)).unwrap_err().rule, Rule::Banned);
    assert!(validator.validate(arrival(fresh(3)), later(600_000)).is_ok());
}

#[test]
fn v06_more_than_ten_malformed_frames_ban_a_peer() {
    let mut validator = validator();
    let mut hear = |frame: Arc<[u8]>, channel| {
        let heard = validator.validate(Arrival { channel, ..arrival(frame) }, NOW);
        heard.map(drop).map_err(|rejection| (rejection.rule, rejection.penalty))
    };
    let short = |number| Arc::from([1, 7, number]);
    for number in 0..20 {
        // What this node asks the DHT for is nobody's fault.
        assert!(hear(short(number), Channel::Dht).is_err());
    }
    for number in 0..10 {
        assert_eq!(hear(short(number), Channel::Gossip), Err((Rule::Short, Penalty::Malformed)));
    }
    assert_eq!(hear(fresh(1), Channel::Direct), Ok(()));
    assert_eq!(hear(short(10), Channel::Gossip), Err((Rule::Short, Penalty::Ban)));
    assert_eq!(hear(fresh(2), Channel::Direct), Err((Rule::Banned, Penalty::Ban)));
}

/// How many frames over its share a peer sends before it is banned, if each comes so much after the one before.
fn frames_until_a_ban(mut frame: impl FnMut(u32) -> Arrival, microseconds: u64) -> Option<u64> {
    let mut validator = validator();
    (0..50_000).find(|number| {
        let heard = validator.admit(frame(u32::try_from(*number).unwrap()), later(number * microseconds / 1000));
        heard.is_err_and(|rejection| rejection.penalty == Penalty::Ban)
    })
}

#[test]
fn v06_a_peer_that_goes_on_sending_more_than_ten_times_its_share_is_banned() {
    let sound = fresh(0);
    let direct = |_| arrival(sound.clone());
    let strange = |offset| Forged::from_bytes(&fresh(0)).set(offset, &[200]).frame();
    let (version, kind) = (strange(0), strange(1));
    let by_gossip = |frame: &Arc<[u8]>| Arrival { channel: Channel::Gossip, ..arrival(frame.clone()) };
    // 10,000 a second: within the first second.
    for banned in [
        frames_until_a_ban(direct, 100),
        frames_until_a_ban(|_| by_gossip(&version), 100),
        frames_until_a_ban(|_| by_gossip(&kind), 100),
    ] {
        assert!(banned.is_some_and(|frames| (6_000..10_000).contains(&frames)), "{banned:?}");
    }
    // 100 a second, ten times a stranger's share: never, and it is dropped all the same.
    assert_eq!(frames_until_a_ban(direct, 10_000), None);
    // Long frames count more.
    let long: Arc<[u8]> = vec![200; 250_000].into();
    assert!(frames_until_a_ban(|_| arrival(long.clone()), 100).is_some_and(|frames| frames < 100));
    // A member of a live session may say twelve times as much, and exceed that by twelve times as much.
    let member = PeerClass::Participant { sessions: 1 };
    let banned = frames_until_a_ban(|number| direct(number).standing(member, member), 10);
    assert!(banned.is_none(), "{banned:?}");
}

#[test]
fn v06_a_neighbour_that_hands_on_what_a_whole_network_says_is_not_banned() {
    // As much as a node can check, which is 200 strangers' worth.
    let sound = Signer::new(1).seal(1, advertisement(&Signer::new(1))).frame;
    let relayed = |_| Arrival { channel: Channel::Gossip, ..arrival(sound.clone()) };
    assert_eq!(frames_until_a_ban(relayed, 500), None);
    let limits = ValidatorLimits::default();
    assert_eq!(limits.relayed_excess.per_minute, limits.verifications_per_second * 60);
    let mut few = validator_with(ValidatorLimits { relayed_excess: Rate::per_minute(100), ..limits });
    let banned = (0..2_000).any(|number| few.admit(relayed(number), NOW).is_err_and(|it| it.penalty == Penalty::Ban));
    assert!(banned, "more than that is a flood of the peer's own making");
}

#[test]
fn v06_what_a_node_of_the_dht_stored_is_not_held_against_it() {
    let mut validator = validator();
    let signer = Signer::new(1);
    let offer = Forged::from(&signer.seal(1, advertisement(&signer)));
    let signature = offer.frame().len() - 32;
    for number in 0..20 {
        // Whoever stores a record for others need not have been able to check it.
        let stored = Arrival { channel: Channel::Dht, ..arrival(offer.clone().set(signature, &[number]).frame()) };
        let rejection = validator.validate(stored, NOW).unwrap_err();
        assert_eq!((rejection.rule, rejection.penalty), (Rule::Signature, Penalty::None));
    }
    assert!(validator.validate(arrival(fresh(1)), NOW).is_ok());
}

#[test]
fn v06_who_answers_with_forgeries_is_banned() {
    let mut validator = validator();
    for number in 0..11 {
        let answer = Arrival { channel: Channel::Sync, ..arrival(forged(number)) };
        assert_eq!(validator.validate(answer, NOW).unwrap_err().rule, Rule::Signature);
    }
    assert_eq!(validator.validate(arrival(fresh(1)), NOW).unwrap_err().rule, Rule::Banned);
}

#[test]
fn v06_the_same_bad_frame_again_and_again_bans_too() {
    let mut validator = validator();
    let penalties: Vec<Penalty> =
        (0..11).map(|_| validator.validate(arrival(forged(0)), NOW).unwrap_err().penalty).collect();
    assert_eq!(penalties[9], Penalty::InvalidSignature);
    assert_eq!(penalties[10], Penalty::Ban);
}

fn limited(limits: ValidatorLimits) -> impl FnMut(u32, PeerClass, Now) -> Result<(), Rule> {
    let mut validator = validator_with(limits);
    move |number, standing, now| {
        let arrival = arrival(fresh(number)).standing(standing, PeerClass::Stranger);
        validator.admit(arrival, now).map(|_| ()).map_err(|rejection| {
            assert_eq!((rejection.verdict, rejection.penalty), (Verdict::Ignore, Penalty::Excess));
            rejection.rule
        })
    }
}

#[test]
fn v07_a_stranger_sends_so_many_messages() {
    let rate = Rate::per_minute(6);
    let mut hear = limited(ValidatorLimits { peer_messages: rate, ..ValidatorLimits::default() });
    for number in 0..6 {
        assert_eq!(hear(number, PeerClass::Stranger, NOW), Ok(()));
    }
    assert_eq!(hear(6, PeerClass::Stranger, NOW), Err(Rule::PeerMessages));
    // One flows in every ten seconds; for a contact, one every second.
    assert_eq!(hear(6, PeerClass::Stranger, later(9_999)), Err(Rule::PeerMessages));
    assert_eq!(hear(6, PeerClass::Stranger, later(10_000)), Ok(()));
    assert_eq!(hear(7, PeerClass::Stranger, later(11_000)), Err(Rule::PeerMessages));
    assert_eq!(hear(7, PeerClass::Contact, later(11_000)), Ok(()));
}

#[test]
fn v07_what_a_peer_hands_on_leaves_its_own_share_alone() {
    let limits = ValidatorLimits { peer_messages: Rate::per_minute(3), ..ValidatorLimits::default() };
    for group in [NetworkGroup::Local, NetworkGroup::V4([203, 0, 113])] {
        let mut validator = validator_with(limits.clone());
        let mut hear = |number: u64, channel, author| {
            let signer = Signer::new(number);
            let frame = signer.seal(1, advertisement(&signer)).frame;
            let arrival = Arrival { channel, ..arrival(frame) }.group(group);
            let admitted = validator.admit(arrival.standing(PeerClass::Stranger, author), NOW);
            admitted.map(drop).map_err(|rejection| rejection.rule)
        };
        // A stranger makes the peer hand on as much as it may.
        let relayed = (0..20).take_while(|number| hear(*number, Channel::Gossip, PeerClass::Stranger).is_ok()).count();
        assert_eq!(relayed, 3);
        for number in 20..23 {
            assert_eq!(hear(number, Channel::Direct, PeerClass::Stranger), Ok(()));
        }
        assert_eq!(hear(23, Channel::Direct, PeerClass::Stranger), Err(Rule::PeerMessages));
        // What it hands on for those that this node knows is as much as they may say.
        let known = (30..90).take_while(|number| hear(*number, Channel::Gossip, PeerClass::Contact).is_ok()).count();
        assert_eq!(known, 30);
        assert_eq!(hear(90, Channel::Gossip, PeerClass::Contact), Err(Rule::PeerMessages));
    }
}

#[test]
fn v07_who_has_lied_hands_on_nothing_for_those_that_we_know() {
    let limits = ValidatorLimits { peer_messages: Rate::per_minute(3), ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let mut hear = |number: u64, forged: bool| {
        let signer = Signer::new(number);
        let sealed = Forged::from(&signer.seal(1, advertisement(&signer)));
        let frame = if forged { sealed.set(motet_tests::wire_forge::SEQUENCE, &[9]) } else { sealed }.frame();
        let arrival = Arrival { channel: Channel::Gossip, ..arrival(frame) };
        let heard = validator.validate(arrival.standing(PeerClass::Stranger, PeerClass::Contact), NOW);
        heard.map(drop).map_err(|rejection| rejection.rule)
    };
    assert_eq!(hear(0, true), Err(Rule::Signature));
    for number in 1..4 {
        assert_eq!(hear(number, false), Ok(()));
    }
    assert_eq!(hear(4, false), Err(Rule::PeerMessages));
}

#[test]
fn v07_frames_that_mean_nothing_here_have_a_share_of_their_own() {
    let limits = ValidatorLimits { peer_messages: Rate::per_minute(3), ..ValidatorLimits::default() };
    for (offset, rule) in [(0, Rule::Version), (1, Rule::Kind)] {
        let mut validator = validator_with(limits.clone());
        let mut hear = |number| {
            let strange = Forged::from_bytes(&fresh(number)).set(offset, &[200]).frame();
            validator.admit(arrival(strange), NOW).map(drop).map_err(|rejection| (rejection.rule, rejection.penalty))
        };
        for number in 0..3 {
            assert_eq!(hear(number), Err((rule, Penalty::None)));
        }
        assert_eq!(hear(3), Err((Rule::PeerMessages, Penalty::Excess)));
        // A peer that speaks another version besides is still heard.
        assert!(validator.admit(arrival(fresh(4)), NOW).is_ok());
    }
}

#[test]
fn v07_a_members_share_grows_with_its_sessions() {
    let rate = Rate::per_minute(1);
    let limits = ValidatorLimits { peer_messages: rate, ..ValidatorLimits::default() };
    let heard = |standing| {
        let mut hear = limited(limits.clone());
        (0..100).take_while(|number| hear(*number, standing, NOW).is_ok()).count()
    };
    assert_eq!(heard(PeerClass::Stranger), 1);
    assert_eq!(heard(PeerClass::Contact), 10);
    assert_eq!(heard(PeerClass::Participant { sessions: 1 }), 12);
    assert_eq!(heard(PeerClass::Participant { sessions: 20 }), 50);
}

#[test]
fn v08_a_stranger_sends_so_many_bytes() {
    let bytes = u64::try_from(fresh(0).len()).unwrap();
    let rate = Rate::per_minute(3 * bytes);
    let mut hear = limited(ValidatorLimits { peer_bytes: rate, ..ValidatorLimits::default() });
    for number in 0..3 {
        assert_eq!(hear(number, PeerClass::Stranger, NOW), Ok(()));
    }
    assert_eq!(hear(3, PeerClass::Stranger, NOW), Err(Rule::PeerBytes));
    assert_eq!(hear(3, PeerClass::Stranger, later(20_001)), Ok(()));
}

#[test]
fn v09_a_stranger_causes_so_much_computation() {
    let mut hear = limited(ValidatorLimits { peer_computation: Rate::per_minute(2), ..ValidatorLimits::default() });
    assert_eq!(hear(0, PeerClass::Stranger, NOW), Ok(()));
    assert_eq!(hear(1, PeerClass::Stranger, NOW), Ok(()));
    assert_eq!(hear(2, PeerClass::Stranger, NOW), Err(Rule::PeerComputation));
    assert_eq!(hear(2, PeerClass::Stranger, later(30_000)), Ok(()));
}

#[test]
fn v09_messages_weigh_what_handling_them_costs() {
    // Signatures to check, and sums over all signers that a share sets off. Resources are not sent, so nobody pays.
    let weights = [2, 2, 2, 2, 2, 1, 1, 3, 4, 4, 1, 1, 1];
    for ((name, sealed), weight) in one_of_each().into_iter().zip(weights) {
        let heard = |units| {
            let limits = ValidatorLimits { peer_computation: Rate::per_minute(units), ..ValidatorLimits::default() };
            let admitted = validator_with(limits).admit(arrival(sealed.frame.clone()), NOW);
            admitted.map(|_| ()).map_err(|rejection| rejection.rule)
        };
        assert_eq!(heard(weight), Ok(()), "{name}");
        assert_eq!(heard(weight - 1), Err(Rule::PeerComputation), "{name}");
    }
}

#[test]
fn v10_whom_we_know_does_not_share_with_its_network() {
    let limits = ValidatorLimits { peer_messages: Rate::per_minute(1), ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let mut hear = |number: u32, standing| {
        let arrival = Arrival { from: peer(u64::from(number)), ..arrival(fresh(number)) };
        let arrival = arrival.group(NetworkGroup::V4([203, 0, 113])).standing(standing, PeerClass::Stranger);
        validator.admit(arrival, NOW).map(|_| ()).map_err(|rejection| rejection.rule)
    };
    for number in 0..4 {
        assert_eq!(hear(number, PeerClass::Stranger), Ok(()));
    }
    assert_eq!(hear(4, PeerClass::Stranger), Err(Rule::Group));
    assert_eq!(hear(5, PeerClass::Contact), Ok(()));
    assert_eq!(hear(6, PeerClass::Participant { sessions: 1 }), Ok(()));
}

#[test]
fn v10_identities_of_one_network_share() {
    let limits = ValidatorLimits { peer_messages: Rate::per_minute(1), ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let mut hear = |number: u32, address: &str| {
        let group = NetworkGroup::of(address.parse().unwrap());
        let arrival = Arrival { from: peer(u64::from(number)), ..arrival(fresh(number)) }.group(group);
        validator.admit(arrival, NOW).map(|_| ()).map_err(|rejection| (rejection.rule, rejection.penalty))
    };
    for number in 0..4 {
        assert_eq!(hear(number, &format!("203.0.113.{number}")), Ok(()));
    }
    assert_eq!(hear(4, "203.0.113.4"), Err((Rule::Group, Penalty::None)));
    assert_eq!(hear(5, "203.0.114.4"), Ok(()));
    for number in 10..14 {
        assert_eq!(hear(number, &format!("2001:db8:1:{number:x}::1")), Ok(()));
    }
    assert_eq!(hear(14, "2001:db8:1:ffff::1"), Err((Rule::Group, Penalty::None)));
    assert_eq!(hear(15, "2001:db8:2::1"), Ok(()));
    // This machine is no group.
    for number in 20..40 {
        assert_eq!(hear(number, "127.0.0.1"), Ok(()));
    }
    assert_eq!(NetworkGroup::of("::ffff:203.0.113.9".parse().unwrap()), NetworkGroup::V4([203, 0, 113]));
}

#[test]
fn v10_peers_whose_address_is_not_known_share_like_a_network() {
    let limits = ValidatorLimits { peer_messages: Rate::per_minute(1), ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let mut hear = |number: u32, group| {
        let arrival = Arrival { from: peer(u64::from(number)), ..arrival(fresh(number)) }.group(group);
        validator.admit(arrival, NOW).map(drop).map_err(|rejection| rejection.rule)
    };
    for number in 0..4 {
        assert_eq!(hear(number, NetworkGroup::Unseen), Ok(()));
    }
    assert_eq!(hear(4, NetworkGroup::Unseen), Err(Rule::Group));
    assert_eq!(hear(5, NetworkGroup::Local), Ok(()));
}

#[test]
fn v10_a_peer_whose_network_is_refused_uses_up_its_own_share() {
    let limits = ValidatorLimits { peer_messages: Rate::per_minute(1), ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let mut hear = |number: u32, from: u64| {
        let arrival = Arrival { from: peer(from), ..arrival(fresh(number)) };
        let admitted = validator.admit(arrival.group(NetworkGroup::V4([203, 0, 113])), NOW);
        admitted.map(drop).map_err(|rejection| (rejection.rule, rejection.penalty))
    };
    for from in 0..4 {
        assert_eq!(hear(u32::try_from(from).unwrap(), from), Ok(()));
    }
    assert_eq!(hear(4, 4), Err((Rule::Group, Penalty::None)));
    assert_eq!(hear(5, 4), Err((Rule::PeerMessages, Penalty::Excess)));
}
