//! Criterion benches of the validation pipeline on one core, in messages a second: `cargo bench -p motet-benches --bench
//! wire_pipeline`. The figures are in `docs/validation.md`.
//!
//! Each case is a pool of frames that all end in the same way, fed one after the other into a validator whose rates are
//! too high to matter, so that what is measured is the rule in question and everything in front of it. A frame is
//! either new to the validator or, where that is the point, known to it.

#![expect(clippy::expect_used, reason = "a bench whose frames cannot be made has nothing to measure")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use motet_core_crypto::{NonceInputs, PublicNonce, SecretKey, XOnlyPublicKey, generate_nonce, schnorr, tagged_hash};
use motet_wire::work::Free;
use motet_wire::{
    Address, Arrival, Attempt, AttemptId, Channel, Criteria, Delegation, Derivation, HashWork, Item, Kind, MonotonicMs,
    NetworkId, NonceShare, Now, ParticipantJoined, PeerId, Rate, RequestId, RequestMetadata, RequestOptions, Rule,
    SignerAdvertisement, SignerIndex, SignerMetadata, SigningRequest, SyncResponse, TimestampMs, TranscriptHash,
    Validator, ValidatorLimits, Work, WorkPolicy, limits, seal, verify_batch,
};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// Frames of a case. A pass over them takes milliseconds, and no memory of the validator fills up.
const POOL: u32 = 1_024;
/// The wall clock of the benches.
const WALL: u64 = 1_795_235_500_000;
/// Both clocks.
const NOW: Now = Now { wall: TimestampMs(WALL), mono: MonotonicMs(1_000_000) };

/// Something that arrives again and again.
struct Case {
    name: &'static str,
    frames: Vec<Arc<[u8]>>,
    limits: ValidatorLimits,
    /// Frames that the validator has handled before.
    before: Vec<Arc<[u8]>>,
    /// The rule that refuses them all; `None` if they pass.
    rule: Option<Rule>,
    work: Arc<dyn WorkPolicy>,
}

impl Case {
    fn new(name: &'static str, rule: Option<Rule>, frames: Vec<Arc<[u8]>>) -> Self {
        Self { name, frames, limits: unlimited(), before: Vec::new(), rule, work: Arc::new(Free) }
    }

    fn validator(&self) -> Validator {
        let mut validator = Validator::with_work(network(), self.limits.clone(), self.work.clone());
        for frame in &self.before {
            drop(validator.validate(arrival(frame), NOW));
        }
        validator
    }

    /// Feeds the first frames to a fresh validator: how long they take from their arrival to the verdict.
    fn one_by_one(&self, count: usize) -> Duration {
        let mut validator = self.validator();
        let start = Instant::now();
        let mut as_expected = true;
        for frame in self.frames.iter().take(count) {
            let verdict = validator.validate(arrival(frame), NOW);
            as_expected &= verdict.err().map(|rejection| rejection.rule) == self.rule;
        }
        let elapsed = start.elapsed();
        assert!(as_expected, "{} ended otherwise", self.name);
        elapsed
    }
}

fn network() -> NetworkId {
    NetworkId::test()
}

fn peer() -> PeerId {
    PeerId::from_bytes(&[7; 38]).expect("38 bytes")
}

fn arrival(frame: &Arc<[u8]>) -> Arrival {
    Arrival::new(frame.clone(), Channel::Direct, peer())
}

/// Limits that nobody reaches.
fn unlimited() -> ValidatorLimits {
    let endless = Rate::per_minute(1_000_000_000_000);
    ValidatorLimits {
        peer_messages: endless,
        peer_bytes: endless,
        peer_computation: endless,
        verifications_per_second: 100_000_000,
        strikes: u32::MAX,
        ..ValidatorLimits::default()
    }
}

fn secret(name: &str, number: u32) -> SecretKey {
    let seed = tagged_hash("motet-benches/wire", &[name.as_bytes(), &number.to_be_bytes()]);
    SecretKey::from_bytes(&seed).expect("a hash is a scalar")
}

