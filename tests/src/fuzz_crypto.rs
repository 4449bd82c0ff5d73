//! Fuzz targets of the signing crate, as functions: libFuzzer calls them with what it invents (`tests/fuzz`), an ordinary
//! test with what it once found interesting (`tests/fuzz/corpus`).
//!
//! Random bytes are hardly ever a valid session. [`session`] therefore plays one honestly, as the input's first bytes
//! describe it, and then changes what travels as the rest says.

#![expect(clippy::expect_used, clippy::panic, reason = "a broken promise has to stop the fuzzer")]

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex};

use ciborium::Value;
use motet_core_crypto::adaptor::{self, AdaptorSignature};
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceCommitment, NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey,
    SecretNonce, Signature, SigningSession, TweakError, XOnlyPublicKey, deterministic, generate_nonce, schnorr,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fuzz_wire::Target;

static KEYS: LazyLock<Vec<SecretKey>> =
    LazyLock::new(|| (1..=12).map(|byte| SecretKey::from_bytes(&[byte; 32]).expect("a valid key")).collect());
static PUBLIC: LazyLock<Vec<PublicKey>> = LazyLock::new(|| KEYS.iter().map(SecretKey::public_key).collect());

const MESSAGE: &[u8] = b"message";

fn array<const N: usize>(data: &[u8]) -> Option<[u8; N]> {
    data.first_chunk().copied()
}

/// Any bytes as every type that can be read, in every way to read it: what is taken is written as the same bytes, and as
/// text that reads back.
pub fn parse(data: &[u8]) {
    if let Some(key) = array(data).and_then(|bytes| PublicKey::from_bytes(&bytes).ok()) {
        assert_eq!(Some(key.to_bytes()), array(data), "a key has two encodings");
        assert_eq!(PublicKey::from_slice(&key.to_bytes()), Ok(key));
        let x_only = XOnlyPublicKey::from_bytes(&key.x_only().to_bytes()).expect("x of a point");
        assert_eq!(x_only, key.x_only());
    }
    if let Some(nonce) = array(data).and_then(|bytes| PublicNonce::from_bytes(&bytes).ok()) {
        assert_eq!(Some(nonce.to_bytes()), array(data), "a nonce has two encodings");
        let sum = AggregateNonce::sum(&[nonce]);
        assert_eq!(sum.to_bytes(), nonce.to_bytes(), "one nonce is its own sum");
    }
    if let Some(nonce) = array(data).and_then(|bytes| AggregateNonce::from_bytes(&bytes).ok()) {
        assert_eq!(Some(nonce.to_bytes()), array(data), "an aggregate nonce has two encodings");
    }
    if let Some(key) = array(data).and_then(|bytes| XOnlyPublicKey::from_bytes(&bytes).ok()) {
        assert_eq!(Some(key.to_bytes()), array(data), "an x-only key has two encodings");
    }
    if let Some(partial) = array(data).and_then(|bytes| PartialSignature::from_bytes(&bytes).ok()) {
        assert_eq!(Some(partial.to_bytes()), array(data), "a partial signature has two encodings");
    }
    if let Some(signature) = array(data).and_then(|bytes| AdaptorSignature::from_bytes(&bytes).ok()) {
        assert_eq!(Some(signature.to_bytes()), array(data), "an adaptor signature has two encodings");
    }
    if let Some(key) = array(data).and_then(|bytes| SecretKey::from_bytes(&bytes).ok()) {
        assert_eq!(Some(*key.dangerous_to_bytes()), array(data), "a secret key has two encodings");
    }
    lists(data);
    forms::<PublicKey>(data);
    forms::<XOnlyPublicKey>(data);
    forms::<PublicNonce>(data);
    forms::<AggregateNonce>(data);
    forms::<NonceCommitment>(data);
    forms::<PartialSignature>(data);
    forms::<Signature>(data);
    forms::<AdaptorSignature>(data);
}

