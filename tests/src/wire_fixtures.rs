//! Messages to test the wire format with: three signers, their delegations, and one sound message of every kind.
//!
//! Everything is derived from fixed numbers, so that the same code makes the same bytes for ever: the golden files are
//! made from it.

#![expect(clippy::expect_used, reason = "fixtures for tests: a value that cannot be made is a failed test")]

use std::sync::Arc;

use motet_core_crypto::{
    NonceCommitment, NonceInputs, PartialSignature, PublicNonce, SecretKey, Signature, generate_nonce, schnorr,
    tagged_hash,
};
use motet_wire::work::{claim_of_advertisement, claim_of_request, claim_of_resource, mint};
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Address, AdvertisementId, ApplicationMessage, Arrival, Attempt, AttemptId,
    Channel, Commitments, Criteria, Delegation, Derivation, Difficulty, Election, Evidence, HashWork, Have, Holding,
    Item, Kind, MemberPaths, Message, MonotonicMs, NetworkId, NonceCommit, NonceShare, Now, PartialSigShare,
    ParticipantDeclined, ParticipantJoined, PeerId, RequestMetadata, RequestOptions, ResourceAnnouncement, Sealed,
    SessionAbort, SessionReady, SignatureFinalized, SignerAdvertisement, SignerIndex, SignerMetadata, SignerSet,
    SignerUnavailable, SigningRequest, SyncRequest, SyncResponse, TimestampMs, Topology, TranscriptHash, Validator,
    ValidatorLimits, Work, seal, transcript,
};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// The wall clock of the fixtures: 2026-11-21 04:30 UTC, 100 seconds into an epoch of work.
pub const WALL: u64 = 1_795_235_500_000;
/// How much work the fixtures' messages carry: little, so that a debug build makes them quickly.
pub const FLOOR: Difficulty = Difficulty(8);

/// Both clocks of the fixtures.
pub const NOW: Now = Now { wall: TimestampMs(WALL), mono: MonotonicMs(1_000_000) };

/// The fixtures' clocks, so many milliseconds later.
pub fn later(milliseconds: u64) -> Now {
    Now { wall: TimestampMs(WALL + milliseconds), mono: MonotonicMs(NOW.mono.0 + milliseconds) }
}

/// The network of the fixtures.
pub fn network() -> NetworkId {
    NetworkId::test()
}

/// A secret key, by name.
pub fn key(name: &str) -> SecretKey {
    SecretKey::from_bytes(&tagged_hash("motet-tests/key", &[name.as_bytes()])).expect("a hash is a scalar")
}

/// A peer id of libp2p's form, by number.
pub fn peer(number: u64) -> PeerId {
    let mut bytes = vec![0, 36, 8, 1, 18, 32];
    bytes.extend_from_slice(&tagged_hash("motet-tests/peer", &[&number.to_be_bytes()]));
    PeerId::from_bytes(&bytes).expect("38 bytes")
}

/// A signer with its message key and its peer.
#[derive(Debug)]
pub struct Signer {
    /// The key that holds money.
    pub key: SecretKey,
    /// The key that signs envelopes.
    pub message_key: SecretKey,
    /// The node.
    pub peer: PeerId,
}

impl Signer {
    /// Signer number so and so.
    pub fn new(number: u64) -> Self {
        Self {
            key: key(&format!("signer {number}")),
            message_key: key(&format!("message {number}")),
            peer: peer(number),
        }
    }

    /// A delegation that ends at a time.
    pub fn delegation_until(&self, not_after: TimestampMs) -> Delegation {
        let (signer, message_key) = (self.key.public_key(), self.message_key.public_key());
        let digest = Delegation::digest(&network(), &signer, &message_key, &self.peer, not_after);
        let signature = schnorr::sign(&self.key, &digest, &[0; 32]).expect("signing works");
        Delegation { signer, message_key, peer: self.peer, not_after, signature }
    }

