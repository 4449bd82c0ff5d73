//! A million senders whose messages were all proven: more than anybody can pay for, and still within the bound.

use allocation_counter::measure;
use motet_core_crypto::SecretKey;

use super::*;
use crate::time::MonotonicMs;

const SENDERS: u64 = 1_000_000;

fn numbered(number: u64, what: u8) -> Key {
    let mut key = [what; 16];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}

/// The facts of a first advertisement by a sender that nobody has heard of.
fn stranger(number: u64, now: MonotonicMs) -> Facts {
    Facts {
        kind: Kind::SignerAdvertisement,
        channel: Channel::Gossip,
        peer: numbered(number, 1),
        id: numbered(number, 2),
        frame: numbered(number, 3),
        delegation: Some(numbered(number, 5)),
        announcer: Some(numbered(number, 6)),
        version: 1,
        author: numbered(number, 7),
        factor: 1,
        now,
    }
}

fn member(number: u64) -> MemberKey {
    let mut secret = [1; 32];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    MemberKey::new(SecretKey::from_bytes(&secret).unwrap().public_key())
}

/// Lets a million senders be proven, each thousandth as a member of a session, and a million others fail, one every so many
/// milliseconds; returns the most bytes that were held and the bytes stated.
fn flood(interval: u64) -> (usize, usize) {
    let mut bound = 0;
    let info = measure(|| {
        let mut memory = Memory::new(ValidatorLimits::default());
        bound = memory.bound();
        for number in 0..SENDERS {
            let now = MonotonicMs(interval * number);
            let facts = stranger(number, now);
            assert_eq!(memory.check_message(&facts.id, facts.channel), Ok(None));
            memory.check_frame(&facts.frame, facts.channel).unwrap();
            memory.check_author(&facts).unwrap();
            // Nobody's check ever ends.
            let _full = memory.take_off(&facts);
            memory.confirm(&facts).unwrap();
            memory.fail(&stranger(SENDERS + number, now));
            if number % 1_000 == 0 {
                memory.keep_member_key(Arc::new(member(number)), now);
            }
        }
        assert_eq!(memory.accepted(), SENDERS);
    });
    (usize::try_from(info.bytes_max).unwrap(), bound)
}

#[test]
fn a_million_proven_senders_stay_under_the_stated_bound() {
    // All at once, so that memories turn because they are full; and over two hours, so that some turn because of their age.
    for interval in [0, 7] {
        let (held, bound) = flood(interval);
        assert!(held <= bound, "one every {interval} ms: {held} held, {bound} stated");
        // The bound is one, not a guess far above: a flood comes to more than half of it.
        assert!(held * 2 > bound, "one every {interval} ms: {held} held, {bound} stated");
    }
}

#[test]
fn a_memory_that_does_not_forget_is_over_the_bound() {
    // What the test above would find.
    let info = measure(|| {
        let mut map = std::collections::HashMap::new();
        for number in 0..SENDERS {
            map.insert(numbered(number, 1), numbered(number, 2));
        }
        drop(map);
    });
    let bound = Memory::new(ValidatorLimits::default()).bound();
    assert!(info.bytes_max > u64::try_from(bound).unwrap());
}
