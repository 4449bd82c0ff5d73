//! The JSON form against the page that documents it, for every kind of event.

use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::{PublicKey, SecretKey, Signature};
use motet_wire::{
    AddressScope, AdvertisementId, Attempt, AttemptId, Channel, Charge, Criteria, Delegation, Election, Item,
    MessageId, PeerId, RequestId, RequestMetadata, RequestOptions, ResourceAnnouncement, SignerAdvertisement,
    SignerIndex, SignerMetadata, SigningRequest, TimestampMs, Work,
};
use serde_json::{Value, json};

use super::*;
use crate::event::{AbortCause, Completed, Contribution, Event, Misbehaviour, Phase, SignedItem, TimedOut, Withdrawal};
use crate::status::{RequestedItem, Retry, SessionStatus};

const PAGE: &str = include_str!("../../../../docs/operations.md");

fn key() -> PublicKey {
    SecretKey::from_bytes(&[7; 32]).unwrap().public_key()
}

fn request() -> RequestId {
    RequestId::from_bytes([1; 32])
}

fn peer() -> PeerId {
    PeerId::from_bytes(&[&[0, 36, 8, 1, 18, 32][..], &[7; 32]].concat()).unwrap()
}

fn delegation() -> Delegation {
    let (signer, message_key) = (key(), SecretKey::from_bytes(&[8; 32]).unwrap().public_key());
    let signature = Signature::from_bytes(&[0; 64]);
    Delegation { signer, message_key, peer: peer(), not_after: TimestampMs(9), signature }
}

fn completed() -> Completed {
    let signature = Signature::from_bytes(&[5; 64]);
    let item = SignedItem { aggregate_key: key().x_only(), message: b"hello".to_vec(), signature };
    Completed { request: request(), session: AttemptId::derive(&request(), Attempt(0)), items: vec![item] }
}

fn misbehaviour() -> Misbehaviour {
    Misbehaviour { request: request(), signer: key(), charge: Charge::BadOpening, evidence: [1, 0xab].into() }
}

fn causes() -> [AbortCause; 8] {
    let signer = key();
    [
        AbortCause::Cancelled,
        AbortCause::Refused { by: SignerIndex(1), signer, detail: "no \u{202e}".to_owned() },
        AbortCause::Convicted { culprit: signer, charge: Charge::BadOpening },
        AbortCause::Unresponsive { awaiting: vec![SignerIndex(2)], signers: vec![signer] },
        AbortCause::Expired,
        AbortCause::Crowded,
        AbortCause::Superseded { signer },
        AbortCause::Internal("the disk is full".to_owned()),
    ]
}

/// One event of every kind.
fn events() -> Vec<Event> {
    let (request, signer, reason) = (request(), key(), || "why".to_owned());
    let session = AttemptId::derive(&request, Attempt(0));
    let advertisement = AdvertisementId::from_bytes([3; 32]);
    let discovery = || Discovery {
        id: advertisement,
        advertisement: Box::new(SignerAdvertisement {
            delegation: delegation(),
            addresses: Vec::new(),
            criteria: Criteria::ANY,
            metadata: SignerMetadata { nickname: "alice".to_owned(), ..SignerMetadata::default() },
            created: TimestampMs(1),
            expires: TimestampMs(2),
            work: Work { epoch: 0, nonce: 0 },
        }),
        channel: Channel::Dht,
    };
    let withdrawal = || Withdrawal { signer, advertisement, reason: reason() };
    let requested = || Requested {
        id: request,
        request: Box::new(SigningRequest {
            creator: delegation(),
            keys: vec![signer],
            items: vec![Item { message: b"hello".to_vec(), derivation: motet_wire::Derivation::None }],
            options: RequestOptions::default(),
            metadata: RequestMetadata::default(),
            created: TimestampMs(1),
            expires: TimestampMs(2),
            salt: [0; 16],
            work: None,
        }),
        keys: vec![signer.x_only()],
        channel: Channel::Gossip,
    };
    let participation =
        || Participation { request, signer, index: SignerIndex(1), peer: peer(), channel: Channel::Direct };
    let round = Round { request, session, attempt: Attempt(0) };
    let contribution = Contribution { round, index: SignerIndex(1), channel: Channel::Sync };
    let address = || "/ip4/127.0.0.1/tcp/1".parse::<multiaddr::Multiaddr>().unwrap();
    let coordinator = SignerIndex(0);
    let awaiting = vec![SignerIndex(0)];
    vec![
        Event::SignerAdvertised(discovery()),
        Event::SignerDiscovered(discovery()),
        Event::SignerWithdrawn(withdrawal()),
        Event::SignerUnavailable(withdrawal()),
        Event::ResourceAnnounced(Resource {
            message: MessageId::from_bytes([2; 32]),
            announcement: Box::new(ResourceAnnouncement {
                delegation: delegation(),
                resource_type: "invoice".to_owned(),
                id: "7".to_owned(),
                data: Vec::new(),
                created: TimestampMs(1),
                expires: TimestampMs(2),
                work: Work { epoch: 0, nonce: 0 },
            }),
        }),
        Event::SigningRequestCreated(requested()),
        Event::SigningRequestReceived(requested()),
        Event::SigningRequestJoined(participation()),
        Event::ParticipantJoined(participation()),
        Event::ParticipantDeclined { participation: participation(), reason: reason() },
        Event::SessionReady { request, session, coordinator },
        Event::CoordinatorElected { request, coordinator },
        Event::CoordinatorFailover { request, from: coordinator, to: SignerIndex(1) },
        Event::SessionNonceCommitmentsComplete(round),
        Event::NonceReceived(contribution),
        Event::SessionNoncesComplete(round),
        Event::PartialSigReceived(contribution),
        Event::SessionPartialSigsComplete(round),
        Event::SessionComplete(completed()),
        Event::SessionAborted(Aborted { request, cause: AbortCause::Expired, may_complete: vec![signer] }),
        Event::SessionTimeout(TimedOut {
            request,
            attempt: Attempt(1),
            phase: Phase::Partials,
            awaiting,
            signers: vec![signer],
            next: None,
        }),
        Event::SessionError { request, detail: reason() },
        Event::SessionClosed { request },
        Event::Listening { address: address() },
        Event::ListeningEnded { address: address(), reason: reason() },
        Event::AddressesChanged { addresses: vec![address()], scope: AddressScope::Internet, left_out: 0 },
        Event::SignerUnreachable { signer, reason: reason() },
        Event::PeerUnreachable { address: address(), reason: reason() },
        Event::IdentityConflict { signer, peer: peer() },
        Event::PeerIdConflict { peer: peer(), address: address() },
        Event::ClocksDiffer { peer: peer(), seconds: -3 },
        Event::PeerConnected { peer: peer(), address: address() },
        Event::PeerDisconnected { peer: peer() },
        Event::DhtReady,
        Event::MisbehaviourProven(misbehaviour()),
        Event::DiversityFell { networks: 2, before: 7 },
        Event::ReachabilityChanged { reachable: Some(true) },
    ]
}

