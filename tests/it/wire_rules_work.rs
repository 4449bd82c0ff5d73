//! V-32 and V-33: which messages have to be paid for with work, each rule with its neighbour on the right side.

use std::sync::Arc;

use motet_tests::wire_fixtures::{
    FLOOR, NOW, Signer, advertisement, arrival, network, pay_advertisement, pay_request, request, resource, validator,
};
use motet_wire::work::{Free, claim_of_advertisement, claim_of_resource, epoch};
use motet_wire::{
    Admitted, Difficulty, HashWork, Load, PeerClass, Penalty, Rejection, Rule, SigningRequest, Validator,
    ValidatorLimits, Verdict, Work, WorkPolicy,
};

fn judge(sealed: &motet_wire::Sealed, standing: PeerClass, load: Load) -> Result<(), Rejection> {
    let mut validator = validator();
    validator.set_load(load);
    validator.admit(arrival(sealed.frame.clone()).standing(standing, standing), NOW).map(|_: Admitted| ())
}

#[test]
fn v32_an_advertisement_is_paid_for() {
    let signer = Signer::new(1);
    let paid = advertisement(&signer);
    assert!(judge(&signer.seal(1, paid.clone()), PeerClass::Stranger, Load::IDLE).is_ok());
    let policy = HashWork { floor: FLOOR, ceiling: FLOOR };
    let claim = claim_of_advertisement(&network(), &paid).unwrap();
    let unpaid = (0..).map(|nonce| Work { nonce, ..paid.work }).find(|work| policy.check(&claim, Some(work)).is_err());
    for work in [unpaid.unwrap(), Work { epoch: paid.work.epoch + 1, ..paid.work }] {
        let cheap = motet_wire::SignerAdvertisement { work, ..paid.clone() };
        let rejection = judge(&signer.seal(1, cheap), PeerClass::Contact, Load::IDLE).unwrap_err();
        assert_eq!(
            (rejection.rule, rejection.verdict, rejection.penalty),
            (Rule::Work, Verdict::Reject, Penalty::Malformed)
        );
    }
}

#[test]
fn v32_a_resource_is_paid_for_with_a_stamp_of_its_own() {
    let signer = Signer::new(1);
    let paid = resource(&signer, "relay", "1");
    let heard = |work| {
        let sealed = signer.seal(1, motet_wire::ResourceAnnouncement { work, ..paid.clone() });
        validator().validate(arrival(sealed.frame), NOW).map(|_| ()).map_err(|rejection| rejection.rule)
    };
    assert_eq!(heard(paid.work), Ok(()));
    let policy = HashWork { floor: FLOOR, ceiling: FLOOR };
    let claim = claim_of_resource(&network(), &paid).unwrap();
    let nonces = || (0..).map(|nonce| Work { nonce, ..paid.work });
    let unpaid = nonces().find(|work| policy.check(&claim, Some(work)).is_err());
    let as_an_advertisement = motet_wire::WorkClaim { purpose: motet_wire::Purpose::Advertisement, ..claim.clone() };
    let elsewhere = nonces().find(|work| {
        policy.check(&as_an_advertisement, Some(work)).is_ok() && policy.check(&claim, Some(work)).is_err()
    });
    for work in [unpaid.unwrap(), elsewhere.unwrap(), Work { epoch: paid.work.epoch + 1, ..paid.work }] {
        assert_eq!(heard(work), Err(Rule::Work));
    }
}

