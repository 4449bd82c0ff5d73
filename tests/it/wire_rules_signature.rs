//! V-35 to V-37: signatures and points, alone and in batches, each rule with its neighbour on the right side.

use std::convert::Infallible;
use std::sync::Arc;

use motet_core_crypto::{PartialSignature, PublicNonce, schnorr};
use motet_tests::wire_fixtures::{NOW, Session, Signer, arrival, later, network, one_of_each, peer, validator};
use motet_tests::wire_forge::{DELEGATION, Forged};
use motet_wire::{Admitted, Arrival, Channel, Kind, PeerClass, Penalty, Rule, Verdict, verify_batch};
use rand_chacha::ChaCha8Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};

use crate::wire_rules_bytes::{must_break, must_pass};

#[test]
fn v35_the_sender_signed_the_frame() {
    for (name, sealed) in one_of_each() {
        let end = sealed.frame.len();
        let flipped = Forged::from(&sealed).set(end - 64, &[sealed.frame[end - 64] ^ 1]).frame();
        let rejection = must_break(flipped);
        // Whoever stores something for the DHT is not blamed for what others put there.
        let stored = sealed.kind == Kind::ResourceAnnouncement;
        let penalty = if stored { Penalty::None } else { Penalty::InvalidSignature };
        assert_eq!(
            (rejection.rule, rejection.verdict, rejection.penalty),
            (Rule::Signature, Verdict::Reject, penalty),
            "{name}"
        );
        must_pass(sealed.frame);
    }
}

#[test]
fn v35_a_sender_that_is_no_point_signed_nothing() {
    let session = Session::run(2);
    let sender = [5; 33];
    let frame = Forged::from(&session.nonces[0]).set(motet_tests::wire_forge::SENDER, &sender).frame();
    assert_eq!(must_break(frame).rule, Rule::Signature);
}

#[test]
fn v36_the_signer_signed_the_delegation() {
    let session = Session::run(2);
    let join = Forged::from(&session.joins[0]);
    let key = &session.signer(0).message_key;
    let signature = 34 + DELEGATION - 64;
    let forged = join.clone().set_body(signature, &[join.body()[signature] ^ 1]).sign(&network(), key);
    let rejection = must_break(forged.frame());
    assert_eq!(
        (rejection.rule, rejection.verdict, rejection.penalty),
        (Rule::DelegationSignature, Verdict::Reject, Penalty::InvalidSignature)
    );
    must_pass(join.sign(&network(), key).frame());
}

#[test]
fn v36_a_delegation_by_anybody_else_is_none() {
    // A thief delegates another's key to itself.
    let (victim, thief) = (Signer::new(1), Signer::new(2));
    let mut stolen = victim.delegation();
    stolen.message_key = thief.message_key.public_key();
    let digest =
        motet_wire::Delegation::digest(&network(), &stolen.signer, &stolen.message_key, &stolen.peer, stolen.not_after);
    stolen.signature = schnorr::sign(&thief.key, &digest, &[0; 32]).unwrap();
    assert!(stolen.verify(&network()).is_err());
    assert!(victim.delegation().verify(&network()).is_ok());
    assert!(victim.delegation().verify(&motet_wire::NetworkId::main()).is_err());
    let join = motet_wire::ParticipantJoined {
        request: motet_wire::RequestId::from_bytes([1; 32]),
        index: motet_wire::SignerIndex(0),
        delegation: stolen,
        commitment: None,
    };
    assert_eq!(must_break(thief.seal(1, join).frame).rule, Rule::DelegationSignature);
}

#[test]
fn v36_a_delegation_that_was_proven_is_not_proven_for_another_signature() {
    let session = Session::run(2);
    let mut validator = validator();
    assert!(validator.validate(arrival(session.joins[0].frame.clone()), NOW).is_ok());
    let join = Forged::from(&session.joins[0]).set_body(32, &[1]);
    let signature = 34 + DELEGATION - 64;
    let forged = join.clone().set_body(signature, &[join.body()[signature] ^ 1]);
    let forged = forged.sign(&network(), &session.signer(0).message_key);
    assert_eq!(validator.validate(arrival(forged.frame()), NOW).unwrap_err().rule, Rule::DelegationSignature);
    let again = join.sign(&network(), &session.signer(0).message_key);
    assert!(validator.validate(arrival(again.frame()), NOW).is_ok());
}