/// The place of an event in the list above; a new kind of event does not compile until it has one.
const fn place(event: &Event) -> usize {
    match event {
        Event::SignerAdvertised(_) => 0,
        Event::SignerDiscovered(_) => 1,
        Event::SignerWithdrawn(_) => 2,
        Event::SignerUnavailable(_) => 3,
        Event::ResourceAnnounced(_) => 4,
        Event::SigningRequestCreated(_) => 5,
        Event::SigningRequestReceived(_) => 6,
        Event::SigningRequestJoined(_) => 7,
        Event::ParticipantJoined(_) => 8,
        Event::ParticipantDeclined { .. } => 9,
        Event::SessionReady { .. } => 10,
        Event::CoordinatorElected { .. } => 11,
        Event::CoordinatorFailover { .. } => 12,
        Event::SessionNonceCommitmentsComplete(_) => 13,
        Event::NonceReceived(_) => 14,
        Event::SessionNoncesComplete(_) => 15,
        Event::PartialSigReceived(_) => 16,
        Event::SessionPartialSigsComplete(_) => 17,
        Event::SessionComplete(_) => 18,
        Event::SessionAborted(_) => 19,
        Event::SessionTimeout(_) => 20,
        Event::SessionError { .. } => 21,
        Event::SessionClosed { .. } => 22,
        Event::Listening { .. } => 23,
        Event::ListeningEnded { .. } => 24,
        Event::AddressesChanged { .. } => 25,
        Event::SignerUnreachable { .. } => 26,
        Event::PeerUnreachable { .. } => 27,
        Event::IdentityConflict { .. } => 28,
        Event::PeerIdConflict { .. } => 29,
        Event::ClocksDiffer { .. } => 30,
        Event::PeerConnected { .. } => 31,
        Event::PeerDisconnected { .. } => 32,
        Event::DhtReady => 33,
        Event::MisbehaviourProven(_) => 34,
        Event::DiversityFell { .. } => 35,
        Event::ReachabilityChanged { .. } => 36,
    }
}

