//! Evidence: whoever is guilty is convicted by anybody, offline; nobody who is honest ever is.

use motet_core_crypto::{NonceCommitment, PublicNonce};
use motet_tests::wire_fixtures::{Session, Signer, WALL, equivocation, network, request};
use motet_tests::wire_forge::{DELEGATION, Forged, TIMESTAMP};
use motet_wire::{
    Attempt, AttemptId, Charge, Commitments, Evidence, EvidenceFault, Kind, NetworkId, NonceCommit, NonceShare,
    PartialSigShare, ParticipantJoined, RequestId, RequestOptions, SealError, SessionAbort, SignerIndex,
    SigningRequest, TranscriptHash, transcript,
};

/// What is needed to accuse a signer of its partial signature of one item.
fn accusation(session: &Session, accused: usize, item: usize, partials: &[u8]) -> Evidence {
    let nonces_of =
        |item: usize| -> Vec<[u8; 66]> { session.public_nonces.iter().map(|nonces| nonces[item].to_bytes()).collect() };
    let others = (0..session.request.items.len()).filter(|other| *other != item);
    Evidence::BadPartialSignature {
        join: session.joins[accused].frame.to_vec(),
        terms: session.request.terms().unwrap(),
        partials: partials.to_vec(),
        item: u16::try_from(item).unwrap(),
        item_nonces: nonces_of(item),
        other_items: others.map(|other| transcript::item_nonces(&session.id, other, &nonces_of(other))).collect(),
    }
}

/// The share that a signer makes of these partial signatures.
pub(crate) fn share(session: &Session, signer: usize, change: impl FnOnce(&mut PartialSigShare)) -> Vec<u8> {
    let mut share = honest_share(session, signer);
    change(&mut share);
    session.signer(signer).seal(20, share).frame.to_vec()
}

fn honest_share(session: &Session, signer: usize) -> PartialSigShare {
    let arrival = motet_tests::wire_fixtures::arrival(session.partials[signer].frame.clone());
    let message = motet_tests::wire_fixtures::validator()
        .validate(arrival, motet_tests::wire_fixtures::NOW)
        .unwrap()
        .narrow::<PartialSigShare>()
        .unwrap();
    message.into_message()
}

#[track_caller]
pub(crate) fn must_convict(evidence: &Evidence, session: &Session, index: usize, charge: Charge) {
    // It convicts after a journey as bytes, too.
    let bytes = evidence.to_bytes().unwrap();
    let read = Evidence::from_bytes(&bytes).unwrap();
    assert_eq!(&read, evidence);
    let conviction = read.verify(&network()).unwrap();
    assert_eq!(conviction.signer, session.signer(index).key.public_key());
    assert_eq!(conviction.message_key, session.signer(index).message_key.public_key());
    assert_eq!(conviction.charge, charge);
    if charge != Charge::Malformed {
        assert_eq!(conviction.index, Some(SignerIndex(u16::try_from(index).unwrap())));
        assert_eq!(conviction.request, Some(session.request.id(&network()).unwrap()));
    }
}

#[test]
fn two_different_nonces_in_one_slot_convict() {
    let session = Session::run(3);
    let evidence = equivocation(&session);
    must_convict(&evidence, &session, 1, Charge::Equivocation);
    // On another network nobody signed anything.
    assert_eq!(evidence.verify(&NetworkId::main()), Err(EvidenceFault::Statement));
}

#[test]
fn two_different_commitments_of_a_join_convict() {
    let session = Session::run(2);
    let other = ParticipantJoined {
        request: session.request.id(&network()).unwrap(),
        index: SignerIndex(1),
        delegation: session.signer(1).delegation(),
        commitment: Some(NonceCommitment::from_bytes(&[9; 32])),
    };
    let join = session.joins[1].frame.to_vec();
    let second = session.signer(1).seal(5, other).frame.to_vec();
    let evidence = Evidence::Equivocation { join: join.clone(), first: join, second };
    must_convict(&evidence, &session, 1, Charge::Equivocation);
}