fn nonce(number: u32) -> PublicNonce {
    let mut rng = ChaCha8Rng::from_seed([5; 32]);
    rng.set_stream(u64::from(number));
    let public_key = secret("signer", number).public_key();
    let inputs =
        NonceInputs { public_key: &public_key, secret_key: None, aggregate_key: None, message: None, extra: None };
    generate_nonce(&mut rng, &inputs).expect("the generator works").1
}

fn delegation(signer: &SecretKey, message_key: &SecretKey, peer: PeerId) -> Delegation {
    let not_after = TimestampMs(WALL + 3_600_000);
    let (signer_key, message_key) = (signer.public_key(), message_key.public_key());
    let digest = Delegation::digest(&network(), &signer_key, &message_key, &peer, not_after);
    let signature = schnorr::sign(signer, &digest, &[0; 32]).expect("signing works");
    Delegation { signer: signer_key, message_key, peer, not_after, signature }
}

/// Shares of one nonce by different senders: one signature each, and two points behind it.
fn shares() -> Vec<Arc<[u8]>> {
    (0..POOL)
        .map(|number| {
            let request = RequestId::from_bytes([1; 32]);
            let share = NonceShare {
                session: AttemptId::derive(&request, Attempt(number)),
                attempt: Attempt(number),
                nonces: vec![nonce(number)],
                commitments: TranscriptHash::from_bytes([2; 32]),
            };
            let key = secret("message", number);
            seal(&network(), &key, 1, TimestampMs(WALL), &share.into(), &[0; 32]).expect("a sound message").frame
        })
        .collect()
}

/// Joins by different signers: two signatures each, the envelope's and the delegation's, and two points behind them.
fn joins() -> Vec<Arc<[u8]>> {
    (0..POOL)
        .map(|number| {
            let (signer, message_key) = (secret("signer", number), secret("message", number));
            let join = ParticipantJoined {
                request: RequestId::from_bytes([1; 32]),
                index: SignerIndex(0),
                delegation: delegation(&signer, &message_key, peer()),
                commitment: None,
            };
            seal(&network(), &message_key, 1, TimestampMs(WALL), &join.into(), &[0; 32]).expect("a sound message").frame
        })
        .collect()
}

/// Advertisements by different signers, with a stamp that is worth nothing.
fn unpaid() -> Vec<Arc<[u8]>> {
    (0..POOL)
        .map(|number| {
            let (signer, message_key) = (secret("signer", number), secret("message", number));
            let offer = SignerAdvertisement {
                delegation: delegation(&signer, &message_key, peer()),
                addresses: vec![Address::from_bytes(&[4, 203, 0, 113, 9, 6, 0x1f, 0x90]).expect("8 bytes")],
                criteria: Criteria::ANY,
                metadata: SignerMetadata { nickname: "Anna".to_owned(), ..SignerMetadata::default() },
                created: TimestampMs(WALL),
                expires: TimestampMs(WALL + 3_600_000),
                work: Work { epoch: motet_wire::work::epoch(TimestampMs(WALL)), nonce: 0 },
            };
            seal(&network(), &message_key, 1, TimestampMs(WALL), &offer.into(), &[0; 32])
                .expect("a sound message")
                .frame
        })
        .collect()
}

/// The same frames, each changed.
fn changed(frames: &[Arc<[u8]>], change: impl Fn(&mut Vec<u8>)) -> Vec<Arc<[u8]>> {
    let changed = frames.iter().map(|frame| {
        let mut frame = frame.to_vec();
        change(&mut frame);
        frame.into()
    });
    changed.collect()
}

fn set(frame: &mut [u8], at: usize, byte: u8) {
    *frame.get_mut(at).expect("inside of the frame") = byte;
}

/// Changes a bit of the signature.
fn spoil(frame: &mut [u8]) {
    if let Some(last) = frame.last_mut() {
        *last ^= 1;
    }
}

/// Where the body begins.
const BODY: usize = limits::FRAME_OVERHEAD - 64;