#[test]
fn v37_signed_bytes_that_are_no_points_are_kept_as_evidence() {
    let session = Session::run(2);
    let key = &session.signer(0).message_key;
    // session 32 | attempt 4 | count 4 | first nonce
    let share = Forged::from(&session.nonces[0]).set_body(40, &[0xff; 33]).sign(&network(), key);
    assert!(PublicNonce::from_bytes(share.body()[40..106].try_into().unwrap()).is_err());
    let rejection = must_break(share.frame());
    assert_eq!((rejection.rule, rejection.verdict), (Rule::Points, Verdict::Reject));
    assert_eq!(rejection.signed_frame, Some(share.frame()));

    let partial = Forged::from(&session.partials[0]).set_body(40, &[0xff; 32]).sign(&network(), key);
    assert!(PartialSignature::from_bytes(&[0xff; 32]).is_err());
    assert_eq!(must_break(partial.frame()).rule, Rule::Points);
    must_pass(Forged::from(&session.partials[0]).sign(&network(), key).frame());
}

fn batch_of(frames: &[Arc<[u8]>]) -> (Vec<Result<(), Rule>>, motet_wire::Validator) {
    let mut validator = validator();
    let backlog: Vec<Admitted> = frames
        .iter()
        .zip(1..)
        .map(|(frame, number)| {
            let arrival = Arrival { from: peer(number), ..arrival(frame.clone()) };
            validator.admit(arrival, NOW).unwrap()
        })
        .collect();
    let results = verify_batch(backlog, &mut ChaCha8Rng::from_seed([1; 32]));
    (results.into_iter().map(|result| result.map(|_| ()).map_err(|rejection| rejection.rule)).collect(), validator)
}

#[test]
fn a_batch_passes_what_passes_alone_and_names_each_culprit() {
    let sound: Vec<_> = one_of_each().into_iter().map(|(_, sealed)| sealed.frame).collect();
    let (results, validator) = batch_of(&sound);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(validator.accepted(), Kind::ALL.len() as u64);

    let session = Session::run(2);
    let key = &session.signer(0).message_key;
    let join = Forged::from(&session.joins[0]);
    let signature = 34 + DELEGATION - 64;
    let mut mixed = sound;
    mixed[1] = Forged::from_bytes(&mixed[1]).set(motet_tests::wire_forge::SEQUENCE, &[77]).frame();
    mixed[3] = join.clone().set_body(signature, &[join.body()[signature] ^ 1]).sign(&network(), key).frame();
    mixed[6] = Forged::from_bytes(&mixed[6]).set(motet_tests::wire_forge::SENDER, &[9; 33]).frame();
    mixed[8] = Forged::from(&session.partials[0]).set_body(40, &[0xff; 32]).sign(&network(), key).frame();
    let (results, _) = batch_of(&mixed);
    let expected = |index| match index {
        1 | 6 => Err(Rule::Signature),
        3 => Err(Rule::DelegationSignature),
        8 => Err(Rule::Points),
        _ => Ok(()),
    };
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(result, expected(index), "{index}");
    }
}

/// Counts the draws: a batch has a random weight for each signature, a check by itself has none.
struct Counting {
    rng: ChaCha8Rng,
    draws: usize,
}

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.draws += 1;
        self.rng.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.draws += 1;
        self.rng.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.draws += 1;
        self.rng.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Counting {}

#[test]
fn a_peer_that_has_lied_cannot_spoil_batches_any_more() {
    let session = Session::run(3);
    let mut validator = validator();
    let mut rng = Counting { rng: ChaCha8Rng::from_seed([1; 32]), draws: 0 };
    let liar = |frame| Arrival { from: peer(1), ..arrival(frame) };
    let honest = |frame| Arrival { from: peer(2), ..arrival(frame) };
    let forged = Forged::from(&session.nonces[0]).set(motet_tests::wire_forge::SEQUENCE, &[77]).frame();

    let first = vec![
        validator.admit(liar(forged), NOW).unwrap(),
        validator.admit(honest(session.nonces[1].frame.clone()), NOW).unwrap(),
    ];
    let results = verify_batch(first, &mut rng);
    assert!(results[0].is_err() && results[1].is_ok());
    assert_eq!(rng.draws, 2, "two signatures in one batch");

    // From now on it is checked by itself, whatever it sends; the others are not.
    let second = vec![
        validator.admit(liar(session.nonces[2].frame.clone()), NOW).unwrap(),
        validator.admit(honest(session.partials[0].frame.clone()), NOW).unwrap(),
        validator.admit(honest(session.partials[1].frame.clone()), NOW).unwrap(),
    ];
    rng.draws = 0;
    let results = verify_batch(second, &mut rng);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(rng.draws, 2);
}