#[test]
fn saying_the_same_again_is_no_equivocation() {
    let session = Session::run(2);
    let accused = session.signer(0);
    let share = NonceShare {
        session: session.id,
        attempt: Attempt::FIRST,
        nonces: session.public_nonces[0].clone(),
        commitments: match motet_tests::wire_fixtures::validator()
            .validate(
                motet_tests::wire_fixtures::arrival(session.nonces[0].frame.clone()),
                motet_tests::wire_fixtures::NOW,
            )
            .unwrap()
            .narrow::<NonceShare>()
        {
            Ok(share) => share.message().commitments,
            Err(other) => panic!("{other:?}"),
        },
    };
    // Another time, another sequence, another signature: the same statement.
    let again = accused.seal_at(99, WALL + 60_000, share).frame.to_vec();
    let evidence = Evidence::Equivocation {
        join: session.joins[0].frame.to_vec(),
        first: session.nonces[0].frame.to_vec(),
        second: again,
    };
    assert_eq!(evidence.verify(&network()), Err(EvidenceFault::NoFault));
}

#[test]
fn joining_again_with_a_renewed_delegation_is_no_equivocation() {
    let session = Session::run(2);
    let commitment = NonceCommitment::new(session.id.as_bytes(), 0, &session.public_nonces[0]);
    let renewed = ParticipantJoined {
        request: session.request.id(&network()).unwrap(),
        index: SignerIndex(0),
        delegation: session.signer(0).delegation_until(motet_wire::TimestampMs(WALL + 20 * 3_600_000)),
        commitment: Some(commitment),
    };
    let first = session.joins[0].frame.to_vec();
    let second = session.signer(0).seal(2, renewed).frame.to_vec();
    assert_ne!(first, second);
    let evidence = Evidence::Equivocation { join: first.clone(), first, second };
    assert_eq!(evidence.verify(&network()), Err(EvidenceFault::NoFault));
}

#[test]
fn statements_of_two_attempts_do_not_contradict_each_other() {
    let session = Session::run(2);
    let accused = session.signer(0);
    let request = session.request.id(&network()).unwrap();
    let commit = |attempt, byte: u8| {
        let commit = NonceCommit {
            session: AttemptId::derive(&request, Attempt(attempt)),
            attempt: Attempt(attempt),
            commitment: NonceCommitment::from_bytes(&[byte; 32]),
        };
        accused.seal(10, commit).frame.to_vec()
    };
    let join = session.joins[0].frame.to_vec();
    let pair = |first, second| Evidence::Equivocation { join: join.clone(), first, second }.verify(&network());
    assert_eq!(pair(commit(1, 1), commit(2, 2)).unwrap_err(), EvidenceFault::Unrelated);
    assert_eq!(pair(commit(1, 1), commit(1, 1)).unwrap_err(), EvidenceFault::NoFault);
    assert_eq!(pair(commit(1, 1), commit(1, 2)).unwrap().charge, Charge::Equivocation);
    // An attempt that is not of this request's session is somebody else's affair.
    let elsewhere = NonceCommit {
        session: AttemptId::from_bytes([1; 32]),
        attempt: Attempt(1),
        commitment: NonceCommitment::from_bytes(&[3; 32]),
    };
    let elsewhere = accused.seal(11, elsewhere).frame.to_vec();
    assert_eq!(pair(commit(1, 1), elsewhere).unwrap_err(), EvidenceFault::Unrelated);
}

#[test]
fn one_signers_words_do_not_convict_another() {
    let session = Session::run(3);
    let Evidence::Equivocation { first, second, .. } = equivocation(&session) else { panic!("an equivocation") };
    let join = session.joins[0].frame.to_vec();
    let framed = Evidence::Equivocation { join, first: first.clone(), second: second.clone() };
    assert_eq!(framed.verify(&network()), Err(EvidenceFault::Statement));
    // Nor does a join in which the accuser delegates the accused's message key to itself.
    let thief = session.signer(0);
    let mut delegation = thief.delegation();
    delegation.message_key = session.signer(1).message_key.public_key();
    let join = ParticipantJoined {
        request: session.request.id(&network()).unwrap(),
        index: SignerIndex(0),
        delegation,
        commitment: None,
    };
    assert!(matches!(
        motet_wire::seal(&network(), &thief.message_key, 1, motet_wire::TimestampMs(WALL), &join.into(), &[0; 32]),
        Err(SealError::Structure(_))
    ));
}

