//! What the signing crate does with secrets, one scenario an operation, and at which sites each may make something public.

use motet_core_crypto::adaptor::{self, AdaptorSession};
use motet_core_crypto::declassify::Site;
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, PublicNonce, SecretKey, SecretNonce, SigningSession, deterministic,
    generate_nonce, schnorr,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Infallible, SeedableRng, TryCryptoRng, TryRng};

use crate::memcheck;

/// Randomness that nobody may branch on.
struct Concealed(ChaCha20Rng);

impl TryRng for Concealed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)?;
        memcheck::conceal(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Concealed {}

fn rng(seed: u8) -> Concealed {
    Concealed(ChaCha20Rng::from_seed([seed; 32]))
}

fn concealed(byte: u8) -> [u8; 32] {
    let mut bytes = [byte; 32];
    memcheck::conceal(&mut bytes);
    bytes
}

/// A key whose bytes nobody may branch on.
fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&concealed(byte)).expect("a key in range")
}

fn nonce(key: &SecretKey, context: &KeyAggContext) -> (SecretNonce, PublicNonce) {
    let inputs = NonceInputs {
        public_key: &key.public_key(),
        secret_key: Some(key),
        aggregate_key: Some(&context.aggregate_key()),
        message: Some(b"message"),
        extra: Some(b"extra"),
    };
    generate_nonce(&mut rng(9), &inputs).expect("a nonce")
}

/// Two signers under a key with an odd and an even number of negations.
fn contexts(keys: [&SecretKey; 2]) -> [KeyAggContext; 4] {
    let plain = KeyAggContext::new(&keys.map(SecretKey::public_key)).expect("two keys");
    let tweaked = |byte| plain.clone().with_plain_tweak(&[byte; 32]).expect("in range").with_taproot(None);
    [plain.clone(), tweaked(1).expect("in range"), tweaked(2).expect("in range"), tweaked(3).expect("in range")]
}

fn keys_from_bytes() {
    for byte in 1..16 {
        drop(key(byte));
    }
}

fn keys_from_randomness() {
    for seed in 0..16 {
        drop(SecretKey::generate(&mut rng(seed)).expect("a generator that works"));
    }
}

/// The one scalar that the comb leaves to k256's multiplication, as a build without `std` leaves all to it.
fn keys_without_the_comb() {
    // 30 * 16^63 - n.
    let mut bytes = [
        0xE0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x45, 0x51,
        0x23, 0x19, 0x50, 0xB7, 0x5F, 0xC4, 0x40, 0x2D, 0xA1, 0x73, 0x2F, 0xC9, 0xBE, 0xBF,
    ];
    memcheck::conceal(&mut bytes);
    drop(SecretKey::from_bytes(&bytes).expect("a key in range"));
}

fn key_bytes() {
    let bytes = key(1).dangerous_to_bytes();
    drop(bytes);
}

fn taproot_keys() {
    for byte in 1..16 {
        drop(key(byte).into_taproot_output(Some(&[byte; 32])).expect("in range"));
    }
}

fn nonces() {
    let (alice, bob) = (key(1), key(2));
    for context in contexts([&alice, &bob]) {
        drop(nonce(&alice, &context));
    }
    let public_key = &alice.public_key();
    let inputs = NonceInputs { public_key, secret_key: None, aggregate_key: None, message: None, extra: None };
    drop(generate_nonce(&mut rng(1), &inputs).expect("a nonce"));
}

fn partial_signatures() {
    let (alice, bob) = (key(1), key(2));
    for context in contexts([&alice, &bob]) {
        for message in 0..8 {
            let ((alice_secret, alice_public), (bob_secret, bob_public)) =
                (nonce(&alice, &context), nonce(&bob, &context));
            let sum = AggregateNonce::sum(&[alice_public, bob_public]);
            let session = SigningSession::new(&context, &sum, &[message]);
            let partials = [session.sign(alice_secret, &alice), session.sign(bob_secret, &bob)];
            let partials = partials.map(|partial| partial.expect("an honest signer"));
            session.aggregate(&partials).expect("honest signers");
        }
    }
}

fn deterministic_signatures() {
    let (alice, bob) = (key(1), key(2));
    for context in contexts([&alice, &bob]) {
        let (secret, public) = nonce(&alice, &context);
        drop(secret);
        let others = AggregateNonce::sum(&[public]);
        deterministic::sign(&bob, &context, &others, b"message", None).expect("an honest signer");
        let aux = concealed(5);
        deterministic::sign(&bob, &context, &others, b"message", Some(&aux)).expect("an honest signer");
    }
}

fn signatures() {
    for byte in 1..16 {
        schnorr::sign(&key(byte), b"message", &concealed(3)).expect("a signature");
    }
}