#[test]
fn v32_a_stamp_is_for_one_network_author_payload_and_epoch() {
    let signer = Signer::new(1);
    let policy = HashWork { floor: Difficulty(16), ceiling: Difficulty(16) };
    let paid = pay_advertisement(advertisement(&signer), Difficulty(16));
    let claim = claim_of_advertisement(&network(), &paid).unwrap();
    let check = |claim: &motet_wire::WorkClaim, epoch| policy.check(claim, Some(&Work { epoch, ..paid.work }));
    assert_eq!(check(&claim, paid.work.epoch), Ok(()));
    let other = motet_wire::WorkClaim { network: motet_wire::NetworkId::main(), ..claim.clone() };
    assert!(check(&other, paid.work.epoch).is_err());
    let other = motet_wire::WorkClaim { author: [2; 33], ..claim.clone() };
    assert!(check(&other, paid.work.epoch).is_err());
    let other = motet_wire::WorkClaim { payload: [2; 32], ..claim.clone() };
    assert!(check(&other, paid.work.epoch).is_err());
    let other = motet_wire::WorkClaim { purpose: motet_wire::Purpose::Request, ..claim.clone() };
    assert!(check(&other, paid.work.epoch).is_err());
    let next = motet_wire::TimestampMs(claim.created.0 + 600_000);
    let other = motet_wire::WorkClaim { created: next, ..claim };
    assert!(check(&other, epoch(next)).is_err());
}

#[test]
fn v33_a_busy_node_asks_strangers_for_more() {
    let signer = Signer::new(1);
    let value = |difficulty| signer.seal(1, pay_advertisement(advertisement(&signer), difficulty));
    // The fixtures' policy goes from 8 bits at half load to 12 when it is full.
    let strong = value(Difficulty(12));
    assert!(judge(&strong, PeerClass::Stranger, Load::percent(100)).is_ok());
    let policy = HashWork { floor: FLOOR, ceiling: Difficulty(12) };
    let demanded = |percent| policy.demanded(Load::percent(percent)).0;
    assert_eq!([0, 50, 51, 75, 100].map(demanded), [8, 8, 9, 10, 12]);
    // A stamp of exactly 8 bits.
    let weak = (0..).map(|salt| {
        let mut offer = advertisement(&signer);
        offer.metadata.fee = salt;
        pay_advertisement(offer, FLOOR)
    });
    let exactly = |offer: &motet_wire::SignerAdvertisement| {
        let claim = claim_of_advertisement(&network(), offer).unwrap();
        let more = HashWork { floor: Difficulty(9), ceiling: Difficulty(9) };
        more.check(&claim, Some(&offer.work)).is_err()
    };
    let weak = signer.seal(1, weak.into_iter().find(exactly).unwrap());
    assert!(judge(&weak, PeerClass::Stranger, Load::percent(50)).is_ok());
    let rejection = judge(&weak, PeerClass::Stranger, Load::percent(51)).unwrap_err();
    assert_eq!(
        (rejection.rule, rejection.verdict, rejection.penalty),
        (Rule::WorkHere, Verdict::Ignore, Penalty::None)
    );
    assert!(judge(&weak, PeerClass::Contact, Load::percent(100)).is_ok());
}

#[test]
fn v33_a_request_of_a_stranger_is_paid_for() {
    let signers: Vec<Signer> = (1..=2).map(Signer::new).collect();
    let paid = signers[0].seal(1, request(&signers));
    let free = signers[0].seal(1, SigningRequest { work: None, ..request(&signers) });
    assert!(judge(&paid, PeerClass::Stranger, Load::IDLE).is_ok());
    assert_eq!(judge(&free, PeerClass::Stranger, Load::IDLE).unwrap_err().rule, Rule::WorkHere);
    assert!(judge(&free, PeerClass::Contact, Load::IDLE).is_ok());
    assert!(judge(&free, PeerClass::Participant { sessions: 1 }, Load::IDLE).is_ok());
    let mut moved = pay_request(request(&signers), FLOOR);
    moved.work = moved.work.map(|work| Work { epoch: work.epoch + 1, ..work });
    assert_eq!(judge(&signers[0].seal(1, moved), PeerClass::Contact, Load::IDLE).unwrap_err().rule, Rule::Work);
}

#[test]
fn v33_another_policy_takes_the_place_of_hashing() {
    let signers: Vec<Signer> = (1..=2).map(Signer::new).collect();
    let free = signers[0].seal(1, SigningRequest { work: None, ..request(&signers) });
    let mut validator = Validator::with_work(network(), ValidatorLimits::default(), Arc::new(Free));
    assert!(validator.validate(arrival(free.frame), NOW).is_ok());
}