/// Many at once are what each is by itself, and the first that is nothing is named.
fn lists(data: &[u8]) {
    let (keys, _) = data.as_chunks::<33>();
    let one_by_one = keys.iter().map(PublicKey::from_bytes);
    let wrong = one_by_one.clone().position(|key| key.is_err());
    match PublicKey::from_bytes_all(keys) {
        Ok(all) => assert!(one_by_one.flatten().eq(all) && wrong.is_none(), "other keys together than alone"),
        Err(error) => assert_eq!(Some(error.index), wrong, "not the first that is no key"),
    }
    let (nonces, _) = data.as_chunks::<66>();
    let one_by_one = nonces.iter().map(PublicNonce::from_bytes);
    let wrong = one_by_one.clone().position(|nonce| nonce.is_err());
    match PublicNonce::from_bytes_all(nonces) {
        Ok(all) => assert!(one_by_one.flatten().eq(all) && wrong.is_none(), "other nonces together than alone"),
        Err(error) => assert_eq!(Some(error.index), wrong, "not the first that is no nonce"),
    }
}

/// The bytes as text, and through serde as bytes and as a sequence of numbers.
fn forms<T>(data: &[u8])
where
    T: FromStr + Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    if let Some((text, value)) = std::str::from_utf8(data).ok().and_then(|text| Some((text, text.parse::<T>().ok()?))) {
        assert!(value.to_string().eq_ignore_ascii_case(text), "a value has two texts");
        assert_eq!(value.to_string().parse().ok(), Some(value), "a value does not read its own text");
    }
    let numbers = data.iter().map(|byte| Value::from(*byte)).collect();
    for form in [Value::Bytes(data.to_vec()), Value::Array(numbers)] {
        if let Ok(value) = form.deserialized::<T>() {
            assert_eq!(Value::serialized(&value).ok(), Some(Value::Bytes(data.to_vec())), "a value has two forms");
        }
    }
}

/// Steps of 33 bytes: a kind and a tweak. The context never panics, and the aggregate key stays that of its secret.
pub fn tweaks(data: &[u8]) {
    let [first, second, ..] = KEYS.as_slice() else { return };
    let keys = [first.public_key(), second.public_key()];
    let mut context = KeyAggContext::new(&keys).expect("two keys");
    for step in data.chunks_exact(33).take(12) {
        let Some(([kind], tweak)) = step.split_first_chunk() else { return };
        let Some(tweak) = array(tweak) else { return };
        let before = context.clone();
        let next = match kind % 5 {
            0 => before.with_plain_tweak(&tweak),
            1 => before.with_xonly_tweak(&tweak),
            2 => before.with_taproot(Some(&tweak)),
            3 => before.with_taproot(None),
            _ => before.with_bip328_path(&tweak.map(u32::from)),
        };
        match next {
            Ok(next) => context = next,
            Err(error) => assert_eq!(error, TweakError::OutOfRange, "of tweaks that somebody chose at random"),
        }
    }
    // A signature under the tweaked key shows that all accumulators are right.
    let (secret, nonce) = make_nonce(first, 1);
    let last = deterministic::sign(second, &context, &AggregateNonce::sum(&[nonce]), data, None).expect("a signer");
    let partial = last.session.sign(secret, first).expect("a signer");
    let signature = last.session.aggregate(&[partial, last.partial]).expect("both are honest");
    schnorr::verify(&context.aggregate_key(), data, &signature).expect("verified before it was handed out");
}

fn make_nonce(key: &SecretKey, seed: u8) -> (SecretNonce, PublicNonce) {
    let public_key = &key.public_key();
    let inputs = NonceInputs { public_key, secret_key: Some(key), aggregate_key: None, message: None, extra: None };
    generate_nonce(&mut ChaCha20Rng::from_seed([seed; 32]), &inputs).expect("a generator that works")
}

/// What honest signers make of a message.
struct Honest {
    context: KeyAggContext,
    session: SigningSession,
    nonces: Vec<PublicNonce>,
    partials: Vec<PartialSignature>,
}