    /// A delegation for the next 12 hours.
    pub fn delegation(&self) -> Delegation {
        self.delegation_until(TimestampMs(WALL + 12 * 3_600_000))
    }

    /// Seals a message of this signer at the fixtures' time.
    pub fn seal(&self, sequence: u64, message: impl Into<Message>) -> Sealed {
        self.seal_at(sequence, WALL, message)
    }

    /// Seals a message of this signer at another time.
    pub fn seal_at(&self, sequence: u64, timestamp: u64, message: impl Into<Message>) -> Sealed {
        let message = message.into();
        seal(&network(), &self.message_key, sequence, TimestampMs(timestamp), &message, &[7; 32])
            .expect("a sound message")
    }
}

/// An advertisement of this signer, paid for.
pub fn advertisement(signer: &Signer) -> SignerAdvertisement {
    let unpaid = SignerAdvertisement {
        delegation: signer.delegation(),
        addresses: vec![
            Address::from_bytes(&[4, 127, 0, 0, 1, 6, 0x1f, 0x90]).expect("8 bytes"),
            Address::from_bytes(&[4, 127, 0, 0, 1, 0x91, 2, 0x1f, 0x90, 0xcd, 3]).expect("11 bytes"),
        ],
        criteria: Criteria {
            transaction_types: vec!["payment".to_owned(), "swap".to_owned()],
            min_amount: 1_000,
            max_amount: 2_000_000,
        },
        metadata: SignerMetadata { nickname: "Anna".to_owned(), description: "signs by day".to_owned(), fee: 12 },
        created: TimestampMs(WALL),
        expires: TimestampMs(WALL + 6 * 3_600_000),
        work: Work::default(),
    };
    pay_advertisement(unpaid, FLOOR)
}

/// The same advertisement with a stamp of this value.
pub fn pay_advertisement(unpaid: SignerAdvertisement, difficulty: Difficulty) -> SignerAdvertisement {
    let claim = claim_of_advertisement(&network(), &unpaid).expect("within bounds");
    let work = mint(&claim, difficulty, |_| std::ops::ControlFlow::Continue(())).expect("it is never stopped");
    SignerAdvertisement { work, ..unpaid }
}

/// A resource of this signer under this name, paid for.
pub fn resource(signer: &Signer, resource_type: &str, id: &str) -> ResourceAnnouncement {
    pay_resource(ResourceAnnouncement {
        delegation: signer.delegation(),
        resource_type: resource_type.to_owned(),
        id: id.to_owned(),
        data: b"wss://anna.example:7000".to_vec(),
        created: TimestampMs(WALL),
        expires: TimestampMs(WALL + 6 * 3_600_000),
        work: Work::default(),
    })
}

/// The same resource with a stamp that is worth what the fixtures ask for.
pub fn pay_resource(unpaid: ResourceAnnouncement) -> ResourceAnnouncement {
    let claim = claim_of_resource(&network(), &unpaid).expect("within bounds");
    let work = mint(&claim, FLOOR, |_| std::ops::ControlFlow::Continue(())).expect("it is never stopped");
    ResourceAnnouncement { work, ..unpaid }
}

/// A message of this signer's application to the second signer of the fixtures.
pub fn application_message(signer: &Signer, application: &str) -> ApplicationMessage {
    let to = Signer::new(2);
    ApplicationMessage {
        delegation: signer.delegation(),
        peer: to.delegation().peer,
        signer: Some(to.key.public_key()),
        application: application.to_owned(),
        data: b"lunch?".to_vec(),
    }
}

/// The same request with a stamp of this value.
pub fn pay_request(unpaid: SigningRequest, difficulty: Difficulty) -> SigningRequest {
    let claim = claim_of_request(&network(), &unpaid).expect("within bounds");
    let work = mint(&claim, difficulty, |_| std::ops::ControlFlow::Continue(())).expect("it is never stopped");
    SigningRequest { work: Some(work), ..unpaid }
}

