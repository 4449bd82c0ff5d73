//! Minting proofs of work: it says how far it is, ends when told to, and finds what every receiver accepts.

use std::ops::ControlFlow;

use motet_tests::wire_fixtures::{NOW, Session, Signer, advertisement, network};
use motet_wire::work::{Free, claim_of_advertisement, claim_of_request, epoch, mint};
use motet_wire::{
    Difficulty, HashWork, Load, PeerClass, SignerAdvertisement, SigningRequest, TimestampMs, Work, WorkClaim,
    WorkFault, WorkPolicy,
};

fn claim() -> WorkClaim {
    claim_of_advertisement(&network(), &advertisement(&Signer::new(1))).unwrap()
}

fn asking(bits: u8) -> HashWork {
    HashWork { floor: Difficulty(bits), ceiling: Difficulty(bits) }
}

#[test]
fn it_reports_as_it_goes_and_stops_where_it_is_told_to() {
    let mut reports = Vec::new();
    let found = mint(&claim(), Difficulty(255), |tried| {
        reports.push(tried);
        if reports.len() == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(found, None, "255 zero bits are not found by chance");
    let steps: Vec<u64> = reports.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Often enough to yield in between: a few thousand hashes are about a millisecond.
    assert!(reports[0] > 0 && steps.iter().all(|step| *step == reports[0] && *step <= 10_000), "{reports:?}");
}

#[test]
fn a_search_that_is_told_to_stop_at_once_stops_after_its_first_stride() {
    let mut reports = 0;
    let found = mint(&claim(), Difficulty(255), |_| {
        reports += 1;
        ControlFlow::Break(())
    });
    assert_eq!((found, reports), (None, 1));
}

#[test]
fn what_is_found_is_worth_what_was_asked_for() {
    for bits in [0, 1, 8, 12] {
        let mut tried = 0;
        let work = mint(&claim(), Difficulty(bits), |tries| {
            tried = tries;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(work.nonce >= tried, "found in the stride after the last report");
        assert_eq!(asking(bits).check(&claim(), Some(&work)), Ok(()));
        // The next number is hardly ever worth as much by chance; that some other is not shows that values are looked at.
        let spoiled = (1..100).map(|step| Work { nonce: work.nonce + step, ..work });
        let worth = spoiled.filter(|work| asking(bits).check(&claim(), Some(work)).is_ok()).count();
        assert!(bits == 0 || worth < 90, "{bits} bits: {worth} of 99");
        assert_eq!(work.epoch, epoch(claim().created));
    }
}

#[test]
fn the_claim_does_not_depend_on_the_work_that_is_there() {
    let paid = advertisement(&Signer::new(1));
    let unpaid = SignerAdvertisement { work: Work::default(), ..paid.clone() };
    assert_eq!(claim_of_advertisement(&network(), &paid), claim_of_advertisement(&network(), &unpaid));
    let paid = Session::run(2).request;
    let unpaid = SigningRequest { work: None, ..paid.clone() };
    assert_eq!(claim_of_request(&network(), &paid), claim_of_request(&network(), &unpaid));
}

#[test]
fn an_epoch_has_ten_minutes() {
    let start = u64::from(epoch(NOW.wall)) * 600_000;
    assert_eq!(epoch(TimestampMs(start)), epoch(TimestampMs(start + 599_999)));
    assert_eq!(epoch(TimestampMs(start + 600_000)), epoch(TimestampMs(start)) + 1);
}

#[test]
fn what_is_demanded_rises_from_half_load_on() {
    let work = HashWork::default();
    let demanded = |percent| work.demanded(Load::percent(percent)).0;
    assert_eq!([0, 50, 51, 75, 100, 255].map(demanded), [20, 20, 21, 23, 26, 26]);
    assert!((0..100).all(|percent| demanded(percent) <= demanded(percent + 1)));
}

#[test]
fn policies_take_each_others_place() {
    let policies: [(&dyn WorkPolicy, Result<(), WorkFault>); 2] =
        [(&Free, Ok(())), (&HashWork::default(), Err(WorkFault::Insufficient))];
    for (policy, expected) in policies {
        assert_eq!(policy.check(&claim(), None), expected);
    }
    // A contact needs none.
    let known = WorkClaim { standing: PeerClass::Contact, ..claim() };
    assert_eq!(HashWork::default().check(&known, None), Ok(()));
}