impl Honest {
    /// The session of the first of the keys, under a tweak of 256 that are told by one byte.
    fn play(signers: usize, tweak: u8) -> Self {
        let (keys, public) =
            (KEYS.iter().take(signers), PUBLIC.get(..signers).expect("at most as many as there are keys"));
        let mut context = KeyAggContext::new(public).expect("distinct keys");
        if tweak & 1 == 1 {
            context = context.with_plain_tweak(&[tweak / 2; 32]).expect("a tweak in range");
        }
        if tweak & 2 == 2 {
            context = context.with_taproot(None).expect("a hash");
        }
        let (secrets, nonces): (Vec<SecretNonce>, Vec<PublicNonce>) =
            keys.clone().zip(1..).map(|(key, seed)| make_nonce(key, seed)).unzip();
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), MESSAGE);
        let partials = secrets.into_iter().zip(keys);
        let partials = partials.map(|(nonce, key)| session.sign(nonce, key).expect("an honest signer")).collect();
        Self { context, session, nonces, partials }
    }

    /// The same, played once a process: signing is most of the time, and what is changed comes after it.
    fn remembered(signers: usize, tweak: u8) -> Arc<Self> {
        static PLAYED: Mutex<BTreeMap<(usize, u8), Arc<Honest>>> = Mutex::new(BTreeMap::new());
        let mut played = PLAYED.lock().expect("the fuzzer has one thread, and tests do not panic in here");
        Arc::clone(played.entry((signers, tweak)).or_insert_with(|| Arc::new(Self::play(signers, tweak))))
    }
}

/// A session with changed bytes: number of signers, number of tweaks, then changes of four bytes (what, whose, where,
/// how). Whoever's nonce or partial signature is changed is named, nobody else, and only an unchanged session succeeds.
pub fn session(data: &[u8]) {
    let [signers, tweak, changes @ ..] = data else { return };
    let signers = 1 + usize::from(*signers) % KEYS.len();
    let honest = Honest::remembered(signers, *tweak);
    let Honest { context, session, nonces, partials } = &*honest;
    let commitment = NonceCommitment::new(&[7; 32], 0, nonces);

    let (mut sent_nonces, mut sent_partials) = (nonces.clone(), partials.clone());
    for change in changes.chunks_exact(4).take(32) {
        let [what, whose, at, flip] = *change else { return };
        let whose = usize::from(whose) % signers;
        if what & 1 == 0 {
            let Some(nonce) = sent_nonces.get_mut(whose) else { return };
            let mut bytes = nonce.to_bytes();
            change_byte(&mut bytes, at, flip);
            // What is no nonce does not reach anybody.
            *nonce = PublicNonce::from_bytes(&bytes).unwrap_or(*nonce);
        } else {
            let Some(partial) = sent_partials.get_mut(whose) else { return };
            let mut bytes = partial.to_bytes();
            change_byte(&mut bytes, at, flip);
            *partial = PartialSignature::from_bytes(&bytes).unwrap_or(*partial);
        }
    }
    let guilty: Vec<usize> = (0..signers)
        .filter(|at| sent_nonces.get(*at) != nonces.get(*at) || sent_partials.get(*at) != partials.get(*at))
        .collect();
    assert_eq!(commitment.opens(&[7; 32], 0, &sent_nonces), sent_nonces == *nonces, "a commitment opens to two values");

    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let optimistic = session.aggregate_optimistically(&sent_nonces, &sent_partials, &mut rng);
    match session.verify_partials(&sent_nonces, &sent_partials, &mut rng) {
        Ok(verified) => {
            assert!(guilty.is_empty(), "{guilty:?} changed something and were believed");
            let signature = session.aggregate_verified(&verified).expect("verified together");
            assert_eq!(optimistic, Ok(signature));
            schnorr::verify(&context.aggregate_key(), MESSAGE, &signature).expect("a signature");
        }
        Err(fault) => {
            assert_eq!(fault.culprits, guilty, "the wrong signers are named");
            // Without the single checks, changes of nonces alone go unseen and do no harm.
            if let Ok(signature) = optimistic {
                schnorr::verify(&context.aggregate_key(), MESSAGE, &signature).expect("a signature");
            }
        }
    }
}

fn change_byte(bytes: &mut [u8], at: u8, flip: u8) {
    let length = bytes.len();
    if let Some(byte) = bytes.get_mut(usize::from(at) % length) {
        *byte ^= flip;
    }
}