/// A request by the first of these signers for three items, one of each derivation that people use; paid for.
pub fn request(signers: &[Signer]) -> SigningRequest {
    let creator = signers.first().expect("at least one signer");
    let unpaid = SigningRequest {
        creator: creator.delegation(),
        keys: signers.iter().map(|signer| signer.key.public_key()).collect(),
        items: vec![
            Item { message: vec![0x11; 32], derivation: Derivation::None },
            Item { message: vec![0x22; 32], derivation: Derivation::Taproot { merkle_root: Some([0x33; 32]) } },
            Item {
                message: b"hello".to_vec(),
                derivation: Derivation::Bip328Taproot { path: vec![0, 7], merkle_root: None },
            },
        ],
        options: RequestOptions {
            commitments: Commitments::On,
            election: Election::HashBased,
            topology: Topology::Mesh,
        },
        metadata: RequestMetadata {
            description: "rent".to_owned(),
            transaction: vec![2, 0, 0, 0],
            amount: Some(5_000),
            transaction_type: "payment".to_owned(),
        },
        created: TimestampMs(WALL),
        expires: TimestampMs(WALL + 600_000),
        salt: [0x44; 16],
        work: None,
    };
    pay_request(unpaid, FLOOR)
}

/// A request whose signers derive their keys before these are aggregated; the last key stays as it is.
pub fn request_of_members(signers: &[Signer]) -> SigningRequest {
    let count = signers.len();
    let chain_codes: Arc<[_]> = (1..=count).map(|number| (number < count).then_some([number as u8; 32])).collect();
    let paths = |path| MemberPaths { chain_codes: Arc::clone(&chain_codes), path };
    let item = |byte, path, taproot| Item {
        message: vec![byte; 32],
        derivation: Derivation::Members { paths: paths(path), taproot },
    };
    let items = vec![
        item(0x11, vec![0, 0], Some(Some([0x33; 32]))),
        item(0x22, vec![1, 7], Some(None)),
        item(0x33, vec![1, 7], None),
    ];
    pay_request(SigningRequest { items, ..request(signers) }, FLOOR)
}

/// A session of the request up to where secret nonces are: everything that signers say in attempt 0.
#[derive(Debug)]
pub struct Session {
    /// The signers, in the order of the request.
    pub signers: Vec<Signer>,
    /// The request.
    pub request: SigningRequest,
    /// Each signer's frames: join, nonces, partial signatures.
    pub joins: Vec<Sealed>,
    /// The frames of the nonces.
    pub nonces: Vec<Sealed>,
    /// The frames of the partial signatures.
    pub partials: Vec<Sealed>,
    /// The public nonces by signer and item.
    pub public_nonces: Vec<Vec<PublicNonce>>,
    /// The final signatures.
    pub signatures: Vec<Signature>,
    /// The session id of attempt 0.
    pub id: AttemptId,
}

impl Session {
    /// Runs attempt 0 of a request among `count` signers.
    pub fn run(count: u64) -> Self {
        let signers: Vec<Signer> = (1..=count).map(Signer::new).collect();
        let request = request(&signers);
        Self::run_request(signers, request)
    }