#[test]
fn only_a_sound_delegation_binds_words_to_a_signer() {
    let session = Session::run(3);
    let Evidence::Equivocation { join, first, second } = equivocation(&session) else { panic!("it is one") };
    let charge = |join: Forged, key: &motet_core_crypto::SecretKey| {
        let join = join.sign(&network(), key).frame().to_vec();
        Evidence::Equivocation { join, first: first.clone(), second: second.clone() }.verify(&network())
    };
    let own = &session.signer(1).message_key;
    let join = Forged::from_bytes(&join);
    assert_eq!(charge(join.clone(), own).map(|conviction| conviction.charge), Ok(Charge::Equivocation));
    // The delegation had ended when the join was made: its last millisecond binds, the next does not.
    let end = session.signer(1).delegation().not_after.0;
    assert!(charge(join.clone().set(TIMESTAMP, &(end - 1).to_le_bytes()), own).is_ok());
    assert_eq!(charge(join.clone().set(TIMESTAMP, &end.to_le_bytes()), own), Err(EvidenceFault::Delegation));
    // It is not signed by the signer.
    let signature = 34 + DELEGATION - 64;
    let spoiled = join.body()[signature] ^ 1;
    assert_eq!(charge(join.clone().set_body(signature, &[spoiled]), own), Err(EvidenceFault::Delegation));
    // It is for another key than the one that speaks.
    assert_eq!(charge(join, &session.signer(0).message_key), Err(EvidenceFault::Delegation));
}

#[test]
fn a_signer_is_held_to_the_place_that_is_its_own() {
    let session = Session::run(3);
    let join = |index: u16, commitment: u8| {
        let join = ParticipantJoined {
            request: session.request.id(&network()).unwrap(),
            index: SignerIndex(index),
            delegation: session.signer(1).delegation(),
            commitment: Some(NonceCommitment::from_bytes(&[commitment; 32])),
        };
        session.signer(1).seal(9, join).frame.to_vec()
    };
    // Two joins in two places are two slots.
    let evidence = |first, second| Evidence::Equivocation { join: join(1, 1), first, second }.verify(&network());
    assert!(evidence(join(1, 1), join(1, 2)).is_ok());
    assert_eq!(evidence(join(1, 1), join(2, 2)), Err(EvidenceFault::Unrelated));
    // Two joins of another request say nothing about this one.
    let other = |commitment: u8| {
        let join = ParticipantJoined {
            request: RequestId::from_bytes([9; 32]),
            index: SignerIndex(1),
            delegation: session.signer(1).delegation(),
            commitment: Some(NonceCommitment::from_bytes(&[commitment; 32])),
        };
        session.signer(1).seal(9, join).frame.to_vec()
    };
    assert_eq!(evidence(other(1), other(2)), Err(EvidenceFault::Unrelated));
    // A partial signature is checked as that of the key that stands there.
    let partials = share(&session, 1, |share| share.partials.swap(0, 1));
    must_convict(&accusation(&session, 1, 0, &partials), &session, 1, Charge::BadPartialSignature);
    let mut elsewhere = accusation(&session, 1, 0, &partials);
    if let Evidence::BadPartialSignature { join: stated, .. } = &mut elsewhere {
        *stated = join(0, 1);
    }
    assert_eq!(elsewhere.verify(&network()), Err(EvidenceFault::Unrelated));
}

#[test]
fn a_signed_frame_that_is_too_long_convicts() {
    let session = Session::run(2);
    let key = &session.signer(1).message_key;
    let charge = |joins: u32| {
        // A readiness whose joins are each within their bound.
        let mut body = [[1; 32].as_slice(), &[2; 32], &[0, 0], &joins.to_le_bytes()].concat();
        for _ in 0..joins {
            body.extend_from_slice(&500u32.to_le_bytes());
            body.extend_from_slice(&[3; 500]);
        }
        let frame = Forged::around(Kind::SessionReady.code(), key, 1, WALL, &body).sign(&network(), key).frame();
        Evidence::Malformed { binding: session.joins[1].frame.to_vec(), frame: frame.to_vec() }.verify(&network())
    };
    assert_eq!(charge(80), Err(EvidenceFault::NoFault));
    assert_eq!(charge(82).map(|conviction| conviction.charge), Ok(Charge::Malformed));
}

