//! Properties of the format: what is said is what is read, in one way, and nothing else is believed.

use std::sync::LazyLock;

use motet_core_crypto::{NonceCommitment, PartialSignature, PublicNonce};
use motet_tests::wire_fixtures::{
    FLOOR, NOW, Session, WALL, advertisement, application_message, arrival, network, one_of_each, pay_advertisement,
    pay_request, pay_resource, peer, resource, validator,
};
use motet_tests::wire_forge::Forged;
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Address, AdvertisementId, ApplicationMessage, Arrival, Attempt, AttemptId,
    Commitments, Criteria, Derivation, Election, Have, Holding, Item, Message, MessageId, MonotonicMs, NonceCommit,
    NonceShare, Now, PartialSigShare, ParticipantDeclined, ParticipantJoined, RequestId, RequestMetadata,
    RequestOptions, ResourceAnnouncement, Rule, Sealed, SessionAbort, SessionReady, SignatureFinalized,
    SignerAdvertisement, SignerIndex, SignerMetadata, SignerSet, SignerUnavailable, SigningRequest, SyncRequest,
    SyncResponse, TimestampMs, Topology, TranscriptHash,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A session to take points and keys from, since random bytes are seldom any.
static SESSION: LazyLock<Session> = LazyLock::new(|| Session::run(3));
static FRAMES: LazyLock<Vec<(&'static str, Sealed)>> = LazyLock::new(one_of_each);

fn text(longest: usize) -> impl Strategy<Value = String> {
    any::<String>().prop_map(move |mut text| {
        while text.len() > longest {
            text.pop();
        }
        text
    })
}

fn index() -> impl Strategy<Value = SignerIndex> {
    (0u16..100).prop_map(SignerIndex)
}

fn set() -> impl Strategy<Value = SignerSet> {
    vec(index(), 0..100).prop_map(|signers| signers.into_iter().collect())
}

fn held() -> impl Strategy<Value = Holding> {
    prop_oneof![Just(Holding::Missing), Just(Holding::Held)]
}

fn item() -> impl Strategy<Value = Item> {
    let path = || vec(0u32..1 << 31, 1..=8);
    let derivation = prop_oneof![
        Just(Derivation::None),
        any::<Option<[u8; 32]>>().prop_map(|merkle_root| Derivation::Taproot { merkle_root }),
        path().prop_map(|path| Derivation::Bip328 { path }),
        (path(), any::<Option<[u8; 32]>>())
            .prop_map(|(path, merkle_root)| Derivation::Bip328Taproot { path, merkle_root }),
    ];
    (vec(any::<u8>(), 1..100), derivation).prop_map(|(message, derivation)| Item { message, derivation })
}

fn options() -> impl Strategy<Value = RequestOptions> {
    let commitments = prop_oneof![Just(Commitments::On), Just(Commitments::Off)];
    let election = prop_oneof![
        Just(Election::Creator),
        Just(Election::Lexicographic),
        Just(Election::HashBased),
        Just(Election::First),
        Just(Election::Last),
    ];
    let topology = prop_oneof![Just(Topology::Mesh), Just(Topology::Star)];
    (commitments, election, topology).prop_map(|(commitments, election, topology)| RequestOptions {
        commitments,
        election,
        topology,
    })
}

fn an_advertisement() -> impl Strategy<Value = Message> {
    let addresses = vec(vec(any::<u8>(), 1..=128), 0..=8);
    let types = vec("[a-z]{1,32}", 0..=16);
    (addresses, types, any::<(u64, u64, u64)>(), text(64), text(256), 1u64..=24 * 3_600_000).prop_map(
        |(addresses, transaction_types, (low, high, fee), nickname, description, lifetime)| {
            let unpaid = SignerAdvertisement {
                addresses: addresses.iter().map(|address| Address::from_bytes(address).unwrap()).collect(),
                criteria: Criteria { transaction_types, min_amount: low.min(high), max_amount: low.max(high) },
                metadata: SignerMetadata { nickname, description, fee },
                expires: TimestampMs(WALL + lifetime),
                ..advertisement(SESSION.signer(0))
            };
            pay_advertisement(unpaid, FLOOR).into()
        },
    )
}

fn a_request() -> impl Strategy<Value = Message> {
    let details = (text(1024), vec(any::<u8>(), 0..300), any::<Option<u64>>(), text(32), any::<[u8; 16]>());
    (vec(item(), 1..=8), options(), details).prop_map(
        |(items, options, (description, transaction, amount, transaction_type, salt))| {
            let metadata = RequestMetadata { description, transaction, amount, transaction_type };
            let unpaid = SigningRequest { items, options, metadata, salt, ..SESSION.request.clone() };
            pay_request(unpaid, FLOOR).into()
        },
    )
}

fn another_message() -> impl Strategy<Value = Message> {
    let delegation = || SESSION.signer(0).delegation();
    let id = || any::<[u8; 32]>();
    let attempt = || any::<u32>().prop_map(Attempt);
    let nonces: Vec<PublicNonce> = SESSION.public_nonces.concat();
    let frames: Vec<Vec<u8>> = SESSION.joins.iter().map(|join| join.frame.to_vec()).collect();
    prop_oneof![
        (id(), text(256)).prop_map(move |(id, reason)| {
            let advertisement = AdvertisementId::from(MessageId::from_bytes(id));
            SignerUnavailable { delegation: delegation(), advertisement, reason }.into()
        }),
        ("[!-~]{1,32}", "[!-~]{1,64}", vec(any::<u8>(), 0..4097)).prop_map(|(resource_type, id, data)| {
            let unpaid = ResourceAnnouncement { data, ..resource(SESSION.signer(0), &resource_type, &id) };
            pay_resource(unpaid).into()
        }),
        (any::<bool>(), "[!-~]{1,32}", vec(any::<u8>(), 0..4097)).prop_map(|(to_node, application, data)| {
            let message = application_message(SESSION.signer(0), &application);
            let signer = message.signer.filter(|_| !to_node);
            ApplicationMessage { signer, data, ..message }.into()
        }),
        (id(), index(), any::<Option<[u8; 32]>>()).prop_map(move |(request, index, commitment)| {
            let commitment = commitment.map(|bytes| NonceCommitment::from_bytes(&bytes));
            let request = RequestId::from_bytes(request);
            ParticipantJoined { request, index, delegation: delegation(), commitment }.into()
        }),
        (id(), index(), text(256)).prop_map(move |(request, index, reason)| {
            let request = RequestId::from_bytes(request);
            ParticipantDeclined { request, index, delegation: delegation(), reason }.into()
        }),
        (id(), id(), 2usize..=3, 0u16..2).prop_map({
            let frames = frames.clone();
            move |(request, session, count, coordinator)| {
                SessionReady {
                    request: RequestId::from_bytes(request),
                    session: AttemptId::from_bytes(session),
                    coordinator: SignerIndex(coordinator),
                    joins: frames[..count].to_vec(),
                }
                .into()
            }
        }),
        (id(), attempt(), id()).prop_map(|(session, attempt, commitment)| {
            let commitment = NonceCommitment::from_bytes(&commitment);
            NonceCommit { session: AttemptId::from_bytes(session), attempt, commitment }.into()
        }),
        (id(), attempt(), proptest::sample::subsequence(nonces, 1..=9), id()).prop_map(
            |(session, attempt, nonces, seen)| {
                let commitments = TranscriptHash::from_bytes(seen);
                NonceShare { session: AttemptId::from_bytes(session), attempt, nonces, commitments }.into()
            }
        ),
        (id(), attempt(), vec(any::<[u8; 31]>(), 1..=64), id()).prop_map(|(session, attempt, scalars, used)| {
            let scalar = |tail: [u8; 31]| {
                PartialSignature::from_bytes([&[0], &tail[..]].concat().as_slice().try_into().unwrap())
            };
            let partials = scalars.into_iter().map(|tail| scalar(tail).unwrap()).collect();
            let nonces = TranscriptHash::from_bytes(used);
            PartialSigShare { session: AttemptId::from_bytes(session), attempt, partials, nonces }.into()
        }),
        (id(), vec(any::<([u8; 32], [u8; 32])>(), 1..=64)).prop_map(|(session, signatures)| {
            let signature = |(r, s): ([u8; 32], [u8; 32])| {
                motet_core_crypto::Signature::from_bytes([r, s].concat().as_slice().try_into().unwrap())
            };
            let signatures = signatures.into_iter().map(signature).collect();
            SignatureFinalized { session: AttemptId::from_bytes(session), signatures }.into()
        }),
        (any::<bool>(), id(), proptest::sample::select(AbortCode::ALL.to_vec()), text(256), any::<bool>()).prop_map(
            |(of_request, id, code, detail, proven)| {
                let subject = if of_request {
                    AbortSubject::Request(RequestId::from_bytes(id))
                } else {
                    AbortSubject::Session(AttemptId::from_bytes(id))
                };
                let evidence = proven.then(|| motet_tests::wire_fixtures::equivocation(&SESSION));
                SessionAbort { subject, reason: AbortReason { code, detail }, evidence }.into()
            }
        ),
        (id(), attempt(), (held(), held()), (set(), set(), set(), set())).prop_map(
            |(request, attempt, (request_held, outcome), (joins, commitments, nonces, partials))| {
                let have = Have { request: request_held, joins, commitments, nonces, partials, outcome };
                SyncRequest { request: RequestId::from_bytes(request), attempt, have }.into()
            }
        ),
        (id(), vec(vec(any::<u8>(), 120..400), 0..20))
            .prop_map(|(request, frames)| { SyncResponse { request: RequestId::from_bytes(request), frames }.into() }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![1 => an_advertisement(), 2 => a_request(), 6 => another_message()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_said_is_what_is_read_in_one_way(message in message(), sequence in any::<u64>()) {
        let author = SESSION.signer(0);
        let sealed = author.seal(sequence, message.clone());
        let validated = validator().validate(arrival(sealed.frame.clone()), NOW).unwrap();
        prop_assert_eq!(validated.message(), &message);
        prop_assert_eq!((validated.id(), validated.sequence()), (sealed.id, sequence));
        prop_assert_eq!(validated.sender(), &author.message_key.public_key());
        // What was read is sealed to the same bytes.
        let again = author.seal(sequence, validated.into_message());
        prop_assert_eq!(again, sealed);
    }

    #[test]
    fn any_single_bit_that_changes_is_refused(message in message(), place in any::<proptest::sample::Index>(), bit in 0u8..8) {
        let sealed = SESSION.signer(0).seal(1, message);
        let mut frame = sealed.frame.to_vec();
        let at = place.index(frame.len());
        frame[at] ^= 1 << bit;
        prop_assert!(validator().validate(arrival(frame), NOW).is_err(), "bit {bit} of byte {at}");
    }

    #[test]
    fn any_signed_body_that_is_accepted_is_the_one_encoding_of_what_it_says(
        which in any::<proptest::sample::Index>(),
        place in any::<proptest::sample::Index>(),
        flip in 1u8..,
        cut in 0usize..4,
    ) {
        let (_, sealed) = &FRAMES[which.index(FRAMES.len())];
        let sender = motet_wire::peek(&sealed.frame).unwrap().sender;
        let author = SESSION.signers.iter().find(|signer| signer.message_key.public_key().to_bytes() == sender).unwrap();
        let forged = Forged::from(sealed);
        let at = place.index(forged.body().len());
        let changed = forged.body()[at] ^ flip;
        let forged = forged.set_body(at, &[changed]);
        let end = forged.body().len();
        let forged = forged.splice_body(end - cut..end, &[]).sign(&network(), &author.message_key);
        if let Ok(validated) = validator().validate(arrival(forged.frame()), NOW) {
            let again = author.seal_at(validated.sequence(), validated.timestamp().0, validated.message().clone());
            prop_assert_eq!(again.id, validated.id());
        }
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(version in 0u8..3, kind in 0u8..16, tail in vec(any::<u8>(), 0..600)) {
        let frame = [&[version, kind], tail.as_slice()].concat();
        prop_assert!(validator().validate(arrival(frame), NOW).is_err());
    }
}

/// Whether a rule is about how much there is, whatever it says.
fn is_limit(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Banned
            | Rule::PeerMessages
            | Rule::PeerBytes
            | Rule::PeerComputation
            | Rule::Group
            | Rule::AuthorRate
            | Rule::Budget
            | Rule::KnownBad
            | Rule::Replay
    )
}

#[test]
fn every_single_bit_of_every_kind_counts() {
    // Tens of thousands of frames, most of which fail at a signature: each kind on a thread of its own.
    std::thread::scope(|scope| {
        for (name, sealed) in FRAMES.iter() {
            scope.spawn(move || {
                let mut validator = validator();
                let mut refused: u64 = 0;
                // Each from another peer and a while after the last, so that no bucket runs dry.
                let after = |tries: u64| Now { mono: MonotonicMs(NOW.mono.0 + 10 * tries), ..NOW };
                for at in 0..sealed.frame.len() {
                    for bit in 0..8 {
                        let mut frame = sealed.frame.to_vec();
                        frame[at] ^= 1 << bit;
                        let arrival = Arrival { from: peer(1_000 + refused), ..arrival(frame) };
                        assert!(validator.validate(arrival, after(refused)).is_err(), "{name}: bit {bit} of byte {at}");
                        refused += 1;
                    }
                }
                let limited: u64 =
                    validator.counts().into_iter().filter(|(rule, _)| is_limit(*rule)).map(|(_, n)| n).sum();
                assert_eq!(limited, 0, "{name}: refused for another reason than the bit");
                // Nor does any of them keep the frame itself out.
                assert_eq!(validator.validate(arrival(sealed.frame.clone()), after(refused)).unwrap().id(), sealed.id);
            });
        }
    });
}

#[test]
fn a_request_id_covers_everything_that_is_agreed_to() {
    let request = &SESSION.request;
    let id = request.id(&network()).unwrap();
    let change = |change: fn(&mut SigningRequest)| {
        let mut other = request.clone();
        change(&mut other);
        other.id(&network()).unwrap()
    };
    assert_ne!(change(|request| request.keys.swap(0, 1)), id);
    assert_ne!(change(|request| request.items[0].message[0] ^= 1), id);
    assert_ne!(change(|request| request.items[1].derivation = Derivation::None), id);
    assert_ne!(change(|request| request.options.commitments = Commitments::Off), id);
    assert_ne!(change(|request| request.options.election = Election::Last), id);
    assert_ne!(change(|request| request.metadata.description.push('!')), id);
    assert_ne!(change(|request| request.metadata.amount = None), id);
    assert_ne!(change(|request| request.metadata.transaction.push(0)), id);
    assert_ne!(change(|request| request.created.0 += 1), id);
    assert_ne!(change(|request| request.expires.0 += 1), id);
    assert_ne!(change(|request| request.salt[0] ^= 1), id);
    assert_ne!(change(|request| request.creator = SESSION.signer(1).delegation()), id);
    assert_ne!(request.id(&motet_wire::NetworkId::main()).unwrap(), id);
    // What changes when it is sent again does not change what it is.
    assert_eq!(change(|request| request.work = None), id);
    assert_eq!(change(|request| request.creator.not_after.0 += 1), id);
}