    /// Runs attempt 0 of this request.
    pub fn run_request(signers: Vec<Signer>, request: SigningRequest) -> Self {
        let request_id = request.id(&network()).expect("within bounds");
        let id = AttemptId::derive(&request_id, Attempt::FIRST);
        let mut rng = ChaCha8Rng::from_seed([9; 32]);
        let mut secret = Vec::new();
        let mut public_nonces = Vec::new();
        for signer in &signers {
            let inputs = NonceInputs {
                public_key: &signer.key.public_key(),
                secret_key: None,
                aggregate_key: None,
                message: None,
                extra: None,
            };
            let pairs = request.items.iter().map(|_| generate_nonce(&mut rng, &inputs).expect("the generator works"));
            let (secrets, publics): (Vec<_>, Vec<_>) = pairs.unzip();
            secret.push(secrets);
            public_nonces.push(publics);
        }
        let commitments: Vec<NonceCommitment> = (0..)
            .zip(&public_nonces)
            .map(|(index, nonces)| NonceCommitment::new(id.as_bytes(), index, nonces))
            .collect();
        let joins = (0..)
            .zip(signers.iter().zip(&commitments))
            .map(|(index, (signer, commitment))| {
                let join = ParticipantJoined {
                    request: request_id,
                    index: SignerIndex(index),
                    delegation: signer.delegation(),
                    commitment: Some(*commitment),
                };
                signer.seal(1, join)
            })
            .collect();
        let seen = transcript::commitments(&id, &commitments);
        let nonces = signers
            .iter()
            .zip(&public_nonces)
            .map(|(signer, nonces)| {
                let share =
                    NonceShare { session: id, attempt: Attempt::FIRST, nonces: nonces.clone(), commitments: seen };
                signer.seal(2, share)
            })
            .collect();
        let used = transcript::nonces(&id, &public_nonces).expect("one nonce an item");
        let (by_signer, signatures) = sign(&signers, &request, secret, &public_nonces);
        let partials = signers
            .iter()
            .zip(by_signer)
            .map(|(signer, partials)| {
                let share = PartialSigShare { session: id, attempt: Attempt::FIRST, partials, nonces: used };
                signer.seal(3, share)
            })
            .collect();
        Self { signers, request, joins, nonces, partials, public_nonces, signatures, id }
    }

    /// Signer number so and so, from 0.
    pub fn signer(&self, index: usize) -> &Signer {
        self.signers.get(index).expect("a signer of the session")
    }
}

fn sign(
    signers: &[Signer],
    request: &SigningRequest,
    secret: Vec<Vec<motet_core_crypto::SecretNonce>>,
    public: &[Vec<PublicNonce>],
) -> (Vec<Vec<PartialSignature>>, Vec<Signature>) {
    let sessions: Vec<_> = request
        .items
        .iter()
        .enumerate()
        .map(|(item, content)| {
            let nonces: Vec<PublicNonce> =
                public.iter().map(|nonces| *nonces.get(item).expect("one nonce an item")).collect();
            let context = content.key_context(&request.keys).expect("keys that aggregate");
            let aggregate = motet_core_crypto::AggregateNonce::sum(&nonces);
            motet_core_crypto::SigningSession::new(&context, &aggregate, &content.message)
        })
        .collect();
    let partials: Vec<Vec<PartialSignature>> = signers
        .iter()
        .zip(secret)
        .map(|(signer, nonces)| {
            sessions
                .iter()
                .zip(nonces)
                .map(|(session, nonce)| session.sign(nonce, &signer.key).expect("own key and nonce"))
                .collect()
        })
        .collect();
    let signatures = sessions
        .iter()
        .enumerate()
        .map(|(item, session)| {
            let partials: Vec<_> = partials.iter().map(|by_item| *by_item.get(item).expect("one an item")).collect();
            session.aggregate(&partials).expect("honest partial signatures")
        })
        .collect();
    (partials, signatures)
}