fn adaptor_signatures() {
    for byte in 1..16 {
        let point = key(byte + 100).public_key();
        adaptor::sign(&key(byte), b"message", &point, &concealed(3)).expect("an adaptor signature");
    }
    let (alice, bob) = (key(1), key(2));
    for context in contexts([&alice, &bob]) {
        let ((alice_secret, alice_public), (bob_secret, bob_public)) = (nonce(&alice, &context), nonce(&bob, &context));
        let sum = AggregateNonce::sum(&[alice_public, bob_public]);
        let session = AdaptorSession::new(&context, &sum, &key(7).public_key(), b"message");
        let partials = [session.sign(alice_secret, &alice), session.sign(bob_secret, &bob)];
        session.aggregate(&partials.map(|partial| partial.expect("an honest signer"))).expect("honest signers");
    }
}

fn adapting() {
    for byte in 1..16 {
        // The adaptor signature itself is made with a key that is public here: only the adaptor secret is concealed.
        let secret = key(byte);
        let signer = SecretKey::from_bytes(&[50; 32]).expect("a key in range");
        let signature = adaptor::sign(&signer, b"message", &secret.public_key(), &[0; 32]).expect("a signature");
        schnorr::verify(&signer.public_key().x_only(), b"message", &signature.adapt(&secret)).expect("completed");
    }
}

/// A scenario: its name, what it does, and the sites that it passes, all of them.
pub type Scenario = (&'static str, fn(), &'static [Site]);

use Site::{
    AdaptedScalar, PartialSignature, PublicKey, PublicNonce as PublicNonceSite, SecretInRange, SignatureNonce,
    SignatureScalar, SpecialScalar,
};

/// All scenarios.
pub const SCENARIOS: [Scenario; 11] = [
    ("keys from bytes", keys_from_bytes, &[SecretInRange, SpecialScalar, PublicKey]),
    ("keys without the comb", keys_without_the_comb, &[SecretInRange, SpecialScalar, PublicKey]),
    ("keys from randomness", keys_from_randomness, &[SecretInRange, SpecialScalar, PublicKey]),
    ("bytes of a key", key_bytes, &[SecretInRange, SpecialScalar, PublicKey]),
    ("keys of taproot outputs", taproot_keys, &[SecretInRange, SpecialScalar, PublicKey]),
    ("nonces", nonces, &[SecretInRange, SpecialScalar, PublicKey, PublicNonceSite]),
    (
        "partial signatures",
        partial_signatures,
        &[SecretInRange, SpecialScalar, PublicKey, PublicNonceSite, PartialSignature],
    ),
    (
        "deterministic partial signatures",
        deterministic_signatures,
        &[SecretInRange, SpecialScalar, PublicKey, PublicNonceSite, PartialSignature],
    ),
    ("signatures", signatures, &[SecretInRange, SpecialScalar, PublicKey, SignatureNonce, SignatureScalar]),
    (
        "adaptor signatures",
        adaptor_signatures,
        &[SecretInRange, SpecialScalar, PublicKey, PublicNonceSite, SignatureNonce, SignatureScalar, PartialSignature],
    ),
    (
        "completing adaptor signatures",
        adapting,
        &[SecretInRange, SpecialScalar, PublicKey, SignatureNonce, SignatureScalar, AdaptedScalar],
    ),
];

/// An early way out of a comparison, as everybody writes it once.
fn leaky_comparison() {
    let (left, right) = (concealed(1), concealed(2));
    let equal = std::hint::black_box(&left).iter().zip(std::hint::black_box(&right)).all(|(left, right)| left == right);
    std::hint::black_box(equal);
}

/// A look-up at a secret place.
fn leaky_table() {
    let table: [u8; 256] = std::array::from_fn(|index| index as u8);
    let [index, ..] = concealed(7);
    std::hint::black_box(std::hint::black_box(&table)[usize::from(index)]);
}

/// The variable-time multiplication of the arithmetic that we use.
fn leaky_multiplication() {
    use k256::elliptic_curve::ops::Reduce;
    let scalar = <k256::Scalar as Reduce<k256::FieldBytes>>::reduce(&concealed(9).into());
    std::hint::black_box(k256::ProjectivePoint::mul_by_generator_vartime(&scalar));
}

/// Our own variable-time engine: what is a public nonce for everybody else, parsed from concealed bytes.
fn leaky_parser() {
    let mut bytes = [2; 66];
    memcheck::conceal(&mut bytes);
    std::hint::black_box(PublicNonce::from_bytes(&bytes).is_ok());
}

/// What must be found, or else nobody looks.
pub const CONTROLS: [(&str, fn()); 4] = [
    ("a comparison that stops early", leaky_comparison),
    ("a table at a secret index", leaky_table),
    ("k256's variable-time multiplication", leaky_multiplication),
    ("our variable-time parser", leaky_parser),
];