/// The keys of each event on the page, but for those that the program adds.
fn documented() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let (_, table) = PAGE.split_once("<!-- events:").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    let words = |text: &'static str| text.split('`').skip(1).step_by(2);
    let mut events = BTreeMap::new();
    for row in rows {
        let [_, names, keys, _] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        let mut keys: BTreeSet<&str> = words(keys).collect();
        if keys.remove("node") && keys.remove("ms") {
            events.extend(words(names).map(|name| (name, keys.clone())));
        }
    }
    assert!(events.remove("EventsLost").is_some(), "that one is of the listener");
    events
}

/// The keys of a status on the page.
fn documented_status() -> BTreeSet<&'static str> {
    let (_, table) = PAGE.split_once("<!-- status:").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_event_has_its_documented_name_and_keys() {
    let mut documented = documented();
    for (position, event) in events().iter().enumerate() {
        assert_eq!(place(event), position, "{event:?}");
        let value = serde_json::to_value(event).unwrap();
        let object = value.as_object().unwrap();
        assert_eq!(object["event"], event.name());
        let keys: BTreeSet<&str> = object.keys().map(String::as_str).filter(|key| *key != "event").collect();
        assert_eq!(documented.remove(event.name()), Some(keys), "{}", event.name());
    }
    assert!(documented.is_empty(), "no event has these names: {documented:?}");
}

#[test]
fn an_event_is_the_text_that_programs_have_read_so_far() {
    let events = events();
    let at = |name: &str| serde_json::to_value(events.iter().find(|event| event.name() == name).unwrap()).unwrap();
    let (id, signer) = ("01".repeat(32), key().to_string());
    assert_eq!(
        at("SignerDiscovered"),
        json!({"event": "SignerDiscovered", "signer": signer, "nickname": "alice", "channel": "DHT"})
    );
    assert_eq!(
        at("NonceReceived"),
        json!({"event": "NonceReceived", "request": id, "attempt": 0, "index": 1, "channel": "handed on"})
    );
    assert_eq!(
        at("ParticipantDeclined"),
        json!({"event": "ParticipantDeclined", "request": id, "signer": signer, "reason": "why"})
    );
    assert_eq!(
        at("SessionTimeout"),
        json!({
            "event": "SessionTimeout", "request": id, "attempt": 1, "phase": "partial signatures", "awaiting": [signer],
            "next_attempt": null,
        })
    );
    assert_eq!(
        at("SessionAborted"),
        json!({
            "event": "SessionAborted", "request": id, "cause": "the request has expired", "end": {"why": "expired"},
            "signers": [], "may_complete": [signer],
        })
    );
    assert_eq!(at("Listening"), json!({"event": "Listening", "address": "/ip4/127.0.0.1/tcp/1"}));
    assert_eq!(at("DhtReady"), json!({"event": "DhtReady"}));
    assert_eq!(at("ReachabilityChanged"), json!({"event": "ReachabilityChanged", "reachable": true}));
    assert_eq!(at("DiversityFell"), json!({"event": "DiversityFell", "networks": 2, "before": 7}));
}

#[test]
fn a_phase_is_written_by_its_name() {
    use Phase::{Aborted, Commitments, Complete, Joining, Nonces, Partials};
    for phase in [Joining, Commitments, Nonces, Partials, Complete, Aborted] {
        assert_eq!(serde_json::to_value(phase).unwrap(), phase.name());
    }
}

#[test]
fn results_and_ends_read_back_as_they_were() {
    let done = serde_json::to_value(completed()).unwrap();
    assert_eq!(done["items"][0]["message"], "68656c6c6f");
    assert_eq!(serde_json::from_value::<Completed>(done).unwrap(), completed());
    for cause in causes() {
        let text = serde_json::to_value(&cause).unwrap();
        assert!(text["why"].is_string(), "{text}");
        assert_eq!(text["why"], cause.why());
        assert_eq!(serde_json::from_value::<AbortCause>(text).unwrap(), cause);
    }
    let proof = serde_json::to_value(misbehaviour()).unwrap();
    assert_eq!((&proof["charge"], &proof["evidence"]), (&json!("bad_opening"), &json!("01ab")));
    assert_eq!(serde_json::from_value::<Misbehaviour>(proof).unwrap(), misbehaviour());
    let own = serde_json::to_value(AbortCause::Internal("full".to_owned())).unwrap();
    assert_eq!(own, json!({"why": "internal", "detail": "full"}));
}

#[test]
fn a_status_reads_back_as_it_was() {
    for cause in causes().map(Some).into_iter().chain([None]) {
        let status = SessionStatus {
            request: request(),
            creator: key(),
            phase: Phase::Commitments,
            attempt: Attempt(1),
            max_attempts: 3,
            session: AttemptId::derive(&request(), Attempt(1)),
            signers: vec![key()],
            awaiting: vec![key()],
            election: Election::HashBased,
            coordinator: SignerIndex(0),
            items: vec![RequestedItem { aggregate_key: key().x_only(), message: b"hello".as_slice().into() }],
            signatures: Some(vec![Signature::from_bytes(&[5; 64])]),
            phase_ends_in: Some(Duration::from_millis(1500)),
            ends_in: None,
            idle_for: Duration::from_secs(2),
            cause,
            retry: Some(Retry::Attempt),
            retry_of: Some(request()),
            may_complete: vec![key()],
        };
        let text = serde_json::to_value(&status).unwrap();
        assert_eq!((&text["phase_ends_in_ms"], &text["ends_in_ms"]), (&json!(1500), &Value::Null));
        assert_eq!((&text["idle_for_ms"], &text["retry"]), (&json!(2000), &json!("attempt")));
        let keys: BTreeSet<&str> = text.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, documented_status());
        assert_eq!(serde_json::from_value::<SessionStatus>(text).unwrap(), status);
    }
}

#[test]
fn an_error_has_a_word_for_programs_and_a_text_for_people() {
    let error = CommandError::UnknownRequest(request());
    let text = serde_json::to_value(&error).unwrap();
    assert_eq!(text, json!({"code": "unknown_request", "message": error.to_string()}));
}