#[test]
fn nonces_that_do_not_open_the_commitment_convict() {
    let session = Session::run(2);
    let mut swapped = session.public_nonces[1].clone();
    swapped.reverse();
    let lie = NonceShare {
        session: session.id,
        attempt: Attempt::FIRST,
        nonces: swapped,
        commitments: transcript::NO_COMMITMENTS,
    };
    let join = session.joins[1].frame.to_vec();
    let nonces = session.signer(1).seal(7, lie).frame.to_vec();
    let evidence = Evidence::BadOpening { join: join.clone(), commit: None, nonces };
    must_convict(&evidence, &session, 1, Charge::BadOpening);
    let honest = Evidence::BadOpening { join, commit: None, nonces: session.nonces[1].frame.to_vec() };
    assert_eq!(honest.verify(&network()), Err(EvidenceFault::NoFault));
}

#[test]
fn the_commitment_of_a_later_attempt_is_its_own_message() {
    let session = Session::run(2);
    let accused = session.signer(0);
    let request = session.request.id(&network()).unwrap();
    let second = AttemptId::derive(&request, Attempt(1));
    let nonces: Vec<PublicNonce> = session.public_nonces[1].clone();
    let commitment = NonceCommitment::new(second.as_bytes(), 0, &nonces);
    let commit = |commitment| {
        let commit = NonceCommit { session: second, attempt: Attempt(1), commitment };
        accused.seal(8, commit).frame.to_vec()
    };
    let opened = NonceShare { session: second, attempt: Attempt(1), nonces, commitments: transcript::NO_COMMITMENTS };
    let opened = accused.seal(9, opened).frame.to_vec();
    let join = session.joins[0].frame.to_vec();
    let judge = |commit| {
        let evidence = Evidence::BadOpening { join: join.clone(), commit, nonces: opened.clone() };
        evidence.verify(&network()).map(|conviction| conviction.charge)
    };
    assert_eq!(judge(Some(commit(commitment))), Err(EvidenceFault::NoFault));
    assert_eq!(judge(Some(commit(NonceCommitment::from_bytes(&[1; 32])))), Ok(Charge::BadOpening));
    // The join's commitment is of attempt 0.
    assert_eq!(judge(None), Err(EvidenceFault::Statement));
    // An honest signer commits to other nonces in another attempt.
    let third = AttemptId::derive(&request, Attempt(2));
    let other = NonceCommit { session: third, attempt: Attempt(2), commitment: NonceCommitment::from_bytes(&[1; 32]) };
    assert_eq!(judge(Some(accused.seal(10, other).frame.to_vec())), Err(EvidenceFault::Unrelated));
}

#[test]
fn without_commitments_no_opening_is_bad() {
    let signers: Vec<Signer> = (1..=2).map(Signer::new).collect();
    let options = RequestOptions { commitments: Commitments::Off, ..RequestOptions::default() };
    let unpaid = SigningRequest { options, ..request(&signers) };
    let session = Session::run_request(signers, unpaid);
    let join = ParticipantJoined {
        request: session.request.id(&network()).unwrap(),
        index: SignerIndex(0),
        delegation: session.signer(0).delegation(),
        commitment: None,
    };
    let join = session.signer(0).seal(1, join).frame.to_vec();
    let evidence = Evidence::BadOpening { join, commit: None, nonces: session.nonces[0].frame.to_vec() };
    assert_eq!(evidence.verify(&network()), Err(EvidenceFault::Statement));
}

#[test]
fn a_partial_signature_that_fails_under_its_authors_own_nonces_convicts() {
    let session = Session::run(3);
    for item in 0..3 {
        let bad = share(&session, 2, |share| share.partials.rotate_left(1));
        must_convict(&accusation(&session, 2, item, &bad), &session, 2, Charge::BadPartialSignature);
        let honest = accusation(&session, 2, item, &session.partials[2].frame);
        assert_eq!(honest.verify(&network()), Err(EvidenceFault::NoFault));
    }
}

