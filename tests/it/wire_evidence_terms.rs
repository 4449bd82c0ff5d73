//! Evidence of statements that are wrong by themselves: bytes that are no message, and words that the terms do not allow.

use motet_core_crypto::NonceCommitment;
use motet_tests::wire_fixtures::{Session, Signer, network, request};
use motet_tests::wire_forge::Forged;
use motet_wire::{
    Attempt, Charge, Commitments, Evidence, EvidenceFault, NonceShare, ParticipantJoined, RequestOptions, SignerIndex,
    SigningRequest, TranscriptHash,
};

use crate::wire_evidence::{must_convict, share};

#[test]
fn signed_bytes_that_are_no_message_convict() {
    let session = Session::run(2);
    let key = &session.signer(0).message_key;
    let binding = session.joins[0].frame.to_vec();
    let charge = |frame: &[u8]| {
        let evidence = Evidence::Malformed { binding: binding.clone(), frame: frame.to_vec() };
        evidence.verify(&network()).map(|conviction| conviction.charge)
    };
    let share = Forged::from(&session.nonces[0]);
    let no_point = share.clone().set_body(40, &[0xff; 33]).sign(&network(), key).frame();
    must_convict(
        &Evidence::Malformed { binding: binding.clone(), frame: no_point.to_vec() },
        &session,
        0,
        Charge::Malformed,
    );
    // It is about the request of the join that comes with it, or about none.
    let about = |binding: &[u8]| {
        let evidence = Evidence::Malformed { binding: binding.to_vec(), frame: no_point.to_vec() };
        let conviction = evidence.verify(&network()).unwrap();
        (conviction.request, conviction.index)
    };
    assert_eq!(about(&binding), (session.request.id(&network()).ok(), Some(SignerIndex(0))));
    let elsewhere = Forged::from(&session.joins[0]).set_body(0, &[9; 32]).sign(&network(), key).frame();
    assert_eq!(about(&elsewhere), (None, None));
    assert_eq!(charge(&share.clone().append_body(&[0]).sign(&network(), key).frame()), Ok(Charge::Malformed));
    // What somebody else signed, what nobody signed, what is in order, and what may be of a later version.
    let of_another = share.clone().set_body(40, &[0xff; 33]).sign(&network(), &session.signer(1).message_key);
    assert_eq!(charge(&of_another.frame()), Err(EvidenceFault::Statement));
    assert_eq!(charge(&share.clone().set_body(40, &[0xff; 33]).frame()), Err(EvidenceFault::Statement));
    assert_eq!(charge(&session.nonces[0].frame), Err(EvidenceFault::NoFault));
    let future = share.clone().set(1, &[200]).sign(&network(), key).frame();
    assert_eq!(charge(&future), Err(EvidenceFault::Statement));
    let future = share.set(0, &[2]).sign(&network(), key).frame();
    assert_eq!(charge(&future), Err(EvidenceFault::Statement));
}

#[test]
fn a_share_for_another_number_of_items_convicts() {
    let session = Session::run(2);
    let evidence = |accused: usize, share: &[u8]| Evidence::AgainstTerms {
        join: session.joins[accused].frame.to_vec(),
        terms: session.request.terms().unwrap(),
        share: Some(share.to_vec()),
    };
    let few = share(&session, 1, |share| share.partials.truncate(1));
    must_convict(&evidence(1, &few), &session, 1, Charge::AgainstTerms);
    let many = NonceShare {
        session: session.id,
        attempt: Attempt::FIRST,
        nonces: session.public_nonces.concat(),
        commitments: TranscriptHash::from_bytes([0; 32]),
    };
    let many = session.signer(0).seal(20, many).frame;
    must_convict(&evidence(0, &many), &session, 0, Charge::AgainstTerms);
    // What is in order, what another has said, and what is no share.
    assert_eq!(evidence(1, &session.partials[1].frame).verify(&network()), Err(EvidenceFault::NoFault));
    assert_eq!(evidence(1, &session.nonces[1].frame).verify(&network()), Err(EvidenceFault::NoFault));
    assert_eq!(evidence(0, &few).verify(&network()), Err(EvidenceFault::Statement));
    assert_eq!(evidence(1, &session.joins[1].frame).verify(&network()), Err(EvidenceFault::Statement));
    // The terms are those of the request that it has joined, and the session is of that request.
    let other = Session::run(3);
    let terms = other.request.terms().unwrap();
    let (join, share) = (session.joins[1].frame.to_vec(), Some(few));
    let unsaid = Evidence::AgainstTerms { join, terms: terms.clone(), share: share.clone() };
    assert_eq!(unsaid.verify(&network()), Err(EvidenceFault::NotCommitted));
    let elsewhere = Evidence::AgainstTerms { join: other.joins[1].frame.to_vec(), terms, share };
    assert_eq!(elsewhere.verify(&network()), Err(EvidenceFault::Unrelated));
}

#[test]
fn a_join_with_a_commitment_where_the_request_has_none_convicts() {
    let session = Session::run(2);
    let of = |signers: &[Signer], commitments: Commitments, commitment: Option<NonceCommitment>| {
        let options = RequestOptions { commitments, ..RequestOptions::default() };
        let request = SigningRequest { options, ..request(signers) };
        let (id, delegation) = (request.id(&network()).unwrap(), signers[1].delegation());
        let join = ParticipantJoined { request: id, index: SignerIndex(1), delegation, commitment };
        let join = signers[1].seal(5, join).frame.to_vec();
        Evidence::AgainstTerms { join, terms: request.terms().unwrap(), share: None }.verify(&network())
    };
    let signers: Vec<Signer> = (1..=2).map(Signer::new).collect();
    let commitment = Some(NonceCommitment::from_bytes(&[1; 32]));
    for (commitments, wrong, right) in [(Commitments::Off, commitment, None), (Commitments::On, None, commitment)] {
        let conviction = of(&signers, commitments, wrong).unwrap();
        assert_eq!((conviction.signer, conviction.charge), (session.signer(1).key.public_key(), Charge::AgainstTerms));
        assert_eq!(of(&signers, commitments, right), Err(EvidenceFault::NoFault));
    }
}