/// One sound message of every kind, sealed, in the order of the kinds, with a name.
pub fn one_of_each() -> Vec<(&'static str, Sealed)> {
    let session = Session::run(3);
    let anna = session.signer(0);
    let request = session.request.id(&network()).expect("within bounds");
    let offered = anna.seal(1_000, advertisement(anna));
    let withdrawn = SignerUnavailable {
        delegation: anna.delegation(),
        advertisement: AdvertisementId::from(offered.id),
        reason: "gone for lunch".to_owned(),
    };
    let declined = ParticipantDeclined {
        request,
        index: SignerIndex(1),
        delegation: session.signer(1).delegation(),
        reason: "not today".to_owned(),
    };
    let ready = SessionReady {
        request,
        session: session.id,
        coordinator: SignerIndex(2),
        joins: session.joins.iter().map(|join| join.frame.to_vec()).collect(),
    };
    let second = AttemptId::derive(&request, Attempt(1));
    let commit =
        NonceCommit { session: second, attempt: Attempt(1), commitment: NonceCommitment::from_bytes(&[0x55; 32]) };
    let finalized = SignatureFinalized { session: session.id, signatures: session.signatures.clone() };
    let abort = SessionAbort {
        subject: AbortSubject::Session(session.id),
        reason: AbortReason { code: AbortCode::Fault, detail: "two nonces".to_owned() },
        evidence: Some(equivocation(&session)),
    };
    let have = Have {
        request: Holding::Held,
        joins: SignerSet::first(3),
        commitments: SignerSet::first(2),
        nonces: [SignerIndex(0), SignerIndex(2)].into_iter().collect(),
        partials: SignerSet::EMPTY,
        outcome: Holding::Missing,
    };
    let asked = SyncRequest { request, attempt: Attempt::FIRST, have };
    let frame = |sealed: Option<&Sealed>| sealed.expect("three signers").frame.to_vec();
    let answered =
        SyncResponse { request, frames: vec![frame(session.nonces.get(1)), frame(session.partials.first())] };
    vec![
        ("signer_advertisement", offered),
        ("signer_unavailable", anna.seal(1_001, withdrawn)),
        ("signing_request", anna.seal(1, session.request.clone())),
        ("participant_joined", session.joins.get(1).expect("three signers").clone()),
        ("participant_declined", session.signer(1).seal(1, declined)),
        ("session_ready", session.signer(2).seal(2, ready)),
        ("nonce_commit", session.signer(1).seal(4, commit)),
        ("nonce_share", session.nonces.get(1).expect("three signers").clone()),
        ("partial_sig_share", session.partials.get(1).expect("three signers").clone()),
        ("signature_finalized", session.signer(2).seal(5, finalized)),
        ("session_abort", session.signer(0).seal(6, abort)),
        ("sync_request", session.signer(0).seal(7, asked)),
        ("sync_response", session.signer(0).seal(8, answered)),
        ("resource_announcement", anna.seal(1_002, resource(anna, "relay", "anna/1"))),
        ("application_message", anna.seal(1_003, application_message(anna, "chat"))),
    ]
}

/// The second signer reveals other nonces to somebody else: the evidence.
pub fn equivocation(session: &Session) -> Evidence {
    let accused = session.signer(1);
    let mut swapped = session.public_nonces.get(1).expect("two signers").clone();
    swapped.reverse();
    let other = NonceShare {
        session: session.id,
        attempt: Attempt::FIRST,
        nonces: swapped,
        commitments: TranscriptHash::from_bytes([0x66; 32]),
    };
    Evidence::Equivocation {
        join: session.joins.get(1).expect("two signers").frame.to_vec(),
        first: session.nonces.get(1).expect("two signers").frame.to_vec(),
        second: accused.seal(9, other).frame.to_vec(),
    }
}

/// A validator of the fixtures' network with the default limits and little work.
pub fn validator() -> Validator {
    validator_with(ValidatorLimits::default())
}

/// The same with other limits.
pub fn validator_with(limits: ValidatorLimits) -> Validator {
    Validator::with_work(network(), limits, Arc::new(HashWork { floor: FLOOR, ceiling: Difficulty(12) }))
}

/// A frame that comes straight from a stranger, peer number 99; of a kind that is never sent, from the DHT.
pub fn arrival(frame: impl Into<Arc<[u8]>>) -> Arrival {
    let frame = frame.into();
    let of_the_dht = frame.get(1) == Some(&Kind::ResourceAnnouncement.code());
    Arrival::new(frame, if of_the_dht { Channel::Dht } else { Channel::Direct }, peer(99))
}
