//! Messages of a node itself: what it seals is what all others make of the frame, and the pipeline knows it from then on.

use std::sync::Arc;

use motet_core_crypto::SecretKey;
use motet_core_crypto::schnorr::SigningKey;
use motet_tests::wire_fixtures::{
    NOW, Session, Signer, advertisement, arrival, later, network, one_of_each, peer, validator, validator_with,
};
use motet_wire::{
    Arrival, Author, Channel, Delegation, Kind, Message, ParticipantJoined, Rule, SealError, SignerAdvertisement,
    Validated, ValidatorLimits, VerifiedDelegation,
};

fn message_key(signer: &Signer) -> SigningKey {
    SigningKey::new(SecretKey::from_bytes(&signer.message_key.dangerous_to_bytes()).unwrap())
}

fn author<'a>(key: &'a SigningKey, network: &'a motet_wire::NetworkId) -> Author<'a> {
    Author { network, key, peer: peer(1), delegation: None }
}

/// The channel on which others may get a frame of this kind.
fn channel(kind: Kind) -> Channel {
    if kind == Kind::ResourceAnnouncement { Channel::Dht } else { Channel::Direct }
}

#[test]
fn an_own_message_is_what_every_other_node_makes_of_its_frame() {
    let network = network();
    for (name, sealed) in one_of_each() {
        let came = Arrival { channel: channel(sealed.kind), ..arrival(Arc::clone(&sealed.frame)) };
        let theirs = validator().validate(came, NOW).unwrap();
        let Some(signer) = (1..=9).map(Signer::new).find(|signer| signer.message_key.public_key() == *theirs.sender())
        else {
            panic!("{name} is of nobody");
        };
        let message = theirs.message().clone();
        let at = motet_wire::Now { wall: theirs.timestamp(), ..NOW };
        let own = author(&message_key(&signer), &network).seal(theirs.sequence(), at, message, &[7; 32]).unwrap();
        let facts = |message: &Validated| {
            (message.id(), *message.sender(), message.sequence(), message.kind(), message.is_expired(NOW))
        };
        assert_eq!(facts(&own), facts(&theirs), "{name}");
        assert_eq!((own.message(), own.frame()), (theirs.message(), theirs.frame()), "{name}");
        assert_eq!(own.deadline().is_some(), theirs.deadline().is_some(), "{name}");
        assert_eq!((own.channel(), own.from()), (Channel::Own, &peer(1)), "{name}");
    }
}

#[test]
fn a_copy_of_an_own_message_is_a_replay_and_a_rivals_is_not() {
    let (network, signer) = (network(), Signer::new(1));
    let validator = &mut validator_with(ValidatorLimits::default());
    let offer =
        motet_tests::wire_fixtures::pay_advertisement(advertisement(&signer), motet_tests::wire_fixtures::FLOOR);
    let own = author(&message_key(&signer), &network).seal(5, NOW, offer.clone().into(), &[7; 32]).unwrap();
    validator.note_own(&own, NOW);
    for channel in [Channel::Direct, Channel::Gossip] {
        let copy = Arrival { channel, ..arrival(Arc::clone(own.frame())) };
        assert_eq!(validator.validate(copy, later(1)).unwrap_err().rule, Rule::Replay);
    }
    // A copy of the node speaks for the same signer. What it has said before is stale; what it says since is heard.
    let rival = |sequence| signer.seal(sequence, Message::from(offer.clone()));
    assert_eq!(validator.validate(arrival(rival(4).frame), later(2)).unwrap_err().rule, Rule::Stale);
    let heard = validator.validate(arrival(rival(6).frame), later(3)).unwrap();
    assert!(heard.narrow::<SignerAdvertisement>().is_ok());
}

#[test]
fn an_own_message_that_comes_back_on_request_costs_no_signature_check() {
    let (network, session) = (network(), Session::run(2));
    // One check a second for strangers; a join needs two.
    let limits = ValidatorLimits { verifications_per_second: 5, ..ValidatorLimits::default() };
    let mut validator = validator_with(limits);
    let join = &session.joins[0];
    let asked = || Arrival { channel: Channel::Sync, ..arrival(Arc::clone(&join.frame)) };
    assert_eq!(validator.validate(asked(), NOW).unwrap_err().rule, Rule::Budget);
    let theirs = validator_with(ValidatorLimits::default()).validate(arrival(Arc::clone(&join.frame)), NOW).unwrap();
    let signer = session.signer(0);
    let at = motet_wire::Now { wall: theirs.timestamp(), ..NOW };
    let own =
        author(&message_key(signer), &network).seal(theirs.sequence(), at, theirs.into_message(), &[7; 32]).unwrap();
    assert_eq!(own.frame(), &join.frame);
    validator.note_own(&own, NOW);
    assert!(validator.validate(asked(), NOW).is_ok());
}

#[test]
fn a_delegation_that_nobody_has_signed_is_not_sealed_whatever_was_verified_before() {
    let (network, signer, thief) = (network(), Signer::new(1), Signer::new(2));
    let session = Session::run(2);
    let join = |delegation: Delegation| -> Message {
        let request = session.request.id(&network).unwrap();
        ParticipantJoined { request, index: motet_wire::SignerIndex(0), delegation, commitment: None }.into()
    };
    let forged = Delegation { signer: thief.key.public_key(), ..signer.delegation() };
    let known = VerifiedDelegation::new(signer.delegation(), &network).unwrap();
    assert!(VerifiedDelegation::new(forged.clone(), &network).is_err());
    let key = message_key(&signer);
    let author = Author { delegation: Some(&known), ..author(&key, &network) };
    let refused = author.seal(1, NOW, join(forged), &[7; 32]).unwrap_err();
    assert!(matches!(refused, SealError::Delegation(_)), "{refused}");
    // Nor does the proof for one network serve on another.
    let other = motet_wire::NetworkId::main();
    let elsewhere = Author { network: &other, ..author };
    assert!(matches!(elsewhere.seal(1, NOW, join(signer.delegation()), &[7; 32]), Err(SealError::Delegation(_))));
}
