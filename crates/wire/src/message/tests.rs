//! What holds for every kind: its body as the bytes say it and as it is parsed are about the same, and what the protocol
//! says of the kind agrees with itself.

use motet_core_crypto::{PublicKey, SecretKey, Signature};

use super::*;
use crate::codec;
use crate::delegation::Delegation;
use crate::envelope::{Head, claimed_peer};
use crate::id::{AdvertisementId, Attempt, AttemptId, PeerId, RequestId, SignerIndex, TranscriptHash};
use crate::limits;
use crate::mirror::KnownKeys;
use crate::mirror::Mirror;
use crate::subject::Subject;
use crate::time::TimestampMs;
use crate::validate::Channel;
use crate::work::Work;

const REQUEST: RequestId = RequestId::from_bytes([1; 32]);
const ATTEMPT: AttemptId = AttemptId::from_bytes([2; 32]);
const CREATED: TimestampMs = TimestampMs(1_000);
const EXPIRES: TimestampMs = TimestampMs(2_000);

fn key(byte: u8) -> PublicKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap().public_key()
}

fn delegation() -> Delegation {
    let (signer, message_key, peer) = (key(3), key(4), PeerId::from_bytes(&[5; 38]).unwrap());
    Delegation { signer, message_key, peer, not_after: EXPIRES, signature: Signature::from_bytes(&[6; 64]) }
}