fn cases() -> Vec<Case> {
    let (shares, joins) = (shares(), joins());
    let forged = changed(&shares, |frame| spoil(frame));
    let noise: Vec<Arc<[u8]>> = (0..POOL)
        .map(|number| {
            let mut frame: Vec<u8> = Vec::new();
            for block in 0..9u8 {
                frame.extend_from_slice(&tagged_hash("noise", &[&number.to_be_bytes(), &[block]]));
            }
            // One in 256 would be a version by chance.
            set(&mut frame, 0, 0xff);
            frame.into()
        })
        .collect();
    let plausible = changed(&noise, |frame| {
        set(frame, 0, limits::VERSION);
        set(frame, 1, Kind::NonceShare.code());
    });
    // Says that there are 255 nonces, where there is one.
    let promising = changed(&shares, |frame| set(frame, BODY + 36, 0xff));
    // A join as the hundredth signer.
    let impossible = changed(&joins, |frame| set(frame, BODY + 32, 100));
    let oversized = changed(&shares, |frame| frame.resize(Kind::NonceShare.frame_limit() + 1, 0));
    let dry = ValidatorLimits { peer_messages: Rate { per_minute: 1, burst: 0 }, ..unlimited() };
    let poor = ValidatorLimits { verifications_per_second: 0, ..unlimited() };
    vec![
        Case::new("valid, one signature", None, shares.clone()),
        Case::new("valid, two signatures", None, joins),
        Case::new("bad signature", Some(Rule::Signature), forged.clone()),
        Case::new("junk: noise", Some(Rule::Version), noise),
        Case::new("junk: head of a frame, then noise", Some(Rule::Envelope), plausible),
        Case::new("junk: body promises more than it holds", Some(Rule::Body), promising),
        Case::new("junk: body says the impossible", Some(Rule::Indices), impossible),
        Case::new("oversized", Some(Rule::Long), oversized),
        Case {
            work: Arc::new(HashWork::default()),
            ..Case::new("advertisement without work", Some(Rule::Work), unpaid())
        },
        Case { limits: dry, ..Case::new("bucket is empty", Some(Rule::PeerMessages), shares.clone()) },
        Case { limits: poor, ..Case::new("unsigned, no budget left", Some(Rule::Budget), forged.clone()) },
        Case { before: shares.clone(), ..Case::new("replay", Some(Rule::Replay), shares) },
        Case { before: forged.clone(), ..Case::new("bad signature, again", Some(Rule::KnownBad), forged) },
    ]
}

/// One message after the other: how long each takes from its arrival to the verdict.
fn alone(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/alone");
    group.throughput(Throughput::Elements(1));
    for case in cases() {
        group.bench_function(case.name, |bencher| {
            bencher.iter_custom(|rounds| passes(rounds, case.frames.len(), |count| case.one_by_one(count)));
        });
    }
    // What the others are compared with: nothing but the check of one signature.
    let key = secret("message", 0);
    let signature = schnorr::sign(&key, &[1; 32], &[0; 32]).expect("signing works");
    let public: XOnlyPublicKey = key.public_key().x_only();
    group.bench_function("a signature check by itself", |bencher| {
        bencher.iter(|| schnorr::verify(&public, &[1; 32], &signature));
    });
    group.finish();
}

/// Requests of 100 signers and nearly 50 KB, as large as they come, each from another peer.
fn requests(count: u8) -> Vec<Arc<[u8]>> {
    let (signer, message_key) = (secret("signer", 0), secret("message", 0));
    let keys: Vec<_> = (0..100).map(|number| secret("signer", number).public_key()).collect();
    (0..count)
        .map(|number| {
            let peer = PeerId::from_bytes(&[number; 38]).expect("38 bytes");
            let request = SigningRequest {
                creator: delegation(&signer, &message_key, peer),
                keys: keys.clone(),
                items: vec![Item { message: vec![1; 13 * 1024], derivation: Derivation::None }],
                options: RequestOptions::default(),
                metadata: RequestMetadata { transaction: vec![2; limits::TRANSACTION], ..RequestMetadata::default() },
                created: TimestampMs(WALL),
                expires: TimestampMs(WALL + 600_000),
                salt: [number; 16],
                work: None,
            };
            let sealed = seal(&network(), &message_key, 1, TimestampMs(WALL), &request.into(), &[0; 32]);
            sealed.expect("a sound message").frame
        })
        .collect()
}