#[test]
fn members_of_live_sessions_are_checked_by_themselves_with_the_same_results() {
    let session = Session::run(3);
    let mut validator = validator();
    let mut rng = Counting { rng: ChaCha8Rng::from_seed([1; 32]), draws: 0 };
    let member = PeerClass::Participant { sessions: 1 };
    let mut check = |frames: Vec<Arc<[u8]>>| -> Vec<Result<(), Rule>> {
        let arrivals =
            frames.into_iter().zip(1..).map(|(frame, number)| Arrival { from: peer(number), ..arrival(frame) });
        let backlog = arrivals.map(|arrival| validator.admit(arrival.standing(member, member), NOW).unwrap()).collect();
        verify_batch(backlog, &mut rng)
            .into_iter()
            .map(|result| result.map(drop).map_err(|broken| broken.rule))
            .collect()
    };
    let forged = |frame: &Arc<[u8]>| Forged::from_bytes(frame).set(motet_tests::wire_forge::SEQUENCE, &[77]).frame();
    let no_key = Forged::from(&session.nonces[2]).set(motet_tests::wire_forge::SENDER, &[9; 33]).frame();
    // Before its key is known, while it is made, and when it is there.
    let [first, second, third] = [0, 1, 2].map(|number| &session.nonces[number].frame);
    assert_eq!(check(vec![forged(first), no_key]), [Err(Rule::Signature), Err(Rule::Signature)]);
    assert_eq!(check(vec![first.clone(), second.clone(), third.clone()]), [Ok(()), Ok(()), Ok(())]);
    let partials = [0, 1].map(|number| &session.partials[number].frame);
    assert_eq!(check(vec![forged(partials[0]), partials[1].clone()]), [Err(Rule::Signature), Ok(())]);
    assert_eq!(check(vec![partials[0].clone()]), [Ok(())]);
    assert_eq!(rng.draws, 0, "nothing was checked in a batch");
}

#[test]
fn where_both_signatures_are_wrong_the_envelopes_is_named() {
    let session = Session::run(2);
    let join = Forged::from(&session.joins[0]);
    let (signature, end) = (34 + DELEGATION - 64, join.frame().len());
    let spoiled = join.body()[signature] ^ 1;
    let both = join.set_body(signature, &[spoiled]).set(end - 1, &[0]).frame();
    assert_eq!(must_break(both.clone()).rule, Rule::Signature);
    let (results, _) = batch_of(&[session.nonces[0].frame.clone(), both]);
    assert_eq!(results, [Ok(()), Err(Rule::Signature)]);
}

#[test]
fn two_copies_in_one_batch_are_one_message() {
    let session = Session::run(2);
    let again = Forged::from(&session.nonces[0]).sign(&network(), &session.signer(0).message_key).frame();
    let (results, _) = batch_of(&[session.nonces[0].frame.clone(), again]);
    assert_eq!(results, [Ok(()), Err(Rule::Replay)]);
}

#[test]
fn an_empty_backlog_is_no_work() {
    assert!(verify_batch(Vec::new(), &mut ChaCha8Rng::from_seed([1; 32])).is_empty());
}

#[test]
fn what_was_proven_once_is_handed_on_by_sync_without_another_check() {
    let session = Session::run(2);
    let mut validator = validator();
    let frame = session.joins[0].frame.clone();
    assert!(validator.validate(arrival(frame.clone()), NOW).is_ok());
    // No budget is left for a check, and none is needed.
    let other = |number| Arrival { from: peer(number), ..arrival(session.nonces[0].frame.clone()) };
    let refused = (0..10_000).find_map(|number| validator.admit(other(number), NOW).err());
    assert_eq!(refused.unwrap().rule, Rule::Budget);
    let copy = Arrival { channel: Channel::Sync, ..arrival(frame.clone()) };
    assert!(validator.validate(copy, NOW).is_ok());
    // The same content with a signature that is not the one that was proven is checked again.
    let end = frame.len();
    let forged = Forged::from_bytes(&frame).set(end - 1, &[frame[end - 1] ^ 1]).frame();
    let copy = Arrival { channel: Channel::Sync, ..arrival(forged) };
    assert_eq!(validator.validate(copy, later(1_000)).unwrap_err().rule, Rule::Signature);
}