/// A message of every kind and what it is about, in the order of the kinds.
fn one_of_each() -> Vec<(Message, Subject)> {
    let delegation = delegation();
    let advertisement = SignerAdvertisement {
        delegation: delegation.clone(),
        addresses: Vec::new(),
        criteria: Criteria::ANY,
        metadata: SignerMetadata::default(),
        created: CREATED,
        expires: EXPIRES,
        work: Work::default(),
    };
    let unavailable = SignerUnavailable {
        delegation: delegation.clone(),
        advertisement: AdvertisementId::from_bytes([7; 32]),
        reason: "asleep".to_owned(),
    };
    let request = SigningRequest {
        creator: delegation.clone(),
        keys: vec![key(3), key(8)],
        items: vec![Item { message: vec![9], derivation: Derivation::None }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        created: CREATED,
        expires: EXPIRES,
        salt: [10; 16],
        work: None,
    };
    let (index, reason) = (SignerIndex(1), "no".to_owned());
    let joined = ParticipantJoined { request: REQUEST, index, delegation: delegation.clone(), commitment: None };
    let declined = ParticipantDeclined { request: REQUEST, index, delegation: delegation.clone(), reason };
    let ready = SessionReady { request: REQUEST, session: ATTEMPT, coordinator: index, joins: Vec::new() };
    let (attempt, hash) = (Attempt(0), TranscriptHash::from_bytes([11; 32]));
    let commitment = motet_core_crypto::NonceCommitment::from_bytes(&[12; 32]);
    let abort = |subject| SessionAbort {
        subject,
        reason: AbortReason { code: AbortCode::Cancelled, detail: String::new() },
        evidence: None,
    };
    let resource = ResourceAnnouncement {
        delegation,
        resource_type: "swap".to_owned(),
        id: "1".to_owned(),
        data: Vec::new(),
        created: CREATED,
        expires: EXPIRES,
        work: Work::default(),
    };
    let message = ApplicationMessage {
        peer: resource.delegation.peer,
        signer: Some(resource.delegation.signer),
        delegation: resource.delegation.clone(),
        application: "chat".to_owned(),
        data: Vec::new(),
    };
    vec![
        (advertisement.into(), Subject::Directory),
        (unavailable.into(), Subject::Directory),
        (request.into(), Subject::NewRequest),
        (joined.into(), Subject::Request(REQUEST)),
        (declined.into(), Subject::Request(REQUEST)),
        (ready.into(), Subject::Request(REQUEST)),
        (NonceCommit { session: ATTEMPT, attempt, commitment }.into(), Subject::Attempt(ATTEMPT)),
        (
            NonceShare { session: ATTEMPT, attempt, nonces: Vec::new(), commitments: hash }.into(),
            Subject::Attempt(ATTEMPT),
        ),
        (
            PartialSigShare { session: ATTEMPT, attempt, partials: Vec::new(), nonces: hash }.into(),
            Subject::Attempt(ATTEMPT),
        ),
        (SignatureFinalized { session: ATTEMPT, signatures: Vec::new() }.into(), Subject::Attempt(ATTEMPT)),
        (abort(AbortSubject::Request(REQUEST)).into(), Subject::Request(REQUEST)),
        (abort(AbortSubject::Session(ATTEMPT)).into(), Subject::Attempt(ATTEMPT)),
        (SyncRequest { request: REQUEST, attempt, have: Have::default() }.into(), Subject::Request(REQUEST)),
        (SyncResponse { request: REQUEST, frames: Vec::new() }.into(), Subject::Request(REQUEST)),
        (resource.into(), Subject::Directory),
        (message.into(), Subject::Application),
    ]
}

#[test]
fn every_kind_is_here() {
    let mut kinds: Vec<Kind> = one_of_each().iter().map(|(message, _)| message.kind()).collect();
    kinds.dedup();
    assert_eq!(kinds, Kind::ALL);
}

#[test]
fn a_message_is_about_the_same_before_and_after_it_is_parsed() {
    for (message, subject) in one_of_each() {
        let raw = RawBody::of(&message).unwrap();
        assert_eq!(message.subject(), subject, "{}", message.kind());
        assert_eq!(raw.subject(), subject, "{}", message.kind());
        let delegation = raw.delegation().map(|delegation| delegation.clone().parse(&KnownKeys::NONE).unwrap());
        assert_eq!(delegation.as_ref(), message.delegation(), "{}", message.kind());
    }
}

#[test]
fn a_body_comes_back_from_its_bytes() {
    for (message, _) in one_of_each() {
        let bytes = RawBody::of(&message).unwrap().encode().unwrap();
        let raw = RawBody::decode(limits::VERSION, message.kind(), &bytes).unwrap();
        assert_eq!(raw.parse(&KnownKeys::NONE).unwrap(), message);
    }
}

#[test]
fn a_message_of_a_session_names_its_session_and_an_announcement_does_not() {
    for (message, subject) in one_of_each() {
        let in_session = message.kind().scope() == Scope::Session;
        assert_eq!(subject.session().is_some(), in_session, "{}", message.kind());
    }
}

#[test]
fn a_message_says_when_it_ends_exactly_when_its_kind_ends() {
    for (message, _) in one_of_each() {
        let said = RawBody::of(&message).unwrap().lifetime();
        let expected = message.kind().lifetime_limit().map(|_| (CREATED.0, EXPIRES.0));
        assert_eq!(said, expected, "{}", message.kind());
    }
}

#[test]
fn a_frame_names_the_peer_that_it_says_it_was_made_at() {
    for (message, _) in one_of_each() {
        let kind = message.kind();
        let body = RawBody::of(&message).unwrap().encode().unwrap();
        let head = Head {
            version: limits::VERSION,
            kind: kind.code(),
            sender: key(4).to_bytes(),
            sequence: 1,
            timestamp_ms: CREATED.0,
            body_length: u32::try_from(body.len()).unwrap(),
        };
        let frame = [codec::encode(&head).unwrap(), body, vec![0; 64]].concat();
        assert_eq!(claimed_peer(&frame), message.delegation().map(|delegation| delegation.peer), "{kind}");
        assert_eq!(claimed_peer(&frame[1..]), None, "{kind}");
    }
}

#[test]
fn channels_and_scope_of_a_kind_agree() {
    for kind in Kind::ALL {
        let spec = kind.spec();
        let travels = |channel| spec.channels.contains(channel);
        assert_eq!(travels(Channel::Gossip), (1..=3).contains(&kind.code()), "{kind}");
        assert_eq!(travels(Channel::Dht), spec.scope == Scope::Announcement, "{kind}");
        assert!(!travels(Channel::Own), "{kind}");
    }
}

#[test]
fn a_frame_of_any_kind_has_room_for_a_body_and_fits_into_the_largest() {
    for kind in Kind::ALL {
        let limit = kind.frame_limit();
        assert!(limits::FRAME_OVERHEAD < limit && limit <= limits::FRAME_MAX, "{kind}");
    }
}