#[test]
fn an_honest_signer_is_not_convicted_under_nonces_that_it_did_not_sign_for() {
    // Somebody shows the judge other nonces than the signer was shown.
    let session = Session::run(3);
    let Evidence::BadPartialSignature { join, terms, partials, item, mut item_nonces, other_items } =
        accusation(&session, 0, 1, &session.partials[0].frame)
    else {
        panic!("a bad partial signature")
    };
    item_nonces[2] = session.public_nonces[2][0].to_bytes();
    let framed = Evidence::BadPartialSignature {
        join: join.clone(),
        terms: terms.clone(),
        partials: partials.clone(),
        item,
        item_nonces: item_nonces.clone(),
        other_items: other_items.clone(),
    };
    assert_eq!(framed.verify(&network()), Err(EvidenceFault::NotCommitted));
    // Nor under another request, nor as another item, nor with the signers in another order.
    let mut other_terms = terms.clone();
    *other_terms.last_mut().unwrap() ^= 1;
    let framed = Evidence::BadPartialSignature {
        join: join.clone(),
        terms: other_terms,
        partials: partials.clone(),
        item,
        item_nonces: item_nonces.clone(),
        other_items: other_items.clone(),
    };
    assert_eq!(framed.verify(&network()), Err(EvidenceFault::NotCommitted));
    for item in [0, 2, 3, u16::MAX] {
        let framed = Evidence::BadPartialSignature {
            join: join.clone(),
            terms: terms.clone(),
            partials: partials.clone(),
            item,
            item_nonces: item_nonces.clone(),
            other_items: other_items.clone(),
        };
        assert!(framed.verify(&network()).is_err());
    }
}

#[test]
fn a_signer_that_claims_another_set_of_nonces_is_not_convicted_by_ours() {
    let session = Session::run(3);
    let disputed = share(&session, 1, |share| share.nonces = TranscriptHash::from_bytes([3; 32]));
    let evidence = accusation(&session, 1, 0, &disputed);
    assert_eq!(evidence.verify(&network()), Err(EvidenceFault::NotCommitted));
}

#[test]
fn any_change_of_evidence_convicts_nobody_else() {
    let session = Session::run(2);
    let bad = share(&session, 1, |share| share.partials.rotate_left(1));
    let guilty = session.signer(1).key.public_key();
    for evidence in [equivocation(&session), accusation(&session, 1, 0, &bad)] {
        let bytes = evidence.to_bytes().unwrap();
        for (index, bit) in (0..bytes.len()).step_by(7).zip((0..8).cycle()) {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << bit;
            if let Ok(conviction) = Evidence::from_bytes(&changed).map(|evidence| evidence.verify(&network())) {
                assert!(conviction.is_err_and(|_| true), "byte {index} of {guilty} may be changed");
            }
        }
    }
}

#[test]
fn the_largest_evidence_fits_into_an_abort() {
    let signers: Vec<Signer> = (1..=100).map(Signer::new).collect();
    let items = (0..64u8)
        .map(|number| motet_wire::Item { message: vec![number; 32], derivation: motet_wire::Derivation::None })
        .collect();
    let mut request = SigningRequest { items, ..request(&signers) };
    // Fill the request up to the largest frame.
    let length = Forged::from(&signers[0].seal(1, request.clone())).frame().len();
    let spare = motet_wire::limits::FRAME_SIGNING_REQUEST - length;
    request.metadata.transaction = vec![1; 4 + spare.min(32 * 1024 - 4)];
    let left = spare - (request.metadata.transaction.len() - 4);
    request.items[0].message = vec![1; 32 + left];
    let request = motet_tests::wire_fixtures::pay_request(request, motet_tests::wire_fixtures::FLOOR);
    assert_eq!(signers[0].seal(1, request.clone()).frame.len(), motet_wire::limits::FRAME_SIGNING_REQUEST);
    let join = ParticipantJoined {
        request: request.id(&network()).unwrap(),
        index: SignerIndex(0),
        delegation: signers[0].delegation(),
        commitment: Some(NonceCommitment::from_bytes(&[1; 32])),
    };
    let evidence = Evidence::BadPartialSignature {
        join: signers[0].seal(1, join).frame.to_vec(),
        terms: request.terms().unwrap(),
        partials: vec![0; motet_wire::limits::FRAME_OVERHEAD + 72 + 32 * 64],
        item: 0,
        item_nonces: vec![[2; 66]; 100],
        other_items: vec![[3; 32]; 63],
    };
    let abort = SessionAbort {
        subject: motet_wire::AbortSubject::Request(request.id(&network()).unwrap()),
        reason: motet_wire::AbortReason { code: motet_wire::AbortCode::Fault, detail: "x".repeat(256) },
        evidence: Some(evidence),
    };
    let sealed = signers[0].seal(1, abort);
    assert!(sealed.frame.len() <= motet_wire::limits::FRAME_SESSION_ABORT, "{}", sealed.frame.len());
}