/// Answers of nearly 256 KB, as large as any frame.
fn answers(count: u8) -> Vec<Arc<[u8]>> {
    let key = secret("message", 0);
    (0..count)
        .map(|number| {
            let answer = SyncResponse { request: RequestId::from_bytes([number; 32]), frames: vec![vec![3; 640]; 400] };
            seal(&network(), &key, 1, TimestampMs(WALL), &answer.into(), &[0; 32]).expect("a sound message").frame
        })
        .collect()
}

/// Frames so large that hashing them is what costs.
fn large(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/large");
    let poor = || ValidatorLimits { verifications_per_second: 0, ..unlimited() };
    // The last number of a body's first list says more than there is.
    let (requests, answers) = (requests(32), answers(32));
    let lying_requests = changed(&requests, |frame| set(frame, BODY + 180 + 3, 0xff));
    let lying_answers = changed(&answers, |frame| set(frame, BODY + 32 + 3, 0xff));
    let mut cases = Vec::new();
    for (name, frames, lying) in
        [("request of 49 KB", requests, lying_requests), ("answer of 252 KB", answers, lying_answers)]
    {
        let named = |what: &str| format!("{name}, {what}");
        cases.push((named("valid"), Case::new("valid", None, frames.clone())));
        cases.push((
            named("replay"),
            Case { before: frames.clone(), ..Case::new("replay", Some(Rule::Replay), frames.clone()) },
        ));
        cases.push((
            named("no budget left"),
            Case { limits: poor(), ..Case::new("no budget", Some(Rule::Budget), frames) },
        ));
        cases.push((named("body promises more"), Case::new("promises", Some(Rule::Body), lying)));
    }
    for (name, case) in cases {
        group.throughput(Throughput::Bytes(case.frames.first().map_or(0, |frame| frame.len() as u64)));
        group.bench_function(name.as_str(), |bencher| {
            bencher.iter_custom(|rounds| passes(rounds, case.frames.len(), |count| case.one_by_one(count)));
        });
    }
    group.finish();
}

/// A backlog: admitted one after the other, then checked in batches.
fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/batches");
    group.throughput(Throughput::Elements(1));
    let valid = Case::new("valid", None, shares());
    let bad = Case::new("all bad", None, changed(&valid.frames, |frame| spoil(frame)));
    for size in [8, 64, 256] {
        // One of each batch is bad, the first.
        let mixed = (valid.frames.iter().zip(&bad.frames).enumerate())
            .map(|(number, (good, bad))| if number % size == 0 { bad.clone() } else { good.clone() });
        let mixed = Case::new("one bad in each", None, mixed.collect());
        for (case, share) in [(&valid, size), (&mixed, size - 1), (&bad, 0)] {
            group.bench_function(BenchmarkId::new(case.name, size), |bencher| {
                bencher.iter_custom(|rounds| {
                    passes(rounds, case.frames.len(), |count| {
                        let mut rng = ChaCha8Rng::from_seed([6; 32]);
                        let mut validator = case.validator();
                        let start = Instant::now();
                        let mut believed = 0;
                        for backlog in case.frames.get(..count).unwrap_or_default().chunks(size) {
                            let admitted = backlog.iter().map(|frame| validator.admit(arrival(frame), NOW));
                            let admitted = admitted.collect::<Result<Vec<_>, _>>().expect("nothing is refused early");
                            believed += verify_batch(admitted, &mut rng).iter().filter(|result| result.is_ok()).count();
                        }
                        let elapsed = start.elapsed();
                        assert!(count % size != 0 || believed == count / size * share, "{}: {believed}", case.name);
                        elapsed
                    })
                });
            });
        }
    }
    group.finish();
}

/// Adds up passes over a pool until so many messages have been handled.
fn passes(rounds: u64, pool: usize, mut pass: impl FnMut(usize) -> Duration) -> Duration {
    let mut left = rounds;
    let mut elapsed = Duration::ZERO;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(pool);
        elapsed += pass(count);
        left -= u64::try_from(count).unwrap_or(left);
    }
    elapsed
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = alone, large, batches
}
criterion_main!(benches);