/// Entries of 66 bytes: whose key, which message, and a signature. A batch is right about each of them.
pub fn batch(data: &[u8]) {
    let entries: Vec<(XOnlyPublicKey, &[u8], Signature)> = data
        .chunks_exact(66)
        .take(12)
        .filter_map(|entry| {
            let ([who, length], signature) = entry.split_first_chunk()?;
            let key = PUBLIC.get(usize::from(*who) % PUBLIC.len())?;
            Some((key.x_only(), MESSAGE.get(..usize::from(*length) % 8)?, Signature::from_bytes(&array(signature)?)))
        })
        .collect();
    let wrong: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, (key, message, signature))| schnorr::verify(key, message, signature).is_err())
        .map(|(index, _)| index)
        .collect();
    match schnorr::verify_batch(&entries, &mut ChaCha20Rng::from_seed([3; 32])) {
        Ok(()) => assert!(wrong.is_empty(), "{wrong:?} passed in a batch"),
        Err(error) => assert_eq!(error.culprits, wrong, "a batch names others than single checks"),
    }
}

/// An adaptor signature and a signature, of any bytes: what verifies completes, and gives away nothing but the secret.
pub fn adaptors(data: &[u8]) {
    let [first, second, ..] = KEYS.as_slice() else { return };
    let (key, point) = (first.public_key().x_only(), second.public_key());
    let Some((bytes, rest)) = data.split_first_chunk() else { return };
    let Ok(signature) = AdaptorSignature::from_bytes(bytes) else { return };
    if adaptor::verify(&key, MESSAGE, &point, &signature).is_ok() {
        let completed = signature.adapt(second);
        schnorr::verify(&key, MESSAGE, &completed).expect("a verified adaptor signature completes");
        let secret = signature.extract(&completed, &point).expect("the secret that completed it");
        assert_eq!(secret.public_key(), point);
    }
    let Some(completed) = array(rest) else { return };
    if let Ok(secret) = signature.extract(&Signature::from_bytes(&completed), &point) {
        assert_eq!(secret.public_key(), point, "a secret of another point");
    }
}

/// All targets, by the names of their folders.
pub const TARGETS: [Target; 5] = [
    ("crypto_parse", parse),
    ("crypto_tweaks", tweaks),
    ("crypto_session", session),
    ("crypto_batch", batch),
    ("crypto_adaptors", adaptors),
];

/// What the corpora start from: sound inputs for a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let [first, second, ..] = KEYS.as_slice() else { return Vec::new() };
    let adaptor = adaptor::sign(first, MESSAGE, &second.public_key(), &[0; 32]).expect("a signer");
    match target {
        "crypto_parse" => vec![
            first.public_key().to_bytes().to_vec(),
            make_nonce(first, 1).1.to_bytes().to_vec(),
            [&[0; 33][..], &second.public_key().to_bytes()].concat(),
            first.public_key().to_string().into_bytes(),
            make_nonce(first, 1).1.to_string().into_bytes(),
            adaptor.to_string().into_bytes(),
            PUBLIC.iter().flat_map(PublicKey::to_bytes).collect(),
            [make_nonce(first, 1).1.to_bytes(), make_nonce(second, 2).1.to_bytes(), [2; 66]].concat(),
            adaptor.to_bytes().to_vec(),
            vec![0xFF; 66],
        ],
        "crypto_tweaks" => {
            (0..5).map(|kind| [[kind, 1, 2, 3, 4, 5, 6, 7, 8, 9, kind].as_slice(); 6].concat()).collect()
        }
        "crypto_session" => vec![
            vec![0, 0],
            vec![2, 3],
            vec![11, 1, 0, 4, 0, 1],
            vec![9, 2, 1, 3, 31, 1, 1, 8, 0, 128],
            vec![1, 0, 0, 0, 33, 1, 1, 0, 5, 5, 0, 0, 33, 1],
        ],
        "crypto_batch" => {
            let entry = |who: u8, length: u8| {
                let key = KEYS.get(usize::from(who)).expect("one of twelve");
                let message = MESSAGE.get(..usize::from(length)).expect("at most seven");
                let signature = schnorr::sign(key, message, &[who; 32]).expect("a signer");
                [&[who, length], &signature.to_bytes()[..]].concat()
            };
            let good: Vec<u8> = (0..5).flat_map(|who| entry(who, who)).collect();
            let mut bad = good.clone();
            bad.extend(entry(3, 7).iter().map(|byte| byte ^ 1));
            vec![entry(1, 2), good, bad]
        }
        "crypto_adaptors" => {
            let completed = adaptor.adapt(second).to_bytes();
            vec![adaptor.to_bytes().to_vec(), [&adaptor.to_bytes()[..], &completed].concat()]
        }
        other => panic!("there is no target {other}"),
    }
}
